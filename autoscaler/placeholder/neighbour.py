"""What a workload demands of the pods around it, as far as a placeholder can keep to it.

A placeholder carries none of the workload's labels, so no rule of the workload sees it, and rules about pods count
within namespaces. Hence: apart on one host is copied, and holds among placeholders too; a rule over a larger domain is
resolved to the domains that are free, or named, now (a copy would keep others out of a whole zone, and no preemption
cures that); a spread over zones is a zone for each slot; preferences are dropped, as Cluster Autoscaler ignores them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autoscaler.placeholder.pod import HOSTNAME, ZONE, Json, labels, metadata, namespace, spec
from autoscaler.placeholder.refusal import Cause, Refusal
from autoscaler.placeholder.selector import Labels, selects

GROUP_KEYS = ("leaderworkerset.sigs.k8s.io/group-key", "leaderworkerset.sigs.k8s.io/subgroup-key")
"""Labels that LeaderWorkerSet makes a group exclusive with; the next group has other values."""
EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
"""Annotation of its workload, and of the pods, that says by which label of nodes."""
_OF_ONE_POD = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "leaderworkerset.sigs.k8s.io/group-index",
        "leaderworkerset.sigs.k8s.io/worker-index",
        "leaderworkerset.sigs.k8s.io/template-revision-hash",
        *GROUP_KEYS,
    }
)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod that stands, the node that it stands on, and the labels of its namespace."""

    pod: Json
    node: Json
    namespace_labels: Labels


@dataclass(frozen=True, slots=True)
class Distance:
    """What is kept of the rules about other pods.

    apart: anti-affinity terms within one host. one_per: labels of nodes; no two placeholders of the plan may share
    their value. now: requirements on node labels that hold while the neighbours stand where they do.
    spread_over_zones: one slot after the other. left_out: what no placeholder can keep to, in words.
    """

    apart: tuple[Json, ...]
    one_per: tuple[str, ...]
    now: tuple[Json, ...]
    spread_over_zones: bool
    left_out: tuple[str, ...]


def distance(pod: Json, peers: Sequence[Peer]) -> Distance | Refusal:
    """The rules of a pod about others, with `peers` all pods that they may speak of. A refusal where it must stand
    beside pods that stand nowhere.
    """
    now: list[Json] = []
    for term in required_terms(pod, "podAffinity"):
        beside = _beside(pod, term, peers)
        if isinstance(beside, Refusal):
            return beside
        now += beside
    apart, one_per = _port_rules(pod)
    for term in required_terms(pod, "podAntiAffinity"):
        if _is_exclusive_group(term):
            now += _outside(term["topologyKey"], (p for p in peers if _is_in_some_group(p)))
            continue
        if speaks_of(term, pod, {}) and term["topologyKey"] not in one_per:
            one_per.append(term["topologyKey"])
        if term["topologyKey"] == HOSTNAME:
            apart += [] if term in apart else [term]
        else:
            now += _outside(term["topologyKey"], _matched(term, peers))
    spreads = list(_hard_spreads(pod))
    left_out = [f"even spread over {key}" for key in dict.fromkeys(spreads) if key != ZONE]
    return Distance(tuple(apart), tuple(one_per), tuple(_once(now)), ZONE in spreads, tuple(left_out))


def exclusive_topology(pod: Json) -> str | None:
    """The label of nodes of which a whole group takes one value for itself (LeaderWorkerSet); None: no such rule."""
    key = (metadata(pod).get("annotations") or {}).get(EXCLUSIVE)
    return str(key) if key else None


def required_terms(pod: Json, kind: str) -> Iterator[Json]:
    """Required terms of `podAffinity` or `podAntiAffinity` that select anything, label keys resolved to the pod's own
    values, with the namespace named, as another pod must write them to say the same.
    """
    rules = (spec(pod).get("affinity") or {}).get(kind) or {}
    for term in rules.get(_REQUIRED) or ():
        if term.get("labelSelector") is None:
            continue
        whole = {"labelSelector": _with_keys(term, labels(pod)), "topologyKey": term["topologyKey"]}
        selector = term.get("namespaceSelector")
        named = {"namespaces": term["namespaces"]} if term.get("namespaces") else {}
        chosen = {} if selector is None else {"namespaceSelector": selector}
        yield {**whole, **(named | chosen or {"namespaces": [namespace(pod)]})}


