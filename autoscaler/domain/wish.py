"""Wishes: what a person asks of one policy, beside its document and for a while."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Override:
    """The floor is `floor` replicas, no more and no fewer, until `until_s` (seconds since the epoch).

    reason: in the person's own words, may be empty. by: who set it last and when, in the API server's words, which
    know programs and no people; empty where it does not say.
    """

    floor: int
    until_s: float
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """paused: nothing of the policy is created, moved or deleted. override: None where nobody sets the floor.

    paused_by: as `Override.by`.
    """

    paused: bool = False
    override: Override | None = None
    paused_by: str = ""

    def in_force(self, now_s: float) -> Wish:
        """What is left of it at `now_s`: an override that has ended is none."""
        if self.override is None or now_s < self.override.until_s:
            return self
        return Wish(self.paused, None, self.paused_by)


NOTHING = Wish()
