"""Expectations judged on recordings made by hand: two workloads on two pools, ten ticks of a minute."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.evaluation.replay import COLUMNS, Recording
from autoscaler.evaluation.scenario.expect import Expectation
from autoscaler.evaluation.scenario.expectations import figure_text, judged
from autoscaler.evaluation.scenario.model import Scenario
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.evaluation.scenario.verdict import Verdict
from autoscaler.evaluation.stocks import Stocks
from autoscaler.simulator.journal import Journal

NAMES = ("chat", "batch")
TICKS = 10
POOLS = (Pool("steady", CapacityType.ON_DEMAND, 8, 4.0), Pool("cheap", CapacityType.SPOT, 8, 1.0))
FLOOR = [5.0, 5.0, 6.0, 6.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0]


def recording(late: float = 1.0, gpus: float = 6.0) -> Recording:
    """`chat` has ten requests in each tick, some of them late, in all but the first; `batch` is not known."""
    columns = {name: np.zeros((TICKS, 2)) for name in COLUMNS}
    columns["arrivals"][:] = [10.0, math.nan]
    columns["late"][1:] = [late, 7.0]
    columns["floor"][:, 0] = FLOOR
    columns["starts"][:] = [2.0, 1.0]
    columns["placeholders_bound"][:] = [1.0, 0.0]
    columns["placeholders_pending"][3] = [2.0, 0.0]
    billed = np.zeros((TICKS, 2, 2))
    billed[:, 0] = [gpus, 12.0]
    return Recording(
        "ours", 60.0, POOLS, columns, billed, np.zeros((TICKS, 2, 3)), np.zeros((TICKS, 2), dtype=np.uint32),
        Stocks.empty(TICKS, 2, POOLS), Journal(2), 1.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def spec(scenario: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Ten minutes, the first four of which are warm-up."""
    path = scenario(tmp_path_factory.mktemp("spec"), ("warmup: 12h", "warmup: 4m"), ("score: 12h", "score: 6m"))
    return read_scenario(path).spec


def verdict(spec: Scenario, **fields: Any) -> Verdict:
    expectation = Expectation.model_validate({"name": "a", **fields})
    return judged(expectation, spec, NAMES, {"ours": recording(), "hpa-70": recording(late=4.0, gpus=24.0)})


@pytest.mark.parametrize(
    ("what", "policy", "window", "figure"),
    [
        pytest.param("lateShare", "chat", ("0s", "10m"), 9.0 / 100.0, id="late share"),
        pytest.param("lateShare", None, ("0s", "10m"), 9.0 / 100.0, id="late share where all is known"),
        pytest.param("lateShare", "batch", ("0s", "10m"), 0.0, id="late share of nobody"),
        pytest.param("lateShare", "chat", ("0s", "2m"), 1.0 / 20.0, id="late share of a window"),
        pytest.param("lateShare", "chat", (None, None), 6.0 / 60.0, id="of what is scored by default"),
        pytest.param("gpuHours", None, ("0s", "10m"), 18.0 / 6.0, id="GPU-hours"),
        pytest.param("gpuHours", "batch", ("0s", "10m"), 0.0, id="GPU-hours of one"),
        pytest.param("gpuHoursOnDemand", None, ("0s", "10m"), 6.0 / 6.0, id="on demand"),
        pytest.param("gpuHoursSpot", None, ("0s", "10m"), 12.0 / 6.0, id="spot"),
        pytest.param("dollars", None, ("0s", "10m"), 6.0, id="dollars"),
        pytest.param("starts", None, ("0s", "3m"), 9.0, id="starts"),
        pytest.param("starts", "batch", ("0s", "3m"), 3.0, id="starts of one"),
    ],
)
def test_a_total_is_that_of_its_window(
    spec: Scenario, what: str, policy: str | None, window: tuple[str | None, str | None], figure: float
) -> None:
    fields = {"what": what, "policy": policy, "from": window[0], "until": window[1], "atMost": 1e6}
    assert verdict(spec, **{k: v for k, v in fields.items() if v is not None}).figure == pytest.approx(figure)


