"""What pydantic says of a document, as problems with places and hints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from autoscaler.policy.problem import Conflicts, Path, Problem, dotted, nearest
from autoscaler.policy.tree import UNUSABLE, Tree

NUMBERS = {
    "int_type": ("must be a whole number", r"(-?\d+)(?:\.0+)?"),
    "float_type": ("must be a number", r"(-?\d+(?:\.\d+)?)"),
}
"""Message, and what of the value is such a number."""
BOUNDS = {
    "greater_than": ("gt", "must be more than {}", "write more than `{}`"),
    "greater_than_equal": ("ge", "must be at least {}", "write `{}` or more"),
    "less_than": ("lt", "must be less than {}", "write less than `{}`"),
    "less_than_equal": ("le", "must be at most {}", "write `{}` or less"),
}
"""Which bound, message and hint."""


def problems(
    error: ValidationError, model: type[BaseModel], tree: Tree, file: str, under: Path = ()
) -> Iterator[Problem]:
    """Problems of the model's values, which stand `under` this path of the document."""
    for detail in error.errors(include_url=False):
        path = _path((*under, *detail["loc"]), tree, detail["type"] == "missing")
        failed = detail.get("ctx", {}).get("error")
        if isinstance(failed, Conflicts):
            for conflict in failed.conflicts:
                at = (*path, *conflict.at)
                yield Problem(file, *tree.find(at), dotted(at), conflict.message, conflict.hint)
            continue
        if _is_said(detail, tree.at(path)):
            continue
        place = tree.find_key(path) if detail["type"] == "extra_forbidden" else None
        yield Problem(file, *(place or tree.find(path)), dotted(path), *_say(detail, path[len(under) :], model))


def _is_said(detail: ErrorDetails, part: Tree | None) -> bool:
    """Whether the cause is reported: YAML that cannot be used, or the items of a list that is short without them."""
    unusable = part is not None and part.value is UNUSABLE
    return unusable or (detail["type"] == "too_short" and bool(detail["input"]))


def _path(loc: Path, tree: Tree, missing: bool) -> Path:
    """The location without the steps that are pydantic's own; the last is a field that is not there if `missing`."""
    path: Path = ()
    for number, step in enumerate(loc):
        if tree.at((*path, step)) is not None or (missing and number == len(loc) - 1):
            path = (*path, step)
    return path


def _say(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> tuple[str, str]:
    """Message and hint."""
    kind, name = detail["type"], str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return "unknown field", nearest(name, fields_of(annotation_at(model, path[:-1])))
    if kind == "missing":
        return "missing", f"add `{name}`: {_first_sentence(model, path)}"
    if kind in ("model_type", "dict_type"):
        return "must be a mapping", _mapping_hint(annotation_at(model, path))
    if kind in ("tuple_type", "list_type"):
        return "must be a list", _written(detail["input"], "[{}]") or _first_sentence(model, path)
    if kind == "too_short":
        return "must not be empty", _first_sentence(model, path)
    if kind == "string_type":
        return "must be a text", _written(detail["input"], "'{}'") or _first_sentence(model, path)
    if kind in NUMBERS:
        said, pattern = NUMBERS[kind]
        return said, _number_hint(detail["input"], pattern) or _first_sentence(model, path)
    if kind in ("literal_error", "enum"):
        accepted = re.findall(r"'([^']*)'", str(detail["ctx"]["expected"]))
        return f"must be {_either(accepted)}", nearest(str(detail["input"]), accepted)
    if kind == "value_error":
        message, _, hint = str(detail["ctx"]["error"]).partition("; ")
        return message, hint
    return _say_of_another(detail, path, model)


def _say_of_another(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> tuple[str, str]:
    """Message and hint of bounds, and of whatever has no words of its own."""
    if detail["type"] in BOUNDS:
        key, said, hint = BOUNDS[detail["type"]]
        bound = f"{detail['ctx'][key]:.15g}"
        return said.format(bound), hint.format(bound)
    message = detail["msg"].removeprefix("Input ").removeprefix("Value ").replace("should be", "must be")
    return message, _first_sentence(model, path)


def _written(value: object, pattern: str) -> str:
    """The same value in another form; nothing for what has parts."""
    return "" if isinstance(value, dict | list) else f"write `{pattern.format(value)}`"


def _number_hint(value: object, pattern: str) -> str:
    """The number that was meant, where it is written as a text or with a point too many."""
    found = None if isinstance(value, bool) else re.fullmatch(pattern, str(value))
    return "" if found is None else f"write `{found[1]}`"


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _mapping_hint(annotation: object) -> str:
    fields = fields_of(annotation)
    if not fields:
        return "write its fields below it, indented"
    wanted = [name for name, field in fields.items() if field.is_required()] or list(fields)[:1]
    return f"write `{{{', '.join(f'{name}: ...' for name in wanted)}}}`"


def _first_sentence(model: type[BaseModel], path: Path) -> str:
    """What the field at this path is, or the field of the list that the path leads into."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    field = fields_of(annotation_at(model, path[:-1])).get(str(path[-1])) if path else None
    text = (field.description or "") if field is not None else ""
    return text.partition(". ")[0].removesuffix(".")


def fields_of(annotation: object) -> Mapping[str, FieldInfo]:
    """The fields of a model by their names in YAML; nothing where the annotation is no model."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    return {field.alias or name: field for name, field in annotation.model_fields.items()}


def annotation_at(model: object, path: Path) -> object:
    """The type that a model wants at a path of a document; None where it has none."""
    here = _bare(model)
    for step in path:
        if isinstance(step, int):
            here = _bare(next(iter(get_args(here)), None))
        elif get_origin(here) in (dict, Mapping):
            here = _bare(get_args(here)[1])
        else:
            field = fields_of(here).get(step)
            here = None if field is None else _bare(field.annotation)
    return here


def _bare(annotation: Any) -> object:
    """Without `Annotated` and `| None`; of several types the one that has fields."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [_bare(part) for part in get_args(annotation) if part is not type(None)]
        return next((part for part in parts if fields_of(part)), parts[0])
    return annotation
