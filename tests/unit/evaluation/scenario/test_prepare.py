"""A scenario made ready to run: traffic at its peak, lead times, bounds, priorities, seeds, faults; and the demo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import SignalKind
from autoscaler.evaluation.demo_traffic import NOTE, load_burstgpt
from autoscaler.evaluation.scenario.check import unusable_strategy
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.evaluation.trace import read_trace
from autoscaler.simulator.settings import KARPENTER, MetricsOutage, StockOut, ZoneLoss
from autoscaler.simulator.stages import StageLaw

Write = Callable[..., Path]

CHAT_TRAFFIC = "{trace: traffic.csv, series: chat}"
BATCH_TRAFFIC = "{trace: traffic.csv, series: batch}"
DAY = (("warmup: 12h", "warmup: 1h"), ("score: 12h", "score: 23h"))
CHAT, BATCH = 0, 1
"""The order of the compiled fleet: by priority."""


def bounds(least: int, most: int | None) -> tuple[str, str]:
    """Bounds of `chat` in place of none."""
    old = "lateAfter: 5s}\n  pools: {primary: [steady], burst: [cheap]}\n  replicas: {min: 0, via: scale}"
    upper = "" if most is None else f", max: {most}"
    return old, old.replace("{min: 0", f"{{min: {least}{upper}")


def traffic(burstgpt: str, first_day: int) -> str:
    return f"{{burstgpt: {burstgpt}, firstDay: {first_day}}}"


def test_workloads_stand_in_the_order_of_priority(scenario: Write, tmp_path: Path) -> None:
    run = read_scenario(scenario(tmp_path))
    assert run.policies.fleet.names == ("chat", "batch")
    assert tuple(w.name for w in run.cluster.workloads) == ("chat", "batch")
    assert [w.gpus for w in run.cluster.workloads] == [2, 1]
    assert [w.late_after_s for w in run.cluster.workloads] == [5.0, 30.0]
    assert [w.image for w in run.cluster.workloads] == [StageLaw(40.0, 60.0), StageLaw(20.0, 30.0)]
    assert run.offered[BATCH].max() == pytest.approx(7.0, rel=0.2)
    swapped = read_scenario(scenario(tmp_path, ("priority: -10", "priority: 10")))
    assert swapped.policies.fleet.names == tuple(w.name for w in swapped.cluster.workloads) == ("batch", "chat")
    assert_array_equal(swapped.offered[0], run.offered[BATCH])


def test_traffic_needs_the_stated_peak_at_its_995th_permille(scenario: Write, tmp_path: Path) -> None:
    run = read_scenario(scenario(tmp_path))
    for w, (name, peak, per_replica_s) in enumerate((("chat", 9.0, 4.0), ("batch", 7.0, 6.0))):
        counts = read_trace(tmp_path / "traffic.csv", name).values[: 24 * 60]
        assert np.percentile(run.offered[w], 99.5) == pytest.approx(peak)
        assert_allclose(run.offered[w], counts * peak / np.percentile(counts, 99.5))
        assert_allclose(run.cluster.workloads[w].requests, run.offered[w] * per_replica_s * 60.0)
    assert run.step_s == 60.0


def test_the_replay_begins_at_its_day_and_is_scaled_by_itself(scenario: Write, tmp_path: Path) -> None:
    half_hour = ("warmup: 12h", "warmup: 10m"), ("score: 12h", "score: 20m")
    path = scenario(tmp_path, *half_hour, (CHAT_TRAFFIC, "{trace: traffic.csv, series: chat, firstDay: 1}"))
    counts = read_trace(tmp_path / "traffic.csv", "chat").values
    last = counts[24 * 60 : 24 * 60 + 30]
    assert np.percentile(last, 99.5) != pytest.approx(np.percentile(counts, 99.5), rel=0.01)
    assert_allclose(read_scenario(path).offered[CHAT], last * 9.0 / np.percentile(last, 99.5))


def test_steps_longer_than_a_minute_and_gaps(scenario: Write, tmp_path: Path) -> None:
    path = scenario(tmp_path, (CHAT_TRAFFIC, "{trace: other.csv}"))
    rows = [f"{60 * hour},{'' if hour == 3 else 600 + 60 * hour}" for hour in range(24)]
    (tmp_path / "other.csv").write_text("\n".join(["minute,requests", *rows, ""]))
    run = read_scenario(path)
    offered = run.offered[CHAT].reshape(24, 60)
    assert np.isnan(offered[3]).all()
    assert np.isfinite(np.delete(offered, 3, axis=0)).all()
    assert (np.ptp(np.delete(offered, 3, axis=0), axis=1) == 0.0).all()
    assert np.nanpercentile(offered, 99.5) == pytest.approx(9.0)
    [note] = run.notes
    assert note.startswith("other.csv: 1 gap without data, longest 1 h at 3 h from the start")


@pytest.mark.parametrize(
    ("least", "most", "start"),
    [
        pytest.param(0, None, 5, id="what the first minute needs"),
        pytest.param(8, None, 8, id="not below the least"),
        pytest.param(0, 3, 3, id="not above the most"),
        pytest.param(2, 20, 5, id="in between"),
    ],
)
def test_start_replicas_lie_within_the_bounds(
    scenario: Write, tmp_path: Path, least: int, most: int | None, start: int
) -> None:
    run = read_scenario(scenario(tmp_path, bounds(least, most)))
    assert np.ceil(run.offered[CHAT][0]) == 5.0
    assert run.cluster.start_replicas == (start, 7)
    assert run.cluster.workloads[CHAT].max_replicas == most


def test_start_replicas_serve_the_first_minute_that_is_known(scenario: Write, tmp_path: Path) -> None:
    path = scenario(tmp_path, (CHAT_TRAFFIC, "{trace: other.csv}"))
    rows = [f"{minute},{'' if minute < 90 else 100 + minute}" for minute in range(24 * 60)]
    (tmp_path / "other.csv").write_text("\n".join(["minute,requests", *rows, ""]))
    run = read_scenario(path)
    assert run.cluster.start_replicas[CHAT] == np.ceil(run.offered[CHAT][90]) == 2


def test_planners_are_told_slow_starts_of_the_slowest_pool_that_they_may_use(scenario: Write, tmp_path: Path) -> None:
    fleet = read_scenario(scenario(tmp_path)).policies.fleet
    assert 120.0 + KARPENTER.batch_s < fleet.node_lead_s[CHAT] < 160.0 + KARPENTER.batch_s
    assert 120.0 < fleet.replica_lead_s[CHAT] < 180.0
    assert fleet.replica_lead_s[BATCH] < fleet.replica_lead_s[CHAT]
    slow = "boot: {median: 60s, p90: 80s}", "boot: {median: 600s, p90: 600s}"
    only = (
        "lateAfter: 5s}\n  pools: {primary: [steady], burst: [cheap]}",
        "lateAfter: 5s}\n  pools: {primary: [steady]}",
    )
    changed = read_scenario(scenario(tmp_path, slow, only)).policies.fleet
    assert changed.node_lead_s[CHAT] == fleet.node_lead_s[CHAT]
    assert changed.node_lead_s[BATCH] > 630.0


def test_the_delay_of_the_node_autoscaler_is_part_of_the_lead_time(scenario: Write, tmp_path: Path) -> None:
    quick = read_scenario(scenario(tmp_path))
    slow = read_scenario(scenario(tmp_path, ("{profile: karpenter,", "{profile: cluster-autoscaler,")))
    assert_allclose(slow.policies.fleet.node_lead_s - quick.policies.fleet.node_lead_s, 29.0)
    kept = read_scenario(scenario(tmp_path, ("{profile: karpenter,", "{profile: karpenter, scaleDownDelay: 90s,")))
    assert [r.cluster.autoscaler.scale_down_delay_s for r in (quick, slow, kept)] == [300.0, 600.0, 90.0]


def test_the_bound_has_the_mean_times_of_the_fastest_pool_and_no_pull(scenario: Write, tmp_path: Path) -> None:
    flat = (
        ("boot: {median: 60s, p90: 80s}", "boot: {median: 60s, p90: 60s}"),
        (
            "      driver: {median: 30s, p90: 40s}\n      spot",
            "      driver: {median: 30s, p90: 30s}\n      spot",
        ),
    )
    run = read_scenario(scenario(tmp_path, *flat))
    assert run.node_mean_s == pytest.approx(90.0)
    stages = (StageLaw(40.0, 60.0), StageLaw(20.0, 30.0), StageLaw(20.0, 30.0))
    assert run.replica_means_s[CHAT] == pytest.approx(sum(stage.mean_s for stage in stages))


def test_pools_markets_and_the_order_of_the_expander(scenario: Write, tmp_path: Path) -> None:
    run = read_scenario(scenario(tmp_path, ("[steady, cheap]}", "[cheap]}")))
    assert [p.pool.name for p in run.cluster.pools] == ["steady", "cheap"]
    assert run.cluster.expander == (1, 0)  # those that are not named come last
    steady, cheap = run.cluster.pools
    assert steady.spot is None
    assert cheap.spot is not None
    assert (cheap.spot.mean_up_s, cheap.spot.notice_s, cheap.spot.drought_s) == (6 * 3600.0, 120.0, 1800.0)
    assert steady.stages == (StageLaw(90.0, 120.0), StageLaw(30.0, 40.0))
    assert (steady.pool.max_nodes, steady.pool.zones) == (2, ("a", "b"))


def test_weather_becomes_faults_at_their_times(scenario: Write, tmp_path: Path) -> None:
    last = "      transfer: {median: 20s, p90: 30s}\n"
    weather = (
        "  weather:\n    metricsOutages: [{at: 1h, for: 20m}]\n"
        "    stockOuts: [{at: 2h, for: 1h, pool: cheap, zone: b}, {at: 3h, for: 1h, pool: steady}]\n"
        "    zoneLosses: [{at: 4h, pool: cheap, zone: a}]\n"
    )
    assert read_scenario(scenario(tmp_path)).cluster.faults == ()
    assert read_scenario(scenario(tmp_path, (last, last + weather))).cluster.faults == (
        MetricsOutage(3600.0, 4800.0),
        StockOut(1, 1, 7200.0, 10800.0),
        StockOut(0, None, 10800.0, 14400.0),
        ZoneLoss(1, 0, 14400.0),
    )


def test_each_workload_has_the_signals_that_its_policy_asks_for(scenario: Write, tmp_path: Path) -> None:
    queue = "    queue: {query: up}\n    served: {query: up}\n    perReplica: {arrivals: 4}"
    objective = "lateAfter: 5s", "lateAfter: 5s, measured: {query: up}"
    arrivals = "    arrivals: {query: 'sum(rate(chat_total[1m]))'}\n    perReplica: {arrivals: 4}"
    run = read_scenario(scenario(tmp_path, (arrivals, queue), objective))
    chat, batch = (w.signals for w in run.cluster.workloads)
    assert chat == frozenset({SignalKind.QUEUE, SignalKind.SERVED, SignalKind.LATE_SHARE})
    assert batch == frozenset({SignalKind.ARRIVALS})
    assert run.cluster.signals == chat | batch


def test_the_seed_of_the_file_and_one_in_its_place(scenario: Write, tmp_path: Path) -> None:
    path = scenario(tmp_path)
    own, other = read_scenario(path), read_scenario(path, seed=11)
    assert (own.spec.seed, own.cluster.seed) == (3, 3)
    assert (other.spec.seed, other.cluster.seed) == (11, 11)
    assert_array_equal(own.offered[CHAT], other.offered[CHAT])  # a trace has its own minutes
    assert read_scenario(path, seed=0).cluster.seed == 0


def drawn(path: Path, seed: int | None = None) -> tuple[Floats, Floats]:
    run = read_scenario(path, seed)
    assert run.notes == (NOTE,)
    return run.offered[CHAT], run.offered[BATCH]


def test_drawn_minutes_follow_the_seed_and_keep_the_hours(scenario: Write, tmp_path: Path) -> None:
    chats = traffic("burstgpt-conversation", 2)
    path = scenario(tmp_path, (CHAT_TRAFFIC, chats), (BATCH_TRAFFIC, chats))
    (chat, batch), (again, _), (same, _), (other, _) = (drawn(path, seed) for seed in (None, None, 3, 4))
    assert_array_equal(chat, again)
    assert_array_equal(chat, same)
    assert not np.allclose(chat, other)
    assert not np.allclose(chat / 9.0, batch / 7.0)  # each workload draws for itself
    hours = load_burstgpt("burstgpt-conversation", 48, 24)
    for offered in (chat, other):
        by_hour = offered.reshape(24, 60).sum(axis=1)
        assert_allclose(by_hour / by_hour.sum(), hours / hours.sum())


def test_a_day_with_more_dispersion_is_rougher(scenario: Write, tmp_path: Path) -> None:
    smooth = scenario(tmp_path, *DAY, (CHAT_TRAFFIC, traffic("burstgpt-conversation", 2)))
    rough = smooth.with_name("rough.yaml")
    rough.write_text(smooth.read_text().replace("firstDay: 2}", "firstDay: 2, dispersion: 0.3}"))
    steps = [np.abs(np.diff(read_scenario(path).offered[CHAT])).mean() for path in (smooth, rough)]
    assert steps[1] > 2.0 * steps[0]


def test_the_demo_is_ready_to_run() -> None:
    run = read_scenario(Path(__file__).parents[4] / "simulations" / "demo.yaml")
    assert run.policies.fleet.names == ("chat", "assistant", "batch")
    assert run.spec.strategies == ("ours", "static-peak", "hpa-70", "cron", "seasonal-naive")
    assert [unusable_strategy(name) for name in run.spec.strategies] == [None] * 5
    assert [offered.size for offered in run.offered] == [14 * 24 * 60] * 3
    assert [round(float(np.percentile(offered, 99.5)), 6) for offered in run.offered] == [30.0, 40.0, 30.0]
    assert {p.pool.gpus_per_node for p in run.cluster.pools} == {8}
    assert run.notes == (NOTE,)
