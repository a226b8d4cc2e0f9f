"""The dashboard as Grafana reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from autoscaler.telemetry import names
from autoscaler.telemetry.panels import ROWS, Look, Panel, Row

COLUMNS = 24
HEIGHTS = {Look.NUMBER: 4, Look.LINES: 9, Look.STACK: 9, Look.TABLE: 9}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
JOB = '{job=~"$job"}'
CHOSEN = (
    ("job", f"label_values({names.LEADER}, job)"),
    ("policy", f"label_values({names.ACTS}{JOB}, policy)"),
    ("pool", f"label_values({names.POOL_NODES}{JOB}, pool)"),
)
"""What a person may choose, and where the choices come from."""


def dashboard() -> dict[str, Any]:
    """All of it, as JSON."""
    return {
        "uid": "gpu-autoscaler",
        "title": "GPU autoscaler",
        "tags": ["gpu", "autoscaling"],
        "description": "What the GPU autoscaler sees, forecasts, decides and spends.",
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), *(_choice(name, query) for name, query in CHOSEN)]},
        "annotations": {"list": []},
        "panels": list(_panels()),
    }


def dashboard_file() -> str:
    """The text of the file."""
    return json.dumps(dashboard(), indent=1) + "\n"


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _choice(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name, "type": "query", "datasource": SOURCE, "definition": query,
        "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True,
        "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]},
    }  # fmt: skip


def _panels() -> Iterator[dict[str, Any]]:
    """From left to right, a new line where one is full."""
    number, top = 1, 0
    for row in ROWS:
        yield _heading(row, number, top)
        number, top, left, height = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, height = 0, top + height, 0
            yield _panel(panel, number, left, top)
            left, height, number = left + panel.width, max(height, HEIGHTS[panel.look]), number + 1
        top += height


def _heading(row: Row, number: int, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(panel: Panel, number: int, left: int, top: int) -> dict[str, Any]:
    kinds = {Look.NUMBER: "stat", Look.TABLE: "table"}
    return {
        "id": number,
        "type": kinds.get(panel.look, "timeseries"),
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": HEIGHTS[panel.look]},
        "fieldConfig": {"defaults": {"unit": panel.unit} | _drawn(panel.look), "overrides": []},
        "options": _options(panel.look),
        "targets": [
            {
                "refId": chr(ord("A") + k),
                "datasource": SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
                **({"instant": True, "range": False, "format": "table"} if panel.look is Look.TABLE else {}),
            }
            for k, query in enumerate(panel.queries)
        ],
    }


def _drawn(look: Look) -> dict[str, Any]:
    if look not in (Look.LINES, Look.STACK):
        return {}
    stacked = look is Look.STACK
    custom = {"fillOpacity": 30 if stacked else 0, "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    return {"custom": custom | {"lineWidth": 1, "showPoints": "never", "spanNulls": False}}


def _options(look: Look) -> dict[str, Any]:
    if look is Look.NUMBER:
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "textMode": "auto"}
    if look is Look.TABLE:
        return {"showHeader": True}
    legend = {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull"], "showLegend": True}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
