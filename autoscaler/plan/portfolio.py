"""What the shadows of one workload have come to, by the name of each candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShadowMemory:
    """One candidate: knob and owed of its loop, its discounted cost and late work in replica-ticks (`Shadows`)."""

    knob: float
    owed: float
    cost: float
    late: float


@dataclass(frozen=True, slots=True)
class PortfolioMemory:
    """leader: the candidate that leads. judged_from_s: when the shadows have seen enough to choose, in the time of the
    run. demand, mean_demand: of `Shadows` and their loops.
    """

    leader: str
    judged_from_s: float
    demand: float
    mean_demand: float
    shadows: Mapping[str, ShadowMemory]
