"""What serving engines tell of their starts in their own metrics: one table of names, and how an answer is read.

Engines tell durations, as gauges that stay as they were set when the start was over, and no times: their stamps count
only where nobody else tells (`Witness.ENGINE`). Every name was read in the engine's source, which is named beside it;
an engine that tells nothing is in the table with nothing, and its stages come from the node agent or from stamps that
the serving process publishes.

No engine names its pod: `pod` and `namespace` are labels of the scrape (a PodMonitor or ServiceMonitor sets them). A
series without both is no stamp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from autoscaler.domain.lead_time import Stage
from autoscaler.domain.stamp import Stamp, Witness


@dataclass(frozen=True, slots=True)
class Told:
    """One gauge, in seconds. stage: which one it is the duration of.

    phases: values of its label `phase` that count, those of one pod added up; None where it has no such label. Of
    several gauges for one stage those that `adds` are added up, and the longest of the others counts.
    """

    name: str
    stage: Stage
    phases: str | None = None
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """One serving engine. waiting, running: gauges of requests, per replica, None where it has none.

    source: where the names were read. note: what is odd about them, empty where nothing is.
    """

    name: str
    waiting: str | None
    running: str | None
    told: tuple[Told, ...]
    source: str
    note: str = ""


ENGINES = (
    # vllm/v1/metrics/loggers.py; a gauge of the whole start is proposed in pull request 45087, open in June 2026.
    Engine(
        "vLLM",
        "vllm:num_requests_waiting",
        "vllm:num_requests_running",
        (),
        "vllm-project/vllm: vllm/v1/metrics/loggers.py, 2026",
        "tells the durations of a start in its log alone",
    ),
    # engine_*: metrics/collector.py@93d0487 (2025). startup_*: observability/metrics_collector.py@016d860, since pull
    # request 33375 (August 2026). `load_weight` streams from files to the GPU: by the rule for stages that overlap all
    # of it is WEIGHTS. Phases of graphs follow one another. sglang:weight_load_duration_seconds is left out: it tells
    # of weights that are exchanged while the engine serves.
    Engine(
        "SGLang",
        "sglang:num_queue_reqs",
        "sglang:num_running_reqs",
        (
            Told("sglang:engine_load_weights_time", Stage.WEIGHTS),
            Told("sglang:startup_time_seconds", Stage.WEIGHTS, "load_weight"),
            Told("sglang:startup_time_seconds", Stage.WARM_UP, "kv_cache_allocation", adds=True),
            Told("sglang:startup_cuda_graph_time_seconds", Stage.WARM_UP, ".+", adds=True),
        ),
        "sgl-project/sglang: python/sglang/srt/metrics/collector.py, python/sglang/srt/observability/"
        "metrics_collector.py, 2025-2026",
        "with --enable-metrics; weights include their transfer, warm-up is cache allocation and capture of graphs",
    ),
    # All names of its describe_* and gauge!/counter!/histogram! calls at db931fc (January 2026): none is of a start.
    Engine(
        "TGI",
        "tgi_queue_size",
        "tgi_batch_current_size",
        (),
        "huggingface/text-generation-inference@db931fc, 2026",
        "tells no duration of a start",
    ),
    # src/metrics.cc@73aad7c (June 2026); a gauge per model and version, set when a load ended well
    # (src/model_repository_manager/model_lifecycle.cc). Models load side by side: the longest counts.
    Engine(
        "Triton",
        "nv_inference_pending_request_count",
        None,
        (Told("nv_model_load_duration_secs", Stage.LOAD),),
        "triton-inference-server/core: src/metrics.cc@73aad7c, 2026",
        "the longest load of its models, with context, transfer and the model's own warm-up",
    ),
    # `LLMBackendMetrics` in components/src/dynamo/common/utils/prometheus.py (2026); around the construction of the
    # engine. Its workers pass the metrics of vLLM or SGLang on, and these tell more where both are there.
    Engine(
        "NVIDIA Dynamo",
        None,
        "dynamo_component_inflight_requests",
        (Told("dynamo_component_model_load_time_seconds", Stage.LOAD),),
        "ai-dynamo/dynamo: components/src/dynamo/common/utils/prometheus.py, docs/observability/metrics.md, 2026",
        "from the construction of the engine until it is there, with context, transfer and warm-up",
    ),
)

LABEL = "gpu_autoscaler_told"
"""Which row of the table a series answers."""
_POD = ("namespace", "pod", "exported_namespace", "exported_pod")
_TOLD = tuple(told for engine in ENGINES for told in engine.told)


def engine_query() -> str:
    """PromQL that answers all that engines tell of the starts of their pods now, one series for each row and phase."""
    return " or ".join(_one(n, told) for n, told in enumerate(_TOLD))


def engine_stamps(series: Iterable[Mapping[str, Any]]) -> list[Stamp]:
    """The stamps of an instant vector that answers `engine_query`, in the order of pods.

    What is no series of it, names no pod, or has no duration above zero, is left out. Where a pod is told single stages
    there is none of `LOAD`, which would count them twice.
    """
    found: dict[str, dict[int, dict[str, float]]] = {}
    for one in series:
        read = _read(one)
        if read is not None:
            pod, row, phase, seconds = read
            phases = found.setdefault(pod, {}).setdefault(row, {})
            phases[phase] = max(seconds, phases.get(phase, 0.0))
    return [stamp for pod in sorted(found) for stamp in _stamps(pod, found[pod])]


def _one(n: int, told: Told) -> str:
    labels, phase = 'pod!=""', ""
    if told.phases is not None:
        labels, phase = f'{labels},phase=~"{told.phases}"', ",phase"
    longest = f"max by ({','.join(_POD)}{phase}) ({told.name}{{{labels}}})"
    return f'label_replace({longest}, "{LABEL}", "{n}", "", "")'


def _read(one: Mapping[str, Any]) -> tuple[str, int, str, float] | None:
    """(pod, row of the table, phase, seconds) of one series."""
    try:
        labels, seconds = one["metric"], float(one["value"][1])
        row = int(labels[LABEL])
        namespace = labels.get("exported_namespace") or labels["namespace"]
        pod = labels.get("exported_pod") or labels["pod"]
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    if not (0 <= row < len(_TOLD) and isfinite(seconds) and seconds > 0.0 and namespace and pod):
        return None
    return f"{namespace}/{pod}", row, labels.get("phase", ""), seconds


def _stamps(pod: str, rows: Mapping[int, Mapping[str, float]]) -> Sequence[Stamp]:
    added: dict[Stage, float] = {}
    longest: dict[Stage, float] = {}
    for row, phases in rows.items():
        stage, seconds = _TOLD[row].stage, sum(phases.values())
        if _TOLD[row].adds:
            added[stage] = added.get(stage, 0.0) + seconds
        else:
            longest[stage] = max(seconds, longest.get(stage, 0.0))
    stages = added.keys() | longest.keys()
    if len(stages) > 1:
        stages -= {Stage.LOAD}
    return [
        Stamp(pod, stage, Witness.ENGINE, seconds=round(max(added.get(stage, 0.0), longest.get(stage, 0.0)), 2))
        for stage in sorted(stages)
    ]
