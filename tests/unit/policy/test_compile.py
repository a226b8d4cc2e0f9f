"""Documents become the fleet: every field lands in its array, and what does not fit together is said at its place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import NO_BUDGET, NO_MAXIMUM
from autoscaler.domain.gang import Gang
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.policy.budget import Budget as BudgetSpec
from autoscaler.policy.check import PolicyDocument, PoolDocument
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import PolicyError

HEAD = "apiVersion: gpu-autoscaler.io/v1alpha1\n"
AFFINITY = "nodeAffinity: [{key: gpu, operator: In, values: [h100]}], gpusPerNode: 8"
POOLS = f"""\
{HEAD}kind: GpuPool
metadata: {{name: cheap}}
spec: {{capacityType: spot, {AFFINITY}, pricePerGpuHour: 1.45, zones: [a, b], nodes: {{min: 1, max: 12}}}}
---
{HEAD}kind: GpuPool
metadata: {{name: steady}}
spec: {{capacityType: on-demand, {AFFINITY}, pricePerGpuHour: 4}}
"""
FULL = f"""\
{HEAD}kind: CapacityPolicy
metadata: {{name: chat}}
spec:
  priority: -5
  workload: {{namespace: inference, name: chat-70b}}
  demand:
    arrivals: {{query: a}}
    running: {{query: r}}
    gpuUtilization: {{query: g}}
    perReplica: {{arrivals: 4, concurrency: 32, gpuUtilization: 75%}}
    staleAfter: 90s
  objective: {{lateRequests: 2%, lateAfter: 2s}}
  pools: {{primary: [steady], burst: [cheap]}}
  replicas: {{min: 2, max: 40, via: metric}}
  schedules:
    - {{name: m, start: "0 9 * * *", duration: 3h, timezone: UTC, atLeast: {{replicas: 8}}}}
    - {{name: n, start: "0 20 * * *", duration: 3h, timezone: UTC, atMost: {{replicas: 4}}}}
  scaleIn: {{hold: 10m}}
"""
SMALL = f"""\
{HEAD}kind: CapacityPolicy
metadata: {{name: embed}}
spec:
  workload: {{namespace: inference, name: embed}}
  demand: {{running: {{query: r}}, perReplica: {{concurrency: 16}}}}
  pools: {{primary: [steady]}}
