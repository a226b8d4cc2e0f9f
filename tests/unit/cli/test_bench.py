"""`bench crossover`: a row a lead time and strategy, the same on any number of cores, and honest words about them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.cli import main
from autoscaler.compose.crossover import Crossover, run_crossover
from autoscaler.compose.trace import run_trace
from autoscaler.compose.trace_run import TraceRun
from autoscaler.evaluation.crossover import CrossoverRow, conclusion
from autoscaler.evaluation.report.crossover_page import render_crossover
from autoscaler.evaluation.score import Summary

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of minutes, a wave of three hours between 40 and 160 requests; two series."""
    path = tmp_path_factory.mktemp("trace") / "wave.csv"
    rows = [
        f"{name},{minute},{round(100 + 60 * math.sin(2 * math.pi * minute / 180))}"
        for name in ("wave", "other")
        for minute in range(2880)
    ]
    path.write_text("\n".join(["series,minute,requests", *rows]) + "\n")
    return path


def arguments(trace: Path, *more: str) -> list[str]:
    return [
        *("bench", "crossover", "--trace", str(trace), "--series", "wave", "--warmup", "1d", "--score", "12h"),
        *("--fleet-peak", "8", *more),
    ]


def ended(*said: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(said)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_rows_for_programs(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(*arguments(trace, "--lead-times", "600s,0s", "--seed", "7", "--format", "json")) == 0
    out = capsys.readouterr()
    rows = json.loads(out.out)
    assert [(row["lead_s"], row["strategy"]) for row in rows] == [
        (lead_s, strategy) for lead_s in (0.0, 600.0) for strategy in ("reactive", "reactive+loop", "ours")
    ]
    assert [(row["node_lead_s"], row["replica_lead_s"]) for row in rows[2:4]] == [(0.0, 0.0), (360.0, 240.0)]
    assert {row["seed"] for row in rows} == {7}
    assert "ticks_per_second" not in rows[0]
    assert rows[3]["late_share"] > rows[0]["late_share"] + 0.01  # waiting costs more the longer a start takes
    assert "\x1b" not in out.err  # no progress in a pipe


def test_the_same_rows_on_any_number_of_cores_and_from_plain_replays(trace: Path) -> None:
    base = TraceRun(trace, "wave", fleet_peak=8.0, warmup_s=24 * HOUR_S, score_s=12 * HOUR_S)
    sweep = Crossover(base, ("reactive", "hpa-70"), (0.0, 300.0))
    alone, together = (run_crossover(sweep, workers=workers) for workers in (1, 2))
    assert [row.to_dict() for row in alone] == [row.to_dict() for row in together]
    plain = run_trace(replace(base, strategy="hpa-70", node_lead_s=180.0, replica_lead_s=120.0)).summary
    assert alone[3].to_dict() == CrossoverRow(300.0, plain).to_dict()


def test_the_shares_done_reach_the_end(trace: Path) -> None:
    base = TraceRun(trace, "wave", fleet_peak=8.0, warmup_s=24 * HOUR_S, score_s=12 * HOUR_S)
    seen: list[list[float]] = []
    run_crossover(Crossover(base, ("reactive",), (0.0, 60.0)), lambda shares: seen.append(list(shares)), workers=1)
    assert seen[-1] == [1.0, 1.0]
    assert [sum(shares) for shares in seen] == sorted(sum(shares) for shares in seen)


def test_a_table_and_a_page_for_people(trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "crossover.html"
    assert ended(*arguments(trace, "--lead-times", "0s,600s", "--report", str(page))) == 0
    out = capsys.readouterr()
    assert "wave, seed 1" in out.out
    closing = [" ".join(line.split()) for line in out.out.splitlines() if line.startswith(("ours ", "Within"))]
    assert len(closing) == 3
    assert "Scored: 12 h after 1 day of warm-up" in out.err.replace("\u00a0", " ")
    text = page.read_text().replace("\u00a0", " ")
    assert all(sentence in text for sentence in closing)
    figures = json.loads(text.split('id="figures">')[1].split("</script>")[0])
    traces = figures["crossover"]["data"][0]
    assert [(t["name"], t.get("yaxis", "y")) for t in traces] == [
        *((name, axis) for name in ("reactive", "reactive+loop", "ours") for axis in ("y", "y2")),
        ("objective 1 %", "y2"),
    ]
    assert traces[-1]["x"] == [0.0, 600.0]
    assert traces[-1]["y"] == [1.0, 1.0]


BAD = [
    pytest.param(["--lead-times", "soon"], ["--lead-times", "90s"], id="not a duration"),
    pytest.param(["--lead-times", "60s,,90s"], ["--lead-times", "commas"], id="an empty part"),
    pytest.param(["--lead-times", ""], ["--lead-times", "commas"], id="no lead time"),
    pytest.param(["--lead-times", "0s,1d"], ["--lead-times", "--score"], id="longer than what is scored"),
    pytest.param(["--strategies", "ours,best"], ["--strategies", "holt-winters"], id="no such strategy"),
    pytest.param(["--strategies", ","], ["--strategies", "commas"], id="no strategy"),
    pytest.param(["--late", "0%"], ["--late", "between 0 and 100 %"], id="late"),
    pytest.param(["--fleet-peak", "nan"], ["--fleet-peak", "above 0"], id="peak"),
    pytest.param(["--tick", "0s"], ["--tick", "60s"], id="tick"),
    pytest.param(["--score", "0h"], ["--score"], id="score"),
    pytest.param(["--warmup", "90d"], ["--warmup", "shorter"], id="warm-up"),
    pytest.param(["--seed", "-1"], ["--seed", "from 0"], id="seed"),
    pytest.param(["--series", "chat"], ["chat", "other"], id="no such series"),
    pytest.param(["--trace", "none.csv"], ["none.csv", "check the path"], id="no such file"),
    pytest.param(["--report", "none/page.html"], ["--report", "create it"], id="no such folder"),
    pytest.param(["--report", "."], ["--report", "a folder"], id="a folder"),
]


@pytest.mark.parametrize(("more", "said"), BAD)
def test_bad_input_is_one_message_and_exit_code_2(
    more: list[str], said: list[str], trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert ended(*arguments(trace, *more)) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert len(out.err.strip().splitlines()) == 1
    assert all(words in out.err for words in said), out.err
    assert "Traceback" not in out.err


def summary(strategy: str, late: float, ratio: float, hours: float = 100.0) -> Summary:
    return Summary(
        strategy=strategy, gpu_hours=hours, dollars=hours, late_share=late, offered_replica_hours=80.0,
        clairvoyant_gpu_hours=90.0, ratio_at_target=hours / 90.0, ratio_at_achieved=ratio, starts=3,
        ticks_per_second=1000.0, seed=1,
    )  # fmt: skip


def rows(*figures: tuple[float, float, float, float, float]) -> list[CrossoverRow]:
    """(lead, late and ratio of waiting, late and ratio of ours)."""
    return [
        row
        for lead, late, ratio, our_late, our_ratio in figures
        for row in (
            CrossoverRow(lead, summary("reactive", late, ratio)),
            CrossoverRow(lead, summary("ours", our_late, our_ratio, 120.0)),
        )
    ]


PLAIN = (0.0, 0.001, 1.0, 0.001, 1.2)  # waiting is as good
BETTER = (0.05, 1.4, 0.009, 1.2)  # prediction wins on both


@pytest.mark.parametrize(
    ("figures", "cost", "lateness", "kept"),
    [
        pytest.param(
            [PLAIN, (60.0, *BETTER), (300.0, *BETTER)],
            "ours pays from 60 s on: it is cheaper than reactive for the late share that it reaches "
            "(1.20 against 1.40 times the optimum at 300 s).",
            "ours is less late than reactive from 60 s on (0.90 % against 5.00 % at 300 s, with 20 % more GPU-hours).",
            "reactive at 0 s only; ours at every one of these lead times.",
            id="from a lead time on",
        ),
        pytest.param(
            [PLAIN, (60.0, 0.02, 1.3, 0.03, 1.3), (300.0, 0.08, 1.3, 0.04, 1.5)],
            "ours does not pay on cost: at none of these lead times is it cheaper than reactive for the late share "
            "that it reaches (1.50 against 1.30 times the optimum at 300 s).",
            "ours is less late than reactive from 300 s on (4.00 % against 8.00 % at 300 s, with 20 % more GPU-hours).",
            "reactive at 0 s only; ours at 0 s only.",
            id="nowhere on cost",
        ),
        pytest.param(
            [PLAIN, (60.0, *BETTER), (120.0, 0.005, 1.1, 0.006, 1.2), (300.0, *BETTER), (900.0, 0.02, 1.1, 0.03, 1.2)],
            "ours pays at 60 s and 300 s only: it is cheaper than reactive for the late share that it reaches "
            "(1.20 against 1.40 times the optimum at 300 s).",
            "ours is less late than reactive at 60 s and 300 s only "
            "(0.90 % against 5.00 % at 300 s, with 20 % more GPU-hours).",
            "reactive at 0 s and 120 s only; ours up to 300 s.",
            id="here and there",
        ),
        pytest.param(
            [(0.0, 0.02, math.inf, 0.02, math.inf)],
            "ours does not pay on cost: at none of these lead times is it cheaper than reactive for the late share "
            "that it reaches (inf against inf times the optimum at 0 s).",
            "ours is less late than reactive at none of these lead times "
            "(2.00 % against 2.00 % at 0 s, with 20 % more GPU-hours).",
            "reactive at none of these lead times; ours at none of these lead times.",
            id="no optimum to divide by",
        ),
    ],
)
def test_where_prediction_pays(
    figures: list[tuple[float, float, float, float, float]], cost: str, lateness: str, kept: str
) -> None:
    said = [sentence.replace("\u00a0", " ") for sentence in conclusion(rows(*figures), 0.01)]
    assert said == [cost, lateness, f"Within the 1 % allowed: {kept}"]


def test_waiting_with_the_loop_is_the_measure_where_it_is_there() -> None:
    table = [
        CrossoverRow(60.0, summary(name, late, ratio))
        for name, late, ratio in (("reactive", 0.05, 1.1), ("reactive+loop", 0.01, 1.6), ("ours", 0.01, 1.3))
    ]
    cost, *_ = (sentence.replace("\u00a0", " ") for sentence in conclusion(table, 0.01))
    assert "ours pays at every one of these lead times: it is cheaper than reactive+loop" in cost


def test_one_strategy_has_nothing_to_be_measured_at() -> None:
    alone = [CrossoverRow(0.0, summary("ours", 0.01, 1.0))]
    assert conclusion(alone, 0.01) == []
    assert "Where" in render_crossover("Where", alone, 0.01, [])


def test_a_ratio_that_is_not_finite_is_a_gap_and_null() -> None:
    row = CrossoverRow(0.0, summary("<b>", 0.01, math.inf))
    assert row.to_dict()["ratio_at_achieved"] is None
    page = render_crossover("<b>", [row], 0.01, ["<b>"])
    assert "<b>" not in page.split("</style>")[1].split("plotly.js v")[0]
    assert page == render_crossover("<b>", [row], 0.01, ["<b>"])
