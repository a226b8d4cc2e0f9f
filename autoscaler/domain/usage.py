"""What pods make of the GPUs that they asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """Of what. COMPUTE: of the time of the multiprocessors, or as nearly as is told. MEMORY: of the GPU's memory."""

    COMPUTE = "compute"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class PodUse:
    """One pod over the last minutes. pod: "namespace/name".

    compute: share of its GPUs that it used, 0 to 1, the mean of several. memory: share of the memory of one of its GPUs
    that it used at most, 0 to 1, of several the fullest. None where nobody tells.
    """

    pod: str
    compute: float | None = None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class UseQuantile:
    """What the pods of a policy use: `quantile` of the time at most `share` of what was asked for, 0 to 1."""

    policy: str
    use: Use
    quantile: float
    share: float
