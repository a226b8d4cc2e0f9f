"""What a loop remembers goes with its workloads into another set of policies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoscaler.controller.beginning import Rhythm, fresh
from autoscaler.controller.carry import carry, is_alike
from autoscaler.controller.cycle import LoopState
from autoscaler.domain.fleet import Fleet
from tests.unit.controller.live import TICK_S, Live, policy

WAVE = list(10.0 + 6.0 * np.sin(np.arange(400) / 60.0))


@pytest.fixture
def lived(tmp_path: Path) -> tuple[LoopState, Fleet]:
    """Chat and code, after five hours."""
    live = Live(tmp_path, {"chat": WAVE, "code": [value / 2.0 for value in WAVE]})
    live.write("both.yaml", policy("chat"), policy("code"))
    live.run(300)
    in_force, state = live.kept.ticks[-1].in_force, live.service.state
    assert in_force is not None
    assert state is not None
    return state, in_force.policies.fleet


def fleet_of(folder: Path, *texts: str) -> Fleet:
    live = Live(folder)
    live.write("both.yaml", *texts)
    in_force = live.run(1)[0].in_force
    assert in_force is not None
    return in_force.policies.fleet


def test_rows_follow_their_names(lived: tuple[LoopState, Fleet], tmp_path: Path) -> None:
    old, before = lived
    fleet = fleet_of(tmp_path, policy("voice"), policy("code"), policy("chat"))
    assert fleet.names == ("voice", "code", "chat")
    new = fresh(fleet, Rhythm(TICK_S))
    carry(old, before, new, fleet)
    bins = (new.history.last_bin - 299, 300)
    assert new.history.last_bin == old.history.last_bin
    assert_array_equal(new.history.span(*bins)[[2, 1]], old.history.span(*bins)[:2])
    assert np.isnan(new.history.span(*bins)[0]).all()
    for of in ("memory.ready", "planning.demand", "planning.proposal.floor", "planning.loop.knob"):
        mine, theirs = new, old
        for part in of.split("."):
            mine, theirs = getattr(mine, part), getattr(theirs, part)
        assert_array_equal(mine[[2, 1]], theirs, err_msg=of)  # type: ignore[index]
    assert np.isnan(new.planning.demand[0])


def test_forecasts_go_on_as_if_nothing_had_happened(lived: tuple[LoopState, Fleet], tmp_path: Path) -> None:
    old, before = lived
    fleet = fleet_of(tmp_path, policy("code"), policy("chat"), policy("voice"))
    new = fresh(fleet, Rhythm(TICK_S))
    carry(old, before, new, fleet)
    assert old.forecaster is not None
    assert new.forecaster is not None
    was, now = old.forecaster.forecast(), new.forecaster.forecast()
    level = np.full(2, 0.9)
    for horizon in (0, 1):
        assert_allclose(now.quantile(level, horizon)[::-1], was.quantile(level, horizon), rtol=1e-3)


def test_what_was_wanted_lately_is_kept_as_long(lived: tuple[LoopState, Fleet], tmp_path: Path) -> None:
    old, before = lived
    fleet = fleet_of(tmp_path, policy("chat"), policy("voice"))
    new = fresh(fleet, Rhythm(TICK_S))
    carry(old, before, new, fleet)
    at_s = float(old.planning.floor_hold.at_s.max()) + TICK_S
    hold_s = fleet.replica_hold_s
    kept = new.planning.floor_hold.keep(at_s, np.zeros(2), hold_s)
    assert kept[0] == old.planning.floor_hold.keep(at_s, np.zeros(2), hold_s)[0] > 0.0
    assert kept[1] == 0.0


@pytest.mark.parametrize(
    ("texts", "alike"),
    [
        pytest.param([policy("chat"), policy("code")], True, id="the same"),
        pytest.param([policy("chat", "observe"), policy("code")], True, id="mode"),
        pytest.param([policy("chat", more="replicas: {max: 9}"), policy("code")], True, id="bounds"),
        pytest.param([policy("chat", more="scaleIn: {hold: 1h}"), policy("code")], False, id="hold"),
        pytest.param([policy("chat", more="priority: -1"), policy("code")], False, id="order"),
        pytest.param([policy("chat")], False, id="one less"),
    ],
)
def test_when_the_very_state_fits(
    lived: tuple[LoopState, Fleet], tmp_path: Path, texts: list[str], alike: bool
) -> None:  # fmt: skip
    assert is_alike(lived[1], fleet_of(tmp_path, *texts)) is alike
