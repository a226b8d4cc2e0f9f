"""The usage port on a Prometheus server, from our node agent or else NVIDIA's DCGM exporter.

One query for all pods and both uses. The agent tells what the processes of each container use, also where containers
share a GPU; DCGM tells what is used of a GPU that is one pod's. A pod is named by the labels `namespace` and `pod`, or
by `exported_namespace` and `exported_pod` where the scrape has its own labels of these names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.domain.usage import PodUse, Use

WITHIN_S = 3.0
"""The tick waits for it; what is missing is asked for again a minute later."""
LABEL = "gpu_autoscaler_use"
_POD = "namespace, pod, exported_namespace, exported_pod"
_AGENT = "gpu_autoscaler_agent_container_"
_MIB = 1 << 20
_WINDOW = "[2m]"
"""Holds a sample of a scrape every minute; compute is a mean, since it jumps, and memory the most that it held."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A query for one use of each pod, 0 to 1."""

    use: Use
    query: str


_SOURCES = (
    _Source(
        Use.COMPUTE,
        f"avg by ({_POD}) (sum by ({_POD}, instance, gpu) "
        f'(avg_over_time({_AGENT}sm_utilization_ratio{{pod!=""}}{_WINDOW})))',
    ),
    _Source(Use.COMPUTE, f'avg by ({_POD}) (avg_over_time(DCGM_FI_DEV_GPU_UTIL{{pod!=""}}{_WINDOW})) / 100'),
    _Source(  # parts of a GPU have each its own memory, and DCGM's names tell it
        Use.MEMORY,
        f"max by ({_POD}) (sum by ({_POD}, instance, gpu) "
        f'(max_over_time({_AGENT}gpu_memory_used_bytes{{pod!=""}}{_WINDOW})) / on (instance, gpu) group_left () '
        f'max by (instance, gpu) (DCGM_FI_DEV_FB_TOTAL{{GPU_I_ID=""}} * {_MIB}))',
    ),
    _Source(
        Use.MEMORY,
        f'max by ({_POD}) (max_over_time(DCGM_FI_DEV_FB_USED{{pod!=""}}{_WINDOW}) / '
        '(DCGM_FI_DEV_FB_USED{pod!=""} + DCGM_FI_DEV_FB_FREE))',
    ),
)
"""Of two that tell of one use of a pod the first is believed."""


def usage_query() -> str:
    """PromQL for the use of all pods."""
    return " or ".join(f'label_replace({source.query}, "{LABEL}", "{n}", "", "")' for n, source in enumerate(_SOURCES))


class PrometheusUsage:
    """`UsagePort`. Asked by one thread at a time."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server

    def uses(self, now_s: float) -> Sequence[PodUse]:
        """As `UsagePort`; also raises `Forbidden` and `Invalid`."""
        series, _ = self._server.ask(usage_query(), now_s, WITHIN_S)
        return read_uses(series)


def read_uses(series: Iterable[Mapping[str, Any]]) -> list[PodUse]:
    """Pods out of the answer to `usage_query`; what is no number, or of no pod, is left out."""
    found: dict[str, dict[Use, tuple[int, float]]] = {}
    for one in series:
        read = _read(one)
        if read is not None:
            pod, n, share = read
            uses, use = found.setdefault(pod, {}), _SOURCES[n].use
            if use not in uses or n < uses[use][0]:
                uses[use] = n, share
    return [PodUse(pod, *(_share(uses.get(use)) for use in Use)) for pod, uses in sorted(found.items())]


def _read(one: Mapping[str, Any]) -> tuple[str, int, float] | None:
    """(pod, source, share) of one series."""
    try:
        labels, share = one["metric"], float(one["value"][1])
        n = int(labels[LABEL])
        namespace = labels.get("exported_namespace") or labels["namespace"]
        pod = labels.get("exported_pod") or labels["pod"]
    except (LookupError, TypeError, ValueError):
        return None
    is_told = 0 <= n < len(_SOURCES) and isfinite(share) and share >= 0.0 and namespace and pod
    return (f"{namespace}/{pod}", n, min(share, 1.0)) if is_told else None


def _share(told: tuple[int, float] | None) -> float | None:
    return None if told is None else told[1]
