"""Quantiles of durations: of few, of cut-off ones, and against what was believed before."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.observe.censored import BELIEVED, Duration, credible, prior, quantile

SECONDS = st.floats(0.0, 7200.0)
SHARES = st.floats(0.01, 0.99)
DURATIONS = st.lists(st.builds(Duration, SECONDS, st.booleans()), max_size=40)


def ended(*seconds: float) -> list[Duration]:
    return [Duration(one, ended=True) for one in seconds]


def cut(*seconds: float) -> list[Duration]:
    return [Duration(one, ended=False) for one in seconds]


@pytest.mark.parametrize(
    ("durations", "share", "seconds"),
    [
        pytest.param(ended(*range(1, 21)), 0.9, 18.0, id="the eighteenth of twenty"),
        pytest.param(ended(*range(1, 21)), 0.5, 10.0, id="the middle"),
        pytest.param(ended(7.0), 0.5, 7.0, id="one alone is all of them"),
        pytest.param([*ended(10.0, 20.0, 30.0, 40.0), *cut(25.0)], 0.5, 30.0, id="cut off before the middle"),
        pytest.param([*ended(*[10.0] * 9), *cut(300.0)], 0.95, 300.0, id="beyond what ended: the longest seen"),
        pytest.param([*ended(*[10.0] * 19), *cut(300.0)], 0.9, 10.0, id="one of twenty does not move the tenth"),
        pytest.param(cut(5.0, 50.0), 0.5, 50.0, id="none ended: a lower bound"),
    ],
)
def test_quantiles(durations: list[Duration], share: float, seconds: float) -> None:
    assert quantile(durations, share) == seconds


def test_nothing_is_known_of_nothing() -> None:
    assert math.isnan(quantile([], 0.5))


@given(DURATIONS.filter(bool), SHARES, SHARES)
def test_more_of_the_starts_take_longer(durations: list[Duration], one: float, other: float) -> None:
    few, most = sorted((one, other))
    assert quantile(durations, few) <= quantile(durations, most)
    lead = credible(durations, prior(180.0))
    assert lead(few) <= lead(most) * (1.0 + 1e-9)


@given(DURATIONS, SECONDS, SHARES)
def test_a_cut_off_duration_never_lowers_the_estimate(durations: list[Duration], seconds: float, share: float) -> None:
    more = [*durations, *cut(seconds)]
    assert not quantile(more, share) < quantile(durations, share)
    before = prior(180.0)
    assert credible(more, before)(share) >= credible(durations, before)(share) * (1.0 - 1e-9)


@given(DURATIONS, SHARES)
def test_ending_later_than_the_cut_is_what_a_cut_promised(durations: list[Duration], share: float) -> None:
    """An estimate from lower bounds is one itself: where each cut-off start ends at once, it is no longer than that."""
    at_once = ended(*(duration.seconds for duration in durations))
    assert not quantile(durations, share) < quantile(at_once, share)


def test_a_prior_is_what_is_planned_with_before_anything_is_known() -> None:
    assert credible([], prior(180.0))(0.9) == pytest.approx(180.0)
    assert credible(cut(20.0), prior(180.0))(0.9) == pytest.approx(180.0)


@given(SECONDS.filter(lambda s: s >= 1.0), st.floats(10.0, 600.0), SHARES)
def test_the_prior_fades(seconds: float, believed_s: float, share: float) -> None:
    estimates = [credible(ended(*[seconds] * n), prior(believed_s))(share) for n in (0, 1, 3, 10, 30, 300)]
    gaps = [abs(math.log(estimate / seconds)) for estimate in estimates]
    assert gaps == sorted(gaps, reverse=True) or max(gaps) < 1e-9
    assert gaps[-1] <= gaps[0] * 0.01 + 1e-9
    assert gaps[2] == pytest.approx(gaps[0] / 2.0, abs=1e-9)


def test_what_goes_on_for_ever_is_no_slow_start() -> None:
    lead = credible([*ended(60.0, 60.0, 60.0), *cut(86_400.0)], prior(100.0))
    assert lead(0.9) == pytest.approx(math.sqrt(BELIEVED * 100.0 * 100.0))
