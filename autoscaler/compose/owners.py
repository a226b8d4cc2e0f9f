"""The objects that own placeholders: with the owner all of its placeholders go, whoever has stopped meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoscaler.adapters.kubernetes.json_object import uid
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS
from autoscaler.placeholder.pod import Json

PREFIX = "policy-"


def owners(objects: Objects, namespace: str, policies: Sequence[str], writes: bool) -> Mapping[str, Json]:
    """By policy name: a ConfigMap of ours in this namespace, made where there is none.

    Without `writes` none is made, and what is not there has no uid. Raises `PortError`.
    """
    found = {}
    for policy in policies:
        name = Name(CONFIG_MAPS, namespace, PREFIX + policy)
        there = objects.get(name)
        if there is None and writes:
            objects.ensure(name, {"metadata": {"labels": {"gpu-autoscaler.io/policy": policy}}})
            there = objects.get(name)
        owner_uid = "" if there is None else uid(there)
        found[policy] = {"apiVersion": "v1", "kind": "ConfigMap", "name": name.name, "uid": owner_uid}
    return found
