"""Whether pods found their images on their nodes, from the events of kubelets.

Events come late or not at all, and are gone an hour later: who has none is told nothing of. What was heard is kept for
as many pods as a start may still be told of, whatever becomes of the events. Where they are forbidden, starts are told
without, and `problems` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock

from autoscaler.adapters.kubernetes.cache import Change, Happened
from autoscaler.adapters.kubernetes.listing import Selection
from autoscaler.adapters.kubernetes.resource import EVENTS
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.watching import Watching, WatchSettings
from autoscaler.placeholder.pod import Json

REASON = "Pulled"
MOST_PODS = 5000
"""Pods of which is kept what was heard; the oldest go first."""
LEAST_PULL_S = 2.0
"""A pull that took less only asked the registry whether what is there is right, as with `imagePullPolicy: Always`."""
UNHEARD = "until then nobody tells starts that found their image from those that did not"
_CONTAINER = re.compile(r"\{(.+)\}")
_TOOK = re.compile(r" in ([0-9a-zµ.]+)")
_STEP = re.compile(r"([0-9.]+)(ns|us|µs|ms|s|m|h)")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Pull:
    """An event. uid: of the pod. container: empty where it is not told. found: the image was on the node."""

    uid: str
    container: str
    found: bool


@dataclass(frozen=True, slots=True)
class Images:
    """Of one pod. pulled: an image of it had to be pulled. found: containers whose image was on the node."""

    pulled: bool = False
    found: frozenset[str] = frozenset()


class Pulls:
    """Watches events in the namespaces of workloads between `start` and `stop`."""

    def __init__(self, transport: Transport, namespaces: Iterable[str], settings: WatchSettings) -> None:
        chosen = [Selection(EVENTS, space, fields=f"reason={REASON}") for space in sorted(set(namespaces))]
        self._watches = [Watching(transport, one, pull, (self.told,), settings) for one in chosen]
        self._heard: dict[str, Images] = {}
        self._lock = Lock()

    def start(self) -> None:
        for watch in self._watches:
            watch.start()

    def stop(self) -> None:
        for watch in self._watches:
            watch.stop()

    def told(self, change: Change[Pull | None]) -> None:
        """Handler of the watches, in their threads."""
        heard = change.now
        if heard is None or change.happened is Happened.DELETED:
            return
        with self._lock:
            before = self._heard.pop(heard.uid, Images())
            found = before.found | {heard.container} if heard.found else before.found
            self._heard[heard.uid] = Images(before.pulled or not heard.found, found)
            if len(self._heard) > MOST_PODS:
                del self._heard[next(iter(self._heard))]

    def images(self) -> Mapping[str, Images] | None:
        """By uid of the pod; None until all that there is was heard, or why it cannot be is known."""
        seen = [watch.snapshot() for watch in self._watches]
        return None if any(not one.version and one.problem is None for one in seen) else self.heard()

    def heard(self) -> Mapping[str, Images]:
        """What was heard so far."""
        with self._lock:
            return dict(self._heard)

    def problems(self) -> tuple[str, ...]:
        """What may not be read, one line each."""
        seen = [watch.snapshot() for watch in self._watches]
        return tuple(f"{one.problem}; {UNHEARD}" for one in seen if one.forbidden)


def pull(event: Json) -> Pull | None:
    """What an event of events.k8s.io says of an image, in the words of Kubernetes 1.19 to 1.37; None: nothing."""
    about, note = event.get("regarding") or {}, str(event.get("note") or "").lower()
    is_found = "already present" in note
    if not about.get("uid") or not (is_found or "successfully pulled" in note):
        return None
    place = _CONTAINER.search(str(about.get("fieldPath") or ""))
    took_s = _took_s(note)
    is_quick = took_s is not None and took_s < LEAST_PULL_S
    return Pull(str(about["uid"]), place.group(1) if place else "", is_found or is_quick)


def _took_s(note: str) -> float | None:
    """Without the time that it waited for other pulls; None where it is not told."""
    took = _TOOK.search(note)
    steps = _STEP.findall(took.group(1)) if took else []
    try:
        return sum(float(number) * _UNITS_S[unit] for number, unit in steps) if steps else None
    except ValueError:
        return None
