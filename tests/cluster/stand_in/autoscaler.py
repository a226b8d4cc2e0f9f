"""The loop of the stand-in: look, grow by one group, or else let nodes go."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import numpy as np

from tests.cluster.api import Api, Json, Refused, Server
from tests.cluster.clock import epoch_s, pause, stamp, wait_until
from tests.cluster.stand_in.backoff import Backoff
from tests.cluster.stand_in.demand import ripe, unplaced
from tests.cluster.stand_in.report import Report
from tests.cluster.stand_in.scale_down import Departure, Memory, departures
from tests.cluster.stand_in.scale_up import Option, answer
from tests.cluster.stand_in.settings import Settings
from tests.cluster.stand_in.snapshot import LEAVING, Group, Snapshot, expendable

CANDIDATE = "DeletionCandidateOfClusterAutoscaler"
PROVIDER_ERROR = "cloudProviderError"
EVICTION_S = 20.0


class Autoscaler:
    """State between loops: back-off, what is unneeded since when, the last node added."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.api = Api(Server(settings.port, Path(settings.ca)), settings.token)
        self.groups = {group.name: group for group in map(Group.of, settings.templates)}
        self.backoff, self.memory, self.report = Backoff(settings), Memory(), Report(self.api)
        self.last_add_s = float("-inf")
        self._generator = np.random.default_rng(0)

    def run_once(self) -> bool:
        """One loop; whether it was productive, so that the next one should follow at once.

        Refused or ConnectionError where the API server does not do its part."""
        at_s = epoch_s()
        snapshot = Snapshot.read(self.api, self.groups, self.settings.node_startup_s, at_s)
        self.report.status(snapshot, self.backoff, len(self.memory.unneeded_since))
        rooms = snapshot.rooms(with_coming=True)
        waiting = unplaced(snapshot, rooms)
        helped = ripe(waiting, at_s, self.settings)
        if waiting and not helped:
            return False  # too young: and no node goes meanwhile
        if helped:
            found = answer(helped, snapshot, rooms, self.backoff, self._generator)
            if found.chosen is not None:
                return self._grow(found.chosen, snapshot)
            for pod in helped:
                self.report.not_triggered(pod, found.reasons[pod["metadata"]["uid"]], at_s)
        self._shrink(snapshot)
        return False

    def _grow(self, option: Option, snapshot: Snapshot) -> bool:
        """Makes the nodes of an option; whether all came. A refusal sends the group into back-off."""
        size = len(snapshot.members(option.group))
        for _ in option.rooms:
            try:
                self.api.create("nodes", _new_node(option.group))
            except Refused as error:
                self.backoff.failed(option.group.name, snapshot.at_s, PROVIDER_ERROR, error.message)
                self.report.failed(option.group, error.message, snapshot.at_s)
                say(f"{option.group.name} was refused a node: {error.message}")
                return False
            self.last_add_s = epoch_s()
        self.report.triggered(option, size, snapshot.at_s)
        say(f"{option.group.name} grows by {len(option.rooms)} for {len(option.pods)} pods")
        return True

    def _shrink(self, snapshot: Snapshot) -> None:
        """Lets nodes go that may, and marks those that soon may."""
        going = departures(snapshot, self.memory, self.settings)
        self._mark(snapshot)
        if snapshot.at_s - self.last_add_s < self.settings.after_add_s:
            return
        for one in going:
            self._remove(one, snapshot)

    def _mark(self, snapshot: Snapshot) -> None:
        """Keeps the soft taint on exactly those nodes that are unneeded."""
        for node in snapshot.nodes:
            taints = node["spec"].get("taints") or []
            has = any(one["key"] == CANDIDATE for one in taints)
            wanted = node["metadata"]["name"] in self.memory.unneeded_since
            if has != wanted:
                rest = [one for one in taints if one["key"] != CANDIDATE]
                self._taint(node, [*rest, *([_taint(CANDIDATE, "PreferNoSchedule", snapshot)] if wanted else [])])

    def _remove(self, departure: Departure, snapshot: Snapshot) -> None:
        """Taints a node, evicts its pods, and deletes it. A pod that may not be evicted keeps it."""
        node, name = departure.node, departure.node["metadata"]["name"]
        others = [one for one in node["spec"].get("taints") or [] if one["key"] != CANDIDATE]
        if not self._taint(node, [*others, _taint(LEAVING, "NoSchedule", snapshot)]):
            return
        if not all(self._evict(pod, snapshot) for pod in departure.pods):
            self._taint(node, others)
            self.memory.unremovable_until[name] = snapshot.at_s + self.settings.unremovable_s
            return
        wait_until(lambda: not self._held(name), f"the pods of {name} to go", EVICTION_S)
        pause(self.settings.delete_delay_s)
        self.api.delete("nodes", name)
        say(f"{name} goes, after eviction of {len(departure.pods)} pods")
        self.memory.unneeded_since.pop(name, None)

    def _held(self, name: str) -> list[Json]:
        pods = self.api.list("pods", fieldSelector=f"spec.nodeName={name}")
        return [pod for pod in pods if not expendable(pod)]

    def _evict(self, pod: Json, snapshot: Snapshot) -> bool:
        meta = pod["metadata"]
        self.report.moving(pod, snapshot.at_s)
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {key: meta[key] for key in ("name", "namespace")},
        }
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
        try:
            self.api.call("POST", path, body)
        except Refused as error:
            if error.code == 429:  # a disruption budget
                return False
            if error.code != 404:
                raise
        return True

    def _taint(self, node: Json, taints: list[Json]) -> bool:
        """Replaces a node's taints; whether the node is still there and was not changed by others meanwhile."""
        meta = node["metadata"]
        change = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "spec": {"taints": taints}}
        try:
            meta["resourceVersion"] = self.api.patch("nodes", meta["name"], change)["metadata"]["resourceVersion"]
        except Refused as error:
            if error.code in (404, 409):
                return False
            raise
        node["spec"]["taints"] = taints
        return True


def say(text: str) -> None:
    """A line of the log."""
    print(f"{stamp(epoch_s())} {text}", flush=True)


def _taint(key: str, effect: str, snapshot: Snapshot) -> Json:
    return {"key": key, "effect": effect, "value": str(int(snapshot.at_s))}


def _new_node(group: Group) -> Json:
    """A node as the template has it, with a name of its own."""
    body = copy.deepcopy(group.template)
    name = f"{group.name}-{os.urandom(4).hex()}"
    body["metadata"]["name"] = body["metadata"]["labels"]["kubernetes.io/hostname"] = name
    body["metadata"]["annotations"] = {
        key: value for key, value in body["metadata"]["annotations"].items() if "nodegroup" not in key
    }
    return body
