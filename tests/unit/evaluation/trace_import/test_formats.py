"""Each format on a small file: what is recognised, the requests of each step, and the axis of the times."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from numpy.testing import assert_array_equal

from autoscaler.evaluation.trace_import.formats import FORMATS
from autoscaler.evaluation.trace_import.importer import Imported, import_trace
from autoscaler.evaluation.trace_import.request import Request, TimeUnit, Values

Write = Callable[..., Path]
NAN = float("nan")
NEW_YEAR = 1767225600.0  # 2026-01-01T00:00:00Z

BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,0,1087,Conversation log
200.5,GPT-4,417,505,922,API log
"""
AZURE_2023 = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,4808,10
2023-11-16 18:15:50.9951690,3180,8
2023-11-16 18:17:03.9799600,110,27
"""
AZURE_2024 = """TIMESTAMP,ContextTokens,GeneratedTokens
2024-05-10 00:00:00.009930+00:00,2162,5
2024-05-10 00:01:00+00:00,2399,6
"""
MOONCAKE = """{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1], "type": "chat"}
{"timestamp": 3052, "input_length": 2287, "output_length": 316, "hash_ids": [0], "type": "tool"}

{"timestamp": 125000, "input_length": 1, "output_length": 1, "hash_ids": [], "type": "chat"}
"""
SERVEGEN = "0,1.5,8.6,Weibull,0.37,0.39\n600,0,0,,0,0\n1200,0.25,6.0,Gamma,0.49,3.38\n"
COUNTS = "timestamp,requests\n2026-01-01T00:00:00Z,3\n2026-01-01T01:00:00Z,\n2026-01-01T04:00:00Z,0\n"
EVENTS = "id,ts\na,1767225601\nb,1767225661\nc,1767225662\n"


def answer(*results: dict[str, Any], **more: Any) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": list(results)}, **more})


def result(values: list[Any], **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": values}


PROMETHEUS = answer(
    result([[NEW_YEAR + 60, "0.5"], [NEW_YEAR + 120, "NaN"], [NEW_YEAR + 180, "2"], [NEW_YEAR + 300, "0"]], model="a")
)


@dataclass(frozen=True)
class Case:
    """A source and what is to come of it."""

    text: str
    values: dict[str, list[float]]
    step_s: float = 60.0
    start_s: float = 0.0
    absolute: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def case(format: str, case: Case, id: str = "") -> Any:
    return pytest.param(format, case, id=f"{format} {id}".strip())


FIRST_AZURE = 1700158500.0  # 18:15
CASES = [
    case("burstgpt", Case(BURSTGPT, {"": [2, 0, 0, 1]})),
    case("burstgpt", Case(BURSTGPT, {"ChatGPT": [2, 0, 0, 0], "GPT-4": [0, 0, 0, 1]}, options={
        "series_by": ("Model",)}), "by model"),
    case("burstgpt", Case(BURSTGPT, {"GPT-4 / API log": [0, 1]}, step_s=120, options={
        "series_by": ("model", "log type"), "series": "GPT-4 / API log", "step_s": 120.0}), "one of two columns"),
    case("burstgpt", Case(BURSTGPT.replace(",", ";"), {"chat": [2, 0, 0, 1]}, options={
        "series": "chat"}), "semicolons"),
    case("azure", Case(AZURE_2023, {"": [2, 0, 1]}, start_s=FIRST_AZURE, absolute=True), "2023"),
    case("azure", Case(AZURE_2024, {"": [1, 1]}, start_s=1715299200.0, absolute=True), "2024"),
    case("mooncake", Case(MOONCAKE, {"": [2, 0, 1]})),
    case("mooncake", Case(MOONCAKE, {"chat": [1, 0, 1], "tool": [1, 0, 0]}, options={
        "series_by": ("type",)}), "by key"),
    case("mooncake", Case(MOONCAKE.replace("3052", "61").replace("125000", "125"), {"": [1, 1, 1]}, options={
        "time_unit": TimeUnit.S}), "in seconds"),
    case("servegen", Case(SERVEGEN, {"": [900, 0, 150]}, step_s=600)),
    case("prometheus-json", Case(PROMETHEUS, {'{model="a"}': [30, NAN, 120, NAN, 0]}, start_s=NEW_YEAR, absolute=True)),
    case("prometheus-json", Case(PROMETHEUS, {"a": [0.5, NAN, 2, NAN, 0]}, start_s=NEW_YEAR, absolute=True, options={
        "values": Values.COUNT, "series_by": ("model",)}), "of increases"),
    case("counts", Case(COUNTS, {"": [3, NAN, NAN, NAN, 0]}, step_s=3600, start_s=NEW_YEAR, absolute=True)),
    case("counts", Case("series,minute,requests\nb,0,1\nb,5,2\na,5,4\na,10,null\na,15,1\n",
                        {"a": [NAN, 4, NAN, 1], "b": [1, 2, NAN, NAN]}, step_s=300), "of a trace"),
    case("counts", Case("Time;hits\n2026-01-01 00:00;2\n2026-01-01 00:10;3\n",
                        {"": [1200, 1800]}, step_s=600, start_s=NEW_YEAR - 3600, absolute=True, options={
                            "value_column": "Hits", "timezone": ZoneInfo("Europe/Berlin"), "values": Values.RATE}),
         "rates in local time"),
    case("counts", Case("minute,count\n3,1\n0,1\n1,1\n2,1\n4,1\n", {"": [2, 2]}, step_s=120, options={
        "step_s": 120.0}), "longer steps, unsorted"),
    case("events", Case(EVENTS, {"": [1, 2]}, start_s=NEW_YEAR, absolute=True), "in seconds since 1970"),
    case("events", Case(EVENTS.replace("a,", ",").replace("c,", "b,"), {"(empty)": [1, 0], "b": [0, 2]},
                        start_s=NEW_YEAR, absolute=True, options={"series_by": ("id",)}), "an empty name"),
    case("events", Case("at\n1767225601500\n1767225661500\n", {"": [1, 1]}, start_s=NEW_YEAR, absolute=True,
                        options={"time_column": "at"}), "in milliseconds since 1970"),
    case("events", Case("t_s\n1.5\n61\n", {"": [1, 1]}), "in seconds from the start"),
    case("events", Case("time\n2026-01-01T01:00:30+01:00\n2026-01-01 00:02:00 UTC\n", {"": [1, 0, 1]},
                        start_s=NEW_YEAR, absolute=True), "with offsets"),
]  # fmt: skip


def check(imported: Imported, expected: Case) -> None:
    grid = imported.grid
    assert (grid.step_s, grid.start_s, grid.absolute) == (expected.step_s, expected.start_s, expected.absolute)
    assert set(grid.series) == set(expected.values)
    for name, values in expected.values.items():
        shown = [NAN if value != value else value for value in grid.series[name].tolist()]
        assert_array_equal(shown[: len(values)], values)
        assert all(value != value for value in shown[len(values) :])


@pytest.mark.parametrize("name", ["source.csv", "source.csv.gz"])
@pytest.mark.parametrize(("format", "expected"), CASES)
def test_small_file(write: Write, format: str, expected: Case, name: str) -> None:
    options = {"timezone": UTC, **expected.options}
    imported = import_trace(Request((write(expected.text, name),), **options))
    assert imported.format == format
    assert imported.notes[0].startswith(f"read as {format} (")
    check(imported, expected)
    named = import_trace(Request((write(expected.text, name),), format=format, **options))
    check(named, expected)


def test_every_format_has_a_small_file() -> None:
    assert {param.values[0] for param in CASES} == set(FORMATS)


def test_servegen_is_a_folder_of_clients_that_add_up(write: Write) -> None:
    write(SERVEGEN, "m/chunk-0-trace.csv")
    write("\n".join(f"{at},0.5,1,Gamma,1,1" for at in (0, 600, 1200)), "m/chunk-1-trace.csv")
    write("{}", "m/chunk-1-dataset.json")
    folder = write("x", "m/README.md").parent
    check(import_trace(Request((folder,))), Case("", {"": [1200, 300, 450]}, step_s=600))
    apart = import_trace(Request((folder,), series_by=("file",)))
    assert sorted(apart.grid.series) == ["chunk-0-trace", "chunk-1-trace"]
    both = Request((folder / "chunk-0-trace.csv", folder / "chunk-1-trace.csv"))
    check(import_trace(both), Case("", {"": [1200, 300, 450]}, step_s=600))


def test_label_sets_add_up_and_one_that_is_unknown_makes_the_step_unknown(write: Write) -> None:
    at = [NEW_YEAR + 60 * i for i in range(4)]
    pods = [
        result([[t, "1"] for t in at], model="a", pod="x"),
        result([[at[1], "1"], [at[2], "NaN"]], model="a", pod="y"),
    ]
    imported = import_trace(Request((write(answer(*pods), "p.json"),), series_by=("model",)))
    assert_array_equal(imported.grid.series["a"], [60, 120, NAN, 60])


def test_pieces_of_a_range_fit_together(write: Write) -> None:
    at = [NEW_YEAR + 60 * i for i in range(5)]
    pieces = [
        write(answer(result([[t, "1"] for t in piece], model="a")), f"{number}.json")
        for number, piece in enumerate((at[:3], at[2:]))
    ]
    imported = import_trace(Request(tuple(pieces)))
    assert_array_equal(imported.grid.series['{model="a"}'], [60.0] * 5)


def test_a_partial_answer_is_said_to_be_one(write: Write) -> None:
    text = answer(result([[NEW_YEAR, "1"], [NEW_YEAR + 60, "1"]]), warnings=["a store is gone"])
    assert any("a store is gone" in note for note in import_trace(Request((write(text, "p.json"),))).notes)


def test_what_is_assumed_is_said(write: Write) -> None:
    notes = import_trace(Request((write(AZURE_2023),))).notes
    assert "times without an offset read as UTC; --timezone names another" in notes
    notes = import_trace(Request((write(AZURE_2024),))).notes
    assert len(notes) == 1
    notes = import_trace(Request((write("ts\n1767225662000\n1767225601000\n1767225602000\n"),))).notes
    assert "times read as milliseconds since 1970 (UTC); --time-unit names another unit" in notes
    assert "2 of 3 requests were out of order; counted by their times" in notes


def test_several_logs_are_one_and_a_file_can_be_a_series(write: Write) -> None:
    first, second = write("t_s\n0\n30\n", "code.csv"), write("t_s\n40\n70\n", "conv.csv.gz")
    together = import_trace(Request((first, second)))
    check(together, Case("", {"": [3, 1]}))
    assert "one common start" in together.notes[-1]
    apart = import_trace(Request((first, second), series_by=("file",)))
    check(apart, Case("", {"code": [2, NAN], "conv": [1, 1]}))


def test_a_series_without_data_is_left_out(write: Write) -> None:
    imported = import_trace(Request((write("series,minute,requests\na,0,1\na,1,1\nb,0,\nb,1,\n"),)))
    assert set(imported.grid.series) == {"a"}
    assert imported.notes[-1] == "left out, without any data: b"
