"""What a replay cost, how much of its demand was late, and how both stand against the clairvoyant optimum."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.evaluation.clairvoyant import Frontier, frontier


@dataclass(frozen=True, slots=True)
class Summary:
    """One strategy over one trace. Hours are GPU-hours (offered load: replica-hours), shares and ratios plain numbers.

    `clairvoyant_gpu_hours` is the optimum at the late target. `ratio_at_target` divides the cost by it,
    `ratio_at_achieved` by the optimum at the late share that was reached: the one that compares policies. Both are inf
    where that optimum is zero.
    """

    strategy: str
    gpu_hours: float
    dollars: float
    late_share: float
    offered_replica_hours: float
    clairvoyant_gpu_hours: float
    ratio_at_target: float
    ratio_at_achieved: float
    starts: int
    ticks_per_second: float
    seed: int | None

    def to_dict(self) -> dict[str, str | float | int | None]:
        """Fields in order, ready for JSON: a number that is not finite becomes None."""
        fields = dataclasses.asdict(self)
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()}


HEADINGS = (
    "strategy",
    "GPU-hours",
    "dollars",
    "late",
    "cost / optimum at target",
    "cost / optimum at late share",
    "starts",
)
"""Of the table of strategies."""


def cells(summary: Summary) -> tuple[str, ...]:
    """A row of the table of strategies."""
    return (
        summary.strategy,
        f"{summary.gpu_hours:,.0f}",
        f"{summary.dollars:,.0f}",
        f"{100 * summary.late_share:.2f} %",
        f"{summary.ratio_at_target:.3f}",
        f"{summary.ratio_at_achieved:.3f}",
        f"{summary.starts:,}",
    )


@dataclass(frozen=True, slots=True)
class Run:
    """What a summary says of a replay besides its arrays: starts of replicas, simulated ticks a second of wall time."""

    strategy: str = ""
    starts: int = 0
    ticks_per_second: float = 0.0
    seed: int | None = None


def late_share(offered: Floats, ready: Floats) -> float:
    """Share of the offered load above ready capacity, over ticks with data; 0 where nothing was offered."""
    known = np.isfinite(offered)
    total = float(offered[known].sum())
    short = float(np.maximum(offered[known] - ready[known], 0.0).sum())
    return short / total if total > 0 else 0.0


def score(
    offered: Floats,
    ready: Floats,
    billed_gpus: Floats,
    tick_s: float,
    start_cost_ticks: float,
    late_target: float,
    *,
    run: Run = Run(),
    dollars_per_hour: Floats | None = None,
    gpus_per_replica: int = 1,
    optimum: Frontier | None = None,
    late: Floats | None = None,
) -> Summary:
    """The summary of a replay, from its arrays [T] over the scored ticks alone.

    `offered` and `ready` are replicas; a tick with NaN offered is left out, from the bill too. `billed_gpus` are GPUs,
    `dollars_per_hour` the rate of spending in each tick, `start_cost_ticks` the node and replica lead. `optimum` saves
    time where several runs share one offered load. `late`: late work in replicas, where it was measured; else what came
    above ready capacity. Raises ValueError where shapes differ or no tick has data.
    """
    known = _known(offered, ready, billed_gpus)
    hours = tick_s / 3600.0
    gpu_hours = float(billed_gpus[known].sum()) * hours
    share = late_share(offered, ready) if late is None else float(late[known].sum() / max(offered[known].sum(), 1e-12))
    best = optimum if optimum is not None else frontier(offered[known], start_cost_ticks)
    at_target, at_achieved = (best.lower_bound(s) * gpus_per_replica * hours for s in (late_target, share))
    return Summary(
        strategy=run.strategy,
        gpu_hours=gpu_hours,
        dollars=0.0 if dollars_per_hour is None else float(dollars_per_hour[known].sum()) * hours,
        late_share=share,
        offered_replica_hours=float(offered[known].sum()) * hours,
        clairvoyant_gpu_hours=at_target,
        ratio_at_target=_ratio(gpu_hours, at_target),
        ratio_at_achieved=_ratio(gpu_hours, at_achieved),
        starts=run.starts,
        ticks_per_second=run.ticks_per_second,
        seed=run.seed,
    )


def _known(offered: Floats, ready: Floats, billed_gpus: Floats) -> Bools:
    if not offered.shape == ready.shape == billed_gpus.shape:
        raise ValueError(f"arrays differ in length: {offered.shape}, {ready.shape}, {billed_gpus.shape}")
    known = np.isfinite(offered)
    if not known.any():
        raise ValueError("no scored tick has data; score another part of the trace")
    return known


def _ratio(cost: float, optimum: float) -> float:
    return cost / optimum if optimum > 0 else math.inf
