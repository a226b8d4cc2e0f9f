"""Stage laws: what is stated of a stage is what its draws show."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autoscaler.simulator.stages import StageLaw, total_mean_s, total_quantile_s


def draws(law: StageLaw, count: int = 20_000) -> list[float]:
    rng = np.random.default_rng(1)
    return [law.draw(rng) for _ in range(count)]


def test_half_of_the_draws_are_below_the_median_and_a_tenth_above_the_p90() -> None:
    seconds = draws(StageLaw(40.0, 100.0))
    assert np.quantile(seconds, 0.5) == pytest.approx(40.0, rel=0.03)
    assert np.quantile(seconds, 0.9) == pytest.approx(100.0, rel=0.03)


def test_the_mean_is_that_of_the_draws() -> None:
    law = StageLaw(40.0, 100.0)
    assert law.mean_s == pytest.approx(float(np.mean(draws(law))), rel=0.03)


def test_a_stage_whose_median_is_its_p90_is_constant() -> None:
    assert set(draws(StageLaw(40.0, 40.0), 5)) == {40.0}
    assert StageLaw(40.0, 40.0).mean_s == 40.0


def test_a_stage_may_take_no_time() -> None:
    assert draws(StageLaw(0.0, 0.0), 1) == [0.0]
    assert StageLaw(0.0, 0.0).mean_s == 0.0


@pytest.mark.parametrize("spread", [1.0, 1.5, 4.0])
def test_a_law_can_be_made_from_its_mean(spread: float) -> None:
    law = StageLaw.of_mean(90.0, spread)
    assert law.mean_s == pytest.approx(90.0)
    assert law.p90_s / law.median_s == pytest.approx(spread)


@pytest.mark.parametrize(
    ("median_s", "p90_s"),
    [
        pytest.param(-1.0, 2.0, id="negative"),
        pytest.param(5.0, 4.0, id="p90 below the median"),
        pytest.param(5.0, math.inf, id="endless"),
        pytest.param(math.nan, 4.0, id="not a number"),
        pytest.param(0.0, 10.0, id="no law has a median of nothing and a tail"),
    ],
)
def test_impossible_stages_are_refused(median_s: float, p90_s: float) -> None:
    with pytest.raises(ValueError, match="stage"):
        StageLaw(median_s, p90_s)


def test_means_of_stages_add_up() -> None:
    stages = StageLaw(40.0, 100.0), StageLaw(10.0, 10.0)
    assert total_mean_s(stages) == pytest.approx(stages[0].mean_s + 10.0)
    assert total_mean_s(()) == 0.0


def test_the_quantile_of_one_stage_is_its_own() -> None:
    assert total_quantile_s((StageLaw(40.0, 100.0),), 0.9) == pytest.approx(100.0, rel=0.06)


def test_slow_stages_seldom_come_together() -> None:
    stage = StageLaw(40.0, 100.0)
    assert total_quantile_s((stage, stage), 0.9) < 200.0 * 0.95


def test_the_quantile_of_stages_is_the_same_every_time() -> None:
    stages = StageLaw(40.0, 100.0), StageLaw(20.0, 30.0)
    assert total_quantile_s(stages, 0.8) == total_quantile_s(stages, 0.8)
