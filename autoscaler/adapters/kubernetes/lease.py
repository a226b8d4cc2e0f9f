"""The leadership port on a Lease: one thread that stands for election until it is stopped."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread

from autoscaler.adapters.kubernetes.election import Election, ElectionSettings
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import PortError


class LeaseLeadership:
    """Keeps asking. `problem` says why the last attempt failed, None where it went through, won or lost."""

    def __init__(self, objects: Objects, clock: ClockPort, settings: ElectionSettings) -> None:
        """`objects` should give up sooner than `renew_s`: an attempt that hangs renews nothing."""
        self._election = Election(objects, clock, settings)
        self._clock = clock
        self._retry_s = settings.retry_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name=f"lease {settings.name}", daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        self._thread.start()

    def is_leader(self) -> bool:
        return not self._stop.is_set() and self._election.is_leader()

    @property
    def holder(self) -> str:
        """Who leads, as far as we have seen; empty where nobody does."""
        return self._election.holder

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._election.attempt()
                self.problem = None
            except PortError as error:
                self.problem = str(error)
            except Exception as error:  # whatever it is, it must not end the election for good
                self.problem = f"{type(error).__name__}: {error}"
            self._clock.wait(self._retry_s, self._stop)
        with suppress(Exception):  # nobody is left to tell: the others wait for the end of the lease
            self._election.release()
