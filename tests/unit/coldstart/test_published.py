"""Stamps read from what Prometheus answers: lenient to what others publish, and never fooled by an earlier attempt."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.coldstart.published import MOST_SERIES, STAMP, read_stamps, stamp_query
from autoscaler.domain.lead_time import Stage, StartPath
from autoscaler.domain.stamp import Stamp, Witness

NOW_S = 1_700_000_000.0


def series(stage: str, edge: str, value: object, **labels: str) -> dict[str, Any]:
    metric = {"__name__": STAMP, "namespace": "inference", "pod": "chat-0", "stage": stage, "edge": edge, **labels}
    return {"metric": metric, "value": [NOW_S, str(value)]}


def test_both_edges_of_a_stage_are_one_stamp() -> None:
    found = read_stamps([series("weights", "begin", NOW_S - 60), series("weights", "end", NOW_S - 20)])
    assert found == [Stamp("inference/chat-0", Stage.WEIGHTS, Witness.PROCESS, NOW_S - 60, NOW_S - 20)]


def test_what_else_is_told_comes_along() -> None:
    told = {"uid": "u1", "path": "restored", "format": "gguf", "witness": "agent", "container": "main"}
    (found,) = read_stamps([series("transfer", "end", NOW_S - 20, **told)])
    assert (found.uid, found.path, found.model_format) == ("u1", StartPath.RESTORED, "gguf")
    assert (found.witness, found.from_s, found.until_s) == (Witness.AGENT, None, NOW_S - 20)


def test_the_pod_is_that_of_the_series_where_the_scrape_has_labels_of_its_own() -> None:
    told = {"namespace": "monitoring", "pod": "agent-x", "exported_namespace": "inference", "exported_pod": "chat-7"}
    (found,) = read_stamps([series("cuda", "begin", NOW_S, **told)])
    assert found.pod == "inference/chat-7"


def test_a_pod_that_is_known_by_its_uid_alone_is_read() -> None:
    (found,) = read_stamps([series("cuda", "begin", NOW_S, uid="u1", pod="")])
    assert (found.uid, found.pod) == ("u1", "")


def test_an_end_of_the_attempt_before_is_none() -> None:
    (found,) = read_stamps([series("weights", "begin", NOW_S - 10), series("weights", "end", NOW_S - 90)])
    assert (found.from_s, found.until_s) == (NOW_S - 10, None)


def test_processes_of_one_pod_stay_apart() -> None:
    ranks = [series("transfer", "end", NOW_S - n, rank=str(n)) for n in range(2)]
    assert [one.until_s for one in read_stamps(ranks)] == [NOW_S, NOW_S - 1]


@pytest.mark.parametrize(
    "bad",
    [
        series("loading", "end", NOW_S),
        series("weights", "middle", NOW_S),
        series("weights", "end", "NaN"),
        series("weights", "end", "+Inf"),
        series("weights", "end", 0),
        series("weights", "end", -5),
        series("weights", "end", "soon"),
        series("weights", "end", NOW_S, pod=""),
        {"metric": {}, "value": [0, "1"]},
        {"metric": None, "value": [0, "1"]},
        {"metric": {**series("cuda", "end", NOW_S)["metric"], "stage": ["cuda"]}, "value": [0, "1"]},
        {"metric": {**series("cuda", "end", NOW_S)["metric"], "format": 5}, "value": [0, "1"]},
        {},
        "a text",
        None,
    ],
)
def test_what_is_no_stamp_is_left_out_and_the_others_are_read(bad: Any) -> None:
    good = series("cuda", "end", NOW_S)
    assert read_stamps([bad, good]) == read_stamps([good])


def test_an_unknown_path_says_nothing() -> None:
    (found,) = read_stamps([series("cuda", "end", NOW_S, path="teleported")])
    assert found.path is None


def test_no_more_series_are_read_than_can_be_remembered() -> None:
    many = (series("cuda", "end", NOW_S, pod=f"chat-{n}") for n in range(MOST_SERIES + 10))
    assert len(read_stamps(many)) == MOST_SERIES


def test_the_query_leaves_out_what_is_over_long_since() -> None:
    assert stamp_query() == f"last_over_time({STAMP}[900s]) > (time() - 7200)"
