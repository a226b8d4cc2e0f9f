"""The whole examination: all checks in order, from what everything hangs on to the single workload, and their page."""

from __future__ import annotations

from types import ModuleType

from autoscaler.doctor import (
    clocks,
    definition,
    files,
    gitops,
    owners,
    permissions,
    placement,
    pools,
    priority,
    signals,
    store,
    trials,
)
from autoscaler.doctor.facts import Facts
from autoscaler.doctor.finding import NOT_TOLD, ORDER, Check, Kind

TOPICS: tuple[ModuleType, ...] = (
    files, permissions, definition, clocks, store, signals, priority, pools, owners, placement, trials, gitops,
)  # fmt: skip


def examine(facts: Facts) -> tuple[Check, ...]:
    """Every check, in order."""
    return tuple(check for topic in TOPICS for check in topic.checks(facts))


def kinds() -> tuple[Kind, ...]:
    """All that can be found."""
    return (NOT_TOLD, *(kind for topic in TOPICS for kind in topic.KINDS))


def reference() -> str:
    """Markdown: every kind of finding, by topic, with its cause and what to do."""
    lines = []
    for topic in TOPICS:
        lines += ["", f"### {topic.TOPIC}", "", "| finding | level | cause | what to do |", "| --- | --- | --- | --- |"]
        lines += [_row(kind) for kind in sorted(topic.KINDS, key=lambda kind: -ORDER.index(kind.level))]
    return "\n".join([*lines, "", "### everywhere", "", "| finding | level | cause | what to do |",
                      "| --- | --- | --- | --- |", _row(NOT_TOLD), ""])  # fmt: skip


def _row(kind: Kind) -> str:
    return f"| `{kind.name}` | {kind.level} | {kind.cause} | {kind.cure} |"
