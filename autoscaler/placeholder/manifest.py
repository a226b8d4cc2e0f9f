"""The manifest of a placeholder: a bare pause pod in our own namespace that any real pod displaces at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autoscaler.placeholder.naming import placeholder_name
from autoscaler.placeholder.pod import ZONE, Json
from autoscaler.placeholder.shape import Shape, shape_key

DOMAIN = "gpu-autoscaler.io"
ROLE = f"{DOMAIN}/role"
PLAN = f"{DOMAIN}/plan"
POOL = f"{DOMAIN}/pool"
SLOT = f"{DOMAIN}/slot"
MEMBER = f"{DOMAIN}/member"
MEMBERS = f"{DOMAIN}/members"
WITHIN = f"{DOMAIN}/within"
SHAPE = f"{DOMAIN}/shape"
EXPIRES = f"{DOMAIN}/expires"
PLACEHOLDER = "placeholder"
"""Value of the role label."""
_ANYBODY = 65535
"""User of the pause container: none that a host knows."""
_GRACE_S = 0
_GRACE_BY_CLAIMS_S = 1
"""A device that was claimed could be handed out twice after a forced deletion; with 1 s the kubelet frees it first."""


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for all placeholders of an installation.

    image: pause, best with a digest. priority_class: of value -10 (-10..-1) with `preemptionPolicy: Never`.
    labels, annotations: further ones that the cluster's own rules ask for (a mesh's opt-out, an owner).
    """

    namespace: str
    image: str
    priority_class: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seat:
    """Whose placeholder it is, and until when.

    slot: 0 or more, unique in plan and pool. owner: `apiVersion`, `kind`, `name`, `uid` of the CapacityPlan, in the
    house's namespace or cluster-scoped (else it is garbage-collected at once). expires: with a time zone.
    """

    plan: str
    pool: str
    slot: int
    owner: Json
    expires: datetime


def placeholder(shape: Shape, seat: Seat, house: House) -> dict[str, Any]:
    """The manifest of the placeholder of this seat. The same arguments give the same manifest."""
    zones = shape.constraints.zones if shape.constraints.distance.spread_over_zones else ()
    here = (ZONE, zones[seat.slot % len(zones)]) if zones else None
    return _manifest(shape, seat, house, here, None, {})


def gang(
    shapes: Sequence[Shape], seat: Seat, house: House, domain: tuple[str, str] | None = None
) -> tuple[dict[str, Any], ...]:
    """Manifests of one whole group, one for each member's shape, to be created and released together.

    domain: node label and value that the group takes for itself, where its workload demands one
    (`exclusive_topology`, `values_of`); every member is pinned to it, since a half group serves nothing.
    """
    within = {} if domain is None else {WITHIN: "=".join(domain)}
    made = []
    for member, shape in enumerate(shapes):
        notes = {MEMBER: str(member), MEMBERS: str(len(shapes)), **within}
        made.append(_manifest(shape, seat, house, domain, member, notes))
    return tuple(made)


def _manifest(
    shape: Shape, seat: Seat, house: House, here: tuple[str, str] | None, member: int | None, notes: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": placeholder_name(seat.plan, seat.pool, seat.slot, member),
            "namespace": house.namespace,
            "labels": {**house.labels, ROLE: PLACEHOLDER, PLAN: seat.plan, POOL: seat.pool},
            "annotations": _annotations(shape, seat, house, notes),
            "ownerReferences": [{**seat.owner, "controller": True}],
        },
        "spec": {
            "priorityClassName": house.priority_class,
            "preemptionPolicy": "Never",
            "schedulerName": shape.scheduler,
            "terminationGracePeriodSeconds": _GRACE_BY_CLAIMS_S if shape.by_claims else _GRACE_S,
            "restartPolicy": "Always",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "nodeSelector": dict(shape.constraints.node_selector),
            "affinity": _affinity(shape, seat.plan, here),
            "tolerations": [dict(t) for t in shape.constraints.tolerations],
            "securityContext": _pod_security(),
            "containers": [_hold(shape, house.image)],
        },
    }


def _annotations(shape: Shape, seat: Seat, house: House, notes: Mapping[str, str]) -> dict[str, str]:
    """Identity goes here, never into labels: node autoscalers group pods by equal labels."""
    return {
        "sidecar.istio.io/inject": "false",
        **house.annotations,
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
        SLOT: str(seat.slot),
        **notes,
        SHAPE: shape_key(shape),
        EXPIRES: seat.expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _affinity(shape: Shape, plan: str, here: tuple[str, str] | None) -> dict[str, Any]:
    where = shape.constraints
    place = [{"key": here[0], "operator": "In", "values": [here[1]]}] if here else []
    more = [*where.distance.now, *place]
    terms = [{**t, "matchExpressions": [*t["matchExpressions"], *more]} for t in where.terms]
    ours = {"labelSelector": {"matchLabels": {ROLE: PLACEHOLDER, PLAN: plan}}}
    apart = [*where.distance.apart, *({**ours, "topologyKey": key} for key in where.distance.one_per)]
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {
        "nodeAffinity": {required: {"nodeSelectorTerms": terms}},
        **({"podAntiAffinity": {required: apart}} if apart else {}),
    }


def _pod_security() -> dict[str, Any]:
    return {"runAsNonRoot": True, "runAsUser": _ANYBODY, "seccompProfile": {"type": "RuntimeDefault"}}


def _hold(shape: Shape, image: str) -> dict[str, Any]:
    return {
        "name": "hold",
        "image": image,
        "resources": {kind: dict(amounts) for kind, amounts in shape.resources.items()},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
