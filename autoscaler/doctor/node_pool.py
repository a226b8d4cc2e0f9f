"""Karpenter's NodePools: which nodes each could make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.placeholder.pod import Json, labels, name, spec
from autoscaler.placeholder.selector import contradiction, matches

WELL_KNOWN = (
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/windows-build",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "karpenter.sh/capacity-type",
)
"""Labels that a NodePool need not name, since the machine types have them."""
OF_PROVIDERS = (
    "karpenter.k8s.aws",
    "karpenter.azure.com",
    "karpenter.k8s.gcp",
    "karpenter.k8s.oci",
    "karpenter.kwok.sh",
)
"""Domains of labels that providers write onto their nodes."""


def makes(node_pool: Json, requirements: Sequence[Json]) -> bool:
    """Whether it could make a node that meets all of them. Never wrong where it says no, but for labels of providers
    that are not known here.
    """
    rules = list(_rules(node_pool))
    wanted = {str(one["key"]) for one in requirements}
    if contradiction([*requirements, *(rule for rule in rules if rule["key"] in wanted)]) is not None:
        return False
    given = {str(rule["key"]) for rule in rules}
    return all(key in given or _comes_with_the_machine(key) or _may_lack(key, requirements) for key in wanted)


def disruption(node_pool: Json) -> str:
    """Its consolidation policy."""
    return str((spec(node_pool).get("disruption") or {}).get("consolidationPolicy") or "WhenEmptyOrUnderutilized")


def lasting_taints(node_pool: Json) -> Sequence[Json]:
    """Taints that its nodes keep."""
    return spec(spec(node_pool).get("template") or {}).get("taints") or ()


def _rules(node_pool: Json) -> Iterator[Json]:
    """What is known of the labels of its nodes."""
    template = spec(node_pool).get("template") or {}
    own = {**labels(template), "karpenter.sh/nodepool": name(node_pool)}
    yield from ({"key": key, "operator": "In", "values": [value]} for key, value in own.items())
    yield from spec(template).get("requirements") or ()


def _comes_with_the_machine(key: str) -> bool:
    return key in WELL_KNOWN or key.partition("/")[0] in OF_PROVIDERS


def _may_lack(key: str, requirements: Sequence[Json]) -> bool:
    return all(matches(one, {}) for one in requirements if one["key"] == key)
