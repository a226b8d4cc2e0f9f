"""Policies for queued work: mistakes are found at their place, and the hint is the way out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autoscaler.policy.folder import read_paths
from autoscaler.policy.problem import Problem

GOOD = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 4
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: QueuePolicy
metadata: {name: training}
spec:
  mode: act
  namespaces: [training, research]
  kinds: [jobs, workloads]
  pools: {primary: [steady]}
  budget: {gpus: 64}
  giveUpAfter: 2h
  admissionCheck: {name: gpu-nodes}
"""
SECOND = GOOD.partition("---\n")[2].replace("name: training}", "name: evaluation}")
SERVING = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: training}
spec:
  workload: {namespace: inference, name: chat}
  demand: {arrivals: {query: requests}, perReplica: {arrivals: 4}}
  pools: {primary: [steady]}
"""
CASES = {
    "no bound": ("  budget: {gpus: 64}\n", "", 13, "spec.budget", "missing"),
    "no namespace": ("[training, research]", "[]", 15, "spec.namespaces", "must not be empty"),
    "a namespace twice": ("training, research", "training, training", 15, "spec.namespaces.1", "named twice"),
    "a kind that is none": ("jobs,", "job,", 16, "spec.kinds.0", "jobs"),
    "no such pool": ("primary: [steady]", "primary: [stedy]", 17, "spec.pools.primary.0", "did you mean `steady`?"),
    "no such budget": ("{gpus: 64}", "team", 18, "spec.budget", "kind: Budget"),
    "a check that nobody answers": ("mode: act", "mode: observe", 20, "spec.admissionCheck", "mode: act"),
    "a check of other kinds": ("[jobs, workloads]", "[jobs]", 20, "spec.admissionCheck", "add workloads"),
    "an end that is none": ("2h", "0s", 19, "spec.giveUpAfter", "longer than nothing"),
}


def problems(folder: Path, text: str) -> Sequence[Problem]:
    (folder / "queue.yaml").write_text(text)
    return read_paths([folder]).problems


@pytest.mark.parametrize(("old", "new", "line", "path", "said"), CASES.values(), ids=CASES)
def test_a_mistake_is_found_at_its_place(tmp_path: Path, old: str, new: str, line: int, path: str, said: str) -> None:
    assert problems(tmp_path, GOOD) == ()
    assert GOOD.count(old) == 1
    (problem,) = problems(tmp_path, GOOD.replace(old, new))
    assert (problem.line, problem.path) == (line, path)
    assert said in f"{problem.message} {problem.hint}"


def test_a_check_has_one_answer(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"{GOOD}---\n{SECOND}")
    assert problem.path == "spec.admissionCheck.name"
    other = SECOND.replace("gpu-nodes", "gpu-nodes-2")
    assert problems(tmp_path, f"{GOOD}---\n{other}") == ()


def test_a_plan_has_one_policy(tmp_path: Path) -> None:
    """Plans are named after their policies, of whatever kind."""
    (problem,) = problems(tmp_path, f"{GOOD}---\n{SERVING}")
    assert problem.path == "metadata.name"
    assert "already" in problem.message
