"""Tiers: the pools that a policy may use, in order of preference."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import Name, Part


class Tiers(Part):
    """The pools of a workload, in order of preference."""

    primary: tuple[Name, ...] = Field(
        min_length=1, description="On-demand GpuPools that carry the usual demand. Required, one or more."
    )
    burst: tuple[Name, ...] = Field(
        default=(), description="GpuPools that carry what comes on top, usually spot. Default none."
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        places: list[tuple[str, int, Name]] = [
            *(("primary", n, name) for n, name in enumerate(self.primary)),
            *(("burst", n, name) for n, name in enumerate(self.burst)),
        ]
        seen: set[str] = set()
        conflicts = []
        for tier, number, name in places:
            if name in seen:
                conflicts.append(Conflict((tier, number), f"pool {name} is named twice", "name it once"))
            seen.add(name)
        Conflicts.check(conflicts)
        return self
