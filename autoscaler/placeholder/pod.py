"""What the other modules read from a pod object. Absent fields are empty, as in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
"""An object, or a part of one, as the API server writes it. Never changed in place."""

HOSTNAME = "kubernetes.io/hostname"
"""Label that tells the nodes apart: the one topology within which the scheduler can preempt."""
ZONE = "topology.kubernetes.io/zone"
"""Label that tells the zones apart."""


def spec(pod: Json) -> Json:
    """The pod's spec."""
    return pod.get("spec") or {}


def status(pod: Json) -> Json:
    """The pod's status; empty for a template."""
    return pod.get("status") or {}


def metadata(thing: Json) -> Json:
    """The object's metadata."""
    return thing.get("metadata") or {}


def labels(thing: Json) -> Mapping[str, str]:
    """The labels of a pod or a node."""
    return metadata(thing).get("labels") or {}


def required_node_terms(pod: Json) -> Sequence[Json] | None:
    """The terms of the required node affinity, one of which must hold; None where there is no such rule."""
    rules = (spec(pod).get("affinity") or {}).get("nodeAffinity") or {}
    required = rules.get("requiredDuringSchedulingIgnoredDuringExecution")
    return None if required is None else required.get("nodeSelectorTerms") or ()


def namespace(pod: Json) -> str:
    """The pod's namespace; `default` where none is written, as the API has it."""
    return str(metadata(pod).get("namespace") or "default")


def name(thing: Json) -> str:
    """The object's name; empty for a template."""
    return str(metadata(thing).get("name") or "")


def node_name(pod: Json) -> str:
    """The node that the pod is bound to; empty while it has none."""
    return str(spec(pod).get("nodeName") or "")


def is_leaving(thing: Json) -> bool:
    """Whether the object is being deleted."""
    return bool(metadata(thing).get("deletionTimestamp"))


def condition(thing: Json, kind: str) -> Json:
    """The condition of this type; empty where there is none."""
    return next((c for c in status(thing).get("conditions") or () if c.get("type") == kind), {})


def has_claims(pod: Json) -> bool:
    """Whether Dynamic Resource Allocation gives the pod devices: by its own claims, or one made for a resource."""
    return bool(spec(pod).get("resourceClaims") or status(pod).get("extendedResourceClaimStatus"))
