"""Wishes: what a person asks of one policy, beside its document and for a while."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Override:
    """The floor is `floor` replicas, no more and no fewer, until `until_s` (seconds since the epoch)."""

    floor: int
    until_s: float


@dataclass(frozen=True, slots=True)
class Wish:
    """paused: nothing of the policy is created, moved or deleted. override: None where nobody sets the floor."""

    paused: bool = False
    override: Override | None = None

    def in_force(self, now_s: float) -> Wish:
        """What is left of it at `now_s`: an override that has ended is none."""
        if self.override is None or now_s < self.override.until_s:
            return self
        return Wish(self.paused)


NOTHING = Wish()
