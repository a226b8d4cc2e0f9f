"""Lead times learned from starts, for each workload and pool; what is planned with, and what is shown.

What is planned with is one number for each part of the lead, the `PLANNED` quantile: a batch of two starts is ready
when the later one is, and 0.9 of each makes 0.81 of the batch. Little data leans on more: the node part of a workload
in a pool on all starts of that pool's nodes, which are interchangeable, the replica part on all starts of that
workload, wherever they were; those lean on the prior (`censored.credible`).

A replica's part is of its image: the first starts of a new one find it on no node, and what an old one took on nodes
that had it says nothing. So starts of the image that began last count, and before there are enough of them those of
others that were on nodes which had to pull too.

What is remembered is a set: of the different starts that were ever told, the newest so many. To be told a start again
changes nothing, in whatever order and after whatever restart, so nothing is counted twice. Of two reports of one start
the complete one counts; of two complete ones the one that ended first: nodes become usable once, and a pod that is
ready again later was ready before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from math import inf

from autoscaler.domain.lead_time import Part, Stage, StageQuantile, Start, StartEnd, StartPath
from autoscaler.observe.censored import Duration, Quantile, credible, prior, quantile
from autoscaler.observe.lead_record import UID_LENGTH, read_starts, written

PLANNED, MIDDLE = 0.9, 0.5
SHOWN = (0.5, 0.9)
MOST_COMPLETE = 32
"""Of one part, workload and pool: the upper tenth of so many is three starts, and older ones are of another image."""
MOST_FAILED = 8
"""Fewer: placeholders that are ordered and taken back in a row must not push out what is known. None of before all that
is remembered of complete ones."""
MOST_WRITTEN = 640
"""Of one policy, the newest: as many as eight pools tell at most, in half of what a record may be, though pools come
and go for years."""
LEAST_S = 5.0
"""Below one tick, and near the resolution of what was measured."""
MOST_S = 7200.0
"""A longer one that is complete is no start: a pod that was held back, or was ready before and is again. Nobody plans
so far ahead."""

_PATHS = (
    StartPath.WARM_NODE, StartPath.COLD_NODE, StartPath.IMAGE_PRESENT, StartPath.WEIGHTS_PRESENT, StartPath.RESTORED,
)  # fmt: skip
"""The one that tells more comes later."""

_Place = tuple[Part, str, str]
"""Part, policy, pool."""


class LeadTimes:
    """All that is known of lead times; bounded by the number of policies and pools."""

    def __init__(self, node_s: float, replica_s: float) -> None:
        """What is planned with before anything is known."""
        self._priors = {Part.NODE: prior(node_s), Part.REPLICA: prior(replica_s)}
        self._kept: dict[_Place, dict[str, Start]] = {}
        self._waiting: dict[_Place, list[Start]] = {}
        self._newest: dict[str, tuple[float, str]] = {}
        self._leads: dict[_Place, float] = {}
        self._middles: dict[_Place, float] = {}
        self._wide: dict[tuple[Part, str], Quantile] = {}
        self._shown: tuple[StageQuantile, ...] | None = None

    def learn(self, starts: Iterable[Start]) -> None:
        """starts: those that ended since the last call, told before or not, and all that are under way now."""
        if self._waiting:
            self._forget_results()
        self._waiting = {}
        for start in starts:
            self._see_image(start)
            place = (start.part, start.policy, start.pool)
            if start.end is StartEnd.WAITING:
                self._waiting.setdefault(place, []).append(start)
                self._forget_results()
            elif start.seconds <= MOST_S or start.end is StartEnd.FAILED:
                self._keep(place, start)

    def keep_only(self, policies: Collection[str]) -> None:
        """Forgets policies that are gone."""
        self._kept = {place: starts for place, starts in self._kept.items() if place[1] in policies}
        self._waiting = {place: starts for place, starts in self._waiting.items() if place[1] in policies}
        self._newest = {policy: seen for policy, seen in self._newest.items() if policy in policies}
        self._forget_results()
        self._shown = None

    def planned_s(self, part: Part, policy: str, pool: str) -> float:
        """What to plan with where a workload starts in this pool."""
        place = (part, policy, pool)
        if place not in self._leads:
            self._leads[place] = min(max(self._lead(place)(PLANNED), LEAST_S), MOST_S)
        return self._leads[place]

    def middle_s(self, part: Part, policy: str, pool: str) -> float:
        """What half of the starts keep to where a workload starts in this pool."""
        place = (part, policy, pool)
        if place not in self._middles:
            self._middles[place] = min(self._lead(place)(MIDDLE), MOST_S)
        return self._middles[place]

    def quantiles(self) -> tuple[StageQuantile, ...]:
        """By stage, of starts that ended, without any prior: what was never seen is left out."""
        if self._shown is None:
            self._shown = tuple(
                StageQuantile(policy, pool, stage, share, quantile(durations, share))
                for (part, policy, pool), starts in sorted(self._kept.items())
                for stage in part.stages
                for durations in [_of_stage(stage, starts.values())]
                if any(duration.ended for duration in durations)
                for share in SHOWN
            )
        return self._shown

    def starts(self) -> tuple[Start, ...]:
        """All that are remembered, and those under way as of the last `learn`; in no order that means anything."""
        known = (start for starts in self._kept.values() for start in starts.values())
        waiting = (start for starts in self._waiting.values() for start in starts)
        return (*known, *waiting)

    def to_record(self, policy: str) -> dict[str, object]:
        """What is remembered of a policy, as JSON of some KiB; empty where nothing is."""
        mine = [start for place, starts in self._kept.items() if place[1] == policy for start in starts.values()]
        return written(sorted(mine, key=lambda start: (start.ended_s, start.uid))[-MOST_WRITTEN:])

    def from_record(self, policy: str, record: Mapping[str, object]) -> None:
        """Adds what was remembered to what is known. Raises ValueError where it is no such record: nothing is added."""
        for start in read_starts(policy, record):
            self._see_image(start)
            self._keep((start.part, policy, start.pool), start)

    def _see_image(self, start: Start) -> None:
        """Which one a workload has now is told by the start that began last."""
        seen = (start.ended_s - start.seconds, start.image)
        if start.image and seen > self._newest.get(start.policy, (-inf, "")):
            if start.image != self._image(start.policy):
                self._forget_results()
            self._newest[start.policy] = seen

    def _image(self, policy: str) -> str:
        return self._newest.get(policy, (-inf, ""))[1]

    def _keep(self, place: _Place, start: Start) -> None:
        starts = self._kept.setdefault(place, {})
        uid = start.uid[:UID_LENGTH]
        known = starts.get(uid)
        if known is not None and _rank(known) >= _rank(start):
            return
        starts[uid] = start
        _forget_oldest(starts)
        self._forget_results()
        self._shown = None

    def _forget_results(self) -> None:
        self._leads.clear()
        self._middles.clear()
        self._wide.clear()

    def _lead(self, place: _Place) -> Quantile:
        part, policy, pool = place
        return credible(_durations(self._of_now(place)), self._at_large(part, policy, pool))

    def _at_large(self, part: Part, policy: str, pool: str) -> Quantile:
        """Before the starts of this workload in this pool: those of others that are alike, and the prior; of a replica
        with a new image, before that those of other images that had to be pulled.
        """
        common = pool if part is Part.NODE else policy
        if (part, common) not in self._wide:
            places = sorted({p for p in (*self._kept, *self._waiting) if _common(p) == (part, common)})
            of_now = [start for place in places for start in self._of_now(place)]
            others = [start for place in places for start in self._starts(place) if not self._is_of_now(start)]
            pulled = _durations(start for start in others if start.path is StartPath.COLD_NODE)
            before = credible(pulled, self._priors[part])
            self._wide[part, common] = cache(credible(_durations(of_now), before))
        return self._wide[part, common]

    def _starts(self, place: _Place) -> list[Start]:
        return [*self._kept.get(place, {}).values(), *self._waiting.get(place, ())]

    def _of_now(self, place: _Place) -> list[Start]:
        return [start for start in self._starts(place) if self._is_of_now(start)]

    def _is_of_now(self, start: Start) -> bool:
        """Of the image that its workload has now, as far as is known."""
        return start.image in ("", self._image(start.policy))


def _forget_oldest(starts: dict[str, Start]) -> None:
    """Leaves the newest complete ones, and failed ones that did not end before all of these: a bad day would be planned
    with for ever otherwise.
    """
    order = sorted(starts, key=lambda uid: (starts[uid].ended_s, uid))
    complete = [uid for uid in order if starts[uid].end is StartEnd.COMPLETE]
    failed = [uid for uid in order if starts[uid].end is StartEnd.FAILED]
    since_s = starts[complete[-MOST_COMPLETE]].ended_s if len(complete) >= MOST_COMPLETE else -inf
    before = [uid for uid in failed if starts[uid].ended_s < since_s]
    for uid in {*complete[:-MOST_COMPLETE], *failed[:-MOST_FAILED], *before}:
        del starts[uid]


def _durations(starts: Iterable[Start]) -> list[Duration]:
    return [Duration(start.seconds, start.end is StartEnd.COMPLETE) for start in starts]


def _common(place: _Place) -> tuple[Part, str]:
    part, policy, pool = place
    return part, pool if part is Part.NODE else policy


def _rank(start: Start) -> tuple[object, ...]:
    """Which of two reports of one start counts: the larger. At the same end the longest: who asked first. Of those that
    are as long the one that tells more.
    """
    told = sum(map(bool, (start.image, start.zone, start.digest, start.model_format, start.why)))
    more = len(start.stages), _PATHS.index(start.path), told
    last = sorted(start.stages.items()), start.zone, start.digest, start.model_format, start.why, start.image
    return start.end is StartEnd.COMPLETE, -start.ended_s, round(start.seconds, 1), more, last


def _of_stage(stage: Stage, starts: Iterable[Start]) -> list[Duration]:
    """How long a stage took; it is cut off where the start did not come through it."""
    found = []
    for start in starts:
        if stage in start.stages:
            found.append(Duration(start.stages[stage], stage is not start.open_stage))
    return found
