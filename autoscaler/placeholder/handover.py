"""Active handover: which placeholder has to go so that a waiting pod fits, where the scheduler does not do it itself.

Usually it does: it evicts a placeholder for any pod of higher priority, on one node. It does not for pods that may not
preempt or do not rank higher, nor to free devices that were claimed, nor where a placeholder on one node keeps the pod
from another. Then one placeholder goes for a pod at a time, all of them in one domain, never all there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.placeholder.neighbour import required_terms, speaks_of
from autoscaler.placeholder.pod import (
    HOSTNAME,
    Json,
    condition,
    has_claims,
    is_leaving,
    metadata,
    name,
    node_name,
    required_node_terms,
    spec,
    status,
)
from autoscaler.placeholder.request import Amounts, effective_amounts
from autoscaler.placeholder.selector import Labels, node_matches

_SAID_BY_SCHEDULER = ("anti-affinity", "topology spread constraints")
"""In its message, where placements of pods exclude each other; the API has no field for it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A real pod, how long it has been Pending, and how long ago a placeholder was given up for it (None: never).

    namespace_labels: of the placeholders' namespace, which its affinity rules may select.
    """

    pod: Json
    waited_s: float
    since_handover_s: float | None
    namespace_labels: Labels


@dataclass(frozen=True, slots=True)
class Handover:
    """The placeholder that has to be deleted, the pod that it goes for (its uid), and why, in words."""

    placeholder: Json
    pod_uid: str
    reason: str


def handovers(
    waiting: Iterable[Waiting], placeholders: Sequence[Json], nodes: Mapping[str, Labels], patience_s: float
) -> tuple[Handover, ...]:
    """At most one for each waiting pod, and no placeholder twice; longest waiting first."""
    found: list[Handover] = []
    for one in sorted(waiting, key=lambda w: -w.waited_s):
        left = [p for p in placeholders if not any(p is h.placeholder for h in found)]
        handed = handover_needed(one, left, nodes, patience_s)
        found += [handed] if handed else []
    return tuple(found)


def handover_needed(
    waiting: Waiting, placeholders: Sequence[Json], nodes: Mapping[str, Labels], patience_s: float
) -> Handover | None:
    """The placeholder to delete for a pod; None where there is none, or the scheduler takes one by itself.

    placeholders: those that stand for the pod's workload. nodes: labels of nodes by name. patience_s: how long a pod
    may wait although a placeholder could make room, and how long the scheduler has to use the room given up before.
    """
    pod = waiting.pod
    given_up = waiting.since_handover_s
    if not _waits_for_room(waiting, patience_s) or (given_up is not None and given_up < patience_s):
        return None
    fitting = [p for p in placeholders if _makes_room(p, pod, nodes)]
    if not fitting:
        return None
    uid = str(metadata(pod).get("uid", ""))
    key = _excluding_key(waiting, fitting)
    certain = _certain_reason(pod, fitting, key)
    if certain is not None:
        excluding = [p for p in placeholders if key and node_name(p) in nodes and key in _excluding_keys(waiting, p)]
        return Handover(_cheapest(fitting, excluding, pod, nodes, key or HOSTNAME), uid, certain)
    likely = _likely_reason(waiting, patience_s) if given_up is None else None
    return Handover(_cheapest(fitting, [], pod, nodes, HOSTNAME), uid, likely) if likely else None


def _waits_for_room(waiting: Waiting, patience_s: float) -> bool:
    """The scheduler has tried it, found no room, and is not making any: a nomination says that it is, or that a node
    autoscaler expects a node; in either case the pod need not wait longer than the patience for it.
    """
    pod = waiting.pod
    tried = condition(pod, "PodScheduled")
    unschedulable = tried.get("status") == "False" and tried.get("reason") == "Unschedulable"
    nominated = bool(status(pod).get("nominatedNodeName")) and waiting.waited_s <= patience_s
    return unschedulable and not (node_name(pod) or is_leaving(pod) or nominated)


def _makes_room(placeholder: Json, pod: Json, nodes: Mapping[str, Labels]) -> bool:
    """Whether it holds a node that the pod may use, and enough room there."""
    node = node_name(placeholder)
    if not node or is_leaving(placeholder) or node not in nodes:
        return False
    terms = required_node_terms(pod)
    selector = spec(pod).get("nodeSelector") or {}
    if (terms is not None and not terms) or not node_matches(selector, terms or (), nodes[node], node):
        return False
    held, asked = effective_amounts(placeholder), effective_amounts(pod)
    return all(held.get(resource, 0) >= amount for resource, amount in asked.items())


def _certain_reason(pod: Json, fitting: Sequence[Json], key: str | None) -> str | None:
    """Why the scheduler can take none of them."""
    if spec(pod).get("preemptionPolicy") == "Never":
        return "the pod may not preempt (preemptionPolicy Never)"
    if _priority(pod) <= min(_priority(p) for p in fitting):
        return f"the pod's priority {_priority(pod)} is not above that of placeholders"
    if has_claims(pod) or any(has_claims(p) for p in fitting):
        return "the scheduler does not preempt to free claimed devices"
    return None if key is None else f"placeholders and the pod exclude each other by {key}"


def _likely_reason(waiting: Waiting, patience_s: float) -> str | None:
    """Why one may be in the way all the same. It is tried once for a pod: what does not help must not go on."""
    message = condition(waiting.pod, "PodScheduled").get("message", "")
    told = next((words for words in _SAID_BY_SCHEDULER if words in message), None)
    if told is not None:
        return f"the scheduler finds no place by {told}"
    if waiting.waited_s > patience_s:
        return f"Pending for {waiting.waited_s:.0f} s although a placeholder could make room"
    return None


def _excluding_key(waiting: Waiting, fitting: Sequence[Json]) -> str | None:
    return next((key for p in fitting for key in _excluding_keys(waiting, p)), None)


def _excluding_keys(waiting: Waiting, placeholder: Json) -> list[str]:
    """Labels, other than the host's, by which anti-affinity keeps pod and placeholder apart, from either side."""
    pod = waiting.pod
    by_pod = (t for t in required_terms(pod, "podAntiAffinity") if speaks_of(t, placeholder, waiting.namespace_labels))
    by_ours = (t for t in required_terms(placeholder, "podAntiAffinity") if speaks_of(t, pod, {}))
    return [t["topologyKey"] for t in (*by_pod, *by_ours) if t["topologyKey"] != HOSTNAME]


