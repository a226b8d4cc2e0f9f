"""Names of the pods that processes are of.

The kernel tells a pod's uid, the kubelet the names of pods that hold a device; neither tells both. Where one pod holds
the device it is that one, once the kubelet has told so since the process began: before, it may have been another pod.
Where several share it, it is the one whose name is the host name that the process sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoscaler.domain.device_holder import DeviceHolder, ProcessOwner

LONGEST_HOSTNAME = 63
BOOT_S = 1.0
"""Processes are told to begin up to that much early: the kernel cuts the time of boot to whole seconds."""


@dataclass(frozen=True, slots=True)
class PodName:
    """A container of a pod; what is not known is empty."""

    namespace: str = ""
    pod: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A container that has processes. devices: uuids that these are on."""

    owner: ProcessOwner
    devices: frozenset[str]


ContainerKey = tuple[str, str]
"""Uid of the pod, id of the container."""


def named(
    places: Mapping[ContainerKey, Place],
    holders: Mapping[str, tuple[DeviceHolder, ...]],
    known: Mapping[ContainerKey, PodName],
    node: str,
    told_s: float,
) -> dict[ContainerKey, PodName]:
    """Names by container, as far as they can be told; those in `known` stay. holders: by device.

    node: the host name of the node, which pods on its network see. told_s: when the kubelet told `holders`, in seconds
    since the epoch.
    """
    found = {key: known[key] for key in places if known.get(key, PodName()).container}
    for key, place in places.items():
        if key not in found:
            taken = {(one.namespace, one.pod) for (uid, _), one in found.items() if uid != key[0]}
            others = any(uid != key[0] and place.devices & other.devices for (uid, _), other in places.items())
            is_told = (place.owner.began_s or 0.0) + BOOT_S <= told_s
            name = _named(place, holders, taken, node, is_told and not others) or known.get(key)
            if name is not None:
                found[key] = name
    return found


def fits(owner: ProcessOwner, pod: str) -> bool:
    """Whether the host name that the process sees is that of this pod; of a Job's it is the beginning."""
    return bool(owner.hostname) and (pod[:LONGEST_HOSTNAME] == owner.hostname or pod.startswith(f"{owner.hostname}-"))


def _named(
    place: Place, holders: Mapping[str, tuple[DeviceHolder, ...]], taken: set[tuple[str, str]], node: str, is_sole: bool
) -> PodName | None:
    """is_sole: no process of another pod is on these devices, and who holds them was told since this one began."""
    holding = {one for device in place.devices for one in holders.get(device, ())}
    holding = {one for one in holding if (one.namespace, one.pod) not in taken}
    pods = {(one.namespace, one.pod) for one in holding}
    fitting = {one for one in pods if fits(place.owner, one[1])}
    if not fitting and place.owner.hostname in ("", node) and is_sole:
        fitting = pods
    if len(fitting) != 1:
        return None
    [(namespace, pod)] = fitting
    return PodName(namespace, pod, _container(place, (one for one in holding if one.pod == pod)))


def _container(place: Place, holding: Iterable[DeviceHolder]) -> str:
    names = {one.container for one in holding}
    return names.pop() if len(names) == 1 else ""
