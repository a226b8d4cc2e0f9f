"""Selectors of Kubernetes: labels, node terms, taints and tolerations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.cluster.api import Json

HARD = ("NoSchedule", "NoExecute")


def expression_holds(expression: Json, labels: Mapping[str, str]) -> bool:
    """One match expression against labels."""
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
        case "Lt":
            return value is not None and int(value) < int(values[0])
    raise ValueError(f"unknown operator {expression['operator']}")


def labels_match(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """A label selector; an empty one matches all, a missing one nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        expression_holds(one, labels) for one in expressions
    )


def node_matches(pod: Json, name: str, labels: Mapping[str, str]) -> bool:
    """Node selector and required node affinity of a pod against a node."""
    spec = pod["spec"]
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_term_holds(term, name, labels) for term in required["nodeSelectorTerms"])


def _term_holds(term: Json, name: str, labels: Mapping[str, str]) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    return all(expression_holds(one, labels) for one in expressions) and all(
        expression_holds(one, {"metadata.name": name}) for one in fields
    )


def untolerated(pod: Json, taints: Sequence[Json]) -> Json | None:
    """The first hard taint that a pod does not tolerate."""
    tolerations = pod["spec"].get("tolerations") or []
    for taint in taints:
        if taint["effect"] in HARD and not any(_tolerates(one, taint) for one in tolerations):
            return taint
    return None


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    same_key = toleration.get("key") == taint["key"]
    return bool(same_key and toleration.get("value", "") == taint.get("value", ""))
