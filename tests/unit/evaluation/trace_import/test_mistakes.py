"""Every mistake in a source is one sentence with file, line and the way out."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autoscaler.evaluation.trace import TraceError
from autoscaler.evaluation.trace_import import event_bins, samples, source
from autoscaler.evaluation.trace_import.importer import import_trace
from autoscaler.evaluation.trace_import.request import Request, Values

Write = Callable[..., Path]
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
MOON = '{"timestamp": 0, "input_length": 1}\n'
MATRIX = '{"status":"success","data":{"resultType":"matrix","result":[%s]}}'

BAD: dict[str, tuple[str | bytes, dict[str, Any], int, str]] = {
    "empty": ("", {}, 1, "an empty file"),
    "blank lines": ("\n  \n", {}, 2, "an empty file"),
    "header alone": (AZURE.splitlines()[0], {}, 1, "no requests in it"),
    "counts without rows": ("minute,requests\n", {}, 1, "no values in it"),
    "unknown": ("a,b\n1,2\n", {}, 1, "say what it is with --from (burstgpt, azure,"),
    "unknown, and long": ("x" * 500 + "\n", {}, 1, "x...'; say"),
    "wrong columns": ("when,n\n1,2\n", {"format": "azure"}, 1, "no column 'TIMESTAMP'; there are: n, when"),
    "no time column": ("when,n\n1,2\n", {"format": "events"}, 1, "no column of times among when, n; name it with"),
    "no such time column": ("when,n\n1,2\n", {"time_column": "whem"}, 1, "did you mean `when`?"),
    "no value column": ("ts,n\n1,2\n", {"format": "counts"}, 1, "no column of counts among ts, n; name it with"),
    "no such series column": (BURST + "1,a,1,1,1,b\n", {"series_by": ("modle",)}, 1, "did you mean `Model`?"),
    "no header": ("1,2\n3,4\n", {"format": "counts"}, 1, "put a line with names before it"),
    "bad date": (AZURE + "yesterday,1,1\n", {}, 3, "time 'yesterday' cannot be read; write it as 2026-"),
    "date that is none": (AZURE + "2023-02-30 00:00:00,1,1\n", {}, 3, "cannot be read"),
    "empty time": (AZURE + ",1,1\n", {}, 3, "time '' cannot be read"),
    "before 1970": (AZURE + "1812-01-01,1,1\n", {}, 3, "before 1970"),
    "end of time": (AZURE + "9999-12-31T23:59:59-14:00,1,1\n", {}, 3, "after 9999"),
    "a word among numbers": (BURST + "1,a,1,1,1,b\nx,a,1,1,1,b\n", {}, 3, "time 'x' is not a number"),
    "negative time": (BURST + "-1,a,1,1,1,b\n", {}, 2, "time -1.0 cannot be used; it must be 0 or more"),
    "infinite time": (BURST + "inf,a,1,1,1,b\n", {}, 2, "time inf cannot be used"),
    "nan time": ("ts\nnan\n", {}, 2, "time nan cannot be used"),
    "short row": (BURST + "1,a\n", {"series_by": ("Log Type",)}, 2, "2 fields where the header has 6; complete it"),
    "far apart": ("ts\n1\n90000000\n1700000000\n", {}, 4, "more than 10,000,000; is a time wrong?"),
    "negative count": ("minute,requests\n0,1\n1,-2\n", {}, 3, "count -2 is negative; leave it empty"),
    "count that is a word": ("minute,requests\n0,1\n1,many\n", {}, 3, "count 'many' is not a number"),
    "infinite count": ("minute,requests\n0,1\n1,inf\n", {}, 3, "count 'inf' is not a number"),
    "same time": ("minute,requests\n0,1\n1,2\n1,3\n", {}, 4, "source.csv:3; keep one row a step, or name the column"),
    "same time, same count": ("minute,requests\n0,1\n1,2\n1,2\n", {}, 4, "the same time as"),
    "one time": ("minute,requests\n0,1\n", {}, 2, "the step is unknown"),
    "off the grid": ("minute,requests\n0,1\n1,1\n2,1\n2.5,1\n", {}, 5, "not a whole number of steps (60 s"),
    "counts far apart": ("minute,requests\n0,1\n1,1\n90000000,1\n", {}, 4, "more than 10,000,000"),
    "quoted without end": ('ts,x\n1,"' + "y" * 140_000 + "\n", {}, 2, "not CSV (field larger than"),
    "not a line of JSON": (MOON + "{oops\n", {}, 2, "not a line of JSON"),
    "no object": (MOON + "[1]\n", {}, 2, "[1] where an object is expected"),
    "no timestamp": (MOON + '{"input_length": 1}\n', {}, 2, "`timestamp` is null, not a number"),
    "timestamp true": (MOON + '{"timestamp": true}\n', {}, 2, "`timestamp` is true, not a number"),
    "huge timestamp": (MOON + '{"timestamp": 1' + "0" * 400 + "}\n", {}, 2, "cannot be used"),
    "no key for series": (MOON, {"series_by": ("typ",)}, 1, "no `typ` to tell the series by; there are:"),
    "too deep": (MOON + "[" * 100_000 + "\n", {}, 2, "not a line of JSON"),
    "servegen cut": ("0,1,1,Gamma,1,1\n600,1\n", {}, 2, "2 fields where a window has 6"),
    "servegen rate": ("0,1,1,Gamma,1,1\n600,-1,1,Gamma,1,1\n", {}, 2, "rate '-1' is no number from 0"),
    "servegen series": ("0,1,1,Gamma,1,1\n", {"series_by": ("rate",)}, 1, "--series-by file makes one a client"),
    "not JSON": ('{"status":\n oops}', {}, 2, "not JSON (Expecting value, column 2)"),
    "JSON too deep": ('{"a":' * 100_000, {}, 1, "nested too deeply"),
    "an error": ('{"status":"error","error":"parse error"}', {}, 1, "an error (parse error); correct the query"),
    "no result": ('{"status":"success"}', {}, 1, "`data.result` is lacking"),
    "a vector": ('{"data":{"resultType":"vector","result":[]}}', {}, 1, "resultType is 'vector', not 'matrix'"),
    "no series": (MATRIX % "", {}, 1, "no series matches the query"),
    "histogram": (MATRIX % '{"metric":{},"histograms":[]}', {}, 1, "a native histogram?"),
    "no metric": (MATRIX % "1", {}, 1, "result 1 has no `metric`"),
    "no pair": (MATRIX % '{"metric":{},"values":[[1,"1"],[2]]}', {}, 1, "result 1, value 2: not a time with a number"),
    "no number": (MATRIX % '{"metric":{},"values":[[1,"x"]]}', {}, 1, "value 1: not a time with a number"),
    "infinite rate": (MATRIX % '{"metric":{},"values":[[1,"+Inf"]]}', {}, 1, "+Inf requests; ask for a rate"),
    "negative rate": (MATRIX % '{"metric":{},"values":[[1,"-1"]]}', {}, 1, "-1 requests; ask for a rate"),
    "no label": (MATRIX % '{"metric":{"pod":"x"},"values":[[1,"1"]]}', {"series_by": ("pdo",)}, 1, "you mean `pod`?"),
    "zip": (b"PK\x03\x04rest", {}, 1, "a zip archive or a spreadsheet; unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfdrest", {}, 1, "compressed with zstd"),
    "utf-16": ("ts\n1\n".encode("utf-16"), {}, 1, "text in UTF-16"),
    "binary": (bytes(range(128, 256)) * 50, {}, 1, "not text in UTF-8"),
    "binary below": (b"ts\n1\n2\n\xff\xfe\n", {}, 4, "not text in UTF-8"),
    "zeros": (b"ts\n" + bytes(100), {}, 2, "NUL bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_file_line_and_way_out(write: Write, case: str) -> None:
    content, options, line, said = BAD[case]
    path = write(content)
    with pytest.raises(TraceError) as caught:
        import_trace(Request((path,), **{"timezone": UTC, **options}))
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


OPTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "column of a known format": (AZURE, {"time_column": "TIMESTAMP"}, "--time-column: for counts and events; azure"),
    "rate of events": (AZURE, {"values": Values.RATE}, "--values: for prometheus-json and counts"),
    "zone of relative times": (BURST, {"timezone": ZoneInfo("Asia/Tokyo")}, "--timezone: for"),
    "half a second": (AZURE, {"step_s": 0.5}, "--step 0.5s: choose a whole number of seconds"),
    "no multiple": ("minute,requests\n0,1\n5,1\n", {"step_s": 420.0}, "a value every 300 s; choose a multiple"),
    "finer": ("minute,requests\n0,1\n5,1\n", {"step_s": 60.0}, "a value every 300 s; choose a multiple"),
    "no such series": (BURST + "1,a,1,1,1,b\n9,c,1,1,1,b\n", {"series_by": ("Model",), "series": "z"}, "are: a, c"),
    "one step": (BURST + "1,a,1,1,1,b\n2,a,1,1,1,b\n", {}, "all of it lies in one step of 60 s; choose a shorter"),
    "all missing": ("minute,requests\n0,\n1,\n", {}, "every value of the sources is missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS)
def test_options_that_do_not_fit(write: Write, case: str) -> None:
    text, options, said = OPTIONS[case]
    with pytest.raises(TraceError) as caught:
        import_trace(Request((write(text),), **{"timezone": UTC, **options}))
    assert said in str(caught.value)


def test_files_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    def said(*paths: Path, **more: Any) -> str:
        with pytest.raises(TraceError) as caught:
            import_trace(Request(paths, **more))
        return str(caught.value)

    assert said(tmp_path / "none.csv").endswith("none.csv:1: no such file; check the path")
    assert "a folder without *-trace.csv" in said(tmp_path)
    assert "not a plain file" in said(Path("/dev/null"))
    path = write(AZURE)
    assert "named twice" in said(path, path)
    other = write(MOON, "moon.jsonl")
    assert "moon.jsonl:1: looks like mooncake" in said(path, other)
    relative = write("t_s\n1\n", "relative.csv")
    assert "relative.csv:1: times here count from the start" in said(
        write("ts\n2026-01-01\n"), relative, format="events"
    )


def test_damaged_gzip(write: Write, tmp_path: Path) -> None:
    rows = "".join(f"{i * 7_919 % 86_399}\n" for i in range(50_000))
    whole = gzip.compress(f"ts\n{rows}".encode())
    for name, data in {"cut": whole[: len(whole) // 2], "bad": whole[:4000] + bytes(400) + whole[4400:]}.items():
        path = tmp_path / f"{name}.csv.gz"
        path.write_bytes(data)
        with pytest.raises(TraceError, match=rf"{name}\.csv\.gz:\d+: damaged or cut off"):
            import_trace(Request((path,)))


def test_limits(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_bins, "MAX_SERIES", 3)
    ids = write("ts,id\n" + "".join(f"{i},r{i}\n" for i in range(9)))
    with pytest.raises(TraceError, match=r":5: more than .* series \('r0', 'r1', 'r2', ...\).*another --series-by"):
        import_trace(Request((ids,), series_by=("id",)))
    monkeypatch.setattr(samples, "MAX_CELLS", 4)
    with pytest.raises(TraceError, match=r":6: more than 4 values in all"):
        import_trace(Request((write("minute,requests\n" + "".join(f"{i},1\n" for i in range(9))),)))
    monkeypatch.setattr(source, "MAX_LINE_BYTES", 50)
    with pytest.raises(TraceError, match=r":2: a line of more than 50 bytes"):
        import_trace(Request((write("ts\n" + "1" * 99),)))
    monkeypatch.setattr(source, "MAX_DOCUMENT_BYTES", 10)
    with pytest.raises(TraceError, match=r":1: more than 0 MiB in one document"):
        import_trace(Request((write('{"status": "success"}'),)))
