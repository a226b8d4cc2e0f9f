"""What a real Prometheus answers of the starts that engines tell."""

from __future__ import annotations

from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.coldstart.engines import engine_query, engine_stamps
from autoscaler.domain.lead_time import Stage
from tests.prometheus.conftest import PAST_S, StartPast

POD = 'namespace="inference",pod="chat-0"'
TRITON = 'namespace="vision",pod="detect-1",version="1"'


def test_one_query_tells_of_all_engines_apart(start_past: StartPast, clock: SystemClock) -> None:
    """Two gauges of one pod with the same labels are told apart; of several models, and ranks, the longest counts."""
    told = {
        f'sglang:engine_load_weights_time{{{POD},tp_rank="0"}}': 41.0,
        f'sglang:engine_load_weights_time{{{POD},tp_rank="1"}}': 44.0,
        f'sglang:engine_startup_time{{{POD},tp_rank="0"}}': 90.0,
        f'sglang:startup_time_seconds{{{POD},phase="kv_cache_allocation"}}': 3.0,
        f'sglang:startup_time_seconds{{{POD},phase="scheduler_e2e"}}': 70.0,
        f'sglang:startup_cuda_graph_time_seconds{{{POD},phase="prefill"}}': 4.0,
        f'sglang:startup_cuda_graph_time_seconds{{{POD},phase="decode"}}': 5.0,
        f'nv_model_load_duration_secs{{{TRITON},model="boxes"}}': 8.0,
        f'nv_model_load_duration_secs{{{TRITON},model="labels"}}': 2.0,
        'nv_model_load_duration_secs{instance="a machine, no pod"}': 99.0,
    }
    server = start_past([(series, seconds, PAST_S - 1.0) for series, seconds in told.items()])
    asked = PrometheusServer(PrometheusSettings(url=server.url), clock)
    try:
        series, _ = asked.ask(engine_query(), PAST_S, 10.0)
    finally:
        asked.close()
    found = {(stamp.pod, stamp.stage): stamp.seconds for stamp in engine_stamps(series)}
    assert found == {
        ("inference/chat-0", Stage.WEIGHTS): 44.0,
        ("inference/chat-0", Stage.WARM_UP): 12.0,
        ("vision/detect-1", Stage.LOAD): 8.0,
    }
