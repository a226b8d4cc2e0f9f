"""Which policies a deleted plan stops, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.compose.stopped import Stopped
from autoscaler.policy.folder import PolicySet, read_paths
from tests.unit.controller.live import POOL, policy

CHAT, CODE = policy("chat"), policy("code")


class Folder:
    """A policy folder, and the plans that somebody deletes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.deleted: set[str] = set()
        self.stopped = Stopped(self._take)
        self.served = PolicySet()

    def _take(self) -> set[str]:
        taken, self.deleted = self.deleted, set()
        return taken

    def govern(self, *texts: str) -> list[str]:
        """Names of the policies that go on, where the folder has these."""
        (self._path / "all.yaml").write_text("---\n".join([POOL, *texts]))
        self.served = self.stopped.without(read_paths([self._path]), self.served.policies)
        return [document.name for document in self.served.policies]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path)
    assert found.govern(CHAT, CODE) == ["chat", "code"]
    return found


def test_only_the_policy_of_the_plan_is_stopped_and_stays_so(folder: Folder) -> None:
    folder.deleted = {"chat"}
    assert folder.govern(CHAT, CODE) == ["code"]
    assert folder.govern(CHAT, CODE) == ["code"]
    assert folder.stopped.names == {"chat"}
    (line,) = folder.stopped.problems()
    assert line.startswith("chat: its CapacityPlan was deleted")
    assert len(folder.served.pools) == 1


def test_an_edit_takes_it_into_force_again(folder: Folder) -> None:
    folder.deleted = {"chat"}
    folder.govern(CHAT, CODE)
    assert folder.govern(policy("chat", more="priority: 5"), CODE) == ["chat", "code"]
    assert folder.stopped.problems() == ()
    assert folder.govern(CHAT, CODE) == ["chat", "code"]


def test_another_place_in_the_file_is_no_edit(folder: Folder) -> None:
    folder.deleted = {"chat"}
    folder.govern(CHAT, CODE)
    assert folder.govern(CODE, f"# moved\n{CHAT}") == ["code"]


def test_an_edit_at_the_moment_of_the_deletion_wins(folder: Folder) -> None:
    folder.deleted = {"chat"}
    assert folder.govern(policy("chat", more="priority: 5"), CODE) == ["chat", "code"]


def test_a_policy_that_was_removed_and_comes_back_is_in_force(folder: Folder) -> None:
    folder.deleted = {"chat"}
    folder.govern(CHAT, CODE)
    assert folder.govern(CODE) == ["code"]
    assert folder.govern(CHAT, CODE) == ["chat", "code"]


def test_a_plan_of_a_policy_that_was_not_served_stops_nothing(folder: Folder) -> None:
    folder.deleted = {"voice"}
    assert folder.govern(CHAT, policy("voice")) == ["chat", "voice"]
