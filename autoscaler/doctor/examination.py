"""The whole examination: all checks in order, from what everything hangs on to the single workload, and their page."""

from __future__ import annotations

from collections.abc import Sequence
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
    queued,
    signals,
    store,
    trials,
    waking,
)
from autoscaler.doctor.facts import Facts
from autoscaler.doctor.finding import NOT_TOLD, ORDER, WAITS, Check, Kind

TOPICS: tuple[ModuleType, ...] = (
    files, permissions, definition, clocks, store, signals, priority, pools, owners, waking, placement, trials, gitops,
    queued,
)  # fmt: skip


def examine(facts: Facts) -> tuple[Check, ...]:
    """Every check, in order."""
    return tuple(check for topic in TOPICS for check in topic.checks(facts))


def kinds() -> tuple[Kind, ...]:
    """All that can be found."""
    return (NOT_TOLD, WAITS, *(kind for topic in TOPICS for kind in topic.KINDS))


def reference() -> str:
    """Markdown: every kind of finding, by topic, with its cause and what to do."""
    parts = [(topic.TOPIC, sorted(topic.KINDS, key=lambda kind: -ORDER.index(kind.level))) for topic in TOPICS]
    return "\n".join(_table(topic, found) for topic, found in [*parts, ("any of them", (NOT_TOLD, WAITS))])


def _table(topic: str, found: Sequence[Kind]) -> str:
    head = ["", f"### {topic}", "", "| finding | level | cause | what to do |", "| --- | --- | --- | --- |"]
    rows = [f"| `{kind.name}` | {kind.level} | {kind.cause} | {kind.cure} |" for kind in found]
    return "\n".join([*head, *rows, ""])
