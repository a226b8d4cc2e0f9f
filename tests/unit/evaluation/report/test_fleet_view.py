"""The fleet and the ledger: every number follows from the timelines and the ledger of the run."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.report.fleet_view import HEADINGS, accounts, fleet_chart, ledger_section
from autoscaler.evaluation.report.grid import Grid

Build = Callable[..., Comparison]
WARMUP, TICKS = 60, 3000


def numbers(packed: Any) -> Floats:
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=f"<{packed['dtype']}").astype(np.float64)


def scored(comparison: Comparison, run: int, column: str) -> Floats:
    """All workloads together in each scored tick; NaN where any is."""
    whole: Floats = np.sum([getattr(t, column)[WARMUP:] for t in comparison.runs[run].timelines], axis=0)
    return whole


def test_an_account_is_the_sum_of_its_ticks(compared: Build) -> None:
    built = compared(ticks=TICKS, warmup=WARMUP)
    kept, grid = accounts(built)
    assert [one.strategy for one in kept] == ["ours", "<i>lean</i>"]
    for run, one in enumerate(kept):
        known = np.isfinite(scored(built, run, "arrivals"))
        billed = scored(built, run, "billed_gpus_primary")[known].sum() / 60.0
        assert one.dollars is not None
        assert np.nansum(one.gpu_hours) == pytest.approx(billed)
        assert np.nansum(one.dollars) == pytest.approx(4.0 * billed)
        assert np.nansum(one.late) == pytest.approx(scored(built, run, "late").sum())
        assert np.nansum(one.arrivals) == pytest.approx(np.nansum(scored(built, run, "arrivals")))
        assert one.allowed is not None
        assert np.nansum(one.allowed) == pytest.approx(0.01 * np.nansum(scored(built, run, "arrivals")))
        assert one.gpu_hours.size <= 500
    assert grid.bins.first == WARMUP


def test_the_ledger_beside_its_chart(compared: Build) -> None:
    built = compared(ticks=TICKS, warmup=WARMUP)
    kept, grid = accounts(built)
    section = ledger_section(built, kept, grid)
    known = np.isfinite(scored(built, 1, "arrivals"))
    dollars = 4.0 * scored(built, 1, "billed_gpus_primary")[known].sum() / 60.0
    made = 2 * ((TICKS - 1) // 50 - WARMUP // 50)
    used = 2 * ((TICKS - 1) // 50 // 2 - WARMUP // 50 // 2)
    held = known.sum() / 60.0
    cells = [
        f"{dollars:,.0f}", f"{dollars / 4.0:,.0f}", f"{dollars / 400.0:.2f}", f"{scored(built, 1, 'late').sum():,.0f}",
        f"{0.01 * np.nansum(scored(built, 1, 'arrivals')):,.0f}", f"{held:,.0f}", f"{4.0 * held:,.0f}",
        f"{400.0 * held / dollars:.1f}\u00a0%", f"{made:,}", f"{used:,}",
    ]  # fmt: skip
    assert len(HEADINGS) == len(cells) + 1
    row = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    assert row in section.html
    ours, lean = (float(np.nansum(one.cost)) for one in kept)
    assert f"ours ended with {ours - lean:,.0f} dollars more than &lt;i&gt;lean&lt;/i&gt;" in section.html


def test_lines_that_add_up(compared: Build) -> None:
    built = compared(ticks=TICKS, warmup=WARMUP)
    kept, grid = accounts(built)
    (chart,) = ledger_section(built, kept, grid).charts
    lines = {str(trace["uid"]): numbers(trace["y"]) for trace in chart.runs[0]}
    assert list(lines) == ["y-0", "y-1", "level-y", "y2-0", "y2-1", "level-y2"]
    assert lines["y-1"][-1] == pytest.approx(np.nansum(kept[1].cost), rel=1e-6)
    assert lines["y2-1"][-1] == pytest.approx(np.nansum(kept[1].late), rel=1e-6)
    assert set(lines["level-y"]) == {400.0}
    assert all((np.diff(lines[name]) >= 0.0).all() for name in ("y-0", "y-1", "y2-0", "y2-1", "level-y2"))


def test_without_prices_all_is_in_gpu_hours(compared: Build) -> None:
    built = compared(ticks=TICKS, warmup=WARMUP)
    bare = replace(built, runs=tuple(replace(run, ledger=None) for run in built.runs), bound=None)
    kept, grid = accounts(bare)
    section = ledger_section(bare, kept, grid)
    assert "GPU-hours more than" in section.html
    assert section.html.count('<td class="number">-</td>') == 2 * 7
    assert "level-y" not in [trace["uid"] for trace in section.charts[0].runs[0]]


def test_rates_of_the_fleet(compared: Build) -> None:
    built = compared(ticks=TICKS, warmup=WARMUP)
    kept, grid = accounts(built)
    traces = {str(trace["uid"]): numbers(trace["y"]) for trace in fleet_chart(kept, grid, ()).runs[0]}
    hours = grid.bins.ticks / 60.0
    assert traces["y-0"] * hours == pytest.approx(kept[0].cost, rel=1e-6, nan_ok=True)
    known = np.isfinite(traces["y2-1"])
    late, came = kept[1].late[known], kept[1].arrivals[known]
    assert traces["y2-1"][known] == pytest.approx(np.minimum(100.0 * late / came, 100.0), rel=1e-6)
    assert isinstance(grid, Grid)
