"""Every panel and every alert, asked of a real Prometheus that scrapes a controller at work on the rig."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoscaler.telemetry.dashboard import CHOSEN
from autoscaler.telemetry.panels import ROWS
from autoscaler.telemetry.rules import ALERTS, Severity
from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import Controller, Site
from tests.cluster.exporter import Exporter
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages

Measured = Callable[[str, float, str], None]
KNOWN_S = 240.0
"""Forecasts are judged two minutes after the first whole one in which demand was known."""
CHOICES = {"$job": "controllers", "$policy": ".*", "$pool": ".*", "$__rate_interval": "10s", "$__range": "5m"}
PANELS = {
    f"{panel.title} {number}": query.expression
    for row in ROWS
    for panel in row.panels
    for number, query in enumerate(panel.queries)
}


def chosen(expression: str) -> str:
    """As Grafana asks, with everything chosen."""
    for name, value in CHOICES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def is_known(prometheus: Prometheus, expression: str) -> bool:
    """Whether any of the series is a number."""
    return any(math.isfinite(float(one["value"][1])) for one in prometheus.query(expression))


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> Site:
    """A policy with a budget that acts for a Deployment of 8 GPUs a replica."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8, stages=Stages(image_s=2, weights_s=2)))
    found = Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)
    found.write("chat")
    file = found.policies / "chat.yaml"
    file.write_text(file.read_text().replace("  schedules: []", "  budget: {gpus: 80, dollarsPerHour: 500}"))
    return found


def test_every_panel_and_every_alert_finds_its_data(
    site: Site,
    exporter: Exporter,
    prometheus: Prometheus,
    start_karpenter: Callable[..., Karpenter],
    measured: Measured,
) -> None:
    start_karpenter((PRIMARY, BURST))
    exporter.rate("requests_total", 0.0, model="chat")
    controller = Controller(site, "one")
    try:
        controller.start()
        prometheus.scrape(controller.url.removeprefix("http://"))
        wait_until(lambda: controller.metric("demand_replicas", policy="chat") == 0.0, "a true zero", 60.0)
        exporter.rate("requests_total", 10.0, model="chat")  # the first request finds nothing that serves
        begin, missing = now_s(), dict(PANELS)

        def is_complete() -> bool:
            tell_use(site, exporter)
            for title, expression in list(missing.items()):
                if is_known(prometheus, chosen(expression)):
                    del missing[title]
            return not missing or now_s() - begin > KNOWN_S

        wait_until(is_complete, "panels", KNOWN_S + 60.0, 2.0)
        assert missing == {}
        measured("dashboard: from the first scrape to data in every panel", now_s() - begin, "none")
        check_alerts(prometheus)
        check_choices(prometheus)
        check_text(controller)
        check_lead_times(controller)
    finally:
        controller.program.stop()


def tell_use(site: Site, exporter: Exporter) -> None:
    """As DCGM's exporter does of each pod."""
    for pod in site.cluster.pods():
        labels = {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}
        exporter.set("DCGM_FI_DEV_GPU_UTIL", 60.0, **labels)
        exporter.set("DCGM_FI_DEV_FB_USED", 30_000.0, **labels)
        exporter.set("DCGM_FI_DEV_FB_FREE", 50_000.0, **labels)


def check_alerts(prometheus: Prometheus) -> None:
    """Each can be asked, of metrics that there are; and nobody is woken."""
    for alert in ALERTS:
        found = prometheus.query(alert.expression)
        assert not (found and alert.severity is Severity.CRITICAL), (alert.name, found)
        for name in re.findall(r"gpu_autoscaler_\w+", alert.expression):
            assert prometheus.query(f"count({name})"), (alert.name, name)


def check_choices(prometheus: Prometheus) -> None:
    """What can be chosen on the page is there to be chosen."""
    for name, query in CHOSEN:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert found is not None
        assert prometheus.query(f"count by ({found[2]}) ({chosen(found[1])})")[0]["metric"].keys() == {name}


def check_lead_times(controller: Controller) -> None:
    """The same starts as JSON."""
    code, text = controller.get("/api/v1/lead-times/chat")
    assert code == 200
    ended = [group for group in json.loads(text)["starts"] if group["count"]["complete"]]
    assert {group["part"] for group in ended} == {"node", "replica"}
    assert all(group["dominant"] in group["stages"] for group in ended)


def check_text(controller: Controller) -> None:
    """Prometheus' own checker finds nothing to say."""
    code, text = controller.get("/metrics")
    assert code == 200
    if tool := shutil.which("promtool"):
        done = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
