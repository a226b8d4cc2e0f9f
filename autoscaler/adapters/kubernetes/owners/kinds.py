"""The kinds of owner that we know, each with the field that carries a floor. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.placeholder.pod import Json, spec

Path = tuple[str, ...]
SCALE = "scale"
SERVING = "serving.kserve.io"


@dataclass(frozen=True, slots=True)
class OwnerKind:
    """via: as the policy names it. path: of the field below the object, most: of the field that limits it, None where
    none does. absent: what a missing field means; absent_most: the same of the limit, None for no limit. is_floor:
    the owner scales above it, and what its user wrote there is a minimum; else it is the number of replicas itself.
    """

    via: str
    resource: Resource
    path: Path
    most: Path | None
    absent: int
    absent_most: int | None = None
    is_floor: bool = True


HPA = OwnerKind(
    "hpa",
    Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("spec", "minReplicas"),
    ("spec", "maxReplicas"),
    absent=1,
)
SCALED_OBJECT = OwnerKind(
    "keda",
    Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject"),
    ("spec", "minReplicaCount"),
    ("spec", "maxReplicaCount"),
    absent=0,
    absent_most=100,
)
INFERENCE_SERVICE = OwnerKind(
    "kserve",
    Resource(SERVING, "v1beta1", "inferenceservices", "InferenceService"),
    ("spec", "predictor", "minReplicas"),
    ("spec", "predictor", "maxReplicas"),
    absent=1,
)
LLM = Resource(SERVING, "v1alpha2", "llminferenceservices", "LLMInferenceService")
LLM_COUNTED = OwnerKind("kserve", LLM, ("spec", "replicas"), None, absent=1, is_floor=False)
LLM_SCALED = OwnerKind("kserve", LLM, ("spec", "scaling", "minReplicas"), ("spec", "scaling", "maxReplicas"), absent=1)
KINDS = (HPA, SCALED_OBJECT, INFERENCE_SERVICE, LLM_COUNTED, LLM_SCALED)

POD_LABELS: Mapping[str, Mapping[str, str]] = {
    INFERENCE_SERVICE.resource.kind: {"serving.kserve.io/inferenceservice": "{name}", "component": "predictor"},
    LLM.kind: {"app.kubernetes.io/part-of": "llminferenceservice", "app.kubernetes.io/name": "{name}"},
}
"""Labels of the pods of kinds without a scale subresource, which would tell them."""


def kserve_kind(kind: str, thing: Json) -> OwnerKind:
    """Of a KServe object of this kind: of an LLMInferenceService, which may not have both fields, by which is there."""
    if kind != LLM.kind:
        return INFERENCE_SERVICE
    return LLM_SCALED if spec(thing).get("scaling") else LLM_COUNTED


def is_kserve(api_version: str, kind: str) -> bool:
    """Whether it is an object of KServe that has replicas of its own."""
    return api_version.rpartition("/")[0] == SERVING and kind in POD_LABELS


def floor_of(kind: OwnerKind, thing: Json) -> int:
    """What the field of the object asks for, a missing one included."""
    found = value_at(thing, kind.path)
    return kind.absent if found is None else found


def most_of(kind: OwnerKind, thing: Json) -> int | None:
    """The most replicas that the owner allows, None for any number. KServe writes 0 for that."""
    found = None if kind.most is None else value_at(thing, kind.most)
    return (found or None) if found is not None else kind.absent_most


def value_at(thing: Json, path: Path) -> int | None:
    """The number at a path, None where there is none."""
    found: Any = thing
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, int) else None
