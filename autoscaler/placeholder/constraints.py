"""Where the placeholders of a workload may stand in one pool: only where the workload itself could.

Required node affinity is an OR of terms, so the pool's pin goes into every one of them, and where there is none into a
term of its own; a term that says nothing matches no node, so it is dropped before the pin could make it say something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from autoscaler.placeholder.neighbour import Distance, Peer, distance
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import ZONE, Json, required_node_terms, spec
from autoscaler.placeholder.refusal import Cause, Refusal
from autoscaler.placeholder.selector import Labels, contradiction, is_empty
from autoscaler.placeholder.taint import tolerations, untolerated
from autoscaler.placeholder.volume import reachable_from


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pod's own object does not say.

    volumes: the PersistentVolumes of its shared claims, and for an unbound claim its StorageClass. peers: the pods that
    its affinity rules may speak of, its own replicas included.
    """

    volumes: tuple[Json, ...] = ()
    peers: tuple[Peer, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraints:
    """What limits the nodes of a placeholder.

    node_selector: the workload's. terms: node selector terms, one must hold, pin included, at least one, each possible.
    tolerations: safe ones. distance: rules about other pods; its `now` belongs into every term, and is kept apart since
    it changes as pods move. zones: where a term can hold, by name; empty where unknown.
    """

    node_selector: Labels
    terms: tuple[Json, ...]
    tolerations: tuple[Json, ...]
    distance: Distance
    zones: tuple[str, ...]


def constraints(pod: Json, pin: Pin, around: Surroundings) -> Constraints | Refusal:
    """The constraints of a placeholder for one more pod like this one; a refusal where such a pod cannot land in the
    pool, now or ever.
    """
    refused = untolerated(pod, pin.tolerations)
    if refused is not None:
        return refused
    terms = _terms(pod, pin, around.volumes)
    if isinstance(terms, Refusal):
        return terms
    kept = distance(pod, around.peers)
    if isinstance(kept, Refusal):
        return kept
    selector: Labels = spec(pod).get("nodeSelector") or {}
    fixed = [*_as_requirements(selector), *kept.now]
    clash = [clashing(t, fixed) for t in terms]
    if all(clash):
        said = f"the pods that it must stand apart from, or beside, leave no {clash[0]}"
        return Refusal(Cause.NEIGHBOURS, said)
    zones = tuple(z for z in pin.zones if _is_possible(terms, [*fixed, *_as_requirements({ZONE: z})]))
    return Constraints(selector, terms, tolerations(pod, pin.tolerations), kept, zones)


def values_of(key: str, standing: Constraints, known: Iterable[str]) -> tuple[str, ...]:
    """Values of a node label under which the placeholder can stand: among those that its terms name, the zones, and
    those `known` from nodes that stand. Empty: none is possible, or none is known.
    """
    fixed = [*_as_requirements(standing.node_selector), *standing.distance.now]
    expressions = [e for t in standing.terms for e in t.get("matchExpressions") or ()]
    named = [v for e in [*fixed, *expressions] if e["key"] == key and e["operator"] == "In" for v in e["values"]]
    candidates = dict.fromkeys((*named, *(standing.zones if key == ZONE else ()), *known))
    return tuple(v for v in candidates if _is_possible(standing.terms, [*fixed, *_as_requirements({key: v})]))


def _terms(pod: Json, pin: Pin, volumes: Sequence[Json]) -> tuple[Json, ...] | Refusal:
    """Every combination of the pod's terms with the pin and the places from which its volumes can be reached."""
    selector = _as_requirements(spec(pod).get("nodeSelector") or {})
    required = required_node_terms(pod)
    own: list[Json] = [{}] if required is None else [t for t in required if not is_empty(t)]
    pinned = [_both(term, {"matchExpressions": list(pin.requirements)}) for term in own]
    possible = [t for t in pinned if clashing(t, selector) is None]
    if not possible:
        return Refusal(Cause.NODE_LABELS, _excluded(pinned, selector, pin))
    reachable = [terms for volume in volumes if (terms := reachable_from(volume))]
    combined = [_all_of(parts) for parts in product(possible, *reachable)]
    in_zones = [{"key": ZONE, "operator": "In", "values": list(pin.zones)}] if pin.zones and reachable else []
    landed = [t for t in combined if clashing(t, [*selector, *in_zones]) is None]
    if not landed:
        key = clashing(combined[0], [*selector, *in_zones])
        reason = f"its volumes cannot be reached from the nodes of pool {pin.pool}: no {key} has both"
        return Refusal(Cause.VOLUMES, reason)
    return tuple(t for n, t in enumerate(landed) if t not in landed[:n])


def clashing(term: Json, further: Iterable[Json]) -> str | None:
    """The label or field on which a term, with further requirements, can hold on no node; None where it can."""
    fields = contradiction(term.get("matchFields") or ())
    return fields or contradiction([*(term.get("matchExpressions") or ()), *further])


def _excluded(pinned: list[Json], selector: list[Json], pin: Pin) -> str:
    if not pinned:
        return "its required node affinity has no term that says anything, so it matches no node at all"
    key = clashing(pinned[0], selector)
    rules = [r for r in [*selector, *pinned[0]["matchExpressions"]] if r["key"] == key]
    said = " and ".join(dict.fromkeys(f"{r['operator']} {r.get('values', '')}".strip() for r in rules))
    return f"its node selector or affinity excludes the nodes of pool {pin.pool}: {key} cannot be {said}"


def _is_possible(terms: Iterable[Json], further: Sequence[Json]) -> bool:
    return any(clashing(term, further) is None for term in terms)


def _as_requirements(selector: Labels) -> list[Json]:
    return [{"key": key, "operator": "In", "values": [value]} for key, value in selector.items()]


def _all_of(parts: Iterable[Json]) -> Json:
    whole: Json = {}
    for part in parts:
        whole = _both(whole, part)
    return whole


def _both(one: Json, other: Json) -> Json:
    """The term that holds where both do."""
    joined = {}
    for field in ("matchExpressions", "matchFields"):
        rules: list[Json] = []
        for rule in (*(one.get(field) or ()), *(other.get(field) or ())):
            if rule not in rules:
                rules.append(rule)
        if rules:
            joined[field] = rules
    return joined
