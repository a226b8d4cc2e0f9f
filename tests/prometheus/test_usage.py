"""GPU use as a real Prometheus answers it: of our agent, of DCGM's exporter, and of both."""

from __future__ import annotations

import pytest

from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.prometheus.usage import LABEL, PrometheusUsage, read_uses, usage_query
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.agent import names as agent_names
from autoscaler.domain.usage import PodUse
from tests.prometheus.conftest import PAST_S, StartPast

AGENT, DCGM = "gpu_autoscaler_agent_container_", "DCGM_FI_DEV_"
GIB, MIB = 1 << 30, 1 << 20
NODE, EXPORTER = 'instance="agent:1"', 'instance="dcgm:1"'


def whole(name: str, gpu: int, pod: str = "", where: str = NODE, more: str = "") -> str:
    """A series of a GPU in DCGM's names."""
    return f'{DCGM}{name}{{{where},gpu="{gpu}",namespace="inference",pod="{pod}"{more}}}'


def used(name: str, pod: str, container: str, gpu: int) -> str:
    return f'{AGENT}{name}{{{NODE},namespace="inference",pod="{pod}",container="{container}",gpu="{gpu}"}}'


@pytest.fixture
def told() -> dict[str, float]:
    """Two GPUs of an agent, one of one pod and one that two share, a GPU in parts, and one that DCGM alone tells of."""
    agent = {
        used("sm_utilization_ratio", "chat-0", "server", 0): 0.5,
        used("sm_utilization_ratio", "chat-0", "sidecar", 0): 0.1,
        used("sm_utilization_ratio", "share-a", "server", 1): 0.3,
        used("sm_utilization_ratio", "share-b", "server", 1): 0.4,
        used("gpu_memory_used_bytes", "chat-0", "server", 0): 40.0 * GIB,
        used("gpu_memory_used_bytes", "chat-0", "sidecar", 0): 4.0 * GIB,
        used("gpu_memory_used_bytes", "share-a", "server", 1): 8.0 * GIB,
        used("gpu_memory_used_bytes", "share-b", "server", 1): 16.0 * GIB,
        whole("GPU_UTIL", 0, "chat-0", more=',GPU_I_ID=""'): 97.0,
        whole("FB_TOTAL", 0, "chat-0", more=',GPU_I_ID=""'): 80.0 * 1024,
        whole("FB_TOTAL", 1, more=',GPU_I_ID=""'): 80.0 * 1024,
    }
    parts = {
        whole("FB_USED", 2, "part-0", more=',GPU_I_ID="1"'): 5.0 * 1024,
        whole("FB_FREE", 2, "part-0", more=',GPU_I_ID="1"'): 15.0 * 1024,
        whole("FB_TOTAL", 2, "part-0", more=',GPU_I_ID="1"'): 20.0 * 1024,
        used("gpu_memory_used_bytes", "part-0", "server", 2): 5.0 * GIB,
    }
    clashed = ',exported_namespace="vision",exported_pod="detect-1"'
    dcgm = {
        whole("GPU_UTIL", 0, "exporter-x", EXPORTER, clashed): 25.0,
        whole("GPU_UTIL", 1, "exporter-x", EXPORTER, clashed): 75.0,
        whole("FB_USED", 0, "exporter-x", EXPORTER, clashed): 10.0 * 1024,
        whole("FB_FREE", 0, "exporter-x", EXPORTER, clashed): 30.0 * 1024,
        whole("FB_USED", 1, "exporter-x", EXPORTER, clashed): 20.0 * 1024,
        whole("FB_FREE", 1, "exporter-x", EXPORTER, clashed): 20.0 * 1024,
        whole("GPU_UTIL", 3, "", EXPORTER): 100.0,
        whole("GPU_UTIL", 4, "odd-0", EXPORTER): float("nan"),
    }
    return agent | parts | dcgm


def test_each_pod_has_what_the_best_source_tells_of_it(
    start_past: StartPast, clock: SystemClock, told: dict[str, float]
) -> None:
    server = start_past([(series, value, PAST_S - 1.0) for series, value in told.items()])
    asked = PrometheusServer(PrometheusSettings(url=server.url), clock)
    try:
        found = {one.pod: one for one in PrometheusUsage(asked).uses(PAST_S)}
        assert PrometheusUsage(asked).uses(PAST_S + 3600.0) == []
    finally:
        asked.close()
    rounded = {pod: (one.compute and round(one.compute, 3), one.memory) for pod, one in found.items()}
    assert rounded == {
        "inference/chat-0": (0.6, 0.55),
        "inference/share-a": (0.3, 0.1),
        "inference/share-b": (0.4, 0.2),
        "inference/part-0": (None, 0.25),
        "vision/detect-1": (0.5, 0.5),
    }


def test_what_is_no_share_of_a_pod_is_left_out() -> None:
    labels = {LABEL: "0", "namespace": "inference", "pod": "chat-0"}
    odd = [
        {"metric": labels, "value": [1.0, "NaN"]},
        {"metric": labels, "value": [1.0, "-1"]},
        {"metric": labels | {LABEL: "9"}, "value": [1.0, "0.5"]},
        {"metric": labels | {"pod": ""}, "value": [1.0, "0.5"]},
        {"metric": {}, "value": [1.0, "0.5"]},
    ]
    assert read_uses(odd) == []
    assert read_uses([{"metric": labels, "value": [1.0, "1.2"]}]) == [PodUse("inference/chat-0", 1.0, None)]


def test_it_asks_for_what_our_agent_exports() -> None:
    asked = usage_query()
    for metric in (agent_names.USED, agent_names.SM, agent_names.GPU_UTIL, agent_names.FB_TOTAL, agent_names.FB_USED):
        assert f"{metric.text}{{" in asked
        assert {"namespace", "pod", "gpu"} <= set(metric.labels)
    assert agent_names.FB_FREE.text in asked
