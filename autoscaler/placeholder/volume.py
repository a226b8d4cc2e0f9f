"""Volumes that hold a pod to some nodes: a placeholder has none, but may stand only where they can be reached."""

from __future__ import annotations

from autoscaler.placeholder.pod import Json, metadata, name, spec


def shared_claims(pod: Json) -> tuple[str, ...]:
    """Names of the volume claims that every further pod of the workload will use too.

    Claims made for this one pod do not count: ephemeral ones, and those of a StatefulSet, which end in the pod's name;
    the next pod gets its own, anywhere.
    """
    by_set = any(owner.get("kind") == "StatefulSet" for owner in metadata(pod).get("ownerReferences") or ())
    claims = (volume.get("persistentVolumeClaim") or {} for volume in spec(pod).get("volumes") or ())
    names = (str(claim["claimName"]) for claim in claims if claim)
    return tuple(dict.fromkeys(n for n in names if not (by_set and n.endswith(f"-{name(pod)}"))))


def reachable_from(volume: Json) -> tuple[Json, ...]:
    """Node selector terms, one of which must hold, from which a PersistentVolume can be reached, or in which a
    StorageClass may make one. Empty: from everywhere.
    """
    if volume.get("kind") == "StorageClass":
        return tuple(_of_topology(topology) for topology in volume.get("allowedTopologies") or ())
    required = (spec(volume).get("nodeAffinity") or {}).get("required") or {}
    return tuple(required.get("nodeSelectorTerms") or ())


def _of_topology(topology: Json) -> Json:
    expressions = topology.get("matchLabelExpressions") or ()
    return {"matchExpressions": [{"key": e["key"], "operator": "In", "values": e["values"]} for e in expressions]}
