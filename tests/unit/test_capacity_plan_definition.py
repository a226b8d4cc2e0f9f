"""The definition of CapacityPlan accepts what people wish and all that we show, and its reasons are explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from autoscaler.adapters.kubernetes.owners import floors, following
from autoscaler.adapters.kubernetes.plans.plan import CAPACITY_PLANS
from autoscaler.adapters.kubernetes.plans.status import content, timed
from autoscaler.domain.lead_time import WakeUp
from autoscaler.domain.plan import Reason, reason_text
from autoscaler.domain.wish import Override, Wish
from autoscaler.ports.plans import Condition, PlanFigures, PlanStatus, PoolPlaceholders, QueueFigures
from autoscaler.telemetry import conditions

ROOT = Path(__file__).parents[2]
DEFINITION = YAML(typ="safe", pure=True).load((ROOT / "helm" / "crds" / "capacityplans.yaml").read_text())
(VERSION,) = DEFINITION["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
END_S = 1_800_000_000.0
EVERYTHING = Reason(sum(Reason))
CASES = [
    pytest.param(None, Wish(), id="nothing seen"),
    pytest.param(PlanFigures(0, 0, None, (), 0, None, None, ""), Wish(True), id="little known"),
    pytest.param(
        PlanFigures(
            3, 4, 5, (PoolPlaceholders("h100", 2, 1),), 16, 3.14159, 0.7, reason_text(int(EVERYTHING)), 312.4,
            WakeUp(7.5, 95.2, 84.9, 327.4, False),
        ),
        Wish(True, Override(8, END_S, "r" * 200, "kubectl-edit at 2026-12-01T18:00:00Z"), "kubectl-patch"),
        id="all known",
    ),
    pytest.param(
        QueueFigures(3, 24, 1, (PoolPlaceholders("h100", 1, 1),), 8, "Job training/large: " * 100), Wish(True),
        id="queued work",
    ),
]  # fmt: skip


def closed(schema: Any) -> Any:
    """The schema with every field that it does not have forbidden, as the API server's strict validation does."""
    if isinstance(schema, dict):
        shut = {"additionalProperties": False} if "properties" in schema else {}
        return shut | {key: closed(value) for key, value in schema.items()}
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def part(name: str, value: Any) -> list[str]:
    schema = closed(SCHEMA["properties"][name])
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def test_the_definition_is_of_the_kind_that_we_ask_for() -> None:
    spec = DEFINITION["spec"]
    assert (spec["group"], VERSION["name"]) == (CAPACITY_PLANS.group, CAPACITY_PLANS.version)
    assert (spec["names"]["plural"], spec["names"]["kind"]) == (CAPACITY_PLANS.plural, CAPACITY_PLANS.kind)
    assert spec["names"]["shortNames"] == ["cplan"]
    assert VERSION["subresources"] == {"status": {}}


@pytest.mark.parametrize(
    ("spec", "good"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"paused": True, "override": {"floor": 0, "until": "2026-12-01T18:00:00Z"}}, True, id="both"),
        pytest.param(
            {"override": {"floor": 1, "until": "2026-12-01T18:00:00Z", "reason": "launch"}}, True, id="with a reason"
        ),
        pytest.param(
            {"override": {"floor": 1, "until": "2026-12-01T18:00:00Z", "reason": "r" * 201}}, False, id="an essay"
        ),
        pytest.param({"override": {"floor": -1, "until": "2026-12-01T18:00:00Z"}}, False, id="negative"),
        pytest.param({"override": {"until": "2026-12-01T18:00:00Z"}}, False, id="no floor"),
        pytest.param({"override": {"floor": "8", "until": "2026-12-01T18:00:00Z"}}, False, id="a text"),
        pytest.param({"override": {"floor": 8, "until": "2026-12-01T18:00:00Z", "cap": 9}}, False, id="unknown"),
        pytest.param({"pause": True}, False, id="misspelt"),
    ],
)  # fmt: skip
def test_what_people_may_wish(spec: dict[str, Any], good: bool) -> None:
    assert (part("spec", spec) == []) == good


@pytest.mark.parametrize(("figures", "wish"), CASES)
def test_what_we_show_is_what_the_definition_has(figures: PlanFigures | QueueFigures | None, wish: Wish) -> None:
    told = tuple(Condition(kind, None, "NotSeen", "m" * 5000) for kind in conditions.TYPES)
    shown, _ = timed(content(PlanStatus(True, figures, told, END_S, wish), 3), END_S, {})
    assert part("status", shown) == []
    assert part("status", shown | {"warmGpu": 1}) != []


def test_every_field_of_the_status_is_explained() -> None:
    fields = SCHEMA["properties"]["status"]["properties"]
    assert [name for name, field in fields.items() if not field.get("description")] == []


def test_every_column_shows_a_field_that_there_is() -> None:
    for column in VERSION["additionalPrinterColumns"]:
        at = SCHEMA
        *parents, last = column["jsonPath"].split(".")[1:]
        if parents[0] == "metadata":
            continue
        for name in parents:
            at = at["properties"][name]
        kind = at["properties"][last]["type"]
        assert column["type"] in (kind, "date"), column["name"]


def reasons_in_code() -> set[str]:
    """Every word with which a condition is made."""
    tree = ast.parse(Path(conditions.__file__).read_text())
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Condition"]
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    words = [node.args[2] for node in made if len(node.args) == 4]
    words += [value.elts[0] for value in returned if isinstance(value, ast.Tuple) and len(value.elts) == 2]
    found = {word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    return found | set(reasons_of_owners())


def reasons_of_owners() -> Iterator[str]:
    """Every word with which it is told whether an owner follows its floor."""
    for module in (floors, following):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "OwnerReport":
                word = node.args[2]
                yield str(word.value if isinstance(word, ast.Constant) else getattr(module, ast.unparse(word)))


def test_every_reason_is_explained_to_users_and_fits_the_definition() -> None:
    table = (ROOT / "docs" / "capacity-plans.md").read_text()
    explained = set(re.findall(r"^\|[^|]*\| (?:True|False|Unknown) \| (\w+) \|", table, re.MULTILINE))
    found = reasons_in_code()
    assert explained == found
    assert len(found) >= 20
    rule = SCHEMA["properties"]["status"]["properties"]["conditions"]["items"]["properties"]["reason"]
    assert all(re.fullmatch(rule["pattern"], word) and len(word) <= rule["maxLength"] for word in found)


def test_every_condition_is_explained() -> None:
    table = (ROOT / "docs" / "capacity-plans.md").read_text()
    assert all(f"\n| {kind} |" in table for kind in conditions.TYPES)
