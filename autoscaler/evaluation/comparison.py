"""Several strategies over one world, side by side: what each did, and the table of what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import CapacityType
from autoscaler.evaluation.incidents import Incident
from autoscaler.evaluation.ledger import Ledger
from autoscaler.evaluation.starts import Starts
from autoscaler.evaluation.timeline import Timeline


@dataclass(frozen=True, slots=True, eq=False)
class PoolTimeline:
    """One pool in each tick, arrays [T]: nodes that are up, nodes on order, and of those up the ones that placeholders
    alone hold (warm).

    zones: names of its Z zones, and by_zone: float [T, Z], nodes up; none where it is not recorded. incidents: what the
    cloud did to it, in the order of time.
    """

    pool: str
    capacity_type: CapacityType
    time_s: Floats
    nodes: Floats
    nodes_starting: Floats
    nodes_warm: Floats
    zones: tuple[str, ...] = ()
    by_zone: Floats | None = None
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StrategyRun:
    """What one strategy did: a timeline a workload and one a pool, on the same ticks. ledger, starts: None where they
    are not recorded."""

    strategy: str
    timelines: tuple[Timeline, ...]
    pools: tuple[PoolTimeline, ...]
    ledger: Ledger | None = None
    starts: Starts | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """What no plan can undercut over the scored part that meets the objectives."""

    gpu_hours: float
    dollars: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Runs of several strategies, the first of them the one that is looked at.

    notes: what a reader must know of the data, one sentence each. headings, rows: the table of strategies, as text, one
    row a run, the first column the strategy. late_target: allowed share of late requests, 0..1, by workload.
    scored_from_s, scored_until_s: the scored part on the axis of the timelines; what lies before is warm-up.
    forecast_ahead_s: how far ahead the recorded forecasts look, by workload; 0 where it is not said. faults: what was
    made to go wrong, the same for all runs. bound: where one is known.

    Raises ValueError where there is no run, or the runs differ in their workloads or pools, or a workload has no
    target, or a row has not one cell a heading.
    """

    title: str
    notes: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    runs: tuple[StrategyRun, ...]
    late_target: dict[str, float]
    tick_s: float
    scored_from_s: float
    scored_until_s: float
    forecast_ahead_s: dict[str, float] = field(default_factory=dict)
    faults: tuple[Incident, ...] = ()
    bound: Bound | None = None

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("nothing to compare: there is no run")
        for run in self.runs:
            for what, there, wanted in (
                ("workloads", _workloads(run), _workloads(self.runs[0])),
                ("pools", _pools(run), _pools(self.runs[0])),
            ):
                if there != wanted:
                    raise ValueError(f"the {what} of {run.strategy} are {there}, those of the first run {wanted}")
        lacking = [name for name in _workloads(self.runs[0]) if name not in self.late_target]
        if lacking:
            raise ValueError(f"no late target for {', '.join(lacking)}")
        if any(len(row) != len(self.headings) for row in self.rows):
            raise ValueError(f"each row of the table needs {len(self.headings)} cells")


def _workloads(run: StrategyRun) -> list[str]:
    return [timeline.workload for timeline in run.timelines]


def _pools(run: StrategyRun) -> list[str]:
    return [pool.pool for pool in run.pools]
