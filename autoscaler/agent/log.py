"""The agent's log: one JSON object a line for collectors, plain lines on a terminal.

Written without the controller's log, whose library would double what the agent holds in memory.
"""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from typing import TextIO

from autoscaler.ports.clock import ClockPort


class LineLog:
    """Says what changed, once."""

    def __init__(self, to: TextIO, clock: ClockPort) -> None:
        self._to, self._clock = to, clock
        self._problems: frozenset[str] = frozenset()
        self._error = ""

    def say(self, level: str, event: str, **fields: object) -> None:
        """One line."""
        at = datetime.fromtimestamp(self._clock.wall_s(), UTC).isoformat(timespec="milliseconds")
        if self._to.isatty():
            text = " ".join([at, level, event, *(f"{name}={value}" for name, value in fields.items())])
        else:
            text = json.dumps({**fields, "event": event, "level": level, "timestamp": at})
        print(text, file=self._to, flush=True)

    def problems(self, lines: list[str]) -> None:
        now = frozenset(lines)
        for line in sorted(now - self._problems):
            self.say("warning", "problem", problem=line)
        for line in sorted(self._problems - now):
            self.say("info", "no longer a problem", problem=line)
        self._problems, self._error = now, ""

    def failed(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        if said != self._error:
            self.say("error", "look failed", error=said, traceback="".join(traceback.format_exception(error)))
        self._error = said
