"""The cluster as one loop of the stand-in sees it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tests.cluster.api import Api, Json
from tests.cluster.clock import read_stamp
from tests.cluster.objects import condition, is_true
from tests.cluster.pools import GPU_LABEL, GROUP_LABEL
from tests.cluster.stand_in.request import GPU, amounts
from tests.cluster.stand_in.room import Room
from tests.cluster.stand_in.settings import CUTOFF

LEAVING = "ToBeDeletedByClusterAutoscaler"
NOT_READY = "node.kubernetes.io/not-ready"  # taken off a moment after the condition turns
FINAL = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Group:
    """A node group: a template Node with bounds."""

    name: str
    template: Json
    least: int
    most: int

    @classmethod
    def of(cls, template: Json) -> Group:
        """The group of a template. KeyError where it does not name its bounds."""
        notes, prefix = template["metadata"]["annotations"], "cluster-autoscaler.kwok.nodegroup"
        bounds = (int(notes[f"{prefix}/{end}-count"]) for end in ("min", "max"))
        return cls(template["metadata"]["labels"][GROUP_LABEL], template, *bounds)

    def room(self, name: str) -> Room:
        """An empty new node of the group."""
        labels = dict(self.template["metadata"]["labels"]) | {"kubernetes.io/hostname": name}
        free = amounts(self.template["status"]["allocatable"])
        return Room(name, labels, self.template["spec"].get("taints") or [], free)


def age_s(thing: Json, at_s: float) -> float:
    """Seconds since an object was made, up to one second too many: the time in it is cut."""
    return at_s - read_stamp(thing["metadata"]["creationTimestamp"])


def expendable(pod: Json) -> bool:
    """Whether a pod is below the cutoff: nobody's business."""
    return int(pod["spec"].get("priority") or 0) < CUTOFF


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Nodes, pods and disruption budgets at one moment (epoch seconds), with the groups that nodes belong to."""

    at_s: float
    nodes: list[Json]
    pods: list[Json]
    budgets: list[Json]
    groups: Mapping[str, Group]
    startup_s: float

    @classmethod
    def read(cls, api: Api, groups: Mapping[str, Group], startup_s: float, at_s: float) -> Snapshot:
        """The cluster as the API server has it."""
        pods = [one for one in api.list("pods") if one["status"].get("phase") not in FINAL]
        budgets = api.list("policy/v1/poddisruptionbudgets")
        return cls(at_s, api.list("nodes"), pods, budgets, groups, startup_s)

    def group_of(self, node: Json) -> Group | None:
        """The group that a node belongs to."""
        return self.groups.get(node["metadata"]["labels"].get(GROUP_LABEL, ""))

    def members(self, group: Group) -> list[Json]:
        """All nodes of a group, whatever their state."""
        return [one for one in self.nodes if one["metadata"]["labels"].get(GROUP_LABEL) == group.name]

    def ready(self, node: Json) -> bool:
        """Ready, without the taint of one that is not, and with its GPUs where the GPU label promises some."""
        taints = node["spec"].get("taints") or []
        if not is_true(node, "Ready") or leaving(node) or any(one["key"] == NOT_READY for one in taints):
            return False
        has_gpu = amounts(node["status"].get("allocatable") or {})[GPU] > 0
        return has_gpu or GPU_LABEL not in node["metadata"]["labels"]

    def coming(self, node: Json) -> bool:
        """Not ready, but young enough to become so."""
        return not self.ready(node) and not leaving(node) and age_s(node, self.at_s) < self.startup_s

    def pods_on(self, node: str) -> list[Json]:
        """Pods bound to a node, expendable ones left out."""
        return [one for one in self.pods if one["spec"].get("nodeName") == node and not expendable(one)]

    def rooms(self, with_coming: bool) -> list[Room]:
        """Ready nodes with their pods, and nodes that are coming as their template promises them."""
        by_node = defaultdict[str, list[Json]](list)
        for pod in self.pods:
            if not expendable(pod):
                by_node[pod["spec"].get("nodeName") or ""].append(pod)
        found = []
        for node in self.nodes:
            group, name = self.group_of(node), node["metadata"]["name"]
            if self.ready(node):
                taints = node["spec"].get("taints") or []
                room = Room(name, node["metadata"]["labels"], taints, amounts(node["status"]["allocatable"]))
            elif with_coming and group is not None and self.coming(node):
                room = group.room(name)
            else:
                continue
            for pod in by_node[name]:
                room.put(pod)
            found.append(room)
        return found


def leaving(node: Json) -> bool:
    """Whether a node is on its way out."""
    taints = node["spec"].get("taints") or []
    return "deletionTimestamp" in node["metadata"] or any(one["key"] == LEAVING for one in taints)


def unschedulable(pod: Json) -> bool:
    """Whether the scheduler has found no place for a pod."""
    said = condition(pod, "PodScheduled")
    return said.get("status") == "False" and said.get("reason") == "Unschedulable"
