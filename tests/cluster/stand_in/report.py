"""What the stand-in tells: events on pods and on its status, and the ConfigMap `cluster-autoscaler-status`."""

from __future__ import annotations

import hashlib
import io
from collections import Counter

from ruamel.yaml import YAML

from tests.cluster.api import Api, Json, Refused
from tests.cluster.clock import stamp
from tests.cluster.stand_in.backoff import Backoff
from tests.cluster.stand_in.scale_up import Option
from tests.cluster.stand_in.settings import NAMESPACE
from tests.cluster.stand_in.snapshot import Group, Snapshot

STATUS = "cluster-autoscaler-status"
COMPONENT = "cluster-autoscaler"


class Report:
    """Writes events and the status. An event that says the same again counts up instead of standing twice."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._counts: Counter[str] = Counter()

    def triggered(self, option: Option, size: int, at_s: float) -> None:
        """Each helped pod learns which group grows."""
        group = option.group
        change = f"{{{group.name} {size}->{size + len(option.rooms)} (max: {group.most})}}"
        for pod in option.pods:
            self._event(pod, "TriggeredScaleUp", f"pod triggered scale-up: [{change}]", at_s)

    def not_triggered(self, pod: Json, reasons: list[str], at_s: float) -> None:
        """A pod that no group helps learns how many groups refuse it for which reason."""
        said = ", ".join(f"{count} {reason}" for reason, count in sorted(Counter(reasons).items()))
        self._event(pod, "NotTriggerScaleUp", f"pod didn't trigger scale-up: {said}", at_s)

    def failed(self, group: Group, message: str, at_s: float) -> None:
        """The provider has refused a node."""
        about = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"namespace": NAMESPACE, "name": STATUS}}
        text = f"Scale-up failed for group {group.name}: {message}"
        self._event(about, "FailedToScaleUpGroup", text, at_s, kind="Warning")

    def moving(self, pod: Json, at_s: float) -> None:
        """A pod is evicted because its node goes."""
        self._event(pod, "ScaleDown", "deleting pod for node scale down", at_s)

    def status(self, snapshot: Snapshot, backoff: Backoff, leaving: int) -> None:
        """Writes the state of all groups."""
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump(_status(snapshot, backoff, leaving), text)
        note = {"cluster-autoscaler.kubernetes.io/last-updated": stamp(snapshot.at_s)}
        body = {"metadata": {"name": STATUS, "namespace": NAMESPACE, "annotations": note}}
        body |= {"data": {"status": text.getvalue()}}
        try:
            self._api.patch("configmaps", STATUS, body, NAMESPACE)
        except Refused as error:
            if error.code != 404:
                raise
            self._api.create("configmaps", body)

    def _event(self, about: Json, reason: str, message: str, at_s: float, kind: str = "Normal") -> None:
        meta = about["metadata"]
        key = hashlib.sha256(f"{meta.get('uid')} {reason} {message}".encode()).hexdigest()[:16]
        self._counts[key] += 1
        name = f"{meta['name']}.{key}"
        seen = {"count": self._counts[key], "lastTimestamp": stamp(at_s)}
        try:
            if self._counts[key] > 1:
                self._api.patch("events", name, seen, meta["namespace"])
                return
            involved = {key: meta[key] for key in ("name", "namespace", "uid") if key in meta}
            involved |= {"kind": about.get("kind", "Pod"), "apiVersion": about.get("apiVersion", "v1")}
            body: Json = {"metadata": {"name": name, "namespace": meta["namespace"]}, "involvedObject": involved}
            body |= {"reason": reason, "message": message, "type": kind, "source": {"component": COMPONENT}}
            self._api.create("events", body | seen | {"firstTimestamp": stamp(at_s)})
        except Refused as error:
            if error.code not in (403, 404, 409):  # the namespace goes, the event has expired, or it is from before
                raise


def _status(snapshot: Snapshot, backoff: Backoff, leaving: int) -> Json:
    groups = [_group(group, snapshot, backoff) for group in snapshot.groups.values()]
    counts = [group["health"]["nodeCounts"]["registered"] for group in groups]
    at = stamp(snapshot.at_s)
    registered = {key: sum(one[key] for one in counts) for key in ("total", "ready", "notStarted")}
    busy = any(group["scaleUp"]["status"] == "InProgress" for group in groups)
    return {
        "time": at,
        "autoscalerStatus": "Running",
        "clusterWide": {
            "health": {
                "status": "Healthy",
                "nodeCounts": {"registered": registered, "longUnregistered": 0, "unregistered": 0},
                "lastProbeTime": at,
            },
            "scaleUp": {"status": "InProgress" if busy else "NoActivity", "lastProbeTime": at},
            "scaleDown": {"status": "CandidatesPresent" if leaving else "NoCandidates", "lastProbeTime": at},
        },
        "nodeGroups": groups,
    }


def _group(group: Group, snapshot: Snapshot, backoff: Backoff) -> Json:
    members, at = snapshot.members(group), stamp(snapshot.at_s)
    ready = sum(snapshot.ready(node) for node in members)
    coming = sum(snapshot.coming(node) for node in members)
    unready = len(members) - ready - coming
    failure = backoff.of(group.name, snapshot.at_s)
    growth: Json = {"status": "Backoff" if failure else "InProgress" if coming else "NoActivity", "lastProbeTime": at}
    if failure:
        growth["backoffInfo"] = {"errorCode": failure.code, "errorMessage": failure.message}
    registered = {"total": len(members), "ready": ready, "notStarted": coming, "unready": {"total": unready}}
    return {
        "name": group.name,
        "health": {
            "status": "Healthy",
            "nodeCounts": {"registered": registered, "longUnregistered": 0, "unregistered": 0},
            "cloudProviderTarget": len(members),
            "minSize": group.least,
            "maxSize": group.most,
            "lastProbeTime": at,
        },
        "scaleUp": growth,
        "scaleDown": {"status": "NoCandidates", "lastProbeTime": at},
    }
