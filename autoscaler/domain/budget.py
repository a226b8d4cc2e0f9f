"""Budgets: what may be asked for at once."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on floors and placeholders together of the workloads that share it; infinite where there is none."""

    name: str
    gpus: float = math.inf
    dollars_per_hour: float = math.inf
