"""Volumes pin a placeholder where the next pod will need them, and only then."""

from __future__ import annotations

from typing import Any

from autoscaler.placeholder.volume import reachable_from, shared_claims
from tests.unit.placeholder.objects import ZONE, expressions, pod


def claim(name: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


def test_claims_of_one_pod_do_not_bind_the_next() -> None:
    volumes = [claim("models"), claim("cache-chat-0"), claim("models"), {"name": "scratch", "ephemeral": {}}]
    of_set = pod(volumes=volumes)
    of_set["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "chat"}]
    assert shared_claims(of_set) == ("models",)
    assert shared_claims(pod(volumes=volumes)) == ("models", "cache-chat-0")
    assert shared_claims(pod()) == ()


def test_a_volume_names_its_nodes_and_a_class_its_topologies() -> None:
    terms = [expressions((ZONE, "In", ["a"]))]
    volume = {"kind": "PersistentVolume", "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}}
    topologies = [{"matchLabelExpressions": [{"key": ZONE, "values": ["a"]}]}]
    assert reachable_from(volume) == tuple(terms)
    assert reachable_from({"kind": "StorageClass", "allowedTopologies": topologies}) == tuple(terms)
    assert reachable_from({"kind": "PersistentVolume", "spec": {}}) == ()
    assert reachable_from({"kind": "StorageClass"}) == ()
