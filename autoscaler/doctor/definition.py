"""The kind CapacityPlan: the one that this version of the controller writes."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.doctor.facts import Definition, Facts, Told, Unread
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told

TOPIC = "definition"
VERSION = "v1alpha1"
WHERE = "CustomResourceDefinition capacityplans.gpu-autoscaler.io"
MISSING = Kind(
    "DefinitionMissing",
    Level.ERROR,
    "The kind CapacityPlan is not installed: placeholders have no owner, so none is made, and nobody can override.",
    "`kubectl apply --server-side -f helm/crds/`",
)
OTHER = Kind(
    "DefinitionOfOtherVersion",
    Level.ERROR,
    f"CapacityPlan is served, but not in version {VERSION}, which the controller speaks.",
    "Install the definition that came with this version: `kubectl apply --server-side -f helm/crds/`.",
)
OLD = Kind(
    "DefinitionOld",
    Level.ERROR,
    "The definition is of an earlier version: fields that the controller writes are not in it, and what it shows is "
    "refused. Helm does not upgrade definitions.",
    "`kubectl apply --server-side -f helm/crds/`",
)
KINDS = (MISSING, OTHER, OLD)


def checks(facts: Facts) -> Iterator[Check]:
    """One."""
    yield check(TOPIC, "CapacityPlan", _findings(facts.definition))


def _findings(definition: Told[Definition | None]) -> Iterator[Finding]:
    if isinstance(definition, Unread):
        yield from not_told(WHERE, definition.said)
    elif definition is None:
        yield Finding(MISSING, WHERE, "the server does not have it")
    elif VERSION not in definition.versions:
        yield Finding(OTHER, WHERE, f"served: {', '.join(definition.versions)}")
    elif isinstance(definition.fields, Unread):
        yield from not_told(WHERE, definition.fields.said)
    elif lacking := sorted(definition.wanted - definition.fields):
        yield Finding(OLD, WHERE, f"its status lacks {', '.join(lacking)}")
