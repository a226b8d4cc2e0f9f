"""JSON Schema of the documents, for editors, and the reference page; both made of the models, so neither can lag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from autoscaler.policy.load import API_VERSION

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kinds: Mapping[str, type[BaseModel]], title: str) -> Schema:
    """The schema of one document of any of these kinds, JSON Schema 2020-12; unknown fields are refused.

    What only several fields or documents together show is not in it: `autoscaler policy check` finds that.
    """
    _, found = models_json_schema(
        [(model, "validation") for model in kinds.values()], by_alias=True, ref_template="#/$defs/{model}"
    )
    definitions = {name: _plain(part) for name, part in found["$defs"].items()}
    kind_schemas = [_document(kind, model) for kind, model in kinds.items()]
    return {"$schema": DIALECT, "title": title, "oneOf": kind_schemas, "$defs": definitions}


def _document(kind: str, model: type[BaseModel]) -> Schema:
    said = (model.__doc__ or "").strip().partition("\n")[0]
    return {
        "title": kind,
        "description": said,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind},
            "metadata": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {"name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}},
            },
            "spec": {"$ref": f"#/$defs/{model.__name__}"},
        },
    }


def _plain(part: Any) -> Any:
    """Without pydantic's titles and defaults in its own units: descriptions say defaults as people write them.

    A key without a value is refused everywhere, so a field that may be left out is never null.
    """
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if key not in ("title", "default", "discriminator")}
    choices = kept.get("anyOf")
    if isinstance(choices, list):
        left = [choice for choice in choices if choice != {"type": "null"}]
        if len(left) == 1:
            kept = {**{key: value for key, value in kept.items() if key != "anyOf"}, **left[0]}
        else:
            kept["anyOf"] = left
    properties = kept.get("properties")
    if isinstance(properties, dict):
        plain = {name: _plain(value) for name, value in properties.items()}
        return {key: plain if key == "properties" else _plain(value) for key, value in kept.items()}
    return {key: _plain(value) for key, value in kept.items()}


def reference(kinds: Mapping[str, type[BaseModel]], title: str, introduction: str) -> str:
    """Markdown: every field of every kind with what it means, its unit, its default and the reason."""
    schema = json_schema(kinds, title)
    lines = [f"# {title}", "", introduction.strip(), ""]
    for kind, model in kinds.items():
        lines += [f"## {kind}", "", *_rows(model.__name__, schema["$defs"], "spec"), ""]
    return "\n".join(lines).rstrip() + "\n"


def _rows(name: str, definitions: Mapping[str, Schema], path: str) -> Iterator[str]:
    yield "| field | value | what it means |"
    yield "| --- | --- | --- |"
    yield from _fields(name, definitions, path)


def _fields(name: str, definitions: Mapping[str, Schema], path: str) -> Iterator[str]:
    required = definitions[name].get("required", [])
    for field, spec in definitions[name]["properties"].items():
        here = f"{path}.{field}"
        shown = f"`{here}`{' *' if field in required else ''}"
        yield f"| {shown} | {_value(spec, definitions)} | {str(spec.get('description', '')).replace('|', '/')} |"
        for inner, suffix in _inner(spec):
            if "properties" in definitions[inner]:
                yield from _fields(inner, definitions, f"{here}{suffix}")


def _inner(spec: Schema) -> Iterator[tuple[str, str]]:
    """Names of the models below a field, and what is written after the field to get there."""
    if "$ref" in spec:
        yield spec["$ref"].rpartition("/")[2], ""
    if isinstance(spec.get("items"), dict) and "$ref" in spec["items"]:
        yield spec["items"]["$ref"].rpartition("/")[2], "[]"
    for choice in (*spec.get("anyOf", ()), *spec.get("oneOf", ())):
        yield from _inner(choice)


def _value(spec: Schema, definitions: Mapping[str, Schema]) -> str:
    """The kind of value, in a word or two."""
    if "$ref" in spec:
        target = definitions[spec["$ref"].rpartition("/")[2]]
        return "mapping" if "properties" in target else _value(target, definitions)
    if "enum" in spec:
        return " or ".join(f"`{value}`" for value in spec["enum"])
    if "const" in spec:
        return f"`{spec['const']}`"
    choices = [*spec.get("anyOf", ()), *spec.get("oneOf", ())]
    if choices and "properties" not in spec:
        return " or ".join(dict.fromkeys(_value(choice, definitions) for choice in choices))
    if spec.get("type") == "array":
        inner = _value(spec["items"], definitions)
        return "list of mappings" if inner == "mapping" else f"list: {inner}"
    return {"integer": "whole number", "string": _text(spec)}.get(str(spec.get("type")), str(spec.get("type")))


def _text(spec: Schema) -> str:
    pattern = str(spec.get("pattern", ""))
    if "[dhms]" in pattern:
        return "duration"
    if "%" in pattern:
        return "percentage"
    return "date and time" if "[Tt]" in pattern else "date" if r"\d{4}" in pattern else "text"
