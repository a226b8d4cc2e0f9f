"""What a pod asks for, as the scheduler counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.cluster.api import Json

GPU = "nvidia.com/gpu"
PODS = "pods"
SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def quantity(text: str) -> float:
    """The number that a Kubernetes quantity stands for. KeyError or ValueError where it is none."""
    number = text.rstrip("numkKMGTPEi")
    return float(number) * SUFFIXES[text[len(number) :]]


def amounts(quantities: Mapping[str, str]) -> Counter[str]:
    """The quantities of a node or container by resource."""
    return Counter({name: quantity(str(text)) for name, text in quantities.items()})


def request(pod: Json) -> Counter[str]:
    """Effective request by resource: containers and sidecars together, or the largest step of the start, and overhead.

    Each pod also takes one of the node's `pods`."""
    spec = pod["spec"]
    running, most = Counter[str](), Counter[str]()
    for init in spec.get("initContainers") or []:
        step = _of(init)
        if init.get("restartPolicy") == "Always":
            running += step
            most |= running
        else:
            most |= running + step
    for container in spec.get("containers") or []:
        running += _of(container)
    whole = most | running
    for name, value in amounts((spec.get("resources") or {}).get("requests") or {}).items():
        whole[name] = value
    whole += amounts(spec.get("overhead") or {})
    whole[PODS] = 1
    return whole


def _of(container: Json) -> Counter[str]:
    return amounts((container.get("resources") or {}).get("requests") or {})


def wants_gpu(pod: Json) -> bool:
    """Whether a pod asks for GPUs."""
    return request(pod)[GPU] > 0
