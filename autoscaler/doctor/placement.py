"""Pods of workloads: whether they land where their placeholders stand, and whether placeholders can stand for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.doctor.facts import Facts, Told, Unread, Why, WorkloadFacts, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told, waits
from autoscaler.doctor.pools import of_pool
from autoscaler.placeholder.pin import Pin, pin
from autoscaler.placeholder.pod import Json, has_claims, labels, metadata, required_node_terms, spec, status
from autoscaler.placeholder.request import effective_amounts
from autoscaler.placeholder.taint import lasting, tolerates

TOPIC = "placement"
NO_GPU = Kind(
    "NoGpuAsked",
    Level.ERROR,
    "The pods ask for no GPU of the pool's `gpuResource`, so they may land anywhere, and no placeholder has their "
    "shape.",
    "Add the GPUs to the container's limits, or correct `gpuResource` of the pool.",
)
OUTSIDE = Kind(
    "PoolExcluded",
    Level.ERROR,
    "Pods of the workload cannot land in a pool that the policy names, so no placeholder is made there.",
    "Correct the workload, or take the pool out of the policy.",
)
TAINTED = Kind(
    "NodesNotTolerated",
    Level.ERROR,
    "No node of the pool as it stands would take pods of the workload, since they do not tolerate its taints.",
    "Add the toleration to the workload.",
)
SOFT = Kind(
    "SoftPlacement",
    Level.WARNING,
    "Nothing that must hold keeps the pods in the pool: no node selector and no required node affinity that names "
    "one of its labels. A pod may take room elsewhere while the warm node waits; preferences do not count.",
    "Give the workload a `nodeSelector`, or a required node affinity, by a label that all pools of its policy have.",
)
GATED = Kind(
    "PodsHeldBack",
    Level.WARNING,
    "The pods wait behind a scheduling gate, a queue or `suspend`. Node autoscalers do not see them meanwhile; "
    "placeholders are the only early sign, and quota of a queue is not room.",
    "Nothing, where this is meant: placeholders are made by forecast. A gate in the template itself is never lifted "
    "by us.",
)
CLAIMS = Kind(
    "DeviceClaims",
    Level.WARNING,
    "The pods get devices by claims (DRA). The scheduler does not displace pods to free devices, so placeholders hold "
    "cpu and memory of such nodes only, and step aside by themselves; Karpenter ignores such pods by default.",
    "Use the extended resource of a device plugin, or of a DeviceClass (`extendedResourceName`), where room must be "
    "held to the device.",
)
SHARED_CLAIM = Kind(
    "SharedDeviceClaim",
    Level.WARNING,
    "All pods name one ResourceClaim, whose devices stand on one node: further replicas land there or nowhere, and no "
    "node that is bought for them helps.",
    "Name a ResourceClaimTemplate, so that each pod gets a claim of its own.",
)
BACKED = Kind(
    "ExtendedResourceByClaims",
    Level.NOTE,
    "The extended resource of the pods comes from claims (DRA). Placeholders ask for it too, and hold the devices. The "
    "scheduler does not displace pods to free devices: the controller deletes a placeholder for each pod that waits, "
    "which takes a second or two more.",
    "Nothing; for the scheduler's own speed use a device plugin.",
)
KINDS = (NO_GPU, OUTSIDE, TAINTED, SOFT, GATED, CLAIMS, SHARED_CLAIM, BACKED)
QUEUE = "kueue.x-k8s.io/queue-name"


def checks(facts: Facts) -> Iterator[Check]:
    """One for each workload."""
    pins = {document.name: pin(document.name, document.model) for document in facts.pools}
    for workload in facts.workloads:
        tiers = workload.policy.model.pools
        own = [pins[name] for name in (*tiers.primary, *tiers.burst) if name in pins]
        yield check(TOPIC, workload.policy.name, _findings(workload, own, facts.nodes))


def _findings(workload: WorkloadFacts, pins: Sequence[Pin], nodes: Told[tuple[Json, ...]]) -> Iterator[Finding]:
    where, pod = line(workload.policy, "spec", "workload"), workload.pod
    if isinstance(pod, Unread):
        yield from (waits if pod.why is Why.MISSING else not_told)(where, pod.said)
        return
    no_gpu = None if has_claims(pod) else _asks_for_none(pod, pins)
    if no_gpu is not None:
        yield Finding(NO_GPU, where, no_gpu)
    else:
        yield from _excluded(workload)
    if not isinstance(nodes, Unread):
        possible = {trial.pool for trial in workload.trials if not isinstance(trial.sent, Unread)}
        yield from _tainted(pod, [one for one in pins if one.pool in possible], nodes, where)
    yield from _soft(pod, pins, where)
    yield from _held_back(workload, pod, where)
    yield from _claims(pod, where)


def _claims(pod: Json, where: str) -> Iterator[Finding]:
    claims = spec(pod).get("resourceClaims") or ()
    for kind, field in ((CLAIMS, "resourceClaimTemplateName"), (SHARED_CLAIM, "resourceClaimName")):
        named = [f"{one.get('name')} ({one[field]})" for one in claims if one.get(field)]
        if named:
            yield Finding(kind, where, f"{field}: {', '.join(named)}")
    made = (status(pod).get("extendedResourceClaimStatus") or {}).get("resourceClaimName")
    if made:
        yield Finding(BACKED, where, f"its pod has the claim {made}, made for an extended resource")


def _asks_for_none(pod: Json, pins: Sequence[Pin]) -> str | None:
    try:
        amounts = effective_amounts(pod)
    except ValueError as error:
        return str(error)
    resources = {one.gpu_resource for one in pins}
    if not resources or any(amounts.get(resource) for resource in resources):
        return None
    return f"its pods ask for {', '.join(sorted(amounts)) or 'nothing'}, and not for {', '.join(sorted(resources))}"


def _excluded(workload: WorkloadFacts) -> Iterator[Finding]:
    for trial in workload.trials:
        if not isinstance(trial.sent, Unread):
            continue
        where = line(workload.policy, *_named_at(workload, trial.pool))
        if trial.sent.why is Why.INVALID:
            yield Finding(OUTSIDE, where, trial.sent.said)
        else:
            yield from not_told(where, trial.sent.said)


def _named_at(workload: WorkloadFacts, pool: str) -> tuple[str | int, ...]:
    tiers = workload.policy.model.pools
    if pool in tiers.primary:
        return "spec", "pools", "primary", tiers.primary.index(pool)
    return "spec", "pools", "burst", tiers.burst.index(pool)


def _tainted(pod: Json, pins: Sequence[Pin], nodes: Sequence[Json], where: str) -> Iterator[Finding]:
    own = spec(pod).get("tolerations") or ()
    for one in pins:
        unmet = [
            [taint for taint in lasting(node) if not any(tolerates(toleration, taint) for toleration in own)]
            for node in of_pool(one, nodes)
        ]
        if unmet and all(unmet):
            yield Finding(TAINTED, where, f"its pods do not tolerate {unmet[0][0]['key']} on the nodes of {one.pool}")


def _soft(pod: Json, pins: Sequence[Pin], where: str) -> Iterator[Finding]:
    named = set(spec(pod).get("nodeSelector") or {})
    terms = required_node_terms(pod) or ()
    in_every_term = [{str(e["key"]) for e in term.get("matchExpressions") or ()} for term in terms]
    named |= set.intersection(*in_every_term) if in_every_term else set()
    loose = {one.pool: {str(rule["key"]) for rule in one.requirements} for one in pins}
    loose = {pool: keys for pool, keys in loose.items() if not named & keys}
    if loose:
        keys = ", ".join(sorted(set.union(*loose.values())))
        yield Finding(SOFT, where, f"nothing hard names {keys}, by which {', '.join(loose)} are selected")


def _held_back(workload: WorkloadFacts, pod: Json, where: str) -> Iterator[Finding]:
    gates = [str(gate.get("name")) for gate in spec(pod).get("schedulingGates") or ()]
    if gates:
        yield Finding(GATED, where, f"its pods have the gates {', '.join(gates)}")
    whole = workload.whole
    if isinstance(whole, Unread) or whole is None:
        return
    if QUEUE in {**labels(whole), **(metadata(pod).get("labels") or {})}:
        yield Finding(GATED, where, f"it is queued by {QUEUE}")
    if spec(whole).get("suspend"):
        yield Finding(GATED, where, "it is suspended")
