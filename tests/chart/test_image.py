"""The image without Docker: what it copies is there, what it installs is what is locked, and that is enough to run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from simulations.bench_image import instructions, stages

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
BUILD, FINAL = stages(DOCKERFILE)
NO_TESTS = """
import sys
class NoTests:
    def find_spec(self, name, path=None, target=None):
        if ".tests" in name:
            raise ModuleNotFoundError(f"{name}: not in the image")
sys.meta_path.insert(0, NoTests())
"""


def locked() -> Mapping[str, str]:
    """Versions by name of what this interpreter would install from the runtime lock."""
    text = (ROOT / "requirements.lock").read_text()
    found = [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"^[a-z]", line)]
    here = [one for one in found if one.marker is None or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in here}


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Names of what a distribution needs, and what that needs in turn."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        one, asked = waiting.pop()
        for text in distribution(one).requires or ():
            requirement = Requirement(text)
            marks = [{"extra": extra} for extra in asked or {""}]
            if requirement.marker is None or any(requirement.marker.evaluate(mark) for mark in marks):
                plain = re.sub(r"[-_.]+", "-", requirement.name).lower()
                if plain not in found or requirement.extras:
                    found.add(plain)
                    waiting.append((plain, frozenset(requirement.extras)))
    return found


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that sees the locked runtime packages and ours, without their tests, and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name in locked():
        link(distribution(name), packages)
    ours = distribution("gpu-autoscaler")
    (packages / "autoscaler").symlink_to(ROOT / "autoscaler")
    info = next(Path(str(ours.locate_file(""))).glob("gpu_autoscaler-*.dist-info"))
    (packages / info.name).symlink_to(info)
    (packages / "sitecustomize.py").write_text(NO_TESTS)
    return folder / "bin" / "python"


def link(found: Distribution, packages: Path) -> None:
    tops = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        if not (packages / top).exists():
            (packages / top).symlink_to(str(found.locate_file(top)))


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"}
    command = [str(python), "-m", "autoscaler", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, timeout=300, check=False)


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    copied = [source for keyword, rest in BUILD if keyword == "COPY" for source in rest.split()[:-1]]
    assert all((ROOT / source).exists() for source in copied)
    assert IGNORED[1] == "*"
    assert sorted(copied) == sorted(line.removeprefix("!") for line in IGNORED if line.startswith("!"))
    assert [rest for keyword, rest in FINAL if keyword == "COPY"] == ["--from=build /opt/autoscaler /opt/autoscaler"]


def test_what_is_installed_is_locked_hashed_and_never_compiled() -> None:
    commands = [rest for keyword, rest in BUILD if keyword == "RUN"]
    installs = [part for rest in commands for part in rest.split("&&") if " install " in part]
    assert len(installs) == 3
    assert sum("--require-hashes -r requirements.lock" in one for one in installs) == 1
    assert all("--require-hashes" in one or "--no-deps --no-index" in one for one in installs)
    assert all("--only-binary :all:" in one for one in installs if "--require-hashes" in one)
    assert not re.search(r"\bapt|\bgcc|curl|wget", " ".join(rest for _, rest in instructions(DOCKERFILE)))
    assert not [rest for keyword, rest in FINAL if keyword == "RUN"]


def test_the_lock_holds_what_we_need_and_nothing_more() -> None:
    assert needed("gpu-autoscaler", frozenset({"gpu"})) == set(locked())
    assert {name: distribution(name).version for name in locked()} == dict(locked())


def test_both_stages_are_of_one_digest_and_the_user_is_a_number() -> None:
    bases = [rest.split()[0] for keyword, rest in (BUILD[0], FINAL[0])]
    assert bases == ["${PYTHON_IMAGE}@${PYTHON_DIGEST}"] * 2
    said = dict(rest.split("=", 1) for keyword, rest in instructions(DOCKERFILE) if keyword == "ARG")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", said["PYTHON_DIGEST"])
    version = said["PYTHON_IMAGE"].rpartition(":")[2].split("-")[0]
    assert f"--python-version {version}" in (ROOT / "Makefile").read_text()
    [user] = [rest for keyword, rest in FINAL if keyword == "USER"]
    assert int(user.split(":")[0]) > 0
    last = dict(FINAL)
    assert last["ENTRYPOINT"] == '["/opt/autoscaler/bin/autoscaler"]'
    assert last["CMD"] == '["run"]'


def test_it_runs_with_the_locked_packages_alone(python: Path) -> None:
    said = run(python, "--version")
    assert (said.returncode, said.stdout) == (0, f"autoscaler {distribution('gpu-autoscaler').version}\n"), said.stderr
    assert run(python, "--help").returncode == 0
    nowhere = run(python, "run")
    assert (nowhere.returncode, nowhere.stderr[:33]) == (2, "autoscaler: setting prometheus (-")
    assert run(python, "policy", "check", str(ROOT / "policies")).returncode == 0
    foreign = subprocess.run([python, "-c", "import pytest"], capture_output=True, text=True, check=False)
    assert foreign.stderr.endswith("No module named 'pytest'\n")


def test_the_node_agent_runs_with_the_locked_packages_alone(python: Path) -> None:
    looked = run(python, "agent", "--once", "--format", "json", "--pod-resources", "/nowhere/kubelet.sock")
    assert looked.returncode == 0, looked.stderr
    assert any("/nowhere/kubelet.sock" in problem for problem in json.loads(looked.stdout)["problems"])
    kubelet = (
        "from autoscaler.adapters.kubelet.messages import message; import grpc; message('ListPodResourcesRequest')()"
    )
    spoken = subprocess.run([python, "-c", kubelet], capture_output=True, text=True, cwd="/", check=False)
    assert spoken.returncode == 0, spoken.stderr


def test_strategies_and_reports_run_without_the_tests_of_packages(python: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    minutes = range(2 * 1440)
    trace.write_text("minute,requests\n" + "".join(f"{m},{20 + 10 * (m % 1440 > 700)}\n" for m in minutes))
    report = tmp_path / "report.html"
    done = run(
        python, "simulate", "--trace", str(trace), "--warmup", "1d", "--score", "4h", "--fleet-peak", "4",
        "--strategy", "ours,holt-winters", "--report", str(report), "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert report.stat().st_size > 100_000
