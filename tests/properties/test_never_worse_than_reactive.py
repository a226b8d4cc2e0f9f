"""Promise 1: while requests are late or the queue grows the floor covers the demand now, unless a named guard binds;
and over a week no more is late than the objective allows or reactive would have had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.domain.plan import Reason
from autoscaler.domain.signal import ARRIVALS, LATE_SHARE, QUEUE

if TYPE_CHECKING:
    from tests.properties.conftest import Lives, Moment

DAY_S = 86_400.0
NAMED = int(Reason.MAXIMUM | Reason.SCHEDULE_AT_MOST | Reason.POOL_LIMIT)
OBJECTIVE = 0.01


def bursty(workloads: int, days: float, tick_s: float, seed: int = 11) -> Floats:
    """Replicas needed: a wave a day with noise, and a burst of minutes to half an hour every two hours or so."""
    rng = np.random.default_rng(seed)
    at_s = np.arange(0.0, days * DAY_S, tick_s)
    rows = []
    for w in range(workloads):
        burst = np.ones(at_s.size)
        for begins in rng.choice(at_s.size, size=round(12 * days), replace=False):
            part = slice(begins, begins + rng.integers(3, 30))
            burst[part] = np.maximum(burst[part], rng.uniform(1.5, 3.5))
        rows.append((8.0 + 5.0 * np.sin(at_s / DAY_S * 2.0 * np.pi + w)) * burst * rng.gamma(40.0, 1 / 40.0, at_s.size))
    return np.array(rows)


def uncovered(moments: list[Moment], pressed: list[Bools], demand: list[Floats]) -> list[tuple[int, int]]:
    """(tick, workload) where a floor is below the demand now although the workload is pressed and no guard binds."""
    found = []
    for tick, (moment, late, need) in enumerate(zip(moments, pressed, demand, strict=True)):
        assert moment.report.plan is not None
        bound = (moment.report.plan.reasons & NAMED) > 0
        below = moment.floor < np.ceil(np.nan_to_num(need) - 1e-9)
        found += [(tick, int(w)) for w in np.flatnonzero(late & below & ~bound)]
    return found


def simply(moments: list[Moment]) -> tuple[list[Bools], list[Floats]]:
    """(pressed, demand) in simple fidelity, of what happened in the tick before: a tick sees no more."""
    nothing = np.zeros(moments[0].late.size)
    before = [(nothing, nothing), *((m.late, m.arrivals) for m in moments[:-1])]
    tick_s = moments[1].now_s
    return [late > 1e-9 for late, _ in before], [arrivals / tick_s for _, arrivals in before]


def scraped(moments: list[Moment]) -> tuple[list[Bools], list[Floats]]:
    """(pressed, demand) in full fidelity, of what the loop was told: late requests, or a queue longer than before."""
    pressed, demand, queue = [], [], np.full(moments[0].late.size, np.inf)
    for moment in moments:
        assert moment.seen is not None
        values = moment.seen.values
        pressed.append((values[:, LATE_SHARE] > 0.0) | (values[:, QUEUE] > queue))
        demand.append(values[:, ARRIVALS])
        queue = values[:, QUEUE]
    return pressed, demand


def late_share(moments: list[Moment]) -> Floats:
    late = np.sum([m.late for m in moments], axis=0)
    out: Floats = late / np.sum([m.arrivals for m in moments], axis=0)
    return out


DEMAND = st.lists(st.tuples(st.floats(0.0, 40.0), st.floats(0.0, 15.0)), min_size=30, max_size=80).map(np.array)


@settings(max_examples=25, deadline=None)
@given(demand=DEMAND, name=st.sampled_from(["ours", "quantile", "recurring"]))
def test_while_requests_are_late_the_floor_covers_the_demand_in_simple_fidelity(
    lives: type[Lives], demand: Floats, name: str
) -> None:
    moments = lives.simple(demand.T).run(name)
    assert uncovered(moments, *simply(moments)) == []


@settings(max_examples=15, deadline=None)
@given(demand=DEMAND, tick_s=st.sampled_from([15.0, 60.0]))
def test_while_requests_are_late_the_floor_covers_the_demand_in_full_fidelity(
    lives: type[Lives], demand: Floats, tick_s: float
) -> None:
    """Two workloads of one and two GPUs a replica on an on-demand and a spot pool."""
    moments = lives.full(demand.T, tick_s, gpus=[1, 2]).run()
    assert uncovered(moments, *scraped(moments)) == []


@pytest.mark.parametrize(
    ("guard", "bound"),
    [
        pytest.param(Reason.MAXIMUM, {"max_replicas": 9}, id="maximum"),
        pytest.param(Reason.POOL_LIMIT, {"most_nodes": 1}, id="pool"),
    ],
)
def test_where_the_floor_does_not_cover_it_the_guard_is_named(
    lives: type[Lives], guard: Reason, bound: dict[str, int]
) -> None:
    moments = lives.full(np.full((2, 60), 24.0), **bound).run()  # type: ignore[arg-type]
    pressed, demand = scraped(moments)
    assert sum(late.any() for late in pressed) > 10
    assert uncovered(moments, pressed, demand) == []
    assert all(m.report.plan is not None and (m.report.plan.reasons & int(guard)).all() for m in moments[5:])


def test_over_a_week_of_bursts_no_more_is_late_than_promised(lives: type[Lives]) -> None:
    """Three workloads of one pool under the loop, that hold as long as a restart costs, not at all, and for long."""
    tick_s = 120.0
    demand = bursty(3, 7.0, tick_s)
    holds = [np.nan, 0.0, 1800.0]
    ours = lives.simple(demand, tick_s, hold_s=holds).run("ours")
    reactive = lives.simple(demand, tick_s, hold_s=holds).run("reactive")
    assert uncovered(ours, *simply(ours)) == []
    assert (late_share(reactive) > OBJECTIVE).all()
    assert (late_share(ours) <= np.maximum(late_share(reactive), OBJECTIVE)).all()


def test_over_days_of_bursts_on_primary_and_burst_pools_no_more_is_late_than_promised(lives: type[Lives]) -> None:
    demand, tick_s = bursty(2, 3.0, 60.0), 60.0
    ours = lives.full(demand, tick_s, gpus=[1, 2]).run("ours")
    reactive = lives.full(demand, tick_s, gpus=[1, 2]).run("reactive")
    assert uncovered(ours, *scraped(ours)) == []
    assert (late_share(ours) <= np.maximum(late_share(reactive), OBJECTIVE)).all()
    pools = np.array([[p.pool for p in m.inventory.placeholders].count(1) for m in ours])
    assert pools.max() > 0