def speaks_of(term: Json, pod: Json, namespace_labels: Labels) -> bool:
    """Whether a term that names its namespaces selects this pod, which stands in a namespace with these labels."""
    where = {"kubernetes.io/metadata.name": namespace(pod), **namespace_labels}
    within = namespace(pod) in (term.get("namespaces") or ()) or selects(term.get("namespaceSelector"), where)
    return within and selects(term["labelSelector"], labels(pod))


def _with_keys(term: Json, own: Labels) -> Json:
    """The selector with `matchLabelKeys` and `mismatchLabelKeys` merged into it, as the API server does for a pod."""
    selector = term["labelSelector"]
    expressions = list(selector.get("matchExpressions") or ())
    for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
        for key in term.get(field) or ():
            merged = {"key": key, "operator": operator, "values": [own.get(key)]}
            if key in own and merged not in expressions:
                expressions.append(merged)
    return {**selector, **({"matchExpressions": expressions} if expressions else {})}


def _beside(pod: Json, term: Json, peers: Sequence[Peer]) -> list[Json] | Refusal:
    """Requirements that put a placeholder where the pods stand that a term demands."""
    key = term["topologyKey"]
    if _is_exclusive_group(term):
        return []
    found = list(_matched(term, peers))
    if key == HOSTNAME and any(_is_of_daemon_set(p.pod) for p in found):
        return []  # such a pod comes with every node
    values = _values(key, found)
    if values:
        return [{"key": key, "operator": "In", "values": values}]
    if speaks_of(term, pod, {}):
        return []  # the first of its kind may stand anywhere
    return Refusal(Cause.NEIGHBOURS, f"the pods that it must share {key} with stand nowhere: {term['labelSelector']}")


def _outside(key: str, found: Iterable[Peer]) -> list[Json]:
    values = _values(key, found)
    return [{"key": key, "operator": "NotIn", "values": values}] if values else []


def _values(key: str, found: Iterable[Peer]) -> list[str]:
    return sorted({labels(p.node)[key] for p in found if key in labels(p.node)})


def _matched(term: Json, peers: Iterable[Peer]) -> Iterator[Peer]:
    return (peer for peer in peers if speaks_of(term, peer.pod, peer.namespace_labels))


def _port_rules(pod: Json) -> tuple[list[Json], list[str]]:
    """A port of the host can be had once a node: apart from the pods that have it, and from one another."""
    if not _takes_host_ports(pod):
        return [], []
    own = {k: v for k, v in labels(pod).items() if k not in _OF_ONE_POD}
    same = {"labelSelector": {"matchLabels": own}, "topologyKey": HOSTNAME, "namespaces": [namespace(pod)]}
    return ([same] if own else []), [HOSTNAME]


def _takes_host_ports(pod: Json) -> bool:
    containers = [*(spec(pod).get("containers") or ()), *_sidecars(pod)]
    ports = [port for container in containers for port in container.get("ports") or ()]
    return any(port.get("hostPort") or spec(pod).get("hostNetwork") for port in ports)


def _sidecars(pod: Json) -> list[Json]:
    return [c for c in spec(pod).get("initContainers") or () if c.get("restartPolicy") == "Always"]


def _hard_spreads(pod: Json) -> Iterator[str]:
    """Keys over which the pods of the workload must be spread evenly."""
    for rule in spec(pod).get("topologySpreadConstraints") or ():
        selector = rule.get("labelSelector")
        if rule.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule" and selects(selector, labels(pod)):
            yield rule["topologyKey"]


def _is_exclusive_group(term: Json) -> bool:
    expressions = term["labelSelector"].get("matchExpressions") or ()
    return any(e["key"] in GROUP_KEYS for e in expressions)


def _is_in_some_group(peer: Peer) -> bool:
    return any(key in labels(peer.pod) for key in GROUP_KEYS)


def _is_of_daemon_set(pod: Json) -> bool:
    return any(owner.get("kind") == "DaemonSet" for owner in metadata(pod).get("ownerReferences") or ())


def _once(requirements: Iterable[Json]) -> list[Json]:
    kept: list[Json] = []
    for requirement in requirements:
        if requirement not in kept:
            kept.append(requirement)
    return kept
