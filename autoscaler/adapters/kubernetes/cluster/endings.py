"""What became of placeholders that went: the verdict on each, who stands in its place, and what bears on refills."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.own_writes import OwnWrites
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.adapters.kubernetes.cluster.slots import set_of, size_of
from autoscaler.adapters.kubernetes.cluster.takers import BOUND_AFTER_S, Takers, Taking
from autoscaler.domain.ending import EndFate, PlaceholderEnd, Taker
from autoscaler.placeholder.fate import DELETED, Fate, Sighting, Verdict, fate
from autoscaler.placeholder.manifest import PLAN, POOL, SLOT
from autoscaler.placeholder.pod import labels, metadata, node_name
from autoscaler.ports.clock import ClockPort

HANDOVER = "Handover"
"""Cause of those that we gave up for a pod that could not take the place itself."""
MOST_ENDED = 10_000
GAP_S = 900.0
"""Who asks for the first time in so long, longer than any tick, has not led before: what went was another's to tell,"""
RECENT_S = 60.0
"""but for what has gone so lately, and says itself why."""
KEPT_S = 6 * 3600.0
"""How long endings bear on refills, and at most so many:"""
MOST_KEPT = 1000
BEAR = (EndFate.FAILED, EndFate.LOST, EndFate.DRAINED)


@dataclass(frozen=True, slots=True)
class _Gone:
    """A placeholder that the watch saw go, its last state, and when (seconds since the epoch)."""

    seen: SeenPod
    at_s: float


