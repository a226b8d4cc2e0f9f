"""The formats that can be read, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autoscaler.evaluation.trace import TraceError
from autoscaler.evaluation.trace_import.count_csv import COUNTS
from autoscaler.evaluation.trace_import.event_csv import AZURE, BURSTGPT, EVENTS
from autoscaler.evaluation.trace_import.format import Format
from autoscaler.evaluation.trace_import.mooncake import MOONCAKE
from autoscaler.evaluation.trace_import.prometheus import PROMETHEUS_JSON
from autoscaler.evaluation.trace_import.servegen import SERVEGEN
from autoscaler.evaluation.trace_import.source import Source

FORMATS: Mapping[str, Format] = {
    format.name: format
    for format in (
        BURSTGPT,
        AZURE,
        SERVEGEN,
        MOONCAKE,
        PROMETHEUS_JSON,
        COUNTS,
        EVENTS,
    )
}
_SHOWN_CHARS = 60


def recognised(sources: Sequence[Path]) -> Format:
    """The format that all of these files have by their first lines. Raises TraceError."""
    first = _recognised(sources[0])
    for path in sources[1:]:
        other = _recognised(path)
        if other is not first:
            raise TraceError(
                f"{path}:1: looks like {other.name}, {sources[0]} like {first.name}; import them one by one, or say "
                "what they are with --from"
            )
    return first


def _recognised(path: Path) -> Format:
    line = Source(path).first_line()
    for format in FORMATS.values():
        if format.recognises(line):
            return format
    shown = line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}..."
    raise TraceError(
        f"{path}:1: no format is known that begins with {shown!r}; say what it is with --from "
        f"({', '.join(FORMATS)}), and where its columns have other names, --time-column and --value-column"
    )
