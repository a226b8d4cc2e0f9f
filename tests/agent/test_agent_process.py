"""`autoscaler agent` as people and kubelets run it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.cli import main
from tests.agent.kubelet_stand_in import BOOTED_S, Given, StandInProc, cgroup_of, kubelet
from tests.agent.nvml_stand_in import GIB, StandInGpu, StandInLibrary, StandInPart, StandInProcess, loaded
from tests.cluster.clock import wait_until

UID, CONTAINER = "0f3a1c52-7d1e-4b6f-9a3d-2c4e5f607182", "ab" * 32
PROGRAM = (sys.executable, "-m", "autoscaler", "agent")
WITHIN_S = 300.0
LISTENS = re.compile(r'"listen": "127\.0\.0\.1:(\d+)"')


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The agent on a free port, once it says that it is there."""
    process = subprocess.Popen([*PROGRAM, "--listen", "127.0.0.1:0", *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        found = LISTENS.search(first)
        assert found is not None, first + process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def read(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return str(answer.read().decode())


def told_with_kubelet(port: int) -> dict[str, Metric] | None:
    """What it tells; None while the kubelet has not answered in time."""
    told = {family.name: family for family in text_string_to_metric_families(read(port, "/metrics"))}
    return told if told["gpu_autoscaler_agent_kubelet_reachable"].samples[0].value else None


def test_it_runs_on_a_node_without_driver_and_kubelet_and_stays_small(tmp_path: Path) -> None:
    with kubelet(tmp_path) as stand_in, running("--pod-resources", str(stand_in.socket)) as (process, port):
        assert read(port, "/healthz") == "ok\n"
        told = wait_until(lambda: told_with_kubelet(port), "the kubelet's answer", WITHIN_S)
        [reachable] = told["gpu_autoscaler_agent_driver_reachable"].samples
        assert reachable.value == 0.0
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        loaded_there = {name for name in ("numpy", "pydantic_core", "plotly", "scipy") if f"/{name}/" in maps}
        assert loaded_there == set()
        assert told["process_resident_memory_bytes"].samples[0].value < 60e6
        assert stand_in.asked >= 1
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    problems = {line["problem"] for line in lines if "problem" in line}
    problems = {one for one in problems if "DEADLINE_EXCEEDED" not in one}  # of the kubelet, on a busy machine
    assert problems == {"no NVIDIA driver: libnvidia-ml.so.1 cannot be loaded"}
    assert lines[-1]["event"] == "stopped"


def test_an_address_that_is_taken_is_exit_code_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*PROGRAM, "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 3
    assert done.stderr.startswith(f"autoscaler: listen on 127.0.0.1:{port}: ")
    assert "--listen" in done.stderr


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(("agent", *arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--listen", "9400"), "--listen '9400': write HOST:PORT"),
        (("--listen", "x:99999"), "--listen 'x:99999': write HOST:PORT"),
        (("--sample-every", "soon"), "--sample-every 'soon': not a duration"),
        (("--sample-every", "1ms"), "--sample-every '1ms': must be between 100ms and 1m"),
        (("--format", "json"), "--format: only with --once"),
    ],
)
def test_input_that_makes_no_sense_is_exit_code_2(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*arguments) == 2
    assert said in capsys.readouterr().err


@contextmanager
def a_node(folder: Path, pod: str = "chat-0") -> Iterator[tuple[str, ...]]:
    """Options for a node with a whole GPU in use by this pod, one in parts, and one that we may not ask."""
    gpus = [
        StandInGpu("GPU-a", util=(91, 40), processes=[StandInProcess(11, 20 * GIB, sm=70)]),
        StandInGpu("GPU-b", processes=[StandInProcess(12, GIB)], parts=[StandInPart("MIG-x", (1, 0), "1g.10gb")]),
        StandInGpu("GPU-c", fails={"nvmlDeviceGetHandleByIndex_v2": 4}),
    ]
    library = StandInLibrary(*gpus)
    proc = StandInProc(folder / "proc")
    proc.add(11, BOOTED_S + 5.0, cgroup_of(UID, CONTAINER), pod)
    given = Given("inference", pod, "server", {"nvidia.com/gpu": ["GPU-a"]})
    with loaded(library), kubelet(folder, given) as stand_in:
        library.now_s = 4e9  # its samples are new whatever the machine's clock says
        yield ("--once", "--pod-resources", str(stand_in.socket), "--proc", str(proc.root), "--node-name", "node-1")


def test_one_look_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with a_node(tmp_path) as options:
        assert ended(*options) == 0
    out = capsys.readouterr().out
    assert out.startswith("node node-1, driver 580.95.05, 3 GPUs\n")
    row = next(line for line in out.splitlines() if "91 %" in line)
    assert "20.0 / 80.0" in row
    assert "inference/chat-0" in row
    assert "MIG 1g.10gb" in out
    assert next(line for line in out.splitlines() if "70 %" in line).count("server") == 1
    assert out.endswith("GPU 2: permission denied by the NVIDIA driver\n")


def test_names_are_whole_on_a_narrow_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # as `kubectl exec` without a terminal has it
    name = "chat-llama-3-70b-instruct-deployment-6f9c8d7b5d-x7k2p"
    with a_node(tmp_path, name) as options:
        assert ended(*options) == 0
    cells = [line.split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "".join(row[6].strip() for row in cells if len(row) == 8).startswith(f"inference/{name}")
    assert "".join(row[2].strip() for row in cells if len(row) == 7) == f"inference/{name}"


def test_one_look_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with a_node(tmp_path) as options:
        assert ended(*options, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(gpu["uuid"], gpu["state"]) for gpu in told["gpus"]] == [("GPU-a", "ok"), ("GPU-b", "ok"), ("", "denied")]
    assert told["holders"]["GPU-a"] == [
        {"namespace": "inference", "pod": "chat-0", "container": "server", "devices": ["GPU-a"]}
    ]
    [use] = told["uses"]
    assert "phase" not in use  # one look does not tell it
    assert (use["uid"], use["name"]["pod"], use["used_bytes"], use["sm_ratio"]) == (UID, "chat-0", 20 * GIB, 0.7)
    assert told["problems"] == ["GPU 2: permission denied by the NVIDIA driver"]


def test_without_the_libraries_of_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['pynvml'] = None; from autoscaler.cli import main; main(['agent', '--once'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, timeout=120)
    assert done.returncode == 3
    assert done.stderr == "autoscaler: the agent needs pynvml: install gpu-autoscaler[gpu]\n"
