"""A recorded curve as a file, and the comparison of what it tells with what the process itself said.

The file is CSV, one look a line, with lines of `# name: value` before it: how and where it was recorded (card, driver,
manner, bytes), and the process's own stamps.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from autoscaler.coldstart.memory_curve import MemoryCurve
from autoscaler.coldstart.memory_sample import MemorySample
from autoscaler.domain.lead_time import Stage

COLUMNS = [field.name for field in fields(MemorySample)]
STAMP = "stamp of "


@dataclass(frozen=True, slots=True)
class Recording:
    """about: how and where. stamps: the process's own, by stage, from and until, in seconds since the epoch."""

    about: Mapping[str, str]
    stamps: Mapping[Stage, tuple[float, float]]
    samples: Sequence[MemorySample]


@dataclass(frozen=True, slots=True)
class Compared:
    """One stage. told: what the curve tells, None where it does not. off_s: how far it is off, the worse edge; None
    where an edge is not told."""

    stage: Stage
    stamp: tuple[float, float]
    told: tuple[float | None, float | None] | None
    is_sure: bool
    off_s: float | None


def write(recording: Recording, path: Path) -> None:
    """As a file."""
    with path.open("w", newline="") as file:
        for name, value in recording.about.items():
            file.write(f"# {name}: {value}\n")
        for stage, (from_s, until_s) in recording.stamps.items():
            file.write(f"# {STAMP}{stage.value}: {from_s:.3f} {until_s:.3f}\n")
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        rows.writerows(asdict(sample) for sample in recording.samples)


def read(path: Path) -> Recording:
    """Raises `ValueError` where the file is no recording."""
    lines = path.read_text().splitlines()
    notes = [line[2:].partition(": ") for line in lines if line.startswith("# ")]
    stamps: dict[Stage, tuple[float, float]] = {}
    for name, _, value in notes:
        if name.startswith(STAMP):
            from_s, until_s = map(float, value.split())
            stamps[Stage(name.removeprefix(STAMP))] = from_s, until_s
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    if rows.fieldnames != COLUMNS:
        raise ValueError(f"{path}: the columns are not {', '.join(COLUMNS)}")
    about = {name: value for name, _, value in notes if not name.startswith(STAMP)}
    return Recording(about, stamps, [_sample(row) for row in rows])


def compare(recording: Recording) -> list[Compared]:
    """Each stage that the process stamped."""
    curve = MemoryCurve()
    for sample in recording.samples:
        curve.add(sample)
    told = {span.stage: span for span in curve.spans}
    found = []
    for stage, stamp in recording.stamps.items():
        span = told.get(stage)
        edges = None if span is None else (span.from_s, span.until_s)
        found.append(Compared(stage, stamp, edges, span is not None and span.is_sure, _off_s(edges, stamp)))
    return found


def _off_s(told: tuple[float | None, float | None] | None, stamp: tuple[float, float]) -> float | None:
    if told is None or told[0] is None or told[1] is None:
        return None
    return max(abs(told[0] - stamp[0]), abs(told[1] - stamp[1]))


def _sample(row: Mapping[str, str]) -> MemorySample:
    def whole(name: str) -> int | None:
        return int(row[name]) if row[name] else None

    def part(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return MemorySample(
        float(row["at_s"]), float(row["steady_s"]), whole("gpu_bytes"),
        part("received_bytes_s"), part("sm_share"), whole("resident_bytes"), whole("read_bytes"),
    )  # fmt: skip