@pytest.mark.parametrize(
    ("bounds", "holds", "words"),
    [
        pytest.param({"atMost": "10%"}, True, "at most 10 %", id="at most"),
        pytest.param({"atMost": 0.099}, False, "at most 9.9 %", id="above"),
        pytest.param({"atLeast": "10%"}, True, "at least 10 %", id="at least"),
        pytest.param({"atLeast": "11%", "atMost": 1}, False, "at least 11 %, at most 100 %", id="below"),
    ],
)
def test_a_total_keeps_its_bounds(spec: Scenario, bounds: dict[str, Any], holds: bool, words: str) -> None:
    found = verdict(spec, what="lateShare", policy="chat", **bounds)
    assert (found.holds, found.bound) == (holds, words)
    assert math.isnan(found.at_s)


def test_a_total_may_be_compared_with_another_strategy(spec: Scenario) -> None:
    found = verdict(spec, what="gpuHours", ofStrategy="hpa-70", atMost=0.5, **{"from": "0s"})
    assert found.holds
    assert found.figure == pytest.approx(18.0 / 36.0)
    assert found.what == "gpuHours, ours / hpa-70"
    assert found.bound == "at most 0.5"
    late = verdict(spec, what="lateShare", ofStrategy="hpa-70", atMost=0.2, policy="batch")
    assert late.figure == 1.0


def test_another_strategy_than_ours_may_be_looked_at(spec: Scenario) -> None:
    assert verdict(spec, what="lateShare", policy="chat", strategy="hpa-70", atMost=1).figure == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("fields", "holds", "figure", "at_s"),
    [
        pytest.param({"what": "floor", "atLeast": 4}, True, 4.0, math.nan, id="least"),
        pytest.param({"what": "floor", "atLeast": 5}, False, 4.0, 240.0, id="too low once"),
        pytest.param({"what": "floor", "atMost": 5}, True, 5.0, math.nan, id="most"),
        pytest.param({"what": "floor", "atMost": 5, "from": "1m"}, False, 6.0, 120.0, id="too high at first"),
        pytest.param({"what": "floor", "neverFalls": True, "until": "4m", "from": "0s"}, True, 5.0, math.nan, id="up"),
        pytest.param({"what": "floor", "neverFalls": True, "from": "0s"}, False, 4.0, 240.0, id="falls"),
        pytest.param({"what": "billedGpus", "atMost": 18}, True, 18.0, math.nan, id="GPUs"),
        pytest.param({"what": "placeholders", "atMost": 1, "from": "0s"}, False, 3.0, 180.0, id="placeholders"),
        pytest.param({"what": "readyReplicas", "atLeast": 1}, False, 0.0, 240.0, id="ready"),
        pytest.param({"what": "queue", "atMost": 0}, True, 0.0, math.nan, id="queue"),
    ],
)
def test_a_level_keeps_its_bound_in_every_tick(
    spec: Scenario, fields: dict[str, Any], holds: bool, figure: float, at_s: float
) -> None:
    found = verdict(spec, **fields)
    assert (found.holds, found.figure) == (holds, figure)
    np.testing.assert_equal(found.at_s, at_s)


def test_a_verdict_is_ready_for_json(spec: Scenario) -> None:
    said = verdict(spec, what="floor", atLeast=4, guards="hold").to_dict()
    assert json.loads(json.dumps(said)) == {
        "name": "a", "holds": True, "what": "floor, ours", "figure": 4.0, "bound": "at least 4", "at_s": None,
        "guards": "hold",
    }  # fmt: skip


def test_figures_read_as_people_write_them() -> None:
    texts = [figure_text(what, figure) for what, figure in (("lateShare", 0.0123), ("dollars", 12_345.6), ("floor", 8))]
    assert texts == ["1.23 %", "12,346", "8"]
    assert figure_text("lateShare", 0.5, is_ratio=True) == "0.5"
