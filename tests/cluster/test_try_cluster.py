"""`make try-cluster` as a person runs it: it shows plans, ends when it is asked to, and nothing stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.clock import wait_until
from tests.cluster.helm import ROOT
from tests.cluster.prometheus import BINARY

PLAN = re.compile(r"^plan chat \(act\): demand .*, floor .*; replicas .* asked; placeholders .* pending; .+$", re.M)
POOL = re.compile(r"^pool gpu-primary \(on-demand\): nodes ", re.M)
START_S, STOP_S = 240.0, 90.0
pytestmark = [
    pytest.mark.usefixtures("built", "tools"),
    pytest.mark.skipif(not BINARY.exists() and "CI" not in os.environ, reason=f"no {BINARY}"),
]


class Run:
    """One run of the command, with its output in a file and its temporary folders in one of the test's."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder, self._out = folder, folder / "out.txt"
        command = [sys.executable, "-m", "simulations.try_cluster", *arguments]
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT,
                env=os.environ | {"TMPDIR": str(folder / "tmp"), "COLUMNS": "80"} | environment,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self._out.read_text()

    def wait_said(self, what: re.Pattern[str]) -> None:
        def look() -> bool:
            return bool(what.search(self.said)) or self.process.poll() is not None

        wait_until(look, f"{what.pattern} to be said", START_S, 0.2)
        assert what.search(self.said), self.said

    def ended(self) -> int:
        """Its exit code, once nothing of it is left."""
        code = self.process.wait(STOP_S)
        assert list((self.folder / "tmp").iterdir()) == []
        assert left(str(self.folder)) == []
        return code


def left(mark: str) -> list[str]:
    """Command lines of processes that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # gone meanwhile
            continue
        if any(mark in word for word in words):
            found.append(" ".join(words))
    return found


@contextmanager
def started(folder: Path, *arguments: str, **environment: str) -> Iterator[Run]:
    (folder / "tmp").mkdir()
    run = Run(folder, *arguments, **environment)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(STOP_S)


def test_it_shows_plans_and_ends_after_its_time_without_a_trace(tmp_path: Path) -> None:
    with started(tmp_path, "--for", "20s") as run:
        run.wait_said(PLAN)
        assert len(left(str(tmp_path))) >= 6
        assert run.ended() == 0, run.said
    assert POOL.search(run.said)
    for what in (r"metrics +http://127\.0\.0\.1:\d+/metrics", r"Prometheus +http://127\.0\.0\.1:\d+"):
        assert re.search(what, run.said)
    assert re.search(rf"export KUBECONFIG={tmp_path}/\S+/kubeconfig$", run.said, re.M)
    assert re.search(r"^\d\d:\d\d:\d\d chat: floor ", run.said, re.M)
    assert run.said.endswith("all is stopped, and its folder is removed\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_the_start_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as run:
        wait_until(lambda: len(left(str(tmp_path))) >= 2, "the first programs", START_S)
        run.process.send_signal(number)
        assert run.ended() == 0, run.said
    assert not PLAN.search(run.said)


def test_a_part_that_does_not_start_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    openssl = programs / "openssl"  # makes keys that the API server cannot read
    openssl.write_text('#!/bin/sh\nwhile [ "$1" != -out ]; do shift; done\necho nonsense >"$2"\n')
    openssl.chmod(0o755)
    with started(tmp_path, PATH=f"{programs}:{os.environ['PATH']}") as run:
        assert run.ended() == 3, run.said
    assert "end of the log of etcd" in run.said
    assert "\ntry-cluster: kube-apiserver ended by itself" in run.said


def test_without_a_built_control_plane_it_says_what_to_do(tmp_path: Path) -> None:
    with started(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")) as run:
        assert run.ended() == 3
    assert run.said.endswith("try-cluster: the control plane is not built; make rig\n")


def test_a_wrong_time_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with started(tmp_path, "--for", "soon") as run:
        assert run.ended() == 2
    assert "not a duration" in run.said
    assert "starting" not in run.said