def _cheapest(
    fitting: Sequence[Json], excluding: Sequence[Json], pod: Json, nodes: Mapping[str, Labels], key: str
) -> Json:
    """The one that holds least beyond the need; then by name, so that a repeat chooses the same.

    Where they exclude the pod from a whole domain, all there have to go: the domain with the fewest, and in it those
    first whose room the pod could not use, so that its own is held to the last.
    """

    def domain(placeholder: Json) -> str:
        return nodes[node_name(placeholder)].get(key, "")

    def cost(placeholder: Json) -> tuple[bool, int, int, str]:
        extended, other = _excess(effective_amounts(placeholder), effective_amounts(pod))
        return (any(placeholder is f for f in fitting), extended, other, name(placeholder))

    if not excluding:
        return min(fitting, key=cost)
    crowd = Counter(domain(p) for p in excluding)
    chosen = min({domain(p) for p in fitting}, key=lambda d: (crowd[d], d))
    return min((p for p in [*excluding, *fitting] if domain(p) == chosen), key=cost)


def _excess(held: Amounts, asked: Amounts) -> tuple[int, int]:
    """What would be given up in vain: extended resources first, they are the dear ones."""
    beyond = {resource: amount - asked.get(resource, 0) for resource, amount in held.items()}
    extended = sum(amount for resource, amount in beyond.items() if "/" in resource)
    return extended, sum(beyond.values()) - extended


def _priority(pod: Json) -> int:
    return int(spec(pod).get("priority") or 0)
