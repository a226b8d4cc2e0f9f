"""Pools: whether their nodes are what the policy says, and whether there could be one where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from autoscaler.doctor.facts import Facts, Told, Unread, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told
from autoscaler.doctor.node_pool import disruption, lasting_taints, makes
from autoscaler.placeholder.pin import Pin, pin
from autoscaler.placeholder.pod import Json, condition, labels, name, status
from autoscaler.placeholder.quantity import ONE, billionths
from autoscaler.placeholder.selector import matches
from autoscaler.placeholder.taint import lasting, tolerates
from autoscaler.policy.check import PoolDocument

TOPIC = "pools"
NOT_FROM_ZERO = Kind(
    "PoolUnobtainable",
    Level.ERROR,
    "The pool has no node, and none of Karpenter's NodePools can make one that its `nodeAffinity` selects.",
    "Compare `nodeAffinity` with the labels and requirements of your NodePools; a label of your own must stand in the "
    "NodePool's template.",
)
FROM_ZERO = Kind(
    "FromZeroNotTold",
    Level.UNKNOWN,
    "The pool has no node now, and what the node autoscaler could make cannot be read from the API.",
    "Cluster Autoscaler: the node group's template must carry the labels of `nodeAffinity`, the taints and the GPUs "
    "(`k8s.io/cluster-autoscaler/node-template/...` on an AWS group; "
    "`capacity.cluster-autoscaler.kubernetes.io/...` with Cluster API), and its maximum must not be 0.",
)
AFTER_BOOT = Kind(
    "LabelAfterBoot",
    Level.WARNING,
    "The pool is selected by a label that software writes onto a node after it has booted; no node autoscaler knows "
    "that a new node would have it, so the pool cannot be had from zero.",
    "Select by a label that the node group or NodePool gives its nodes.",
)
COUNT = Kind(
    "GpuCountDiffers",
    Level.ERROR,
    "Nodes of the pool offer another number of GPUs than `gpusPerNode`, so warm room and costs are counted wrong.",
    "Write what `kubectl get node -o jsonpath={.status.allocatable}` shows, and make a pool for each size of node.",
)
NO_GPUS = Kind(
    "NoGpusOffered",
    Level.ERROR,
    "Nodes of the pool are ready and offer none of its `gpuResource`: the name is another (MIG, time slicing), or the "
    "device plugin does not run.",
    "Correct `gpuResource`, or see the DaemonSet of the device plugin on these nodes.",
)
TAINT = Kind(
    "TaintNotNamed",
    Level.WARNING,
    "Nodes of the pool carry a taint that its `tolerations` do not name, so a workload that lacks the toleration is "
    "not told apart, and its placeholders would wait for ever.",
    "Add the toleration to the pool.",
)
OVERLAP = Kind(
    "PoolsOverlap",
    Level.WARNING,
    "A node belongs to several pools. It is counted for the first alone.",
    "Add a requirement to `nodeAffinity` that tells them apart, such as the capacity type.",
)
CONSOLIDATES = Kind(
    "KarpenterConsolidates",
    Level.WARNING,
    "The NodePool may replace nodes that are little used: it buys a smaller node for a placeholder, evicts it, and the "
    "node stands empty.",
    "Set `disruption.consolidationPolicy: WhenEmpty` and a `consolidateAfter` of some minutes on NodePools with GPUs.",
)
NO_LABEL = Kind(
    "AcceleratorLabelMissing",
    Level.WARNING,
    "Cluster Autoscaler runs, and nodes of the pool have no label by which it knows GPU nodes: while the driver "
    "starts it takes a new node for one without GPUs, and buys more.",
    "Let the node group give its nodes the provider's label, such as k8s.amazonaws.com/accelerator.",
)
KINDS = (NOT_FROM_ZERO, FROM_ZERO, AFTER_BOOT, COUNT, NO_GPUS, TAINT, OVERLAP, CONSOLIDATES, NO_LABEL)
WRITTEN_AFTER_BOOT = ("nvidia.com/", "feature.node.kubernetes.io/", "amd.com/")
ACCELERATOR_LABELS = (
    "cloud.google.com/gke-accelerator",
    "k8s.amazonaws.com/accelerator",
    "kubernetes.azure.com/accelerator",
    "accelerator",
    "cluster-api/accelerator",
)


def checks(facts: Facts) -> Iterator[Check]:
    """One for each pool."""
    pins = [pin(document.name, document.model) for document in facts.pools]
    for document, own in zip(facts.pools, pins, strict=True):
        yield check(TOPIC, document.name, _findings(document, own, pins, facts))


def of_pool(own: Pin, nodes: Sequence[Json]) -> list[Json]:
    """The nodes that a pool selects."""
    return [node for node in nodes if all(matches(rule, labels(node)) for rule in own.requirements)]


def _findings(document: PoolDocument, own: Pin, pins: Sequence[Pin], facts: Facts) -> Iterator[Finding]:
    where = line(document, "spec", "nodeAffinity")
    if isinstance(facts.nodes, Unread):
        yield from not_told(where, facts.nodes.said)
        return
    nodes = of_pool(own, facts.nodes)
    makers = [one for one in _listed(facts.node_pools) if makes(one, own.requirements)]
    if not nodes:
        yield from _from_zero(own, where, makers, facts.node_pools)
    ready = [node for node in nodes if condition(node, "Ready").get("status") == "True"]
    yield from _gpus(document, own, ready)
    yield from _taints(document, own, [*(lasting(node) for node in ready), *map(lasting_taints, makers)])
    yield from _overlaps(own, pins, nodes, where)
    for one in makers:
        if disruption(one) != "WhenEmpty":
            yield Finding(CONSOLIDATES, f"NodePool {name(one)}", f"its consolidationPolicy is {disruption(one)}")
    if facts.cutoff is not None and ready and not any(label in labels(ready[0]) for label in ACCELERATOR_LABELS):
        yield Finding(NO_LABEL, f"node {name(ready[0])}", f"it has none of {', '.join(ACCELERATOR_LABELS)}")


def _from_zero(
    own: Pin, where: str, makers: Sequence[Json], node_pools: Told[tuple[Json, ...] | None]
) -> Iterator[Finding]:
    if makers:
        return
    late = [rule["key"] for rule in own.requirements if str(rule["key"]).startswith(WRITTEN_AFTER_BOOT)]
    if late:
        yield Finding(AFTER_BOOT, where, f"there is no node now, and {late[0]} is written after boot")
    said = " and ".join(
        f"{rule['key']} {rule['operator']} {rule.get('values', '')}".strip() for rule in own.requirements
    )
    if isinstance(node_pools, Unread):
        yield Finding(FROM_ZERO, where, f"there is no node with {said}, and NodePools are unknown: {node_pools.said}")
    elif node_pools:
        named = ", ".join(map(name, node_pools))
        yield Finding(NOT_FROM_ZERO, where, f"there is no node with {said}, and no NodePool for it among {named}")
    else:
        yield Finding(FROM_ZERO, where, f"there is no node with {said}, and no NodePool at all")


def _gpus(document: PoolDocument, own: Pin, ready: Sequence[Json]) -> Iterator[Finding]:
    offers = [(name(node), billionths(_allocatable(node).get(own.gpu_resource, 0)) // ONE) for node in ready]
    bare = [node for node, gpus in offers if gpus == 0]
    if bare:
        what = f"{len(bare)} of {len(offers)} ready nodes offer no {own.gpu_resource}, such as {bare[0]}"
        yield Finding(NO_GPUS, line(document, "spec", "gpuResource"), what)
    sizes = Counter(gpus for _, gpus in offers if gpus not in (0, own.gpus_per_node))
    for gpus, count in sorted(sizes.items()):
        what = f"{count} of {len(offers)} ready nodes offer {gpus}, and gpusPerNode says {own.gpus_per_node}"
        yield Finding(COUNT, line(document, "spec", "gpusPerNode"), what)


def _allocatable(node: Json) -> Json:
    return status(node).get("allocatable") or {}


def _taints(document: PoolDocument, own: Pin, carried: Sequence[Sequence[Json]]) -> Iterator[Finding]:
    where = line(document, "spec", "tolerations")
    told = set()
    for taint in (taint for taints in carried for taint in taints):
        said = f"{taint['key']}={taint.get('value', '')}:{taint.get('effect')}"
        if said not in told and not any(tolerates(one, taint) for one in own.tolerations):
            told.add(said)
            yield Finding(TAINT, where, f"nodes carry {said}")


def _overlaps(own: Pin, pins: Sequence[Pin], nodes: Sequence[Json], where: str) -> Iterator[Finding]:
    for other in pins[: pins.index(own)]:
        shared = of_pool(other, nodes)
        if shared:
            yield Finding(
                OVERLAP, where, f"{len(shared)} nodes are of pool {other.pool} too, such as {name(shared[0])}"
            )


def _listed(node_pools: Told[tuple[Json, ...] | None]) -> tuple[Json, ...]:
    return () if node_pools is None or isinstance(node_pools, Unread) else node_pools
