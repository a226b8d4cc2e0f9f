"""A rollout in progress: replicas of one revision are replaced by those of another, more or fewer at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """`maxSurge` or `maxUnavailable`, as Kubernetes counts it: `count` replicas, or a share of all in whole per cent,
    rounded up (surge) or down (unavailable)."""

    count: int = 0
    percent: int = 0
    rounds_up: bool = False

    def of(self, replicas: int) -> int:
        """In replicas, 0 or more."""
        share = -(-self.percent * replicas // 100) if self.rounds_up else self.percent * replicas // 100
        return max(self.count + share, 0)


def allowance(written: int | str, rounds_up: bool) -> Allowance:
    """Of what an object or a file says: `2`, or `25%`. Raises ValueError where it is neither."""
    text = str(written)
    if text.endswith("%"):
        return Allowance(percent=int(text[:-1]), rounds_up=rounds_up)
    return Allowance(count=int(text))


QUARTER_MORE = Allowance(percent=25, rounds_up=True)
QUARTER_FEWER = Allowance(percent=25)
"""What a Deployment that says nothing allows."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What may stand beyond the replicas asked for, and what may be missing of them, while replicas are replaced.

    replicas: asked for. standing: that there are, of either revision, serving or not. left: that are still to come.
    moves: whether replicas are replaced at the moment; not where it is paused, or has come up to its partition.
    """

    surge: Allowance
    unavailable: Allowance
    replicas: int
    standing: int
    left: int
    moves: bool = True

    def extra(self, replicas: int) -> int:
        """How many run beyond `replicas` asked for, at most."""
        return self.surge.of(replicas) if self.moves and replicas > 0 else 0

    def missing(self, replicas: int) -> int:
        """How many of `replicas` may be away at a time; one where both shares come to nothing, as Kubernetes does."""
        if not self.moves or replicas <= 0:
            return 0
        away = self.unavailable.of(replicas)
        return min(away if away > 0 or self.surge.of(replicas) > 0 else 1, replicas)

    def lift(self, replicas: int) -> int:
        """How many more to ask for so that `replicas` stay while some are away; at most as many again."""
        more = self.missing(replicas)
        while more < replicas and replicas + more - self.missing(replicas + more) < replicas:
            more += 1
        return more

    @property
    def to_come(self) -> int:
        """How many of those that run beyond are not there yet."""
        return min(max(self.extra(self.replicas) - max(self.standing - self.replicas, 0), 0), self.left)