class Endings:
    """Told of in the watch's thread, asked for by the loop. A slot of several placeholders ends once, when the last of
    them has gone, by what ended the first of them.
    """

    def __init__(self, clock: ClockPort, seats: Seats, writes: OwnWrites, stuck_after_s: float) -> None:
        self._clock, self._seats, self._writes, self._stuck_after_s = clock, seats, writes, stuck_after_s
        self._takers = Takers(seats)
        self._gone: deque[_Gone] = deque(maxlen=MOST_ENDED)
        self._parts: dict[tuple[str, ...], list[PlaceholderEnd]] = {}
        self._judged: dict[str, Verdict] = {}
        self._lately: deque[PlaceholderEnd] = deque(maxlen=MOST_KEPT)
        self._dismissed: set[str] = set()
        self._asked_s = float("-inf")

    def told(self, change: Change[SeenPod]) -> None:
        """Handler of the watch of pods, in its thread."""
        if change.happened is Happened.DELETED and change.now.whole is not None:
            self._gone.append(_Gone(change.now, self._clock.wall_s()))

    def judge(self, uid: str, verdict: Verdict) -> None:
        """What is to be said of one that we delete, when it has gone."""
        self._judged[uid] = verdict

    def dismiss(self, uid: str) -> None:
        """Nothing is to be said of one that we took back when it was made."""
        self._dismissed.add(uid)

    def since_last(
        self, standing: Standing, scales: Sequence[Scale | None], now_s: float
    ) -> tuple[PlaceholderEnd, ...]:  # fmt: skip
        """What ended since the last call, in the order in which it went; by the leader alone.

        One in whose place no pod is seen yet is told some seconds later: the scheduler may be about to bind one.
        """
        leads_on = now_s - self._asked_s < GAP_S
        self._asked_s = now_s
        if not (self._gone or self._parts):
            return ()
        self._takers.look(standing.pods, scales)
        found: list[PlaceholderEnd] = []
        later = []
        for _ in range(len(self._gone)):
            gone = self._gone.popleft()
            if gone.seen.uid in self._dismissed:
                self._dismissed.discard(gone.seen.uid)
                continue
            verdict, taking = self._verdict(gone, standing)
            is_sure = verdict.cause != DELETED
            waits = (verdict.fate is Fate.CONSUMED and taking.is_early) or not is_sure
            if waits and now_s - gone.at_s < BOUND_AFTER_S and leads_on:
                later.append(gone)
                continue
            self._judged.pop(gone.seen.uid, None)
            if leads_on or (is_sure and now_s - gone.at_s < RECENT_S):
                self._take_in(gone, self._end(gone, verdict, taking), found)
        self._gone.extendleft(reversed(later))
        found += self._whole(standing)
        self._lately += [end for end in found if end.is_strangers or end.fate in BEAR]
        return tuple(found)

    def look(self, standing: Standing, scales: Sequence[Scale | None]) -> None:
        """What stands at the moment, for `is_taken`. scales: by workload, None where it cannot be read."""
        self._takers.look(standing.pods, scales)

    def is_taken(self, slot: tuple[str, ...], standing: Standing) -> bool | None:
        """Whether members of a slot (as of `set_of`) that went were taken by pods of ours, or may have been: False
        where one was lost or taken by others, None where nothing is known yet.
        """
        taken = [
            not end.is_strangers if end.fate is EndFate.CONSUMED else end.cause == HANDOVER
            for end in self._parts.get(slot, ())
        ]
        for gone in self._gone:
            if set_of(gone.seen.whole or {}) == slot and gone.seen.uid not in self._dismissed:
                verdict, taking = self._verdict(gone, standing)
                if verdict.fate is Fate.CONSUMED:
                    taken.append(taking.taker is not Taker.OTHER)
                elif verdict.cause != DELETED:
                    taken.append(verdict.cause == HANDOVER)
        return all(taken) if taken else None

    def lately(self, now_s: float) -> tuple[PlaceholderEnd, ...]:
        """What bears on asking again, oldest first, as of the last `since_last`."""
        while self._lately and self._lately[0].at_s < now_s - KEPT_S:
            self._lately.popleft()
        return tuple(self._lately)

    def _verdict(self, gone: _Gone, standing: Standing) -> tuple[Verdict, Taking]:
        pod = gone.seen.whole or {}
        place = self._seats.place(pod)
        taking = self._takers.find(gone.seen, gone.at_s, None if place is None else place.workload)
        judged = self._judged.get(gone.seen.uid)
        if judged is not None:
            return judged, taking
        node = standing.nodes.get(Key("", node_name(pod)))
        succeeded = place is not None and taking.pod is not None and taking.taker is not Taker.OTHER
        released = self._writes.is_released(gone.seen.uid)
        sighting = Sighting(pod, True, released, None if node is None else node.thing, 0.0, succeeded)
        return fate(sighting, self._stuck_after_s), taking

    def _take_in(self, gone: _Gone, end: PlaceholderEnd, found: list[PlaceholderEnd]) -> None:
        whole = gone.seen.whole or {}
        slot = set_of(whole)
        if len(slot) > 1 and size_of(whole) > 1:
            self._parts.setdefault(slot, []).append(end)
        else:
            found.append(end)

    def _whole(self, standing: Standing) -> list[PlaceholderEnd]:
        """Of slots of which the last has gone, what ended them."""
        if not self._parts:
            return []
        left = {set_of(pod.whole) for pod in standing.pods.values() if pod.whole is not None}
        left |= {set_of(gone.seen.whole or {}) for gone in self._gone}
        over = [slot for slot in self._parts if slot not in left]
        return [_first(self._parts.pop(slot)) for slot in over]

    def _end(self, gone: _Gone, verdict: Verdict, taking: Taking) -> PlaceholderEnd:
        pod = gone.seen.whole or {}
        whose, slot = labels(pod), str((metadata(pod).get("annotations") or {}).get(SLOT, ""))
        if verdict.fate is Fate.CONSUMED:
            self._takers.answer(taking, gone.seen)
            taker, by = taking.taker, taking.by
        else:
            taker, by = (Taker.OWN if verdict.cause == HANDOVER else Taker.NOBODY), ""
        return PlaceholderEnd(
            policy=whose.get(PLAN, ""),
            pool=whose.get(POOL, ""),
            slot=int(slot) if slot.isascii() and slot.isdecimal() else None,
            at_s=gone.at_s,
            fate=EndFate(verdict.fate.value),
            cause=verdict.cause,
            reason=verdict.reason,
            taker=taker,
            taken_by=by,
        )


def _first(ends: Sequence[PlaceholderEnd]) -> PlaceholderEnd:
    """Of the members of one slot what came first of all that we did not do ourselves."""
    return min(ends, key=lambda end: (end.fate is EndFate.RELEASED and end.cause != HANDOVER, end.at_s))
