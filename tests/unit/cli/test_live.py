"""`run` and `plan` without a cluster: what is wrong is one line that says what to do, and an exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler.settings import PREFIX
from tests.cluster.clock import wait_until

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "policies"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Of an API server that is not there."""
    path = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "users": [{"name": "none", "user": {"token": "t"}}],
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


def autoscaler(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "autoscaler", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120.0)


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("options", "settings", "code", "said"),
    [
        pytest.param([], {}, 2, "setting prometheus (--prometheus, GPU_AUTOSCALER_PROMETHEUS): not given", id="none"),
        pytest.param(["--prometheus", "here"], {}, 2, "prometheus: 'here' is no address; write", id="address"),
        pytest.param([], {"tick_s": "soon"}, 2, "setting tick_s (GPU_AUTOSCALER_TICK_S) 'soon': not a", id="setting"),
        pytest.param(
            ["--prometheus", NOBODY, "--kubeconfig", "/none"], {}, 3, "read kubeconfig /none: ", id="kubeconfig"
        ),
    ],
)
def test_what_cannot_be_used_is_one_line(
    command: str, options: list[str], settings: dict[str, str], code: int, said: str
) -> None:  # fmt: skip
    done = autoscaler(command, "--policies", POLICIES, *options, **settings)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"autoscaler: {said}")
    assert (done.returncode, done.stdout) == (code, "")


def test_plan_without_policies(tmp_path: Path) -> None:
    done = autoscaler("plan", "--policies", tmp_path / "none", "--prometheus", NOBODY)
    assert (done.returncode, "no such file or folder" in done.stderr) == (2, True)
    done = autoscaler("plan", "--policies", tmp_path, "--prometheus", NOBODY)
    assert (done.returncode, "no usable policy in it" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("plan", ("policies", "prometheus", "kubeconfig", "namespace")),
        ("run", ("policies", "prometheus", "kubeconfig", "namespace", "tick", "listen", "log-format")),
    ],
)
def test_help_names_every_setting_that_it_sets(command: str, names: tuple[str, ...]) -> None:
    done = autoscaler(command, "--help")
    said = "".join(done.stdout.replace("│", " ").split())
    assert done.returncode == 0
    for name in names:
        assert f"--{name}<str>" in said
    assert "docs/settings.md" in said


def test_a_controller_without_a_cluster_waits_for_one_and_ends_when_it_is_told(
    kubeconfig: Path, tmp_path: Path
) -> None:  # fmt: skip
    log = tmp_path / "log"
    settings = {
        "prometheus": NOBODY, "kubeconfig": str(kubeconfig), "listen": "127.0.0.1:0", "policies": str(POLICIES),
        "tick_s": "1", "log_format": "json", "stop_s": "5",
    }  # fmt: skip
    environment = os.environ | {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "autoscaler", "run"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )  # fmt: skip
        try:
            wait_until(lambda: "policies are not taken into force yet" in log.read_text(), "it to say so", 60.0)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30.0) == 0
        finally:
            process.kill()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[0]["event"] == "started"
    assert lines[-1]["event"].startswith("stopped")
    assert not any(line["event"] == "tick failed" for line in lines)
