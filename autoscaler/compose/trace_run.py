"""What can be asked of the replay of a trace: the options of the trace contract."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Ints
from autoscaler.plan.strategies import Setting, strategy

DAY_S = 86_400.0
FIDELITIES = ("simple", "full")
NO_PATH: Ints = np.zeros((1, 1), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class TraceRun:
    """One strategy on one trace; times in seconds, shares 0..1. `details`: record forecast quantiles and nodes."""

    trace: Path
    series: str | None = None
    strategy: str = "ours"
    node_lead_s: float = 180.0
    replica_lead_s: float = 120.0
    scale_down_delay_s: float = 0.0
    late_share: float = 0.01
    fleet_peak: float = 30.0
    warmup_s: float = 7 * DAY_S
    score_s: float | None = 8 * DAY_S
    tick_s: float = 60.0
    seed: int = 1
    fidelity: str = "simple"
    signals: str = "arrivals"
    gpu_price_dollars: float = 1.0
    poisson: bool = False
    details: bool = False

    def check(self) -> None:
        """Raises ValueError where values make no sense or contradict each other."""
        if not (math.isfinite(self.gpu_price_dollars) and self.gpu_price_dollars >= 0):
            raise ValueError(f"--gpu-price {self.gpu_price_dollars:g}: must not be negative; give dollars a GPU-hour")
        if not (math.isfinite(self.scale_down_delay_s) and self.scale_down_delay_s >= 0):
            raise ValueError(f"--scale-down-delay {self.scale_down_delay_s:g}s: give a time of 0s or longer")
        if self.score_s is not None and self.tick_s > self.score_s:
            raise ValueError(
                f"--tick {self.tick_s:g}s: longer than the {self.score_s:g}s of --score; choose a shorter one"
            )
        if self.seed < 0:
            raise ValueError(f"--seed {self.seed}: give a whole number from 0")
        if self.fidelity not in FIDELITIES:
            raise ValueError(f"--fidelity {self.fidelity!r}: choose {' or '.join(FIDELITIES)}")
        if self.fidelity == "full" and self.strategy.startswith("clairvoyant"):
            raise ValueError("--strategy clairvoyant: knows the future of --fidelity simple only; choose that")
        strategy(self.strategy, Setting(self.warmup_s, False, NO_PATH))
