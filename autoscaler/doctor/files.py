"""Policy files: what is wrong in them, as `autoscaler policy check` says it."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.doctor.facts import Facts
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check

TOPIC = "policy files"
PROBLEM = Kind(
    "PolicyProblem",
    Level.ERROR,
    "A document cannot be read, or contradicts itself or another one. The controller keeps its last good version.",
    "Do what the line says; `autoscaler policy check` says the same without a cluster.",
)
KINDS = (PROBLEM,)


def checks(facts: Facts) -> Iterator[Check]:
    """One for all files."""
    findings = (
        Finding(PROBLEM, f"{p.file}:{p.line}:{p.column}", f"{p.path}: {p.message}".lstrip(": "), p.hint)
        for p in facts.problems
    )
    yield check(TOPIC, "", findings)
