"""The shape of a placeholder: the room that it holds and where. One shape for a workload and pool."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from autoscaler.placeholder.constraints import Constraints, Surroundings, constraints
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json, has_claims, spec
from autoscaler.placeholder.quantity import ONE
from autoscaler.placeholder.refusal import Cause, Refusal
from autoscaler.placeholder.request import effective_amounts, effective_request


@dataclass(frozen=True, slots=True)
class Shape:
    """resources: of its one container, limits equal to requests, as texts. scheduler: by name, the workload's.

    by_claims: the workload gets devices by claims. The placeholder makes none, since the scheduler does not preempt to
    free devices: it holds the cpu and memory of such a node, and must always step aside by itself.
    """

    resources: Json
    constraints: Constraints
    scheduler: str
    by_claims: bool


def shape(pod: Json, pin: Pin, around: Surroundings) -> Shape | Refusal:
    """The shape of placeholders for further pods like this live one, in this pool. A refusal where such a pod cannot
    land there. Raises ValueError on a quantity that Kubernetes cannot read.
    """
    refused = _gpus(pod, pin)
    if refused is not None:
        return refused
    where = constraints(pod, pin, around)
    if isinstance(where, Refusal):
        return where
    scheduler = str(spec(pod).get("schedulerName") or "default-scheduler")
    return Shape(effective_request(pod), where, scheduler, has_claims(pod))


def shape_key(shape: Shape) -> str:
    """A label value that is the same as long as placeholders of this shape and the standing ones are interchangeable.

    The order in which rules are written does not count, nor where neighbours stand at the moment: else every real pod
    that lands would make the placeholders of its workload new ones.
    """
    where = shape.constraints
    parts = {
        "resources": shape.resources,
        "nodeSelector": where.node_selector,
        "terms": where.terms,
        "tolerations": where.tolerations,
        "apart": where.distance.apart,
        "onePer": where.distance.one_per,
        "zones": where.zones if where.distance.spread_over_zones else (),
        "scheduler": shape.scheduler,
        "byClaims": shape.by_claims,
    }
    return hashlib.sha256(_text(_ordered(parts)).encode()).hexdigest()[:16]


def _gpus(pod: Json, pin: Pin) -> Refusal | None:
    asked = effective_amounts(pod).get(pin.gpu_resource, 0)
    if asked > pin.gpus_per_node * ONE:
        said = f"it asks for {asked // ONE} {pin.gpu_resource}; a node of pool {pin.pool} has {pin.gpus_per_node}"
        return Refusal(Cause.GPUS, said)
    if asked == 0 and not has_claims(pod):
        return Refusal(Cause.GPUS, f"it asks for no {pin.gpu_resource}, the gpuResource of pool {pin.pool}")
    return None


def _ordered(part: Any) -> Any:
    """All lists in it are sets to the scheduler: sorted, each once."""
    if isinstance(part, dict):
        return {key: _ordered(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        texts = {_text(item): item for item in map(_ordered, part)}
        return [texts[text] for text in sorted(texts)]
    return part


def _text(part: Any) -> str:
    return json.dumps(part, sort_keys=True, separators=(",", ":"))
