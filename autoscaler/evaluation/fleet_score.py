"""What a strategy cost over a fleet of workloads on shared pools, and how that stands against the lower bound."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.pool import CapacityType
from autoscaler.evaluation.shared_bound import SharedBound


@dataclass(frozen=True, slots=True)
class WorkloadSummary:
    """One workload's part. Hours are GPU-hours; what nobody held on shared nodes is shared among their users."""

    workload: str
    gpu_hours: float
    dollars: float
    late_share: float
    late_target: float
    starts: int


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """One strategy over the scored part. late_share: of all requests of all workloads.

    bound_gpu_hours, bound_dollars: what no plan can undercut that meets each workload's objective: constant mean lead
    times, nodes bought a GPU at a time, everything at the cheapest price. gpu_hours_to_bound and dollars_to_bound
    divide the cost by it; the `_at_achieved` ones by the bound at the late shares that were reached.
    """

    strategy: str
    gpu_hours: float
    gpu_hours_on_demand: float
    gpu_hours_spot: float
    dollars: float
    late_share: float
    objectives_met: int
    offered_gpu_hours: float
    bound_gpu_hours: float
    bound_dollars: float
    gpu_hours_to_bound: float
    dollars_to_bound: float
    gpu_hours_to_bound_at_achieved: float
    dollars_to_bound_at_achieved: float
    starts: int
    spot_notices: int
    ticks_per_second: float
    seed: int
    workloads: tuple[WorkloadSummary, ...]

    def to_dict(self) -> dict[str, object]:
        """Fields in order, ready for JSON: a number that is not finite becomes None."""
        fields = dataclasses.asdict(self)
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()}


HEADINGS = (
    "strategy",
    "GPU-hours",
    "on demand",
    "spot",
    "dollars",
    "late",
    "goals met",
    "GPU-h / bound",
    "$ / bound",
    "starts",
)
"""Of the table of strategies."""
MAIN = ("strategy", "GPU-hours", "dollars", "late", "goals met", "GPU-h / bound", "$ / bound")
"""Those for which a terminal has room."""


def cells(summary: FleetSummary) -> tuple[str, ...]:
    """A row of the table of strategies."""
    return (
        summary.strategy,
        f"{summary.gpu_hours:,.0f}",
        f"{summary.gpu_hours_on_demand:,.0f}",
        f"{summary.gpu_hours_spot:,.0f}",
        f"{summary.dollars:,.0f}",
        f"{100 * summary.late_share:.2f} %",
        f"{summary.objectives_met} of {len(summary.workloads)}",
        f"{summary.gpu_hours_to_bound:.2f}",
        f"{summary.dollars_to_bound:.2f}",
        f"{summary.starts:,}",
    )


def bound_note(summary: FleetSummary) -> str:
    """What the bound of the table is."""
    return (
        f"Bound: {summary.bound_gpu_hours:,.0f} GPU-hours, {summary.bound_dollars:,.0f} dollars. No plan that meets "
        "the objectives can cost less: constant mean lead times, nodes bought a GPU at a time, the cheapest price for "
        "all, and the future known. A bound, not a plan that exists."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The scored ticks of a recording. billed: GPUs, float [T, W, P]; arrivals, late (requests), offered (replicas),
    starts: float [T, W], arrivals NaN where the traffic is not known.
    """

    tick_s: float
    billed: Floats
    arrivals: Floats
    late: Floats
    offered: Floats
    starts: Floats


def fleet_summary(
    strategy: str, part: Scored, fleet: Fleet, bound: SharedBound, *, seed: int, ticks_per_second: float, notices: int
) -> FleetSummary:
    """The summary. A tick in which the traffic of any workload is unknown is left out of the bill, as it is of the
    bound; a workload's late share counts its own known ticks."""
    known = np.isfinite(part.arrivals).all(axis=1)
    hours = part.tick_s / 3600.0
    by_place = part.billed[known].sum(axis=0) * hours
    price = np.array([p.price_per_gpu_hour_dollars for p in fleet.pools])
    spot = np.array([p.capacity_type is CapacityType.SPOT for p in fleet.pools])
    arrivals = np.nansum(part.arrivals, axis=0)
    late = np.where(np.isfinite(part.arrivals), part.late, 0.0).sum(axis=0)
    shares = np.where(arrivals > 0.0, late / np.where(arrivals > 0.0, arrivals, 1.0), 0.0)
    targets = fleet.late_target
    gpu_hours, dollars = float(by_place.sum()), float((by_place @ price).sum())
    least, least_at_achieved = bound.gpu_hours(targets.tolist()), bound.gpu_hours(shares.tolist())
    cheapest = float(price[(fleet.primary | fleet.burst).any(axis=0)].min())
    return FleetSummary(
        strategy=strategy,
        gpu_hours=gpu_hours,
        gpu_hours_on_demand=float(by_place[:, ~spot].sum()),
        gpu_hours_spot=float(by_place[:, spot].sum()),
        dollars=dollars,
        late_share=float(late.sum() / max(float(arrivals.sum()), 1e-12)),
        objectives_met=int((shares <= targets).sum()),
        offered_gpu_hours=float((np.nansum(part.offered, axis=0) * fleet.gpus_per_replica).sum()) * hours,
        bound_gpu_hours=least,
        bound_dollars=least * cheapest,
        gpu_hours_to_bound=_ratio(gpu_hours, least),
        dollars_to_bound=_ratio(dollars, least * cheapest),
        gpu_hours_to_bound_at_achieved=_ratio(gpu_hours, least_at_achieved),
        dollars_to_bound_at_achieved=_ratio(dollars, least_at_achieved * cheapest),
        starts=int(part.starts.sum()),
        spot_notices=notices,
        ticks_per_second=ticks_per_second,
        seed=seed,
        workloads=_workloads(fleet, by_place, price, shares, part.starts.sum(axis=0)),
    )


def _workloads(
    fleet: Fleet, gpu_hours: Floats, price: Floats, shares: Floats, starts: Floats
) -> tuple[WorkloadSummary, ...]:
    """gpu_hours: float [W, P]. price: float [P]. shares, starts: float [W]."""
    return tuple(
        WorkloadSummary(
            workload=name,
            gpu_hours=float(gpu_hours[w].sum()),
            dollars=float(gpu_hours[w] @ price),
            late_share=float(shares[w]),
            late_target=float(fleet.late_target[w]),
            starts=int(starts[w]),
        )
        for w, name in enumerate(fleet.names)
    )


def _ratio(cost: float, bound: float) -> float:
    return cost / bound if bound > 0.0 else math.inf
