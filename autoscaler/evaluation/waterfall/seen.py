"""Starts, and what is known beside them of where they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autoscaler.domain.lead_time import Start
from autoscaler.domain.pool import Pool


@dataclass(frozen=True, slots=True)
class Seen:
    """starts: complete, failed, and under way at `now_s`, seconds since the epoch. pools: by name. gpus: of one
    replica, by policy. problems: what could not be read, a line each."""

    starts: tuple[Start, ...]
    pools: Mapping[str, Pool]
    gpus: Mapping[str, int]
    now_s: float
    problems: tuple[str, ...] = ()

    @property
    def policies(self) -> tuple[str, ...]:
        """All that are known, whether anything of them started or not, in order."""
        return tuple(sorted({*self.gpus, *(start.policy for start in self.starts)}))

    def of(self, policy: str) -> Seen:
        """The same, with the starts of this policy alone."""
        return replace(self, starts=tuple(start for start in self.starts if start.policy == policy))
