"""`python -m tests.cluster.stand_in settings.json`: runs until it is asked to end (SIGTERM)."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.cluster.api import Refused
from tests.cluster.clock import NotInTime, now_s
from tests.cluster.stand_in.autoscaler import Autoscaler, say
from tests.cluster.stand_in.demand import asks
from tests.cluster.stand_in.settings import Settings
from tests.cluster.watch import Seen, Watch


class Wake:
    """Says when a pod has begun to ask for a node, so that the next loop need not wait for its turn."""

    def __init__(self, autoscaler: Autoscaler) -> None:
        self._autoscaler = autoscaler
        self._asking: set[str] = set()
        self.event = threading.Event()
        self._watch: Watch | None = None

    def told(self, seen: Seen) -> None:
        """One change of a pod."""
        uid = seen.object["metadata"]["uid"]
        if seen.change == "DELETED" or not asks(seen.object):
            self._asking.discard(uid)
        elif uid not in self._asking:
            self._asking.add(uid)
            self.event.set()

    def keep_open(self, stack: ExitStack) -> None:
        """Watches again where the watch has ended, as with a restart of the API server."""
        if self._watch is None or not self._watch.open:
            self._watch = stack.enter_context(Watch(self._autoscaler.api, "pods", told=self.told))


def main(file: Path) -> None:
    """Loops until SIGTERM."""
    settings = Settings.read(file)
    autoscaler, ending = Autoscaler(settings), threading.Event()
    wake = Wake(autoscaler)

    def end(*_: object) -> None:
        ending.set()
        wake.event.set()

    signal.signal(signal.SIGTERM, end)
    say(f"stand-in of Cluster Autoscaler, {len(autoscaler.groups)} groups")
    with ExitStack() as stack:
        while not ending.is_set():
            begin = now_s()
            wake.event.clear()
            productive = False
            try:
                wake.keep_open(stack)
                productive = autoscaler.run_once()
            except (Refused, OSError, NotInTime) as error:
                say(f"loop failed: {error}")
            if not productive and not ending.is_set():
                wake.event.wait(max(0.0, begin + settings.scan_s - now_s()))
    autoscaler.api.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
