"""What the image holds: the steps of the Dockerfile taken by hand in a scratch folder, without Docker, and measured.

The build stage alone is followed, with the Python that runs this; the base image is not there, nor is its size in the
figures. Times are those of the wall, the best of `--repeat`; memory is the most that the process held.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
FOLDERS = ("/opt/autoscaler", "/src", "/wheel")
"""Folders of the build stage; each has its place in the scratch folder."""
STARTS = {
    "autoscaler --version": ["autoscaler", "--version"],
    "autoscaler --help": ["autoscaler", "--help"],
    "the controller is imported": ["python", "-c", "import autoscaler.compose.live"],
    "the controller says that it has no Prometheus": ["autoscaler", "run"],
    "the node agent looks once": ["autoscaler", "agent", "--once"],
}


class Output(StrEnum):
    """What is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Start:
    """One command of the environment: wall and processor seconds, and the most memory that it held."""

    command: str
    wall_s: float
    processor_s: float
    most_mb: float


@dataclass(frozen=True, slots=True)
class Image:
    """What the steps made: its size and files, the largest distributions of it, how fast it starts."""

    python: str
    mb: float
    files: int
    largest_mb: dict[str, float]
    starts: tuple[Start, ...]


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """(keyword, its text) of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, rest = line.strip().partition(" ")
            yield keyword, " ".join(rest.split())


def stages(dockerfile: str) -> list[list[tuple[str, str]]]:
    """Instructions by stage; those before the first FROM are left out."""
    found: list[list[tuple[str, str]]] = []
    for keyword, rest in instructions(dockerfile):
        if keyword == "FROM":
            found.append([])
        if found:
            found[-1].append((keyword, rest))
    return found


def build(dockerfile: str, scratch: Path) -> Path:
    """Takes the steps of the first stage; the folder of what the image runs. CalledProcessError where one fails."""
    base = scratch / "base"
    subprocess.run([sys.executable, "-m", "venv", base], check=True)
    environment = {"PATH": f"{base / 'bin'}:{os.environ['PATH']}", "HOME": str(scratch)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTPS_"))}
    here = scratch
    for keyword, rest in stages(dockerfile)[0]:
        if keyword == "WORKDIR":
            here = Path(_placed(rest, scratch))
            here.mkdir(parents=True)
        elif keyword == "COPY":
            *sources, target = rest.split()
            _copy(sources, here / target)
        elif keyword == "RUN":
            subprocess.run(["sh", "-ec", _placed(rest, scratch)], check=True, cwd=here, env=environment)
        elif keyword not in ("FROM", "ARG", "ENV"):
            raise ValueError(f"Dockerfile: no step by hand for {keyword}")
    return Path(_placed(FOLDERS[0], scratch))


def _placed(text: str, scratch: Path) -> str:
    for folder in FOLDERS:
        text = text.replace(f" {folder}", f" {scratch}{folder}") if not text.startswith(folder) else f"{scratch}{text}"
    return text


def _copy(sources: list[str], target: Path) -> None:
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)


def start(folder: Path, name: str, repeat: int) -> Start:
    """The best of some starts, with an environment like that of a pod."""
    program, *arguments = STARTS[name]
    runs = []
    for _ in range(repeat):
        began_s = time.perf_counter()
        running = subprocess.Popen(
            [folder / "bin" / program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd="/", env={"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        _, _, used = os.wait4(running.pid, 0)
        wall_s = time.perf_counter() - began_s
        runs.append(Start(name, wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000.0))
    return min(runs, key=lambda run: run.wall_s)


def image(folder: Path, repeat: int) -> Image:
    """Measures what was built."""
    packages = next(folder.glob("lib/python*/site-packages"))
    sizes = {one.name: _mb(one) for one in packages.iterdir()}
    largest = dict(sorted(sizes.items(), key=lambda item: -item[1])[:8])
    files = sum(1 for one in folder.rglob("*") if one.is_file())
    starts = tuple(start(folder, name, repeat) for name in STARTS)
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Image(version, _mb(folder), files, largest, starts)


def _mb(path: Path) -> float:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    return sum(one.stat().st_size for one in files) / 1e6


def show(found: Image) -> None:
    """The figures for people."""
    out = Console(soft_wrap=True, highlight=False)
    largest = ", ".join(f"{name} {mb:.0f}" for name, mb in found.largest_mb.items())
    out.print(f"Python {found.python}: {found.mb:.0f} MB in {found.files} files; largest: {largest} MB")
    table = Table("command", "wall s", "processor s", "most MB")
    for one in found.starts:
        table.add_row(one.command, f"{one.wall_s:.2f}", f"{one.processor_s:.2f}", f"{one.most_mb:.0f}")
    Console().print(table)


def main(
    into: Annotated[Path | None, typer.Option("--into", help="Keep what is built in this new folder.")] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Starts of each command; the best counts.")] = 5,
    output: Annotated[Output, typer.Option("--format", help="Output.")] = Output.TEXT,
) -> None:
    """Builds what the image runs, without Docker, and measures its size and its start."""
    with tempfile.TemporaryDirectory() as scratch:
        place = into if into is not None else Path(scratch) / "image"
        place.mkdir(parents=True)
        found = image(build((ROOT / "Dockerfile").read_text(), place.resolve()), repeat)
    if output is Output.JSON:
        print(json.dumps(asdict(found)))
    else:
        show(found)


if __name__ == "__main__":
    typer.run(main)
