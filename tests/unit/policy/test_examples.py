"""The policies that ship can be used: each file alone, and the folder as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool

FOLDER = Path(__file__).parents[3] / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_how_many_there_are() -> None:
    documents = [document for file in FILES for document in read_documents(file, KINDS)]
    assert [file.name for file in FILES] == ["morning-rush.yaml", "smallest.yaml"]
    assert [(d.kind, d.name) for d in documents] == [
        ("GpuPool", "h100-ondemand"),
        ("GpuPool", "h100-spot"),
        ("CapacityPolicy", "chat"),
        ("CapacityPolicy", "embed"),
        ("GpuPool", "l4-ondemand"),
    ]


@pytest.mark.parametrize("files", [*([file] for file in FILES), FILES], ids=[*(file.stem for file in FILES), "folder"])
def test_they_compile_and_tell_their_story_first(files: list[Path]) -> None:
    assert all(file.read_text().startswith("# ") for file in files)
    documents = [document for file in files for document in read_documents(file, KINDS)]
    policies, pools = of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool)
    shapes = {policy.name: 1 for policy in policies}
    leads = {policy.name: (180.0, 120.0) for policy in policies}
    fleet = compile_fleet(policies, pools, shapes, leads).fleet
    assert fleet.size == len(files)
    assert fleet.primary.any(axis=1).all()


def test_the_smallest_useful_policy_is_ten_lines() -> None:
    text = (FOLDER / "smallest.yaml").read_text().split("---\n")[0]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == 10
    assert "kind: CapacityPolicy" in lines
