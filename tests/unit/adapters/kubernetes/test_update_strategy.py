"""What Deployments, StatefulSets and LeaderWorkerSets say of a rollout in progress."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cluster.update_strategy import rollout
from autoscaler.domain.rollout import Allowance, Rollout


def thing(replicas: int, updated: int, standing: int, serving: int, generation: int = 2, seen: int = 2,
          **spec: Any) -> dict[str, Any]:  # fmt: skip
    status = {"observedGeneration": seen, "updatedReplicas": updated, "replicas": standing}
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": replicas, **spec},
        "status": {**status, "availableReplicas": serving, "readyReplicas": serving},
    }


def rolling(**told: Any) -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": told}


def moved(kind: str, what: dict[str, Any]) -> tuple[int, int, bool]:
    """(surge, missing, whether it moves)"""
    found = rollout(kind, what)
    assert isinstance(found, Rollout)
    return found.extra(found.replicas), found.missing(found.replicas), found.moves


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param(None, (3, 2, True), id="says nothing"),
        pytest.param(rolling(maxSurge=0, maxUnavailable=1), (0, 1, True), id="numbers"),
        pytest.param(rolling(maxSurge="11%", maxUnavailable="19%"), (2, 1, True), id="surge up, unavailable down"),
        pytest.param({"type": "Recreate"}, (0, 0, False), id="all at once"),
    ],
)
def test_a_deployment_moves_within_its_bounds(strategy: Any, expected: tuple[int, int, bool]) -> None:
    spec = {} if strategy is None else {"strategy": strategy}
    assert moved("Deployment", thing(10, updated=4, standing=12, serving=8, **spec)) == expected


def test_a_paused_deployment_stands_still() -> None:
    assert moved("Deployment", thing(10, updated=4, standing=12, serving=10, paused=True)) == (0, 0, False)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "LeaderWorkerSet"])
def test_it_lasts_until_all_are_new_and_serve(kind: str) -> None:
    assert rollout(kind, thing(4, updated=4, standing=4, serving=4)) is None
    assert rollout(kind, thing(4, updated=4, standing=4, serving=3)) is not None
    assert rollout(kind, thing(4, updated=3, standing=4, serving=4)) is not None
    assert rollout(kind, thing(4, updated=4, standing=5, serving=5)) is not None


def test_what_its_controller_has_not_seen_yet_has_only_begun() -> None:
    found = rollout("Deployment", thing(4, updated=4, standing=4, serving=4, generation=3))
    assert found is not None
    assert found.left == 4


@pytest.mark.parametrize(
    ("told", "updated", "expected"),
    [
        pytest.param({}, 1, (0, 1, True), id="one at a time"),
        pytest.param({"maxUnavailable": "30%"}, 1, (0, 3, True), id="several"),
        pytest.param({"partition": 7}, 2, (0, 1, True), id="up to its partition"),
        pytest.param({"partition": 7}, 3, None, id="come up to its partition"),
        pytest.param({"partition": 12}, 0, None, id="a partition above all"),
    ],
)
def test_a_stateful_set_goes_down_to_its_partition(
    told: dict[str, Any], updated: int, expected: tuple[int, int, bool] | None
) -> None:
    what = thing(10, updated=updated, standing=10, serving=10, updateStrategy=rolling(**told))
    if expected is None:
        assert rollout("StatefulSet", what) is None
    else:
        assert moved("StatefulSet", what) == expected


def test_a_stateful_set_that_waits_for_deletions_takes_none_away() -> None:
    what = thing(10, updated=2, standing=10, serving=9, updateStrategy={"type": "OnDelete"})
    assert moved("StatefulSet", what) == (0, 0, False)


def test_groups_come_as_their_own_strategy_says() -> None:
    told = {"rollingUpdateConfiguration": {"maxUnavailable": 2, "maxSurge": 1, "partition": 0}}
    what = thing(6, updated=1, standing=7, serving=6, rolloutStrategy=told)
    assert moved("LeaderWorkerSet", what) == (1, 2, True)
    found = rollout("LeaderWorkerSet", what)
    assert found is not None
    assert found.surge == Allowance(count=1)


def test_of_other_kinds_nothing_is_known() -> None:
    assert rollout("InferenceService", thing(4, updated=1, standing=4, serving=4)) is None
