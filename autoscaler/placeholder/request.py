"""The effective request of a pod: the room that the scheduler counts for it on a node, whatever its containers.

The rule is Kubernetes' own (component-helpers `PodRequests`): every step of the init containers, and the sum of what
runs at last, each with the sidecars started before it; pod-level resources (KEP-2837) replace the sum of cpu, memory
and huge pages; the overhead of the RuntimeClass comes on top; a limit without a request is a request.

A pod that is being resized in place counts, as in the scheduler, with the greatest of what it asks for, what the
kubelet has granted and what runs: the room that it may still use must not be given away. Where the kubelet said that
the resize can never be done there (Infeasible), what it asks for does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from autoscaler.placeholder.pod import Json, condition, spec, status
from autoscaler.placeholder.quantity import billionths, written

Amounts = dict[str, int]
"""Billionths by resource name."""
_Reading = Callable[[Json], Amounts]


def effective_request(pod: Json) -> dict[str, dict[str, str]]:
    """`resources` of one container that needs the same room as the whole pod: limits equal to requests, quantities in
    stored form, resources of which it needs none left out. Raises ValueError on a quantity that Kubernetes cannot read.
    """
    amounts = effective_amounts(pod)
    texts = {name: written(name, amount) for name, amount in sorted(amounts.items()) if amount > 0}
    return {"requests": texts, "limits": dict(texts)}


def effective_amounts(pod: Json) -> Amounts:
    """The same in billionths by resource, exact."""
    total = _in_containers(pod)
    total.update(_pod_level(pod, total))
    return _sum([total, _amounts(spec(pod).get("overhead"))])


def _in_containers(pod: Json) -> Amounts:
    """The greatest of what the containers ask for, were granted and run with."""
    by_claims = _by_claims(pod)
    asked = _sum([_steps(pod, _asked), by_claims])
    granted, running = _of_whole_pod(pod), Amounts()
    if granted is None:
        statuses = _container_statuses(pod)
        infeasible = _resize_is_infeasible(pod)
        granted = _sum([_steps(pod, lambda c: _granted(c, statuses, infeasible)), by_claims])
        running = _steps(pod, lambda c: _running(c, statuses, infeasible))
    return _greatest([granted, running] if _resize_is_infeasible(pod) else [asked, granted, running])


def _of_whole_pod(pod: Json) -> Amounts | None:
    """What the kubelet reports for the pod as a whole, where it does; it counts devices' memory already."""
    granted = status(pod).get("allocatedResources")
    running = (status(pod).get("resources") or {}).get("requests")
    return None if granted is None or running is None else _greatest([_amounts(granted), _amounts(running)])


def _steps(pod: Json, reading: _Reading) -> Amounts:
    """The greatest of the init containers' steps and of what runs after them."""
    sidecars = Amounts()
    steps = []
    for container in spec(pod).get("initContainers") or ():
        steps.append(_sum([sidecars, reading(container)]))
        if container.get("restartPolicy") == "Always":
            sidecars = steps[-1]
    at_last = _sum([sidecars, *(reading(c) for c in spec(pod).get("containers") or ())])
    return _greatest([*steps, at_last])


def _asked(container: Json) -> Amounts:
    """What the container's spec asks for: a limit without a request is one."""
    resources = container.get("resources") or {}
    return _amounts(resources.get("limits")) | _amounts(resources.get("requests"))


def _granted(container: Json, statuses: Json, infeasible: bool) -> Amounts:
    granted = (statuses.get(container.get("name", "")) or {}).get("allocatedResources")
    if granted is not None:
        return _amounts(granted)
    return Amounts() if infeasible else _asked(container)


def _running(container: Json, statuses: Json, infeasible: bool) -> Amounts:
    resources = (statuses.get(container.get("name", "")) or {}).get("resources") or {}
    running = resources.get("requests")
    return _granted(container, statuses, infeasible) if running is None else _amounts(running)


def _pod_level(pod: Json, in_containers: Amounts) -> Amounts:
    """Pod-level requests, which replace the containers' sum; a pod-level limit alone is one where no container asks."""
    resources = spec(pod).get("resources") or {}
    limits, asked = _supported(resources.get("limits")), _supported(resources.get("requests"))
    for name, amount in limits.items():
        if name not in asked and (name not in in_containers or name.startswith("hugepages-")):
            asked[name] = amount
    reported = status(pod).get("resources")
    if not asked or reported is None:
        return asked
    in_force = [_supported(reported.get("requests")), _supported(status(pod).get("allocatedResources"))]
    return _greatest(in_force if _resize_is_infeasible(pod) else [asked, *in_force])


def _supported(resources: Json | None) -> Amounts:
    amounts = _amounts(resources)
    return {n: a for n, a in amounts.items() if n in ("cpu", "memory") or n.startswith("hugepages-")}


def _by_claims(pod: Json) -> Amounts:
    """Cpu, memory and the like that the pod's device claims take of the node, as the scheduler reported them."""
    return _sum(
        _claim_part(part, len(claim.get("containers") or ()))
        for claim in status(pod).get("nodeAllocatableResourceClaimStatuses") or ()
        for part in (*(claim.get("mapping") or ()), *(claim.get("overhead") or ()))
    )


def _claim_part(part: Json, containers: int) -> Amounts:
    fixed = part.get("quantity") or part.get("perPod") or 0
    return {part["name"]: billionths(fixed) + containers * billionths(part.get("perContainer") or 0)}


def _container_statuses(pod: Json) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for kind in ("containerStatuses", "initContainerStatuses"):
        for one in status(pod).get(kind) or ():
            seen.setdefault(one["name"], one)
    return seen


def _resize_is_infeasible(pod: Json) -> bool:
    return condition(pod, "PodResizePending").get("reason") == "Infeasible"


def _amounts(resources: Json | None) -> Amounts:
    return {name: billionths(quantity) for name, quantity in (resources or {}).items()}


def _sum(parts: Iterable[Amounts]) -> Amounts:
    total = Amounts()
    for name, amount in _each(parts):
        total[name] = total.get(name, 0) + amount
    return total


def _greatest(parts: Iterable[Amounts]) -> Amounts:
    most = Amounts()
    for name, amount in _each(parts):
        most[name] = max(most.get(name, amount), amount)
    return most


def _each(parts: Iterable[Amounts]) -> Iterator[tuple[str, int]]:
    return (item for part in parts for item in part.items())
