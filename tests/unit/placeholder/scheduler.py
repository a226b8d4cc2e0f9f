"""The scheduler's rules for one pod and one node, written again from the API reference, to test against.

Nothing is shared with the product: a mistake in one is not in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def may_stand(pod: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether labels, fields and taints of a node let the pod in, by nodeSelector, required affinity, tolerations."""
    spec, labels = pod["spec"], node["metadata"]["labels"]
    if not set((spec.get("nodeSelector") or {}).items()) <= set(labels.items()):
        return False
    rule = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if rule is not None and not any(_term(t, labels, node["metadata"]["name"]) for t in rule["nodeSelectorTerms"]):
        return False
    hard = [t for t in node["spec"].get("taints") or [] if t["effect"] != "PreferNoSchedule"]
    return all(any(_tolerates(t, taint) for t in spec.get("tolerations") or []) for taint in hard)


def _term(term: Mapping[str, Any], labels: Labels, name: str) -> bool:
    rules = [*(term.get("matchExpressions") or []), *(term.get("matchFields") or [])]
    seen = {**labels, "metadata.name": name}
    return bool(rules) and all(_met(rule, seen) for rule in rules)


def _met(rule: Mapping[str, Any], labels: Labels) -> bool:
    there = rule["key"] in labels
    value = labels.get(rule["key"], "")
    values = rule.get("values") or []
    if rule["operator"] in ("Gt", "Lt"):
        if not there or not value.lstrip("-").isdecimal():
            return False
        difference = int(value) - int(values[0])
        return difference > 0 if rule["operator"] == "Gt" else difference < 0
    return {
        "In": there and value in values,
        "NotIn": not (there and value in values),
        "Exists": there,
        "DoesNotExist": not there,
    }[rule["operator"]]


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")
