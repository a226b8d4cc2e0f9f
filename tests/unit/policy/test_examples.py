"""The policies that ship can be used: each file alone, and the folder as a whole; and simulated as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.compose.scenario import run_scenario
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.policy.folder import read_paths
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool

FOLDER = Path(__file__).parents[3] / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))
GPUS = {"reasoning": 8, "team-chat": 4, "team-agents": 4, "team-evaluation": 4, "chat": 4, "code-assistant": 2}
"""GPUs a replica where it is not one; in a cluster the live pod says so."""


def test_how_many_there_are() -> None:
    assert [file.stem for file in FILES] == [
        "fleet", "holidays", "kserve", "launch", "morning-rush", "night-batch", "own-budget", "publish-only",
        "queue-only", "queued-training", "scale-to-zero", "smallest", "spot-first", "voice",
    ]  # fmt: skip
    assert len(FILES) >= 10


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_each_tells_its_story_and_is_complete_in_itself(file: Path) -> None:
    first, second, *_ = file.read_text().splitlines()
    assert first == "# yaml-language-server: $schema=schema.json"
    assert second.startswith("# ")
    assert not read_paths([file]).problems


def test_the_folder_is_one_set() -> None:
    found = read_paths([FOLDER])
    assert not found.problems
    assert (len(found.policies), len(found.pools), len(found.budgets)) == (16, 21, 2)


def test_the_smallest_useful_policy_is_ten_lines() -> None:
    text = (FOLDER / "smallest.yaml").read_text().split("---\n")[0]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == 10
    assert "kind: CapacityPolicy" in lines


def scenario_of(file: Path, folder: Path) -> Path:
    """Three quarters of a day of waves on the pools and policies of a file, as it is."""
    documents = read_documents(file, KINDS)
    stages = "{median: 20s, p90: 30s}"
    pools = [
        f"    - {{pool: {d.name}, boot: {{median: 60s, p90: 90s}}, driver: {stages}}}"
        for d in of_kind(documents, GpuPool)
    ]
    workloads = [
        f"    - {{policy: {d.name}, peak: 4, gpusPerReplica: {GPUS.get(d.name, 1)}, image: {stages}, "
        f"weights: {stages}, cuda: {stages}, transfer: {stages}, traffic: {{generate: [{{daily: {{}}}}]}}}}"
        for d in of_kind(documents, CapacityPolicy)
    ]
    path = folder / "scenario.yaml"
    lines = [
        "apiVersion: gpu-autoscaler.io/v1alpha1", "kind: Scenario", f"metadata: {{name: {file.stem}}}", "spec:",
        f"  include: [{Path('../' * 20 + str(file)[1:])}]", "  tick: 60s", "  warmup: 6h", "  score: 12h",
        "  strategies: [ours]", "  pools:", *pools, "  workloads:", *workloads,
    ]  # fmt: skip
    path.write_text("\n".join([*lines, ""]))
    return path


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_each_is_simulated_as_it_is(file: Path, tmp_path: Path) -> None:
    scenario = read_scenario(scenario_of(file, tmp_path))
    (result,) = run_scenario(scenario, ["ours"], workers=1)
    fleet = scenario.policies.fleet
    assert result.summary.gpu_hours > 0.0
    for w, (part, timeline) in enumerate(zip(result.summary.workloads, result.run.timelines, strict=True)):
        assert 0.0 <= part.late_share <= 1.0
        assert timeline.floor.max() <= fleet.max_replicas[w]
        assert timeline.ready_replicas.max() > 0.0