"""
SHAPES = {"chat": 4, "embed": 1}
LEADS = {"chat": (180.0, 120.0), "embed": (200.0, 30.0)}


def documents(path: Path, *texts: str) -> tuple[list[PolicyDocument], list[PoolDocument]]:
    """The policies and pools of a file of these documents."""
    path.write_text("---\n".join(texts))
    read = read_documents(path, KINDS)
    return of_kind(read, CapacityPolicy), of_kind(read, GpuPool)


def refused(path: Path, *texts: str) -> list[str]:
    """What is said of these documents, without the file."""
    with pytest.raises(PolicyError) as caught:
        compile_fleet(*documents(path, *texts), SHAPES, LEADS)
    return [line.replace(str(path), "") for line in str(caught.value).splitlines()]


def test_every_array(tmp_path: Path) -> None:
    fleet = compile_fleet(*documents(tmp_path / "p.yaml", POOLS, FULL, SMALL), SHAPES, LEADS).fleet
    assert fleet.pools == (
        Pool("cheap", CapacityType.SPOT, 8, 1.45, 12, ("a", "b"), 1),
        Pool("steady", CapacityType.ON_DEMAND, 8, 4.0, None, ("a",)),
    )
    nan = np.nan
    expected = {
        "primary": [[False, True], [False, True]],
        "burst": [[False, False], [True, False]],
        "gpus_per_replica": [1, 4],
        "min_replicas": [1, 2],
        "max_replicas": [NO_MAXIMUM, 40],
        "late_target": [0.01, 0.02],
        "late_after_s": [1.0, 2.0],
        "arrivals_per_replica": [nan, 4.0],
        "concurrency_per_replica": [16.0, 32.0],
        "utilization_per_replica": [nan, 0.75],
        "stale_after_s": [120.0, 90.0],
        "hold_s": [nan, 600.0],
        "node_lead_s": [200.0, 180.0],
        "replica_lead_s": [30.0, 120.0],
        "budget_of": [NO_BUDGET, NO_BUDGET],
        "priority": [0, -5],
        "acts": [False, False],
        "moves": [True, False],
    }
    expected |= {"pods_per_replica": [1, 1], "worker_gpus": [0, 0]}
    given = {field.name for field in dataclasses.fields(fleet) if field.init}
    assert given == {"names", "pools", "budgets", *expected}
    for name, values in expected.items():
        assert_array_equal(getattr(fleet, name), values, err_msg=name, strict=False)
    assert fleet.gpus_per_replica.dtype == fleet.max_replicas.dtype == np.int64
    assert fleet.primary.dtype == np.bool_


def test_a_gang_has_the_gpus_of_all_its_pods(tmp_path: Path) -> None:
    found = documents(tmp_path / "p.yaml", POOLS, FULL, SMALL)
    fleet = compile_fleet(*found, SHAPES, LEADS, gangs={"chat": Gang(2, 8, 3)}).fleet
    assert fleet.names == ("embed", "chat")
    assert fleet.gpus_per_replica.tolist() == [1, 18]
    assert (fleet.gang(0), fleet.gang(1)) == (Gang(1, 0, 1), Gang(2, 8, 3))
    assert fleet.only(np.array([1])).gang(0) == Gang(2, 8, 3)


def test_the_higher_priority_comes_first_and_equal_ones_as_read(tmp_path: Path) -> None:
    low, small = FULL, SMALL
    other = SMALL.replace("embed", "other").replace("spec:\n", "spec:\n  priority: 0\n")
    found = documents(tmp_path / "p.yaml", POOLS, low, small, other)
    leads = {**LEADS, "other": (1.0, 1.0)}
    governed = compile_fleet(*found, {**SHAPES, "other": 1}, leads)
    assert governed.fleet.names == ("embed", "other", "chat")
    assert [book is None for book in governed.schedules] == [True, True, False]


def test_bounds_follow_the_schedules_from_the_epoch_of_the_run(tmp_path: Path) -> None:
    found = documents(tmp_path / "p.yaml", POOLS, FULL, SMALL)
    six = 20_000 * 86_400.0 + 6 * 3600.0
    governed = compile_fleet(*found, SHAPES, LEADS, epoch_s=six)
    nine, twenty = 3 * 3600.0, 14 * 3600.0
    for now_s, room, least, most in [
        (nine - 316, 0.0, 0.0, np.inf),
        (nine - 315, 8.0, 0.0, np.inf),
        (nine - 121, 8.0, 0.0, np.inf),
        (nine - 120, 8.0, 8.0, np.inf),
        (nine + 3 * 3600 - 1, 8.0, 8.0, np.inf),
        (nine + 3 * 3600, 0.0, 0.0, np.inf),
        (twenty - 1, 0.0, 0.0, np.inf),
        (twenty, 0.0, 0.0, 4.0),
    ]:
        bounds = governed.bounds(now_s, tick_s=15.0)
        assert_array_equal(bounds.room_at_least, [0.0, room], err_msg=str(now_s))
        assert_array_equal(bounds.at_least, [0.0, least], err_msg=str(now_s))
        assert_array_equal(bounds.at_most, [np.inf, most], err_msg=str(now_s))


BUDGET = f"""\
{HEAD}kind: Budget
metadata: {{name: team}}
spec: {{gpus: 64, dollarsPerHour: 260}}
"""


def test_budgets_shared_and_own(tmp_path: Path) -> None:
    shared = SMALL + "  budget: team\n"
    own = FULL + "  budget: {dollarsPerHour: 40}\n"
    file = tmp_path / "p.yaml"
    file.write_text("---\n".join([POOLS, shared, own, BUDGET]))
    read = read_documents(file, KINDS)
    fleet = compile_fleet(
        of_kind(read, CapacityPolicy), of_kind(read, GpuPool), SHAPES, LEADS, budgets=of_kind(read, BudgetSpec)
    ).fleet
    assert fleet.budgets == (Budget("team", 64, 260.0), Budget("chat", np.inf, 40.0))
    assert fleet.budget_of.tolist() == [0, 1]


def test_floors_that_neither_pools_nor_budget_can_hold(tmp_path: Path) -> None:
    least = FULL.replace("min: 2", "min: 9").replace("atMost: {replicas: 4}", "atMost: {replicas: 20}")
    wrong = least.replace("atLeast: {replicas: 8}", "atLeast: {replicas: 20}") + "  budget: {gpus: 8}\n"
    small = POOLS.replace("max: 12}", "max: 1}").replace("pricePerGpuHour: 4}", "pricePerGpuHour: 4, nodes: {max: 1}}")
    assert refused(tmp_path / "p.yaml", small, wrong) == [
        ":25:19  spec.replicas.min  9 replicas, and its budget has 8 GPUs  write `8` or less, or raise the budget",
        ":27:86  spec.schedules.0.atLeast.replicas  20 replicas, and its budget has 8 GPUs  "
        "write `8` or less, or raise the budget",
        ":27:86  spec.schedules.0.atLeast.replicas  20 replicas, and its pools have 16 GPUs  "
        "write `16` or less, or raise nodes.max",
    ]


def test_a_budget_that_is_not_there(tmp_path: Path) -> None:
    (said,) = refused(tmp_path / "p.yaml", POOLS, SMALL + "  budget: team\n")
    assert said.endswith("spec.budget  no Budget team  add a document of `kind: Budget` with `name: team`")


def test_nothing_compiles_to_an_empty_fleet() -> None:
    governed = compile_fleet([], [], {}, {})
    assert governed.fleet.size == 0
    assert governed.fleet.primary.shape == (0, 0)
    assert governed.bounds(0.0).at_least.shape == (0,)


def test_who_acts(tmp_path: Path) -> None:
    fleet = compile_fleet(
        *documents(tmp_path / "p.yaml", POOLS, FULL.replace("spec:", "spec:\n  mode: act"), SMALL), SHAPES, LEADS
    ).fleet
    assert dict(zip(fleet.names, fleet.acts.tolist(), strict=True)) == {"embed": False, "chat": True}


def test_names_that_lead_nowhere_and_pools_that_can_be_taken_away(tmp_path: Path) -> None:
    wrong = FULL.replace("[steady], burst: [cheap]", "[cheap, stedy], burst: [spot, steady]")
    assert refused(tmp_path / "p.yaml", POOLS, wrong, SMALL.replace("steady", "cheap")) == [
        ":24:21  spec.pools.primary.0  pool cheap is spot, primary must be on-demand  "
        "move it to burst; on-demand pools: steady",
        ":24:28  spec.pools.primary.1  no GpuPool stedy  did you mean `steady`?",
        ":24:44  spec.pools.burst.0  no GpuPool spot  there are: cheap, steady",
        ":37:21  spec.pools.primary.0  pool cheap is spot, primary must be on-demand  "
        "move it to burst; on-demand pools: steady",
    ]


def test_an_on_demand_pool_may_carry_the_burst(tmp_path: Path) -> None:
    pools = POOLS.replace("spot", "on-demand")
    fleet = compile_fleet(*documents(tmp_path / "p.yaml", pools, FULL), SHAPES, LEADS).fleet
    assert_array_equal(fleet.burst, [[True, False]])


def test_names_and_workloads_are_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    again = FULL.replace("workload: {", "workload: {apiVersion: apps/v1beta2, ")
    assert refused(path, POOLS, FULL, again, POOLS.split("---\n")[0]) == [
        ":33:18  metadata.name  CapacityPolicy chat is already at :11  rename one, for example to `chat-2`",
        ":36:13  spec.workload  policy chat at :11 is for this workload  keep one of the two: two floors would fight",
        ":53:18  metadata.name  GpuPool cheap is already at :1  rename one, for example to `cheap-2`",
    ]
    group = FULL.replace("name: chat}", "name: embed}").replace("workload: {", "workload: {apiVersion: x.io/v1, ")
    assert compile_fleet(*documents(path, POOLS, FULL, group), SHAPES, LEADS).fleet.size == 2
    elsewhere = FULL.replace("name: chat}", "name: embed}").replace("namespace: inference", "namespace: staging")
    assert compile_fleet(*documents(path, POOLS, FULL, elsewhere), SHAPES, LEADS).fleet.size == 2


def test_a_policy_without_a_shape_or_lead_time(tmp_path: Path) -> None:
    found = documents(tmp_path / "p.yaml", POOLS, FULL)
    with pytest.raises(PolicyError) as caught:
        compile_fleet(*found, {"chatt": 1}, {})
    assert [str(p).replace(p.file, "") for p in caught.value.problems] == [
        ":13:18  metadata.name  GPUs a replica of this policy are not given  did you mean `chatt`?",
        ":13:18  metadata.name  lead times of this policy are not given  there are none",
    ]


@pytest.mark.parametrize(
    ("signal", "figure", "least", "wakes"),
    [
        pytest.param("gpuUtilization", "gpuUtilization: 75%", 0, False, id="nothing is told at zero"),
        pytest.param("gpuUtilization", "gpuUtilization: 75%", 1, True, id="never at zero"),
        pytest.param("running", "concurrency: 32", 0, True, id="a gateway tells"),
        pytest.param("arrivals", "arrivals: 4", 0, True, id="requests are told"),
    ],
)
def test_a_policy_that_goes_to_zero_needs_a_signal_that_is_told_there(
    tmp_path: Path, signal: str, figure: str, least: int, wakes: bool
) -> None:
    file = tmp_path / "chat.yaml"
    file.write_text(
        "apiVersion: gpu-autoscaler.io/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: chat}\nspec:\n"
        f"  workload: {{namespace: x, name: chat}}\n  demand: {{{signal}: {{query: up}}, perReplica: {{{figure}}}}}\n"
        f"  pools: {{primary: [steady]}}\n  replicas: {{min: {least}, via: hpa}}\n"
    )
    if wakes:
        (document,) = of_kind(read_documents(file, KINDS), CapacityPolicy)
        assert document.model.replicas.min == least
        return
    with pytest.raises(PolicyError, match="nothing tells demand at zero"):
        read_documents(file, KINDS)
