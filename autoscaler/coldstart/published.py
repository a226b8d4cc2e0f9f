"""Stamps as they are published: by serving processes and the node agent, as gauges that Prometheus scrapes.

`gpu_autoscaler_start_stage_timestamp_seconds{stage, edge, namespace, pod, ...}` is when a stage began or ended, in
seconds since the epoch. docs/start-stages.md is for those who publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import Any

from autoscaler.coldstart.split import TOLD
from autoscaler.domain.lead_time import StartPath
from autoscaler.domain.stamp import Stamp, Witness

STAMP = "gpu_autoscaler_start_stage_timestamp_seconds"
BEGIN, END = "begin", "end"
AGENT = "agent"
"""The value of the label `witness` by which the agent's series are known."""
WITHIN_S = 7200
"""Stamps that are older are of starts that are over long since."""
LAST_SAMPLE_S = 900
"""A series that ended so long ago is still read: a process that crashed, an agent that was restarted."""
MOST_SERIES = 20_000
MOST_TEXT = 64
_STAGES = {stage.value: stage for stage in TOLD}
_PATHS = {path.value: path for path in (StartPath.WEIGHTS_PRESENT, StartPath.RESTORED)}

Series = Mapping[str, Any]
"""One element of an instant vector: `metric` with labels, `value` with time and number."""


@dataclass(slots=True)
class _Edges:
    labels: Mapping[str, str]
    from_s: float | None = None
    until_s: float | None = None


def stamp_query() -> str:
    """PromQL for the stamps of the last two hours."""
    return f"last_over_time({STAMP}[{LAST_SAMPLE_S}s]) > (time() - {WITHIN_S})"


def read_stamps(series: Iterable[Series]) -> list[Stamp]:
    """Stamps out of the answer to `stamp_query`; series that are none, or say no time, are left out."""
    found: dict[tuple[tuple[str, str], ...], _Edges] = {}
    for one in islice(series, MOST_SERIES):
        read = _read(one)
        if read is None:
            continue
        labels, edge, at_s = read
        key = tuple(sorted((name, value) for name, value in labels.items() if name not in ("edge", "__name__")))
        edges = found.setdefault(key, _Edges(labels))
        if edge == BEGIN:
            edges.from_s = at_s
        else:
            edges.until_s = at_s
    return [_stamp(edges) for edges in found.values()]


def _read(one: Series) -> tuple[Mapping[str, str], str, float] | None:
    """(labels, edge, time) of one series; None where it is no stamp."""
    labels, at_s = one.get("metric") if isinstance(one, Mapping) else None, number(one)
    if at_s is None or not isinstance(labels, Mapping) or not all(isinstance(text, str) for text in labels.values()):
        return None
    edge, is_whose = labels.get("edge", ""), bool(labels.get("uid") or pod_of(labels))
    is_stamp = is_whose and labels.get("stage") in _STAGES and edge in (BEGIN, END)
    return (labels, edge, at_s) if is_stamp else None


def pod_of(labels: Mapping[str, str]) -> str:
    """ "namespace/name" of the pod that a series is about; empty where it does not say.

    Where a scrape has labels of its own of these names, those of the series come as `exported_...`.
    """
    namespace = labels.get("exported_namespace") or labels.get("namespace")
    pod = labels.get("exported_pod") or labels.get("pod")
    return f"{namespace}/{pod}" if namespace and pod else ""


def number(one: Series) -> float | None:
    """The value of a series; None where it is no positive number."""
    try:
        found = float(one["value"][1])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return found if isfinite(found) and found > 0.0 else None


def _stamp(edges: _Edges) -> Stamp:
    """An end before its beginning is of the attempt before: the stage goes on again."""
    labels, from_s, until_s = edges.labels, edges.from_s, edges.until_s
    if from_s is not None and until_s is not None and until_s < from_s:
        until_s = None
    return Stamp(
        pod=pod_of(labels),
        stage=_STAGES[labels["stage"]],
        witness=Witness.AGENT if labels.get("witness") == AGENT else Witness.PROCESS,
        from_s=from_s,
        until_s=until_s,
        uid=labels.get("uid", ""),
        path=_PATHS.get(labels.get("path", "")),
        model_format=labels.get("format", "")[:MOST_TEXT],
    )
