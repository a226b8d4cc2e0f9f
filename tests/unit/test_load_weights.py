"""The script that loads weights onto a real GPU, as far as it goes without one: loaders, recordings, the refusal."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from ctypes.util import find_library
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.domain.lead_time import Stage
from simulations.gpu.curves import GB, Manner, Rates, curve
from simulations.gpu.loader import TENSOR_BYTES, Loader
from simulations.gpu.recording import Recording, compare, read, write
from tests.unit.coldstart.curve_looks import EPOCH_S, look

ROOT = Path(__file__).parents[2]
ABOUT = {"card": "none, generated", "driver": "none", "manner": "streamed", "weights": "20 GB"}


@dataclass
class StandInGpu:
    """Takes what it is given; knows by when it may be."""

    has_context: bool = False
    rooms: dict[int, bytes] = field(default_factory=dict)

    def make_context(self) -> None:
        self.has_context = True

    def allocate(self, size: int) -> int:
        assert self.has_context
        self.rooms[len(self.rooms)] = bytes(0)
        return len(self.rooms) - 1

    def copy(self, to: int, source: int, size: int) -> None:
        assert self.rooms[to] == b""
        self.rooms[to] = ctypes.string_at(source, size)


@pytest.mark.parametrize("manner", Manner)
def test_all_weights_reach_the_gpu_and_each_stage_is_said(manner: Manner, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(os.urandom(1 << 20) * 64 + os.urandom(TENSOR_BYTES // 3))
    gpu = StandInGpu()
    said: list[tuple[Stage, float, float]] = []
    Loader(weights, gpu, SystemClock(), lambda *stage: said.append(stage)).load(manner)
    assert b"".join(gpu.rooms.values()) == weights.read_bytes()
    assert {stage for stage, _, _ in said} == {Stage.CUDA, Stage.WEIGHTS, Stage.TRANSFER}
    assert all(from_s <= until_s for _, from_s, until_s in said)
    first = Stage.WEIGHTS if manner is Manner.EAGER else Stage.CUDA
    assert min(said, key=lambda one: one[1])[0] is first


def test_a_recording_is_read_as_it_was_written_and_compared(tmp_path: Path) -> None:
    load = curve(Manner.STREAMED, Rates(20 * GB))
    stamps = {stage: (EPOCH_S + from_s, EPOCH_S + until_s) for stage, (from_s, until_s) in load.truth.items()}
    recording = Recording(ABOUT, stamps, [look(load, after_s, ("sm_share",)) for after_s in load.looks()])
    write(recording, tmp_path / "recorded.csv")
    again = read(tmp_path / "recorded.csv")
    assert again.samples == recording.samples
    assert again.about == ABOUT
    found = {one.stage: one for one in compare(again)}
    assert found[Stage.TRANSFER].off_s == pytest.approx(0, abs=1.0)
    assert found[Stage.TRANSFER].is_sure
    assert found[Stage.WEIGHTS].told is None  # the host was not told


def test_a_stage_whose_end_is_not_told_is_not_within_anything() -> None:
    load = curve(Manner.STREAMED, Rates(20 * GB))
    stamps = {stage: (EPOCH_S + from_s, EPOCH_S + until_s) for stage, (from_s, until_s) in load.truth.items()}
    until_s = load.truth[Stage.TRANSFER][1] - 1.0
    looks = [look(load, after_s) for after_s in load.looks() if after_s < until_s]
    found = {one.stage: one for one in compare(Recording(ABOUT, stamps, looks))}
    assert found[Stage.TRANSFER].told is not None
    assert found[Stage.TRANSFER].off_s is None


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("at_s,bytes\n1,2\n")
    with pytest.raises(ValueError, match="columns"):
        read(tmp_path / "other.csv")


@pytest.mark.skipif(find_library("nvidia-ml") is not None, reason="there is a driver here")
@pytest.mark.parametrize("module", ["load_weights", "loader"])
def test_without_a_driver_it_says_so(module: str, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"weights")
    arguments = ["streamed", str(tmp_path / "weights")] if module == "loader" else ["--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", f"simulations.gpu.{module}", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "driver" in done.stderr
    assert "Traceback" not in done.stderr
