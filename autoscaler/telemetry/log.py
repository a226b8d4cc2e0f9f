"""The loop in a log: decisions when they change, problems when they come and go, failures with a traceback."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, TextIO

import structlog

from autoscaler.controller.tick import Tick
from autoscaler.domain.action import Action
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.queue import Stand
from autoscaler.telemetry.decisions import Change, Decisions
from autoscaler.telemetry.endings import fields_of, held_back, is_warning

MOST_ENDED = 20
"""So many placeholders that ended have a line of their own in a tick."""


class LogFormat(StrEnum):
    """How lines look."""

    JSON = "json"
    """One object a line, for collectors."""
    CONSOLE = "console"
    """For people."""
    AUTO = "auto"
    """For people on a terminal, else objects."""


def logger(form: LogFormat, to: TextIO = sys.stderr) -> Any:
    """A logger that writes whole lines to `to`, with the time in UTC."""
    people = form is LogFormat.CONSOLE or (form is LogFormat.AUTO and to.isatty())
    last: list[Any] = [structlog.dev.ConsoleRenderer(colors=to.isatty())]
    if not people:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return structlog.wrap_logger(
        structlog.WriteLogger(to),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


class LoopLog:
    """An outlet."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._decisions = Decisions()
        self._problems: set[str] = set()
        self._leads: bool | None = None
        self._queued: dict[str, Stand] = {}

    def tell(self, tick: Tick) -> None:
        for note in tick.notes:
            self._log.info(note)
        if tick.leads != self._leads:
            self._leads = tick.leads
            self._log.info("leader" if tick.leads else "follower")
        if tick.failure is not None:
            self._log.error("tick failed", exc_info=tick.failure)
        self._tell_problems({*tick.policy_problems, *tick.problems, *_failed(tick), *held_back(tick)})
        self._tell_ended(tick.ended)
        for change in self._decisions.changes(tick):
            self._log.info("decision", **_decision(change, tick))
        self._tell_queue(tick)

    def _tell_queue(self, tick: Tick) -> None:
        """Each piece of work that waits, as its lot changes."""
        if tick.in_force is None or tick.report is None or tick.report.queue is None:
            return
        decisions, rules = tick.report.queue.decisions, tick.in_force.policies.queues
        for one in decisions:
            if self._queued.get(one.item.uid) is not one.stand:
                policy, state = rules[one.item.rule].name, one.stand.value
                self._log.info("queued work", policy=policy, work=one.item.title, state=state, reason=one.reason)
        self._queued = {one.item.uid: one.stand for one in decisions}

    def _tell_ended(self, ended: Sequence[PlaceholderEnd]) -> None:
        """Warnings first; what is too much for one tick is counted."""
        ordered = sorted(ended, key=lambda end: not is_warning(end))
        for end in ordered[:MOST_ENDED]:
            (self._log.warning if is_warning(end) else self._log.info)("placeholder ended", **fields_of(end))
        rest = Counter(end.fate.lower() for end in ordered[MOST_ENDED:])
        if rest:
            self._log.info("more placeholders ended", **rest)

    def _tell_problems(self, problems: set[str]) -> None:
        for line in sorted(problems - self._problems):
            self._log.warning("problem", problem=line)
        for line in sorted(self._problems - problems):
            self._log.info("no longer a problem", problem=line)
        self._problems = problems


def _failed(tick: Tick) -> Iterator[str]:
    """What the cluster did not do, once for each workload, kind of action and reason."""
    if tick.in_force is None or tick.report is None:
        return
    fleet = tick.in_force.policies.fleet
    for outcome in tick.report.outcomes:
        if outcome.error is not None:
            yield f"{_where(outcome.action, fleet)}: {outcome.error}"


def _where(action: Action, fleet: Fleet) -> str:
    return f"{fleet.names[action.workload]} {type(action).__name__}"


def _decision(change: Change, tick: Tick) -> dict[str, object]:
    assert tick.report is not None
    seen = tick.report.observation
    assert seen is not None
    demand = float(seen.demand[change.row])
    return {
        "policy": change.policy,
        "floor": change.now.floor,
        "floor_was": None if change.was is None else change.was.floor,
        "placeholders": dict(change.now.placeholders),
        "demand": None if demand != demand else round(demand, 2),
        "ready": int(seen.inventory.ready[change.row].sum()),
        "reason": change.now.reason,
        "mode": "act" if change.now.acts else "observe",
    }
