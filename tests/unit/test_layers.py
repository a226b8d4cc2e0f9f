"""The layers that import-linter keeps: the package respects them, and a forbidden import is found and named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
CONTRACTS = {
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "autoscaler", tmp_path / "autoscaler", ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def verdicts(checkout: Path) -> dict[str, str]:
    """KEPT or BROKEN for each contract."""
    done = subprocess.run(
        [LINTER, "--no-logo", "--cache-dir", checkout / "cache"], cwd=checkout, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    found = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))
    assert done.returncode == int("BROKEN" in found.values()), done.stdout + done.stderr
    return found


def test_the_package_keeps_every_contract(checkout: Path) -> None:
    assert verdicts(checkout) == dict.fromkeys(CONTRACTS, "KEPT")


@pytest.mark.parametrize(
    ("module", "forbidden", "contract"),
    [
        pytest.param(
            "plan/ours.py", "import requests", "The core has no clock, no I/O and no client", id="client in the core"
        ),
        pytest.param(
            "plan/ours.py", "from autoscaler.simulator import engine", "The core has no clock, no I/O and no client",
            id="simulator in the core",
        ),
        pytest.param(
            "forecast/history.py", "import time", "The core has no clock, no I/O and no client", id="clock in the core"
        ),
        pytest.param(
            "observe/signals.py", "from autoscaler.ports import metrics", "The core has no clock, no I/O and no client",
            id="port in the core",
        ),
        pytest.param(
            "simulator/simple.py", "from autoscaler.plan import ours", "The simulator knows ports and nouns only",
            id="planner in the simulator",
        ),
        pytest.param("domain/plan.py", "import autoscaler.plan.ours", "Layers run one way", id="upward import"),
        pytest.param(
            "placeholder/fate.py", "import time", "The core has no clock, no I/O and no client",
            id="clock in the placeholders",
        ),
        pytest.param(
            "placeholder/shape.py", "import kubernetes", "The core has no clock, no I/O and no client",
            id="client in the placeholders",
        ),
        pytest.param(
            "placeholder/shape.py", "from autoscaler.plan import tiers", "Layers run one way",
            id="planner in the placeholders",
        ),
        pytest.param(
            "observe/demand.py", "from autoscaler.placeholder import pod", "Layers run one way",
            id="placeholders in what is observed",
        ),
        pytest.param(
            "controller/service.py", "from autoscaler.telemetry import log", "Layers run one way",
            id="logs in the controller",
        ),
        pytest.param(
            "telemetry/log.py", "from autoscaler.adapters import system_clock",
            "Only the composition root knows the adapters", id="adapter in the telemetry",
        ),
        pytest.param(
            "adapters/system_clock.py", "import statsmodels", "statsmodels in the forecast alone",
            id="statsmodels in an adapter",
        ),
    ],
)  # fmt: skip
def test_a_forbidden_import_breaks_its_contract(checkout: Path, module: str, forbidden: str, contract: str) -> None:
    file = checkout / "autoscaler" / module
    file.write_text(f"{file.read_text()}\n{forbidden}\n")
    assert verdicts(checkout)[contract] == "BROKEN"
