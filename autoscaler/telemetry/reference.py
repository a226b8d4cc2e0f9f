"""docs/metrics.md: every metric, what it says, and what its labels may be."""

from __future__ import annotations

from collections.abc import Iterable

from autoscaler.coldstart.engines import ENGINES, Told
from autoscaler.domain.lead_time import Part, Stage
from autoscaler.domain.pool import CapacityType
from autoscaler.observe.usage import USE_QUANTILES
from autoscaler.telemetry import names
from autoscaler.telemetry.judge import HORIZONS, PERCENTILES
from autoscaler.telemetry.meter import USES
from autoscaler.telemetry.names import Kind, Name
from autoscaler.telemetry.pool_metrics import BUDGET_SCOPES, GPU_STATES, NODE_STATES, QUEUE_STATES
from autoscaler.telemetry.seats import BURST, PRIMARY
from autoscaler.telemetry.start_counts import ENDS, PATHS
from autoscaler.telemetry.start_metrics import MODEL_FORMATS, STARTS_SHOWN
from autoscaler.telemetry.tallies import ACTION_OUTCOMES, ACTION_WORDS, FATES, REASONS, TICK_OUTCOMES
from autoscaler.telemetry.workload_metrics import MODES, PLACEHOLDER_STATES, SIGNALS, STATES

INTRODUCTION = """\
# Metrics

What `autoscaler run` answers at `/metrics`, beside `process_*` of its process. Labels take known words or names from
policy files, nothing else, and a series goes when its policy, pool or budget goes. Counters begin at zero.

Gauges are exported by the leader and by controllers that follow: take `max by (policy)` over instances. What is planned
comes from the leader alone, and what is counted is counted by the leader alone: `sum` over instances is right.

Horizons are when a replica that is asked for now would serve: on a node that is there (`warm_node`), and on one that
has to be bought (`cold_node`). The late share over a time is the quotient of the increases of `late_replica_seconds`
and `demand_replica_seconds`; the share of minutes that a percentile of the forecast covered is one less that of
`forecasts_exceeded` and `forecasts_judged`.

Percentiles are a label `percentile`, since Prometheus keeps `quantile` for summaries.
"""
LEAD_TIMES = """\
## Lead times as JSON

`GET /api/v1/lead-times/POLICY` at the port of the metrics answers what the starts of a policy took, by pool, part
(`node`, `replica`) and path: counts, percentiles of the whole and of each stage, and the stage whose middle is longest
(`dominant`); the lead times that are planned with; and each start under way, its stage, whether it is stuck, and why it
waits as far as anybody tells. `GET /api/v1/lead-times` has all policies under `leadTimes`. A number that nobody knows
is null. Each controller answers from what it has seen itself and, once it has led, from the record.
"""
ENGINE_HEAD = """\
## What serving engines tell

Names of gauges, for the signals of a policy (`queue`, `running`), and for stages of starts, which the controller reads
by itself where Prometheus scrapes the engines with labels `namespace` and `pod`.

| engine | requests that wait | requests in work | durations of a start | |
| --- | --- | --- | --- | --- |"""
WORDS: dict[str, Iterable[str]] = {
    "action": ACTION_WORDS,
    "capacity_type": tuple(kind.value for kind in CapacityType),
    "end": ENDS,
    "fate": FATES,
    "format": MODEL_FORMATS,
    "horizon": HORIZONS,
    "mode": MODES,
    "part": tuple(part.value for part in Part),
    "path": PATHS,
    "reason": REASONS,
    "scope": BUDGET_SCOPES,
    "signal": SIGNALS,
    "stage": tuple(stage.value for stage in Stage),
    "tier": (PRIMARY, BURST),
    "use": USES,
}
NAMED = {
    "budget": "of a Budget, or of a policy that has its own",
    "policy": "of a CapacityPolicy, or a QueuePolicy",
    "pool": "of a GpuPool",
    "version": "of the program",
}
USES_SHOWN = tuple(f"{100.0 * share:g}" for share in USE_QUANTILES)
OF_METRIC: dict[tuple[str, Name], Iterable[str]] = {
    ("outcome", names.ACTIONS): ACTION_OUTCOMES,
    ("outcome", names.TICKS): TICK_OUTCOMES,
    ("percentile", names.LEAD_TIME): STARTS_SHOWN,
    ("percentile", names.MODEL_LOAD): STARTS_SHOWN,
    ("percentile", names.GPU_USED): USES_SHOWN,
    ("percentile", names.GPU_MEMORY_USED): USES_SHOWN,
    ("percentile", names.WAKE_UP): ("50", "90"),
    ("percentile", names.FORECAST): PERCENTILES,
    ("percentile", names.EXCEEDED): PERCENTILES,
    ("state", names.PLACEHOLDERS): PLACEHOLDER_STATES,
    ("state", names.POOL_GPUS): GPU_STATES,
    ("state", names.POOL_GPU_SECONDS): GPU_STATES,
    ("state", names.POOL_NODES): NODE_STATES,
    ("state", names.QUEUED_WORK): QUEUE_STATES,
    ("state", names.SIGNAL_STATE): STATES,
}
"""Labels whose words differ from metric to metric."""


def reference() -> str:
    """The page."""
    parts = [INTRODUCTION, *(_table(kind) for kind in Kind), _labels(), LEAD_TIMES, _engines()]
    return "\n".join(parts)


def words(label: str, name: Name) -> tuple[str, ...] | None:
    """What a label of a metric may be; None where it is a name from a file."""
    found = OF_METRIC.get((label, name), WORDS.get(label))
    return None if found is None else tuple(found)


def _table(kind: Kind) -> str:
    rows = [
        f"| `{name}` | {', '.join(f'`{label}`' for label in name.labels)} | {name.help} |"
        for name in sorted(names.ALL, key=str)
        if name.kind is kind
    ]
    return "\n".join([f"## {kind.value.capitalize()}s", "", "| name | labels | what it says |", "| --- | --- | --- |",
                      *rows, ""])  # fmt: skip


def _labels() -> str:
    named = [f"| `{label}` | | a name: {said} |" for label, said in NAMED.items()]
    general = [f"| `{label}` | | {_listed(found)} |" for label, found in WORDS.items()]
    special = [f"| `{label}` | `{name}` | {_listed(found)} |" for (label, name), found in OF_METRIC.items()]
    head = ["## Labels", "", "| label | of | what it may be |", "| --- | --- | --- |"]
    return "\n".join([*head, *sorted([*named, *general, *special]), ""])


def _engines() -> str:
    rows = [
        f"| {engine.name} | {_or_none(engine.waiting)} | {_or_none(engine.running)} | "
        f"{', '.join(_told(told) for told in engine.told) or 'nothing'} | {engine.note} |"
        for engine in ENGINES
    ]
    return "\n".join([ENGINE_HEAD, *rows, ""])


def _told(told: Told) -> str:
    phases = "" if told.phases is None else f'{{phase=~"{told.phases}"}}'
    return f"`{told.name}{phases}` as `{told.stage.value}`"


def _or_none(name: str | None) -> str:
    return f"`{name}`" if name else "none"


def _listed(found: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in found)
