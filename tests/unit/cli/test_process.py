"""`autoscaler` as a process: how it ends when it is interrupted, when nobody reads, when it fails, and what stays."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

from autoscaler.cli import main

BURSTGPT = Path(__file__).parents[3] / "autoscaler" / "evaluation" / "data" / "burstgpt_hourly.csv.gz"
LONG = ("simulate", "--trace", str(BURSTGPT), "--series", "burstgpt-conversation", "--score", "30d")
PROGRAM = (sys.executable, "-m", "autoscaler")


@pytest.fixture
def short(trace: Callable[..., Path], tmp_path: Path) -> list[str]:
    """A replay that ends soon."""
    path = trace(tmp_path, 0.3)
    return ["simulate", "--trace", str(path), "--warmup", "4h", "--score", "2h", "--strategy", "reactive"]


class Watched:
    """A program whose standard error is a terminal, so that it shows progress."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process, self.terminal, self.said = process, terminal, b""

    def read_until(self, word: bytes) -> None:
        """Reads until the word was said."""
        while word not in self.said:
            self.said += self._read() or pytest.fail(f"it ended before it said {word!r}: {self.said!r}")

    def read_to_the_end(self) -> str:
        """All that it said; ends when the last process that could say more is gone."""
        while more := self._read():
            self.said += more
        return self.said.decode()

    def _read(self) -> bytes:
        try:
            return os.read(self.terminal, 4096)
        except OSError:  # nobody has the other end of the terminal any more
            return b""


@contextmanager
def watched(*arguments: str) -> Iterator[Watched]:
    """Starts the program in a session of its own, as a shell starts one in the foreground."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=theirs, start_new_session=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Watched(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("strategies", ["ours", "ours,hpa-70"], ids=["in one process", "in several"])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(strategies: str, tmp_path: Path) -> None:
    timeline = tmp_path / "t.csv"
    with watched(*LONG, "--strategy", strategies, "--timeline", str(timeline)) as program:
        program.read_until(b"1%")  # of the progress
        os.killpg(program.process.pid, signal.SIGINT)  # as a terminal does
        said = program.read_to_the_end()
        assert program.process.wait() == 130
    assert said.rstrip().endswith("autoscaler: interrupted")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_killed_ends_it_with_a_message() -> None:
    with watched(*LONG, "--strategy", "ours,hpa-70") as program:
        program.read_until(b"1%")
        os.kill(next(workers(program.process.pid)), signal.SIGKILL)
        said = program.read_to_the_end()
        assert program.process.wait() == 3
    assert said.rstrip().endswith("autoscaler: a worker process was ended; look for more memory, or less work")
    assert "Traceback" not in said


def workers(parent: int) -> Iterator[int]:
    """Processes that do its jobs."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            yield int(child)


@pytest.mark.parametrize("more", [[], ["--format", "json"]], ids=["table", "json"])
def test_a_reader_that_is_gone_is_no_error_and_files_are_written(
    more: list[str], short: list[str], tmp_path: Path
) -> None:
    timeline = tmp_path / "t.csv"
    nobody, end = os.pipe()
    os.close(nobody)
    with os.fdopen(end, "wb") as out:
        done = subprocess.run(
            [*PROGRAM, *short, *more, "--timeline", str(timeline)], stdout=out, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 0
    assert done.stderr == f"timeline of reactive: {timeline}\n"
    assert len(timeline.read_text().splitlines()) == 1 + 360


@pytest.mark.parametrize("more", [[], ["--format", "json"]], ids=["table", "json"])
def test_a_full_disk_behind_standard_output_is_exit_code_3(more: list[str], short: list[str]) -> None:
    with Path("/dev/full").open("wb") as out:
        done = subprocess.run([*PROGRAM, *short, *more], stdout=out, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert line.startswith("autoscaler: ")
    assert line.endswith("No space left on device")


def test_nothing_to_do_shows_what_there_is() -> None:
    done = subprocess.run([*PROGRAM], capture_output=True, text=True)
    assert done.returncode == 2
    assert "simulate" in done.stdout
    assert "bench" in done.stdout
    assert subprocess.run([*PROGRAM, "simulate", "--help"], capture_output=True).returncode == 0


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_debug_shows_where_an_error_arose(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--debug", "simulate", "--trace", "none.csv") == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert any("in read_trace" in line for line in lines)
    assert lines[-1] == "autoscaler: none.csv:1: no such file; check the path of the trace"
    assert ended("simulate", "--trace", "none.csv") == 2
    assert capsys.readouterr().err.splitlines() == lines[-1:]


class Strange(io.StringIO):
    """A standard output that fails as nothing should."""

    def write(self, text: str) -> int:
        raise RuntimeError("strange")


def test_an_error_that_nothing_foresaw_is_said_to_be_a_defect(
    short: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "autoscaler: RuntimeError: strange; a defect of this program: report it with what --debug prints"
    monkeypatch.setattr(sys, "stdout", Strange())
    assert ended(*short) == 70
    assert capsys.readouterr().err.splitlines() == [said]
    assert ended("--debug", *short) == 70
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", said)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--version") == 0
    assert capsys.readouterr().out == f"autoscaler {version('gpu-autoscaler')}\n"
