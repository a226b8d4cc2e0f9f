"""A folder that changes under the reader: swaps as kubelet does them, edits, mistakes, and what stays in force."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from autoscaler.policy.folder import PolicyFolder, PolicySet, read_paths

HEAD = "apiVersion: gpu-autoscaler.io/v1alpha1\n"
POOL = (
    HEAD + "kind: GpuPool\nmetadata: {name: steady}\n"
    "spec:\n  capacityType: on-demand\n  nodeAffinity: [{key: gpu, operator: Exists}]\n"
    "  gpusPerNode: 8\n  pricePerGpuHour: 4\n"
)
NOW_S = 4_000_000_000.0
"""Long after any file was written."""


def policy(name: str, least: int = 1, pool: str = "steady", more: str = "") -> str:
    """A policy whose replicas say which version it is."""
    return (
        HEAD + f"kind: CapacityPolicy\nmetadata: {{name: {name}}}\n"
        f"spec:\n  workload: {{namespace: inference, name: {name}}}\n"
        "  demand: {arrivals: {query: requests}, perReplica: {arrivals: 4}}\n"
        f"  pools: {{primary: [{pool}]}}\n  replicas: {{min: {least}}}\n{more}"
    )


def swap(folder: Path, version: int, files: dict[str, str]) -> None:
    """Writes a version of a ConfigMap as kubelet does: a new folder, links to it, the link to the folder renamed."""
    before = os.readlink(folder / "..data") if (folder / "..data").is_symlink() else None
    new = folder / f"..2026_{version}"
    new.mkdir()
    for name, text in files.items():
        (new / name).write_text(text)
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").rename(folder / "..data")
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for entry in folder.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in files:
            entry.unlink()
    if before is not None:
        shutil.rmtree(folder / before)


def versions(current: PolicySet) -> list[int]:
    return [document.model.replicas.min for document in current.policies]


def in_force(folder: PolicyFolder) -> dict[str, int]:
    folder.look(NOW_S)
    return {document.name: document.model.replicas.min for document in folder.current.policies}


def test_a_thousand_swaps_are_seen_one_by_one(tmp_path: Path) -> None:
    folder = PolicyFolder(tmp_path)
    for version in range(1, 1001):
        swap(tmp_path, version, {"a.yaml": POOL + "---\n" + policy("a", version), "b.yaml": policy("b", version)})
        assert folder.look(NOW_S)
        assert versions(folder.current) == [version, version]
        assert not folder.current.problems
        assert not folder.look(NOW_S)


def test_swaps_while_the_folder_is_read_never_mix_and_never_go_back(tmp_path: Path) -> None:
    last = 1000

    def files(version: int) -> dict[str, str]:
        return {f"{n}.yaml": policy(n, version) for n in "abc"} | {"pool.yaml": POOL}

    def writer() -> None:
        for version in range(2, last + 1):
            swap(tmp_path, version, files(version))

    swap(tmp_path, 1, files(1))
    folder = PolicyFolder(tmp_path)
    thread = threading.Thread(target=writer)
    thread.start()
    seen = [0]
    while thread.is_alive() or seen[-1] != last:
        if folder.look(NOW_S):
            assert not folder.current.problems
            assert len(set(versions(folder.current))) == 1, "one set is of one version"
            assert len(folder.current.policies) == 3
            seen.append(versions(folder.current)[0])
    thread.join()
    assert seen == sorted(set(seen))
    assert len(seen) > 10, "the reader saw the folder change many times"


def test_an_invalid_edit_keeps_the_last_good_version_of_that_file_alone(tmp_path: Path) -> None:
    (tmp_path / "pool.yaml").write_text(POOL)
    (tmp_path / "a.yaml").write_text(policy("a"))
    (tmp_path / "b.yaml").write_text(policy("b"))
    folder = PolicyFolder(tmp_path)
    assert in_force(folder) == {"a": 1, "b": 1}
    (tmp_path / "a.yaml").write_text(policy("a", 2).replace("replicas:", "replcas:"))
    (tmp_path / "b.yaml").write_text(policy("b", 2))
    assert in_force(folder) == {"a": 1, "b": 2}
    assert folder.current.held == ("a.yaml",)
    (problem,) = folder.current.problems
    assert (problem.line, problem.column) == (8, 3)
    assert problem.hint == "did you mean `replicas`?"
    (tmp_path / "a.yaml").write_text(policy("a", 3))
    assert in_force(folder) == {"a": 3, "b": 2}
    assert not folder.current.problems
    assert not folder.current.held


def test_a_new_file_that_is_wrong_runs_nothing_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POOL + "---\n" + policy("a"))
    (tmp_path / "b.yaml").write_text(policy("b", pool="nowhere"))
    folder = PolicyFolder(tmp_path)
    assert in_force(folder) == {"a": 1}
    assert folder.current.held == ("b.yaml",)
    assert "no GpuPool nowhere" in str(folder.current.problems[0])


def test_what_breaks_another_file_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "pool.yaml").write_text(POOL)
    (tmp_path / "a.yaml").write_text(policy("a"))
    (tmp_path / "b.yaml").write_text(policy("b"))
    folder = PolicyFolder(tmp_path)
    assert in_force(folder) == {"a": 1, "b": 1}
    (tmp_path / "pool.yaml").unlink()
    (tmp_path / "b.yaml").write_text(policy("b", 2))
    assert in_force(folder) == {"a": 1, "b": 2}, "the pool stays while policies name it, other edits are taken"
    assert folder.current.held == ("pool.yaml",)
    assert len(folder.current.problems) == 2
    (tmp_path / "0.yaml").write_text(policy("a", 5))
    (tmp_path / "pool.yaml").write_text(POOL)
    assert in_force(folder) == {"a": 1, "b": 2}, "a second policy for a workload does not push out the first"


def test_a_removed_file_leaves_the_set(tmp_path: Path) -> None:
    (tmp_path / "pool.yaml").write_text(POOL)
    (tmp_path / "a.yaml").write_text(policy("a"))
    folder = PolicyFolder(tmp_path)
    assert in_force(folder) == {"a": 1}
    (tmp_path / "a.yaml").unlink()
    assert in_force(folder) == {}
    assert not folder.current.problems


def test_a_folder_that_is_gone_or_unreadable_leaves_all_in_force(tmp_path: Path) -> None:
    place = tmp_path / "policies"
    place.mkdir()
    (place / "a.yaml").write_text(POOL + "---\n" + policy("a"))
    folder = PolicyFolder(place)
    assert in_force(folder) == {"a": 1}
    place.rename(tmp_path / "elsewhere")
    assert in_force(folder) == {"a": 1}
    assert "cannot be read: no such file" in str(folder.current.problems[0])
    place.mkdir()
    (place / "a.yaml").mkdir()
    assert in_force(folder) == {"a": 1}
    assert folder.current.held == ("a.yaml",)
    (tmp_path / "elsewhere" / "a.yaml").rename(place / "b.yaml")
    (place / "a.yaml").rmdir()
    assert in_force(folder) == {"a": 1}
    assert not folder.current.problems


def test_a_folder_that_comes_back_as_it_was_is_good_again(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "policies", tmp_path / "elsewhere"
    folder = PolicyFolder(place)
    assert in_force(folder) == {}
    assert "make the folder" in str(folder.current.problems[0])
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(POOL + "---\n" + policy("a"))
    for _ in range(2):
        elsewhere.rename(place)
        assert in_force(folder) == {"a": 1}
        assert not folder.current.problems
        place.rename(elsewhere)
        assert in_force(folder) == {"a": 1}
        assert "what was in force stays" in str(folder.current.problems[0])


def test_a_file_that_is_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(POOL + "---\n" + policy("a"))
    written_s = file.stat().st_mtime
    folder = PolicyFolder(tmp_path)
    folder.look(written_s + 2.0)
    half = POOL + "---\n" + policy("a", 2)[:-20]
    file.write_text(half)
    os.utime(file, (written_s + 10.0, written_s + 10.0))
    assert not folder.look(written_s + 10.5)
    assert versions(folder.current) == [1]
    file.write_text(POOL + "---\n" + policy("a", 2))
    os.utime(file, (written_s + 10.6, written_s + 10.6))
    assert not folder.look(written_s + 11.0)
    assert folder.look(written_s + 12.0)
    assert versions(folder.current) == [2]


def test_a_calendar_beside_a_policy_is_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POOL + "---\n" + policy("a", more="  calendars: [{ics: holidays.ics}]\n"))
    folder = PolicyFolder(tmp_path)
    assert in_force(folder) == {}
    assert "holidays.ics cannot be read: no such file" in str(folder.current.problems[0])
    day = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nEND:VEVENT\nEND:VCALENDAR\n"
    (tmp_path / "holidays.ics").write_text(day)
    assert in_force(folder) == {"a": 1}
    (tmp_path / "holidays.ics").write_text("no calendar")
    assert in_force(folder) == {"a": 1}
    assert folder.current.held == ("a.yaml",)
    assert "holidays.ics: not a calendar" in str(folder.current.problems[0])


@pytest.mark.parametrize("name", ["../holidays.ics", "/etc/passwd", "a/b.ics", ".hidden"])
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(POOL + "---\n" + policy("a", more=f"  calendars: [{{ics: {name}}}]\n"))
    (problem,) = read_paths([tmp_path]).problems
    assert "not the name of a file beside this one" in problem.message


def test_a_file_without_end_and_one_that_is_no_text_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POOL + "---\n" + policy("a"))
    (tmp_path / "large.yaml").write_text("# " + "x" * 3_000_000)
    (tmp_path / "rubbish.yml").write_bytes(b"\xff\xfe\x00")
    folder = PolicyFolder(tmp_path)
    assert in_force(folder) == {"a": 1}
    said = [str(problem) for problem in folder.current.problems]
    assert "larger than 256 KiB" in said[0]
    assert "not UTF-8" in said[1]
