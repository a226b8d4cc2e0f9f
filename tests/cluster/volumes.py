"""Volumes on the rig, where nobody binds or protects them: claims are bound from the begin on, or never."""

from __future__ import annotations

from tests.cluster.api import Json
from tests.cluster.cluster import LEFT, Cluster
from tests.cluster.pools import ZONE_LABEL

MODES = ["ReadOnlyMany"]
SIZE = {"storage": "1Gi"}
BOUND = {"pv.kubernetes.io/bind-completed": "yes"}


def claim(cluster: Cluster, name: str, **wanted: str) -> Json:
    """A claim in the test's namespace, and the volume of a pod that uses it. wanted: `volumeName` of one that is bound,
    or `storageClassName`."""
    space = cluster.namespace
    spec = {"storageClassName": "", "accessModes": MODES, "resources": {"requests": SIZE}, **wanted}
    notes = BOUND if "volumeName" in wanted else {}
    body = {"metadata": {"name": name, "namespace": space, "annotations": notes}, "spec": spec}
    cluster.create("persistentvolumeclaims", body)
    cluster.api.patch("persistentvolumeclaims", name, LEFT, space)
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


def zonal_volume(cluster: Cluster, name: str, zone: str) -> Json:
    """A volume of one zone, bound to a claim of the same name; the volume of a pod that uses it."""
    full = f"{cluster.namespace}-{name}"
    there = {"matchExpressions": [{"key": ZONE_LABEL, "operator": "In", "values": [zone]}]}
    spec = {
        "accessModes": MODES, "capacity": SIZE, "hostPath": {"path": "/disk"}, "storageClassName": "",
        "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": cluster.namespace, "name": name},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [there]}},
    }  # fmt: skip
    cluster.create("persistentvolumes", {"metadata": {"name": full}, "spec": spec})
    cluster.api.patch("persistentvolumes", full, LEFT)
    cluster.api.patch("persistentvolumes", full, {"status": {"phase": "Bound"}}, subresource="status")
    return claim(cluster, name, volumeName=full)
