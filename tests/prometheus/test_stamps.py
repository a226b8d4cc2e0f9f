"""The stamps port on a real Prometheus that scrapes a process which stamps its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.prometheus.stamps import AGAIN_S, PrometheusStamps
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.coldstart.published import STAMP
from autoscaler.domain.lead_time import Stage
from autoscaler.domain.stamp import Stamp, Witness
from autoscaler.ports.errors import Unavailable
from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.exporter import Exporter
from tests.prometheus.desk import Reply
from tests.prometheus.server import Prometheus

if TYPE_CHECKING:
    from tests.prometheus.conftest import OpenDesk

POD = {"namespace": "inference", "pod": "chat-0"}


def stamps(url: str) -> PrometheusStamps:
    return PrometheusStamps(PrometheusServer(PrometheusSettings(url, retries=0), SystemClock()))


def test_stages_that_a_process_stamps_are_read_and_those_of_yesterday_are_not(
    exporter: Exporter, scraping: Prometheus
) -> None:
    begin_s = float(int(epoch_s()) - 90)
    exporter.set(STAMP, begin_s, stage="weights", edge="begin", **POD)
    exporter.set(STAMP, begin_s + 60.0, stage="weights", edge="end", **POD)
    exporter.set(STAMP, begin_s - 86_400.0, stage="cuda", edge="end", **POD)
    port = stamps(scraping.url)
    wait_until(lambda: bool(port.stamps(epoch_s())), "the stamps", 30.0, 0.2)
    whole = Stamp("inference/chat-0", Stage.WEIGHTS, Witness.PROCESS, begin_s, begin_s + 60.0)
    assert list(port.stamps(epoch_s())) == [whole]


def test_durations_that_engines_tell_come_with_them(exporter: Exporter, scraping: Prometheus) -> None:
    exporter.set("sglang:engine_load_weights_time", 41.5, **POD)
    exporter.set("nv_model_load_duration_secs", 12.0, namespace="inference", pod="triton-0", model="m")
    port = stamps(scraping.url)
    wait_until(lambda: len(port.stamps(epoch_s())) == 2, "both", 30.0, 0.2)
    assert [(one.pod, one.stage, one.witness, one.seconds) for one in port.stamps(epoch_s())] == [
        ("inference/chat-0", Stage.WEIGHTS, Witness.ENGINE, 41.5),
        ("inference/triton-0", Stage.LOAD, Witness.ENGINE, 12.0),
    ]


def test_stamps_of_a_process_that_is_gone_are_still_known(exporter: Exporter, scraping: Prometheus) -> None:
    exporter.set(STAMP, epoch_s() - 30.0, stage="weights", edge="end", **POD)
    port = stamps(scraping.url)
    wait_until(lambda: bool(port.stamps(epoch_s())), "the stamp", 30.0, 0.2)
    seen = exporter.scrapes
    exporter.remove(STAMP, stage="weights", edge="end", **POD)
    wait_until(lambda: exporter.scrapes > seen + 2, "scrapes without it", 30.0, 0.2)
    assert len(port.stamps(epoch_s())) == 1


def test_after_a_question_without_an_answer_nobody_is_asked_for_a_minute(open_desk: OpenDesk) -> None:
    desk = open_desk(lambda _: Reply(503, b"down"))
    port = stamps(desk.url)
    with pytest.raises(Unavailable, match=r"stamps of starts: .*503"):
        port.stamps(1000.0)
    before = len(desk.asked)
    with pytest.raises(Unavailable, match="stamps of starts: "):
        port.stamps(1000.0 + AGAIN_S - 1.0)
    assert len(desk.asked) == before
    with pytest.raises(Unavailable):
        port.stamps(1000.0 + AGAIN_S)
    assert len(desk.asked) > before


@pytest.mark.parametrize("result", ["{}", "null", "5", '{"a": []}'])
def test_an_answer_that_is_none_is_said_to_be_none(open_desk: OpenDesk, result: str) -> None:
    body = f'{{"status": "success", "data": {{"result": {result}}}}}'
    port = stamps(open_desk(lambda _: Reply(200, body.encode())).url)
    with pytest.raises(Unavailable, match="not Prometheus'"):
        port.stamps(1000.0)


def test_series_that_are_none_are_passed_over(open_desk: OpenDesk) -> None:
    body = b'{"status": "success", "data": {"result": [{"metric": null, "value": [0, "1"]}, 5, null, {"value": {}}]}}'
    assert list(stamps(open_desk(lambda _: Reply(200, body)).url).stamps(1000.0)) == []
