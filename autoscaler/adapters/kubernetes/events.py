"""The events port on events.k8s.io: one thread says what was recorded, at a bounded rate.

Equal notices within a window are one event with a rising count; the loop that records them never waits and never fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event, Lock, Thread

from autoscaler.adapters.kubernetes.event_series import MOST_NOTE, Allowance, Series, SeriesBook
from autoscaler.adapters.kubernetes.micro_time import micro_time
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import EVENTS
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import NotFound
from autoscaler.ports.events import Notice

CONTROLLER = "gpu-autoscaler.io/controller"


@dataclass(frozen=True, slots=True)
class EventSettings:
    """window_s: a notice repeated within so long is a repetition. refresh_s: between two counts of one event.

    per_s, burst: events and counts a second, and at once. most: series remembered at a time.
    """

    window_s: float = 600.0
    refresh_s: float = 60.0
    per_s: float = 1.0
    burst: float = 25.0
    most: int = 500


class EventRecorder:
    """Records between `start` and `stop`. failed: calls that did not go through; problem: why the last one did not."""

    def __init__(
        self, objects: Objects, clock: ClockPort, instance: str, settings: EventSettings | None = None
    ) -> None:
        """`instance`: which of our processes speaks (the name of its pod)."""
        self._objects = objects
        self._clock = clock
        self._instance = instance[:128]
        self._settings = settings or EventSettings()
        self._book = SeriesBook(self._settings.window_s, self._settings.refresh_s, self._settings.most)
        self._allowance = Allowance(self._settings.per_s, self._settings.burst)
        self._lock = Lock()
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="events", daemon=True)
        self.failed = 0
        self.problem: str | None = None

    @property
    def lost(self) -> int:
        """Notices for which there was no room."""
        return self._book.lost

    def start(self) -> None:
        self._thread.start()

    def record(self, notice: Notice) -> None:
        with self._lock:
            self._book.add(notice, self._clock.monotonic_s(), self._clock.wall_s())
        self._wake.set()

    def stop(self) -> None:
        """Says what is still unsaid as far as the rate allows, and ends."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if self._stop.is_set():
                break
            wait_s = self._say_due()
            self._clock.wait(wait_s, self._wake)
        self._say_due(last=True)

    def _say_due(self, last: bool = False) -> float:
        """Says what is due (`last`: all that is unsaid); seconds until the next look is worth while."""
        with self._lock:
            unsaid = self._book.unsaid()
        for series in unsaid:
            now_s = self._clock.monotonic_s()
            wait_s = 0.0 if last else series.due_s(self._settings.refresh_s) - now_s
            wait_s = wait_s if wait_s > 0.0 else self._allowance.wait_s(now_s)
            if wait_s > 0.0:
                return wait_s
            self._say(series)
        return self._settings.refresh_s

    def _say(self, series: Series) -> None:
        with self._lock:
            count, seen_s = series.count, series.last_wall_s
        repeated = {"count": count, "lastObservedTime": micro_time(seen_s)}
        try:
            name = Name(EVENTS, series.notice.about.namespace or "default", series.name)
            if series.said == 0 or not self._raise_count(name, repeated):
                self._objects.ensure(name, self._event(series) | ({"series": repeated} if count > 1 else {}))
            self.problem = None
        except Exception as error:  # whatever it is, it must not end the events for good
            self.failed += 1
            self.problem = f"{type(error).__name__}: {error}"
        with self._lock:
            series.said, series.said_s = count, self._clock.monotonic_s()

    def _raise_count(self, name: Name, repeated: dict[str, object]) -> bool:
        """False where the event has expired meanwhile."""
        try:
            self._objects.merge_patch(name, {"series": repeated})
        except NotFound:
            return False
        return True

    def _event(self, series: Series) -> dict[str, object]:
        notice = series.notice
        return {
            "eventTime": micro_time(series.first_wall_s),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": notice.reason,
            "reason": notice.reason,
            "type": "Warning" if notice.warning else "Normal",
            "note": _cut(notice.note),
            "regarding": {
                "apiVersion": notice.about.api_version,
                "kind": notice.about.kind,
                "namespace": notice.about.namespace,
                "name": notice.about.name,
                "uid": notice.about.uid,
            },
        }


def _cut(note: str) -> str:
    """At most as many bytes as the API takes."""
    said = note.encode()
    return note if len(said) <= MOST_NOTE else said[: MOST_NOTE - 3].decode(errors="ignore") + "..."
