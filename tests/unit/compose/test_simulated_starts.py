"""Starts of a whole simulated run: each once, in the order in which they ended, and no more than are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.compose.simulated_starts import simulated_starts
from autoscaler.domain.lead_time import Part, StartEnd
from autoscaler.evaluation.scenario.prepare import ScenarioRun, read_scenario

TEXT = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: h100}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 1
  pricePerGpuHour: 3
  zones: [a, b]
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  workload: {namespace: inference, name: chat}
  demand: {arrivals: {query: 'sum(rate(requests_total[1m]))'}, perReplica: {arrivals: 4}}
  pools: {primary: [h100]}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: Scenario
metadata: {name: small}
spec:
  tick: 60s
  warmup: 1h
  score: 3h
  pools:
    - {pool: h100, boot: {median: 60s, p90: 90s}, driver: {median: 20s, p90: 30s}}
  workloads:
    - policy: chat
      traffic:
        dispersion: 0
        generate:
          - level: {replicas: 2}
          - burst: {every: "20 * * * *", height: 4, rise: 5m, length: 10m, fall: 5m}
      image: {median: 20s, p90: 30s}
      weights: {median: 30s, p90: 40s}
      cuda: {median: 5s, p90: 6s}
      transfer: {median: 8s, p90: 10s}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> ScenarioRun:
    file = tmp_path / "small.yaml"
    file.write_text(TEXT)
    return read_scenario(file)


def test_each_start_of_the_run_is_there_once_with_where_it_was(scenario: ScenarioRun) -> None:
    shares: list[float] = []
    seen = simulated_starts(scenario, lambda done: shares.extend(done))
    uids = [(one.part, one.uid) for one in seen.starts]
    assert len(set(uids)) == len(uids) > 10
    assert {one.part for one in seen.starts if one.end is StartEnd.COMPLETE} == set(Part)
    assert {(one.policy, one.pool) for one in seen.starts} == {("chat", "h100")}
    assert {one.zone for one in seen.starts if one.part is Part.REPLICA} == {"a", "b"}
    assert (seen.now_s, dict(seen.gpus), list(seen.pools)) == (4 * 3600.0, {"chat": 1}, ["h100"])
    assert seen.pools["h100"].price_per_gpu_hour_dollars == 3.0
    assert shares == sorted(shares) != []
    assert all(0.0 <= share <= 1.0 for share in shares)


def test_the_newest_are_kept(scenario: ScenarioRun) -> None:
    whole, few = (simulated_starts(scenario, lambda _: None, most).starts for most in (1000, 5))
    ended, kept = ([one for one in starts if one.end is not StartEnd.WAITING] for starts in (whole, few))
    assert kept == ended[-5:]
