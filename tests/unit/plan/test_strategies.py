"""Strategies by name: all that are offered can be had, each with the loop and the guards that it promises."""

from __future__ import annotations

import numpy as np
import pytest

from autoscaler.plan.guards import BARE_GUARDS, GUARDS
from autoscaler.plan.strategies import HEADROOM_LIMITS, LOOP_SUFFIX, OURS, Setting, names, strategy

SETTING = Setting(train_s=0.0, shared_nodes=False, path=np.ones((1, 4), dtype=np.int64))
BASELINES = sorted(set(names()) - set(OURS))


def test_the_names_are_the_ones_that_are_told_everywhere() -> None:
    assert names() == [
        "ours", "quantile", "recurring", "reactive", "static-peak", "hpa-50", "hpa-70", "hpa-90", "hpa-placeholders",
        "cron", "seasonal-naive", "holt-winters", "clairvoyant",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize("suffix", ["", LOOP_SUFFIX])
def test_ours_run_under_the_loop_and_all_guards(name: str, suffix: str) -> None:
    found = strategy(name + suffix, SETTING)
    assert (found.name, found.looped, found.guards) == (name + suffix, True, GUARDS)
    assert found.knob_limits == OURS[name]


@pytest.mark.parametrize("name", BASELINES)
def test_what_we_compare_with_is_bare_and_can_have_our_loop(name: str) -> None:
    bare, looped = strategy(name, SETTING), strategy(f"{name}{LOOP_SUFFIX}", SETTING)
    assert (bare.looped, looped.looped) == (False, True)
    assert bare.guards == looped.guards == BARE_GUARDS
    assert bare.knob_limits == looped.knob_limits == HEADROOM_LIMITS
    assert (bare.name, looped.name) == (name, f"{name}+loop")


def test_every_call_gives_a_planner_of_its_own() -> None:
    assert strategy("ours", SETTING).planner is not strategy("ours", SETTING).planner


@pytest.mark.parametrize("name", ["best", "", "Ours", "ours+loop+loop", "+loop"])
def test_an_unknown_name_is_an_error_that_tells_all_names(name: str) -> None:
    with pytest.raises(ValueError, match="no strategy") as error:
        strategy(name, SETTING)
    assert all(known in str(error.value) for known in [f"'{name}'", *names(), LOOP_SUFFIX])


def test_the_clairvoyant_needs_the_demand_in_advance() -> None:
    with pytest.raises(ValueError, match="in advance"):
        strategy("clairvoyant", Setting(0.0, False))
