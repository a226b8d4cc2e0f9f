"""What ships is what the code declares; every query asks for metrics and labels that there are, and every alert is
explained and shown to fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from autoscaler.telemetry import names
from autoscaler.telemetry.dashboard import CHOSEN, COLUMNS, dashboard
from autoscaler.telemetry.generated import generated
from autoscaler.telemetry.panels import ROWS
from autoscaler.telemetry.reference import NAMED, OF_METRIC, WORDS, words
from autoscaler.telemetry.rules import ALERTS, RUNBOOK

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "rules"
RULES = ROOT / "helm" / "rules" / "gpu-autoscaler.yaml"
OUTSIDE = {"job", "instance", "namespace", "cluster"}
"""Labels that a scrape adds."""
EXPRESSIONS = {
    **{f"alert {alert.name}": alert.expression for alert in ALERTS},
    **{
        f"{row.title}: {p.title} {k}": q.expression for row in ROWS for p in row.panels for k, q in enumerate(p.queries)
    },
}
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="left out: no promtool; install Debian's prometheus"
)


def found_in(expression: str) -> list[tuple[names.Name, set[str]]]:
    """The metrics of a query, each with the labels that its matchers name. Fails on one that there is not."""
    known = {str(name): name for name in names.ALL}
    histograms = (name for name in names.ALL if name.kind is names.Kind.HISTOGRAM)
    known |= {f"{name}_{part}": name for name in histograms for part in ("bucket", "sum", "count")}
    selectors = re.findall(r"(gpu_autoscaler_\w+)(?:\{([^}]*)\})?", expression)
    return [(known[name], set(re.findall(r"(\w+)=~?\"", matchers))) for name, matchers in selectors]


@pytest.mark.parametrize("path", generated(), ids=str)
def test_what_ships_is_what_is_declared(path: str) -> None:
    assert (ROOT / path).read_text() == generated()[path], "run python -m autoscaler.telemetry.generated"


@pytest.mark.parametrize("title", EXPRESSIONS, ids=str)
def test_a_query_asks_for_what_there_is(title: str) -> None:
    expression = EXPRESSIONS[title]
    selected = found_in(expression)
    assert selected or "process_" in expression
    for name, matched in selected:
        assert matched - OUTSIDE <= set(name.labels), name
    kept = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in by.split(",")}
    assert kept - OUTSIDE - {"le"} <= {label for name, _ in selected for label in name.labels}
    for label, word in re.findall(r'(\w+)="([^"$]*)"', expression):
        assert any(word in (words(label, name) or ()) for name, _ in selected), (label, word)


def test_names_follow_one_manner() -> None:
    assert len({name.text for name in names.ALL}) == len(names.ALL) > 45
    for name in names.ALL:
        assert name.text.startswith(names.PREFIX)
        assert not name.text.endswith("_total")
        assert name.help.endswith(".")


def test_every_label_is_explained() -> None:
    used = {(label, name) for name in names.ALL for label in name.labels}
    assert {(label, name) for label, name in used if label not in NAMED and not words(label, name)} == set()
    assert {label for label, _ in used} >= {*WORDS, *NAMED}
    assert set(OF_METRIC) <= used


def test_panels_stand_beside_one_another() -> None:
    panels: list[dict[str, Any]] = dashboard()["panels"]
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert taken.setdefault(cell, panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels) > 30


def test_what_panels_ask_to_be_chosen_can_be_chosen() -> None:
    text = json.dumps(dashboard()["panels"])
    asked = {found for found in re.findall(r"\$\{?(\w+)", text) if not found.startswith("__")}
    assert asked == {"datasource", *(name for name, _ in CHOSEN)}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert.name))
def test_an_alert_has_a_runbook_and_cases_in_which_it_fires_and_in_which_not(alert: Any) -> None:
    chapters = (ROOT / RUNBOOK).read_text().split("\n## ")
    (chapter,) = [text for text in chapters if text.startswith(f"{alert.name}\n")]
    assert all(f"**{part}.**" in chapter for part in ("Means", "Look", "Do"))
    cases = YAML(typ="safe", pure=True).load((CASES / f"{alert.name}.yaml").read_text())["tests"]
    expected = [case["alert_rule_test"][0] for case in cases]
    assert {one["alertname"] for one in expected} == {alert.name}
    assert {bool(one["exp_alerts"]) for one in expected} == {True, False}


def test_no_runbook_chapter_and_no_case_is_of_an_alert_that_is_gone() -> None:
    expected = {alert.name for alert in ALERTS}
    assert set(re.findall(r"^## (\w+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)) == expected
    assert {file.stem for file in CASES.glob("*.yaml")} == expected


@needs_promtool
def test_promtool_reads_the_rules_and_every_case_holds() -> None:
    cases = [str(file) for file in sorted(CASES.glob("*.yaml"))]
    for arguments in (["check", "rules", str(RULES)], ["test", "rules", *cases]):
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120.0, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
