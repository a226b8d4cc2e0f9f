"""Metrics of starts as they are known in one tick: those under way, stuck ones, and the loading of models.

Policies and pools that are not in force any more are left out. What starts were is remembered by who learns lead times,
so many of each policy and pool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from prometheus_client.core import Metric

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from autoscaler.observe.censored import Duration, quantile
from autoscaler.observe.lead_times import SHOWN
from autoscaler.telemetry import names
from autoscaler.telemetry.samples import Labels, Sample, gauge
from autoscaler.telemetry.seats import Seats

STUCK_TIMES, STUCK_LEAST_S = 3.0, 60.0
LOADING = (Stage.WEIGHTS, Stage.TRANSFER, Stage.LOAD)
"""Stages that depend on the model's files; the context of the process does not."""
FORMATS = ("safetensors", "pickle", "torchscript", "onnx", "gguf", "tensorrt", "tensorizer")
UNKNOWN, OTHER = "unknown", "other"
MODEL_FORMATS = (*FORMATS, OTHER, UNKNOWN)
PARTS = tuple(part.value for part in Part)
STARTS_SHOWN = tuple(f"{100.0 * share:g}" for share in SHOWN)


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many seconds a start is stuck, by part and policy: what takes far longer than is planned with."""

    most_s: Mapping[tuple[Part, str], float]

    @staticmethod
    def of(fleet: Fleet) -> Patience:
        """By the lead times that are in force."""
        leads_s = {Part.NODE: fleet.node_lead_s, Part.REPLICA: fleet.replica_lead_s}
        return Patience({
            (part, name): max(STUCK_TIMES * lead_s, STUCK_LEAST_S)
            for part, each in leads_s.items()
            for name, lead_s in zip(fleet.names, each.tolist(), strict=True)
        })  # fmt: skip

    def is_stuck(self, start: Start) -> bool:
        """Of a start of a policy in force."""
        return start.end is StartEnd.WAITING and start.seconds > self.most_s[start.part, start.policy]


def in_force(starts: Iterable[Start], seats: Seats) -> list[Start]:
    """Those of policies and pools that there are, in their order."""
    places = set(seats.names)
    return [start for start in starts if (start.policy, start.pool) in places]


def of_starts(starts: Sequence[Start], seats: Seats) -> Iterator[Metric]:
    """Those under way, and those stuck."""
    waiting = [start for start in starts if start.end is StartEnd.WAITING]
    patience = Patience.of(seats.fleet)
    stages = Counter((s.policy, s.pool, s.part.value, s.open_stage.value) for s in waiting if s.open_stage is not None)
    yield gauge(names.STARTS_UNDER_WAY, ((labels, float(count)) for labels, count in sorted(stages.items())))
    stuck: Counter[Labels] = Counter((s.policy, s.pool, s.part.value) for s in waiting if patience.is_stuck(s))
    every: list[Labels] = [(*place, part) for place in seats.names for part in PARTS]
    yield gauge(names.STARTS_STUCK, ((labels, float(stuck[labels])) for labels in every))


def of_models(starts: Sequence[Start], inventory: Inventory, fleet: Fleet) -> Metric:
    """The share of replicas on nodes that have their model loaded."""
    warming = Counter(s.policy for s in starts if s.end is StartEnd.WAITING and s.open_stage is Stage.WARM_UP)
    ready, starting = inventory.ready.sum(axis=1), inventory.starting.sum(axis=1)
    loaded = ready + np.minimum([warming[name] for name in fleet.names], starting)
    rows = zip(fleet.names, loaded.tolist(), (ready + starting).tolist(), strict=True)
    return gauge(names.MODEL_LOADED, [((name,), some / there) for name, some, there in rows if there])


def of_loading(starts: Iterable[Start]) -> Metric:
    """How long models of each format load."""
    found: dict[tuple[str, str], list[Duration]] = {}
    for start in starts:
        duration = loading(start)
        if duration is not None:
            found.setdefault((start.policy, format_word(start.model_format)), []).append(duration)
    samples: list[Sample] = [
        ((*labels, percentile), quantile(durations, share))
        for labels, durations in sorted(found.items())
        if any(duration.ended for duration in durations)
        for share, percentile in zip(SHOWN, STARTS_SHOWN, strict=True)
    ]
    return gauge(names.MODEL_LOAD, samples)


def loading(start: Start) -> Duration | None:
    """How long its model loaded, cut off where it has not come through; None where nothing tells of it."""
    seconds = [start.stages[stage] for stage in LOADING if stage in start.stages]
    return Duration(sum(seconds), start.open_stage not in LOADING) if seconds else None


def format_word(model_format: str) -> str:
    """One of `MODEL_FORMATS`: serving processes may say anything."""
    word = model_format.strip().lower()
    return word if word in FORMATS else OTHER if word else UNKNOWN
