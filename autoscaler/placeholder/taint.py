"""Taints of nodes: which the workload tolerates and a placeholder may too, and which say that a node is leaving.

A placeholder tolerates what its workload tolerates, less what would tie it to a node that is no room: nodes that leave,
that are not ready, that are still being set up (bound there, it would tell too short a lead time), and everything at
once (Karpenter does not drain a pod that tolerates its own taint).
"""

from __future__ import annotations

from collections.abc import Iterable

from autoscaler.placeholder.pod import Json, is_leaving, spec
from autoscaler.placeholder.refusal import Cause, Refusal

GONE_AFTER_S = 10
"""Seconds that a placeholder stays on a node that stopped answering: Kubernetes' 300 s would count it as room."""
_UNREADY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_SOFT_LEAVING = "DeletionCandidateOfClusterAutoscaler"
"""The node may be removed in some minutes, or not: no room to ask for, and no reason to go either."""
_LEAVING = (
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "aws-node-termination-handler/",
    "remediator.aks.microsoft.com/unschedulable",
    "cloud.google.com/impending-node-termination",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/out-of-service",
)
_STARTING = (
    "karpenter.sh/unregistered",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "readiness.k8s.io/",
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
    "ebs.csi.aws.com/agent-not-ready",
    "efs.csi.aws.com/agent-not-ready",
    "node.cilium.io/agent-not-ready",
)
_NEVER_TOLERATED = (*_LEAVING, *_STARTING, *_UNREADY, _SOFT_LEAVING)


def leaving_sign(node: Json) -> str | None:
    """What says that a node is being taken away: the key of its taint, or that it is being deleted. None: it stays."""
    taints = (str(t["key"]) for t in spec(node).get("taints") or ())
    sign = next((key for key in taints if _is_one_of(key, _LEAVING)), None)
    return sign or ("deletionTimestamp" if is_leaving(node) else None)


def tolerations(pod: Json, of_pool: Iterable[Json]) -> tuple[Json, ...]:
    """Tolerations of a placeholder: those of the workload that are safe; one for every taint is replaced by the pool's
    own. Whoever tolerates every taint tolerates these, so the placeholder lands nowhere that the workload could not.
    """
    kept: list[Json] = []
    for toleration in spec(pod).get("tolerations") or ():
        for narrow in (toleration,) if toleration.get("key") else _narrowed(toleration, of_pool):
            if not _is_one_of(narrow["key"], _NEVER_TOLERATED) and narrow not in kept:
                kept.append(narrow)
    brief = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": GONE_AFTER_S}
    return (*kept, *({"key": key, **brief} for key in _UNREADY))


def untolerated(pod: Json, of_pool: Iterable[Json]) -> Refusal | None:
    """The refusal where the pool's nodes carry a taint that no toleration of the pod can match."""
    own = spec(pod).get("tolerations") or ()
    for taint in of_pool:
        if taint.get("effect") == "PreferNoSchedule" or not taint.get("key"):
            continue
        if not any(_may_match(toleration, taint) for toleration in own):
            said = "=".join(filter(None, (taint["key"], taint.get("value"))))
            reason = f"the pods do not tolerate {said}, a taint of the pool's nodes; add the toleration to the workload"
            return Refusal(Cause.TAINTS, reason)
    return None


def lasting(node: Json) -> tuple[Json, ...]:
    """The taints of a node that keep pods off it as long as it stands, and not only while it starts or leaves."""
    hard = (t for t in spec(node).get("taints") or () if t.get("effect") != "PreferNoSchedule")
    return tuple(t for t in hard if not _is_one_of(str(t["key"]), _NEVER_TOLERATED))


def tolerates(toleration: Json, taint: Json) -> bool:
    """Whether a toleration is for this taint of a node."""
    return (
        toleration.get("key") in (None, "", taint["key"])
        and toleration.get("effect") in (None, "", taint.get("effect"))
        and (toleration.get("operator") == "Exists" or (toleration.get("value") or "") == (taint.get("value") or ""))
    )


def _narrowed(blanket: Json, of_pool: Iterable[Json]) -> list[Json]:
    """The pool's tolerations, to the effect that the blanket one has."""
    effect = blanket.get("effect")
    fitting = (t for t in of_pool if t.get("key") and (not effect or t.get("effect") in (None, effect)))
    return [{**t, "effect": effect} if effect else t for t in fitting]


def _may_match(toleration: Json, taint: Json) -> bool:
    """Whether some taint could be one that both describe."""
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    effects = {e for e in (toleration.get("effect"), taint.get("effect")) if e}
    if len(effects) > 1:
        return False
    values = [t.get("value") or "" for t in (toleration, taint) if t.get("operator", "Equal") == "Equal"]
    return len(set(values)) <= 1


def _is_one_of(key: str, known: Iterable[str]) -> bool:
    return any(key.startswith(k) if k.endswith("/") else key == k for k in known)
