"""The chart's values, their schema and their versions say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

CHART = Path(__file__).parents[2] / "helm"
VALUES = YAML(typ="safe", pure=True).load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
OF_HELM = {"global"}


def schemas(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema with the path of the value that it is of; of lists, that of their items."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from schemas(inner, f"{path}.{name}".removeprefix("."))
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")


def paths(values: Mapping[str, Any], path: str = "") -> set[str]:
    """Paths of all values; of what the site fills in itself, its own alone."""
    found = set()
    for name, value in values.items():
        here = f"{path}.{name}".removeprefix(".")
        found.add(here)
        if isinstance(value, dict) and "properties" in dict(schemas(SCHEMA)).get(here, {}):
            found |= paths(value, here)
    return found


def test_schema_and_values_have_the_same_keys() -> None:
    said = {path for path, _ in schemas(SCHEMA) if path and "[]" not in path} - OF_HELM
    assert said == paths(VALUES)


def test_every_object_with_keys_of_ours_refuses_others_and_everything_is_described() -> None:
    for path, schema in schemas(SCHEMA):
        if "properties" in schema:
            assert schema["additionalProperties"] is False, path
        if path and not path.endswith("[]"):
            assert schema["description"].endswith("."), path


def test_the_values_fit_their_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)


@pytest.mark.parametrize("kind", ["version", "appVersion"])
def test_the_chart_is_of_the_version_of_the_program(kind: str) -> None:
    chart = YAML(typ="safe", pure=True).load((CHART / "Chart.yaml").read_text())
    assert chart[kind] == version("gpu-autoscaler")
