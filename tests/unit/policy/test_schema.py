"""The schema that editors use accepts every example and refuses what a schema can refuse; what ships is up to date."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from autoscaler.cli.policy import INTRODUCTION, TITLE
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.problem import PolicyError
from autoscaler.policy.schema import json_schema, reference

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "policies").glob("*.yaml"))
VALIDATOR = Draft202012Validator(json_schema(KINDS, TITLE))
HEAD = "apiVersion: gpu-autoscaler.io/v1alpha1\n"


def as_json(value: Any) -> Any:
    """Dates as the texts that an editor sees."""
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def errors(text: str) -> list[str]:
    """What an editor with the schema would say of the documents of a text."""
    found = YAML(typ="safe", pure=True).load_all(text)
    return [error.message for document in found for error in VALIDATOR.iter_errors(as_json(document))]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_example_is_valid_and_names_the_schema(file: Path) -> None:
    text = file.read_text()
    assert errors(text) == []
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")


def test_what_ships_is_what_the_models_say() -> None:
    assert json.loads((ROOT / "policies" / "schema.json").read_text()) == json_schema(KINDS, TITLE)
    assert (ROOT / "docs" / "policy-reference.md").read_text() == reference(KINDS, TITLE, INTRODUCTION)


def test_every_field_says_its_default_or_that_it_is_required() -> None:
    rows = [line for line in reference(KINDS, TITLE, INTRODUCTION).splitlines() if line.startswith("| `spec.")]
    assert len(rows) > 60
    for row in rows:
        field, _, said = (part.strip() for part in row.strip("|").split("|")[:3])
        assert ("Required" in said) == ("*" in field), row
        assert ("Default" in said) != ("Required" in said), row


POLICY = (
    HEAD
    + """kind: CapacityPolicy
metadata: {name: chat}
spec:
  workload: {namespace: inference, name: chat}
  demand: {arrivals: {query: requests}, perReplica: {arrivals: 4}, staleAfter: 2m}
  objective: {lateRequests: 1%, lateAfter: 1s}
  pools: {primary: [steady]}
  replicas: {min: 1, max: 8, via: auto}
  schedules:
    - {name: m, start: "0 9 * * *", duration: 3h, timezone: UTC, atLeast: {replicas: 2}, ahead: auto}
  budget: team
"""
)
MISTAKES = {
    "unknown field": ("  replicas: {min", "  replcas: {min"),
    "version": ("v1alpha1", "v2"),
    "kind": ("CapacityPolicy", "CapacityPolcy"),
    "name": ("{name: chat}\nspec", "{name: Chat}\nspec"),
    "text for a number": ("max: 8", "max: '8'"),
    "negative": ("min: 1,", "min: -1,"),
    "fraction of a replica": ("max: 8", "max: 8.5"),
    "140 %": ("lateRequests: 1%", "lateRequests: 140%"),
    "no unit": ("lateAfter: 1s", "lateAfter: 1"),
    "wrong unit": ("staleAfter: 2m", "staleAfter: 2min"),
    "nothing": ("staleAfter: 2m", "staleAfter: 0s"),
    "choice": ("via: auto", "via: hpaa"),
    "missing": ("namespace: inference, ", ""),
    "no value": ("budget: team", "budget:"),
    "cron of four fields": ("0 9 * * *", "0 9 * *"),
    "no end": ("duration: 3h, ", ""),
    "says nothing": ("atLeast: {replicas: 2}, ", ""),
    "empty list": ("[steady]", "[]"),
    "empty budget": ("budget: team", "budget: {}"),
}


@pytest.mark.parametrize(("old", "new"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_that_a_schema_can_see(tmp_path: Path, old: str, new: str) -> None:
    assert POLICY.count(old) == 1
    assert errors(POLICY) == []
    text = POLICY.replace(old, new)
    assert errors(text)
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(PolicyError):
        read_documents(tmp_path / "p.yaml", KINDS)


def test_the_good_policy_is_good(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    assert [d.name for d in of_kind(read_documents(tmp_path / "p.yaml", KINDS), CapacityPolicy)] == ["chat"]
