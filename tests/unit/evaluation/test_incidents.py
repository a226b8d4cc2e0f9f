"""What a run records for its report: faults in words, pools with zones, and a ledger that adds up to the summary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoscaler.compose.scenario import compare, run_scenario
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.evaluation.incidents import Incident, cloud_incidents, faults_of, within
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.simulator.journal import Happening, Journal

WEATHER = """  weather:
    metricsOutages: [{at: 13h, for: 20m}]
    zoneLosses: [{at: 14h, pool: cheap, zone: b}]
    stockOuts: [{at: 12h30m, for: 1h, pool: cheap}]
  workloads:
"""


def test_a_run_is_recorded_for_its_report(scenario: Callable[..., Path], tmp_path: Path) -> None:
    prepared = read_scenario(scenario(tmp_path, ("  workloads:\n", WEATHER)))
    results = run_scenario(prepared, ["ours"], workers=1)
    built = compare(prepared, results)
    assert [(f.what, f.where, f.from_s, f.until_s) for f in built.faults] == [
        ("stock out", "cheap", 45_000.0, 48_600.0),
        ("metrics outage", "all", 46_800.0, 48_000.0),
        ("zone loss", "cheap, zone b", 50_400.0, 50_400.0),
    ]
    run, first = built.runs[0], round(built.scored_from_s / built.tick_s)
    assert run.ledger is not None
    assert run.starts is not None
    assert run.ledger.dollars[first:].sum() == pytest.approx(results[0].summary.dollars)
    assert (run.ledger.held_dollars.sum(axis=0) <= run.ledger.dollars.sum()).all()
    assert (np.diff(run.ledger.made, axis=0) >= 0.0).all()
    assert (run.ledger.used <= run.ledger.made).all()
    for pool in run.pools:
        assert pool.by_zone is not None
        assert pool.by_zone.shape == (len(pool.time_s), len(pool.zones))
        assert (pool.by_zone.sum(axis=1) == pool.nodes).all()
    cheap = next(pool for pool in run.pools if pool.pool == "cheap")
    assert Incident("zone called back", 50_400.0, 50_400.0, "cheap", "b", _taken(cheap.incidents, 50_400.0)) in (
        cheap.incidents
    )
    notices = sum(one.nodes for one in cheap.incidents if one.what == "spot notice")
    assert notices == results[0].summary.spot_notices
    assert set(run.starts.workload) == {"batch", "chat"}
    assert run.starts.stages == ("wait", "node", "driver", "image", "weights", "CUDA", "transfer")


def _taken(incidents: tuple[Incident, ...], at_s: float) -> int:
    return sum(one.nodes for one in incidents if one.from_s == at_s and one.what == "spot notice")


def test_what_the_cloud_did_has_names() -> None:
    journal = Journal(1)
    journal.add_event(5.0, Happening.REFUSED, 1, 0)
    pools = [Pool("steady", CapacityType.ON_DEMAND), Pool("cheap", CapacityType.SPOT, zones=("x", "y"))]
    found = cloud_incidents(journal, [p.name for p in pools], [p.zones for p in pools])
    assert found == (Incident("refused", 5.0, 5.0, "cheap", "x", 1),)


def test_incidents_of_a_span() -> None:
    before, over, at, after = (
        Incident("a", 0.0, 5.0), Incident("b", 5.0, 15.0), Incident("c", 10.0, 10.0), Incident("d", 20.0, 30.0)
    )  # fmt: skip
    assert within([before, over, at, after], 10.0, 20.0) == [over, at]


def test_no_fault_no_incident(scenario: Callable[..., Path], tmp_path: Path) -> None:
    assert faults_of(read_scenario(scenario(tmp_path)).cluster) == ()
