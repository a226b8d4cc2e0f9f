"""What engines tell of their starts, as a store of metrics answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from autoscaler.coldstart.engines import ENGINES, LABEL, engine_stamps
from autoscaler.domain.lead_time import Stage
from autoscaler.domain.stamp import Stamp, Witness

TOLD = [(told.name, told.phases) for engine in ENGINES for told in engine.told]
GRAPHS = ("sglang:startup_cuda_graph_time_seconds", ".+")


def series(told: tuple[str, str | None], seconds: float | str, pod: str = "chat-0", **labels: str) -> dict[str, Any]:
    """One series of the answer, of a row of the table by its name and phases."""
    metric = {LABEL: str(TOLD.index(told)), "namespace": "inference", "pod": pod} | labels
    return {"metric": metric, "value": [1_700_000_000.0, str(seconds)]}


def durations(*answer: Mapping[str, Any]) -> dict[str, dict[Stage, float | None]]:
    """Seconds by pod and stage."""
    found: dict[str, dict[Stage, float | None]] = {}
    for stamp in engine_stamps(answer):
        found.setdefault(stamp.pod, {})[stamp.stage] = stamp.seconds
    return found


def test_a_stamp_tells_a_duration_and_no_time() -> None:
    (stamp,) = engine_stamps([series(("sglang:engine_load_weights_time", None), 42.5)])
    assert stamp == Stamp("inference/chat-0", Stage.WEIGHTS, Witness.ENGINE, seconds=42.5)


def test_what_follows_the_weights_is_added_up_and_two_names_of_one_duration_are_not() -> None:
    answer = [
        series(("sglang:engine_load_weights_time", None), 41.0),
        series(("sglang:startup_time_seconds", "load_weight"), 42.0, phase="load_weight"),
        series(("sglang:startup_time_seconds", "kv_cache_allocation"), 3.0, phase="kv_cache_allocation"),
        series(GRAPHS, 4.0, phase="prefill"),
        series(GRAPHS, 5.0, phase="decode"),
    ]
    assert durations(*answer) == {"inference/chat-0": {Stage.WEIGHTS: 42.0, Stage.WARM_UP: 12.0}}


def test_a_load_that_is_told_apart_is_not_counted_twice() -> None:
    load = series(("dynamo_component_model_load_time_seconds", None), 60.0)
    weights = series(("sglang:engine_load_weights_time", None), 42.0)
    assert durations(load, weights) == {"inference/chat-0": {Stage.WEIGHTS: 42.0}}
    assert durations(load) == {"inference/chat-0": {Stage.LOAD: 60.0}}


def test_each_pod_has_its_own_and_labels_that_clashed_name_it() -> None:
    triton = ("nv_model_load_duration_secs", None)
    other = series(triton, 7.0, "exporter-x", exported_namespace="vision", exported_pod="detect-1")
    assert durations(series(triton, 9.0), other) == {
        "inference/chat-0": {Stage.LOAD: 9.0},
        "vision/detect-1": {Stage.LOAD: 7.0},
    }


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(series(("nv_model_load_duration_secs", None), "NaN"), id="no number"),
        pytest.param(series(("nv_model_load_duration_secs", None), "+Inf"), id="infinite"),
        pytest.param(series(("nv_model_load_duration_secs", None), 0.0), id="not told yet"),
        pytest.param(series(("nv_model_load_duration_secs", None), 5.0, pod=""), id="no pod"),
        pytest.param(series(("nv_model_load_duration_secs", None), 5.0, **{LABEL: "99"}), id="another row"),
        pytest.param({"metric": {"pod": "x", "namespace": "y"}, "value": [1.0, "5"]}, id="another query"),
        pytest.param({"metric": {}, "histogram": [1.0, {}]}, id="a histogram"),
    ],
)
def test_what_tells_nothing_is_left_out(odd: Mapping[str, Any]) -> None:
    assert engine_stamps([odd]) == []


def test_the_table_has_each_engine_once_and_says_where_its_names_are_from() -> None:
    names = [engine.name for engine in ENGINES]
    assert {"vLLM", "SGLang", "TGI", "Triton"} <= set(names)
    assert len(set(names)) == len(names)
    assert all(engine.source and (engine.told or engine.note) for engine in ENGINES)
