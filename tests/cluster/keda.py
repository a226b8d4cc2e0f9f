"""Objects of KEDA, whose definitions are on the rig in any case, and its programs where they have been built."""

from __future__ import annotations

from tests.cluster.api import Json

SCALED_OBJECTS = "keda.sh/v1alpha1/scaledobjects"


def scaled_object(name: str, namespace: str, least: int, most: int, url: str, path: str = "replicas") -> Json:
    """A ScaledObject of the Deployment of its name that wants as many replicas as an endpoint says, by a path in its
    JSON."""
    metadata = {"url": url, "valueLocation": path, "targetValue": "1"}
    trigger = {"type": "metrics-api", "metadata": metadata}
    spec = {
        "scaleTargetRef": {"name": name}, "minReplicaCount": least, "maxReplicaCount": most, "pollingInterval": 1,
        "cooldownPeriod": 5, "triggers": [trigger],
    }  # fmt: skip
    return {
        "apiVersion": SCALED_OBJECTS.rpartition("/")[0],
        "kind": "ScaledObject",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
