"""A saved answer of Prometheus' /api/v1/query_range: one series a label set, NaN and absent steps are gaps.

A sample tells about the step before it, as `rate(...[1m])` and `increase(...[1m])` do; here a time is a step's start.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from autoscaler.evaluation.trace_import.axis import Axis
from autoscaler.evaluation.trace_import.format import Sample, SampleFormat
from autoscaler.evaluation.trace_import.mooncake import MOONCAKE
from autoscaler.evaluation.trace_import.request import FILE, Request
from autoscaler.evaluation.trace_import.source import Source
from autoscaler.evaluation.trace_import.table import SEPARATOR
from autoscaler.policy.problem import nearest

_WAY_OUT = "save the whole answer of /api/v1/query_range"


def _recognises(line: str) -> bool:
    return line.startswith("{") and not MOONCAKE.recognises(line)


def _read(source: Source, request: Request, axis: Axis) -> Iterator[Sample]:
    axis.epoch()
    for number, result in enumerate(_results(source, axis), 1):
        if not isinstance(result, dict) or not isinstance(result.get("metric"), dict):
            raise source.error(f"result {number} has no `metric`; {_WAY_OUT}")
        labels, values = {str(k): str(v) for k, v in result["metric"].items()}, result.get("values")
        if not isinstance(values, list):
            raise source.error(
                f"result {number} has no `values` (a native histogram?); ask for a rate, not a histogram"
            )
        series, part = _series(source, labels, request.series_by), label_set(labels)
        for place, pair in enumerate(values, 1):
            at_s, value = _pair(source, pair, f"result {number}, value {place}")
            yield Sample(axis.number(source, at_s), value, series, part)


def _results(source: Source, axis: Axis) -> list[Any]:
    try:
        answer = json.loads(source.document())
    except json.JSONDecodeError as error:
        source.line = error.lineno
        raise source.error(f"not JSON ({error.msg}, column {error.colno}); {_WAY_OUT}") from None
    except RecursionError:
        raise source.error(f"nested too deeply; {_WAY_OUT}") from None
    answer = answer if isinstance(answer, dict) else {}
    if answer.get("status") == "error":
        raise source.error(f"Prometheus answered with an error ({answer.get('error')}); correct the query")
    data = answer.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("result"), list):
        raise source.error(f"no answer of Prometheus (`data.result` is lacking); {_WAY_OUT}")
    if data.get("resultType") != "matrix":
        raise source.error(
            f"resultType is {data.get('resultType')!r}, not 'matrix'; {_WAY_OUT}, with start, end and step"
        )
    if not data["result"]:
        raise source.error("the answer is empty: no series matches the query in this range; correct one of them")
    if answer.get("warnings"):
        axis.note(f"{source.path}: Prometheus warned, so the answer may be partial: {str(answer['warnings'])[:200]}")
    return list(data["result"])


def _pair(source: Source, pair: Any, where: str) -> tuple[float, float]:
    try:
        at, text = pair
        at_s, value = float(at), float(text)
    except (TypeError, ValueError, OverflowError):
        raise source.error(f"{where}: not a time with a number; {_WAY_OUT}") from None
    if value < 0 or math.isinf(value):
        raise source.error(f"{where}: {text} requests; ask for a rate or an increase of a counter")
    return at_s, value


def _series(source: Source, labels: Mapping[str, str], by: tuple[str, ...]) -> str:
    if by == (FILE,):
        return source.name
    if not by:
        return label_set(labels)
    lacking = [label for label in by if label not in labels]
    if lacking:
        raise source.error(f"{label_set(labels)} has no label {lacking[0]!r}; {nearest(lacking[0], labels)}")
    return SEPARATOR.join(labels[label] for label in by)


def label_set(labels: Mapping[str, str]) -> str:
    """A label set as Prometheus writes it; nothing where it is empty."""
    rest = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return labels.get("__name__", "") + (f"{{{rest}}}" if rest else "")


PROMETHEUS_JSON = SampleFormat(
    "prometheus-json",
    "saved answer of Prometheus' /api/v1/query_range: requests a second in the step before each sample",
    _recognises,
    _read,
    frozenset({"values"}),
    rate=True,
    at_end=True,
)
