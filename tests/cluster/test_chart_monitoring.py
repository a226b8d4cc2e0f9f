"""Dashboards and alerts in the chart: as they were made, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autoscaler.telemetry.dashboard import dashboard
from autoscaler.telemetry.rules import ALERTS
from tests.cluster.helm import DEFAULT, VALUE_SETS, Helm

SPACE = "gpu-capacity"
OPERATOR = next(file for file in VALUE_SETS if file.stem == "prometheus-operator")


def of_kind(helm: Helm, values: Path, kind: str, *more: str) -> list[Any]:
    return [one for one in helm.template(values, SPACE, *more) if one["kind"] == kind]


def test_the_rules_are_those_of_the_program_and_name_the_runbook_of_the_site(helm: Helm) -> None:
    [found] = of_kind(helm, OPERATOR, "PrometheusRule")
    assert found["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    [group] = found["spec"]["groups"]
    assert [(rule["alert"], rule["expr"], rule["for"]) for rule in group["rules"]] == [
        (alert.name, alert.expression, alert.for_) for alert in ALERTS
    ]
    for rule, alert in zip(group["rules"], ALERTS, strict=True):
        said = rule["annotations"]
        assert (said["summary"], said["description"]) == (alert.summary, alert.description)
        assert said["runbook_url"] == f"https://wiki.site.test/gpu-autoscaler/runbook#{alert.name.lower()}"


def test_the_dashboard_is_where_grafana_looks_for_it(helm: Helm) -> None:
    [found] = [one for one in of_kind(helm, OPERATOR, "ConfigMap") if one["metadata"]["name"].endswith("-dashboards")]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "GPU"}
    assert json.loads(found["data"]["gpu-autoscaler.json"]) == dashboard()


def test_a_site_without_them_gets_neither(helm: Helm) -> None:
    assert of_kind(helm, DEFAULT, "PrometheusRule") == []
    assert [one["metadata"]["name"] for one in of_kind(helm, DEFAULT, "ConfigMap")] == ["gpu-autoscaler-policies"]
