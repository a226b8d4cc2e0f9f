"""Objects of Gateway API, whose definitions alone are on the rig: nothing routes."""

from __future__ import annotations

from tests.cluster.api import Json

ROUTES = "gateway.networking.k8s.io/v1/httproutes"


def http_route(name: str, namespace: str, **weights: int) -> Json:
    """An HTTPRoute that splits traffic between Services by weight."""
    backends = [{"name": service, "port": 8000, "weight": weight} for service, weight in weights.items()]
    return {
        "apiVersion": ROUTES.rpartition("/")[0],
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"rules": [{"backendRefs": backends}]},
    }
