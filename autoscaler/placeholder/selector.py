"""Selectors as the scheduler reads them: which labels they match, and whether any labels could match at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from autoscaler.placeholder.pod import Json

Labels = Mapping[str, str]
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def matches(requirement: Json, labels: Labels) -> bool:
    """Whether labels meet one requirement (`key`, `operator`, `values`). An unknown operator matches nothing."""
    value = labels.get(requirement["key"])
    values = requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return value is not None and _compares(requirement, value)
    return False


def selects(selector: Json | None, labels: Labels) -> bool:
    """Whether a label selector (`matchLabels`, `matchExpressions`) selects them: an empty one all, none nothing."""
    if selector is None:
        return False
    wanted: Labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return all(labels.get(k) == v for k, v in wanted.items()) and all(matches(e, labels) for e in expressions)


def node_matches(node_selector: Labels, terms: Sequence[Json], labels: Labels, name: str) -> bool:
    """Whether a node passes `nodeSelector` and, where there are terms, one of them (fields included)."""
    if any(labels.get(k) != v for k, v in node_selector.items()):
        return False
    return not terms or any(_term_matches(term, labels, name) for term in terms)


def is_empty(term: Json) -> bool:
    """Whether a node selector term says nothing; the scheduler lets such a term match no node."""
    return not term.get("matchExpressions") and not term.get("matchFields")


def contradiction(requirements: Iterable[Json]) -> str | None:
    """The key on which no labels could meet all requirements together; None where some could.

    Never wrong where it names a key; ranges (Gt, Lt) that only exclusions empty are taken as possible.
    """
    by_key: dict[str, list[Json]] = {}
    for requirement in requirements:
        by_key.setdefault(requirement["key"], []).append(requirement)
    return next((key for key, together in by_key.items() if not _possible(together)), None)


def _term_matches(term: Json, labels: Labels, name: str) -> bool:
    fields = {"metadata.name": name}
    return (
        not is_empty(term)
        and all(matches(e, labels) for e in term.get("matchExpressions") or ())
        and all(matches(f, fields) for f in term.get("matchFields") or ())
    )


def _possible(together: list[Json]) -> bool:
    """Whether one value of one key, or its absence, meets them all."""
    key = together[0]["key"]
    if all(matches(r, {}) for r in together):
        return True
    named = [r["values"] for r in together if r["operator"] == "In"]
    if named:
        return any(all(matches(r, {key: value}) for r in together) for value in named[0])
    if any(r["operator"] == "DoesNotExist" for r in together):
        return False
    above = [b for r in together if r["operator"] == "Gt" and (b := _bound(r)) is not None]
    below = [b for r in together if r["operator"] == "Lt" and (b := _bound(r)) is not None]
    return not (above and below) or max(above) + 1 < min(below)


def _compares(requirement: Json, value: str) -> bool:
    bound, number = _bound(requirement), _whole(value)
    if bound is None or number is None:
        return False
    return number > bound if requirement["operator"] == "Gt" else number < bound


def _bound(requirement: Json) -> int | None:
    return _whole((requirement.get("values") or ("",))[0])


def _whole(text: str) -> int | None:
    """The number, as the scheduler reads label values: decimal digits that fit 64 bits."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
