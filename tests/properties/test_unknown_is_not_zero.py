"""Promise 2: missing or recovering never scales in, in both fidelities; a true zero does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import SignalReadings

if TYPE_CHECKING:
    from tests.properties.conftest import Life, Lives, Moment, Spoil

    Begin = Callable[..., Life]

TICK_S = 60.0
GAP = 20
"""Ticks of an outage: twenty minutes."""
AT = 70
RECOVERY = 2
"""Ticks after a gap in which nothing is believed yet: samples may be two minutes old."""
FIDELITIES = pytest.mark.parametrize("fidelity", ["simple", "full"])
STRATEGIES = pytest.mark.parametrize("name", ["ours", "quantile", "recurring"])


def begin(lives: type[Lives], fidelity: str) -> Begin:
    return lives.simple if fidelity == "simple" else lives.full


def peak_and_fall(ticks: int = 120) -> Floats:
    """Two workloads that rise to 30 and to 12 within the hour; soon after the outage begins hardly anybody comes."""
    at = np.arange(ticks)
    rise = np.interp(at, [0, 50, AT + 3, AT + 6], [4.0, 30.0, 30.0, 1.0])
    return np.stack([rise, rise * 0.4])


def falls(moments: list[Moment], first: int, last: int) -> list[tuple[int, int]]:
    """(tick, workload) of every floor that is below the one before it."""
    return [
        (tick, w)
        for tick in range(first, last + 1)
        for w in np.flatnonzero(moments[tick].floor < moments[tick - 1].floor).tolist()
    ]


def nothing_is_given_up(moments: list[Moment], first: int, last: int) -> None:
    """Neither a floor nor a warm GPU, in any tick in which the loop may know nothing."""
    assert falls(moments, first, last) == []
    assert [moment.bound_deleted for moment in moments[first : last + 1]] == [[]] * (last + 1 - first)


def spoiled(spoil: Spoil, low: Spoil, at: int = AT, gap: int = GAP) -> dict[int, Spoil]:
    """An outage, and after it what a source says that has just come back."""
    return dict.fromkeys(range(at, at + gap), spoil) | dict.fromkeys(range(at + gap, at + gap + RECOVERY), low)


KINDS = [
    "the port does not answer",
    "an empty answer",
    "no numbers",
    "infinite",
    "negative, as after a counter reset",
    "old samples",
]


def test_every_way_to_tell_nothing_is_tried(lives: type[Lives]) -> None:
    assert sorted(KINDS) == sorted(lives.spoils)


@FIDELITIES
@pytest.mark.parametrize("kind", KINDS)
def test_an_outage_at_the_peak_gives_nothing_up(lives: type[Lives], fidelity: str, kind: str) -> None:
    life = begin(lives, fidelity)(peak_and_fall())
    moments = life.run(spoils=spoiled(lives.spoils[kind], lives.low))
    nothing_is_given_up(moments, AT, AT + GAP + RECOVERY - 1)
    assert (moments[AT].floor >= np.array([30, 12])).all()
    assert (moments[-1].floor <= np.array([15, 6])).all()  # once it is known that nobody comes


@FIDELITIES
@STRATEGIES
def test_an_outage_with_warm_gpus_standing_keeps_them(lives: type[Lives], fidelity: str, name: str) -> None:
    life = begin(lives, fidelity)(peak_and_fall())
    moments = life.run(name, spoiled(lives.spoils["the port does not answer"], lives.low, at=45))
    nothing_is_given_up(moments, 45, 45 + GAP + RECOVERY - 1)
    if name != "recurring":  # which wants no room beyond its floors
        assert any(p.bound for p in moments[45].inventory.placeholders)


def test_an_outage_of_the_scrapes_gives_nothing_up(lives: type[Lives]) -> None:
    """Full fidelity's own fault: the port goes on answering with what was scraped last, older and older."""
    until_s = (AT + GAP) * TICK_S
    moments = lives.full(peak_and_fall(), outages=[(AT * TICK_S, until_s)]).run()
    stale = AT + math.ceil(lives.stale_s / TICK_S)
    nothing_is_given_up(moments, stale, AT + GAP + RECOVERY)
    assert (moments[-1].floor <= np.array([15, 6])).all()


@FIDELITIES
@pytest.mark.parametrize("reset", ["to zero", "below zero"])
def test_a_counter_reset_of_one_sample_gives_nothing_up(lives: type[Lives], fidelity: str, reset: str) -> None:
    def once(readings: SignalReadings) -> SignalReadings:
        factor = 0.0 if reset == "to zero" else -3.0
        return SignalReadings(readings.values * factor, readings.age_s)

    demand = np.full((2, 100), 30.0)
    moments = begin(lives, fidelity)(demand, hold_s=300.0).run(spoils={AT: once})
    assert min(int(moment.floor.min()) for moment in moments[AT - 1 : AT + 8]) >= 30
    assert [moment.bound_deleted for moment in moments[AT : AT + RECOVERY]] == [[]] * RECOVERY


@settings(max_examples=25, deadline=None)
@given(
    demand=st.lists(st.floats(0.1, 40.0), min_size=50, max_size=80).map(np.array), at=st.integers(5, 25),
    gap=st.integers(1, 20), kind=st.sampled_from(KINDS), name=st.sampled_from(["ours", "recurring", "quantile"]),
)  # fmt: skip
def test_whatever_comes_nothing_is_given_up_in_simple_fidelity(
    lives: type[Lives], demand: Floats, at: int, gap: int, kind: str, name: str
) -> None:
    moments = lives.simple(demand).run(name, spoiled(lives.spoils[kind], lives.low, at, gap))
    nothing_is_given_up(moments, at, at + gap + RECOVERY - 1)


@settings(max_examples=12, deadline=None)
@given(
    demand=st.lists(st.tuples(st.floats(0.1, 25.0), st.floats(0.1, 10.0)), min_size=45, max_size=60).map(np.array),
    at=st.integers(5, 25), gap=st.integers(1, 15), kind=st.sampled_from(KINDS),
)  # fmt: skip
def test_whatever_comes_nothing_is_given_up_in_full_fidelity(
    lives: type[Lives], demand: Floats, at: int, gap: int, kind: str
) -> None:
    """Two workloads of one and two GPUs a replica share the nodes of an on-demand and a spot pool."""
    moments = lives.full(demand.T, gpus=[1, 2]).run("ours", spoiled(lives.spoils[kind], lives.low, at, gap))
    nothing_is_given_up(moments, at, at + gap + RECOVERY - 1)


@FIDELITIES
def test_only_the_workload_that_is_unknown_is_kept(lives: type[Lives], fidelity: str) -> None:
    def first_is_lost(readings: SignalReadings) -> SignalReadings:
        values = readings.values.copy()
        values[0] = math.nan
        return SignalReadings(values, readings.age_s)

    moments = begin(lives, fidelity)(peak_and_fall()).run(spoils=dict.fromkeys(range(AT, 120), first_is_lost))
    assert moments[-1].floor[0] >= 30
    assert moments[-1].floor[1] <= 6


@FIDELITIES
def test_a_true_zero_releases(lives: type[Lives], fidelity: str) -> None:
    moments = begin(lives, fidelity)(np.concatenate([np.full(30, 20.0), np.zeros(40)])).run()
    assert moments[29].floor[0] >= 20
    assert moments[-1].floor[0] <= 1
