"""What kwok leaves out of kubelets and serving processes: events of images, stamps in metrics, ends of containers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import accumulate

from tests.cluster.api import MERGE, Api, Json
from tests.cluster.clock import epoch_s, pause, read_stamp, stamp
from tests.cluster.exporter import Exporter
from tests.cluster.stages import PULLED, STAMPED, Stages
from tests.cluster.watch import Seen, Watch

STAMP = "gpu_autoscaler_start_stage_timestamp_seconds"
TAKEN, PRESENT, UNTOLD = "pulled", "present", "untold"
"""Values of the annotation PULLED: what the kubelet found, or that its event is lost."""
BEGUN = ("container", "begin")
STEP_S = 0.05
SIZE_BYTES = 15032385536
FORMAT = "safetensors"


class Kubelet:
    """As long as it is entered: an event for the image of each pod that has PULLED, once its container runs, and
    through `exporter` the stamps of pods that are STAMPED by `metrics`, each when it is due.

    `stamped` has the times of these, by name of the pod, stage and edge, beside that at which its container began."""

    def __init__(self, api: Api, namespace: str, exporter: Exporter) -> None:
        self._api, self._namespace, self._exporter = api, namespace, exporter
        self._due: list[tuple[float, dict[str, str]]] = []
        self._begun: set[str] = set()
        self.stamped: dict[str, dict[tuple[str, str], float]] = {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watch = Watch(api, "pods", namespace, self._told)
        self._thread = threading.Thread(target=self._stamp, name="stamps", daemon=True)

    def __enter__(self) -> Kubelet:
        self._watch.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.__exit__()
        self._thread.join()

    def _told(self, seen: Seen) -> None:
        pod, notes = seen.object, seen.object["metadata"].get("annotations") or {}
        uid, container = pod["metadata"]["uid"], _container(pod)
        running = (container.get("state") or {}).get("running")
        if running is None or uid in self._begun or seen.change == "DELETED":
            return
        self._begun.add(uid)
        if notes.get(PULLED) in (TAKEN, PRESENT):
            self._api.create("events", pulled_event(pod, notes[PULLED], Stages.of(notes)))
        if notes.get(STAMPED) == "metrics":
            started_s = read_stamp(running["startedAt"])
            self.stamped[pod["metadata"]["name"]] = {BEGUN: started_s}
            with self._lock:
                self._due += _stamps(pod, started_s, Stages.of(notes))

    def _stamp(self) -> None:
        while not self._over.is_set():
            now_s = epoch_s()
            with self._lock:
                due = [one for one in self._due if one[0] <= now_s]
                self._due = [one for one in self._due if one[0] > now_s]
            for _, labels in due:
                at_s = self.stamped[labels["pod"]][labels["stage"], labels["edge"]] = epoch_s()
                self._exporter.set(STAMP, at_s, **labels)
            pause(STEP_S)


def pulled_event(pod: Json, found: str, stages: Stages) -> Json:
    """As kubelets of Kubernetes 1.37 write it."""
    meta, container = pod["metadata"], pod["spec"]["containers"][0]
    took_s = f"{stages.image_s or 0}.125s"
    note = f'Successfully pulled image "{container["image"]}" in {took_s} ({took_s} including waiting)'
    note = f"{note}. Image size: {SIZE_BYTES} bytes."
    if found == PRESENT:
        note = f'Container image "{container["image"]}" already present on machine and can be accessed by the pod'
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": meta["namespace"], "name": meta["name"]}
    about |= {"uid": meta["uid"], "fieldPath": f"spec.containers{{{container['name']}}}"}
    now = stamp(epoch_s())
    return {
        "metadata": {"name": f"{meta['name']}.{meta['uid'][:8]}", "namespace": meta["namespace"]},
        "involvedObject": about,
        "reason": "Pulled",
        "message": note,
        "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "type": "Normal",
    }


def _stamps(pod: Json, started_s: float, stages: Stages) -> list[tuple[float, dict[str, str]]]:
    """When each series of a process is due, and its labels."""
    meta, found = pod["metadata"], []
    spans = [("weights", stages.weights_s or 0), ("cuda", stages.cuda_s or 0), ("transfer", stages.transfer_s or 0)]
    ends = list(accumulate((seconds for _, seconds in spans), initial=started_s))
    for (stage, _), from_s, until_s in zip(spans, ends, ends[1:], strict=False):
        labels = {"namespace": meta["namespace"], "pod": meta["name"], "stage": stage, "format": FORMAT}
        found += [(from_s, labels | {"edge": "begin"}), (until_s, labels | {"edge": "end"})]
    return found


def _container(pod: Json) -> Json:
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    first: Json = statuses[0]
    return first


class Containers:
    """Ends and begins containers of pods that are STAMPED by `nobody`, and says so in their status like a kubelet."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    def runs(self, name: str) -> bool:
        found = self._api.find("pods", name, self._namespace)
        return found is not None and "running" in (_container(found).get("state") or {})

    def hang(self, name: str, reason: str) -> None:
        """The container waits, for the reason given."""
        self._write(name, {"state": {"waiting": {"reason": reason}}})

    def crash(self, name: str, reason: str, code: int, runs: int) -> None:
        """The container ended, and waits to run again after `runs` of its runs."""
        last = self._end(name, reason, code)
        waits = {"waiting": {"reason": "CrashLoopBackOff"}}
        self._write(name, {"state": waits, "lastState": last, "restartCount": runs - 1})

    def again(self, name: str) -> None:
        """The container runs for the second time."""
        state = {"running": {"startedAt": stamp(epoch_s())}}
        self._write(name, {"state": state, "restartCount": 1, "started": True})

    def ready(self, name: str) -> None:
        now = stamp(epoch_s())
        said = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in ("ContainersReady", "Ready")]
        self._write(name, {"ready": True}, said)

    def fail(self, name: str, reason: str, code: int) -> None:
        """The pod has failed as a whole."""
        self._write(name, {"state": self._end(name, reason, code)}, phase="Failed")

    def _end(self, name: str, reason: str, code: int) -> Json:
        begun = _container(self._api.get("pods", name, self._namespace))["state"]["running"]["startedAt"]
        return {"terminated": {"startedAt": begun, "finishedAt": stamp(epoch_s()), "reason": reason, "exitCode": code}}

    def _write(self, name: str, container: Json, conditions: Sequence[Json] = (), **more: str) -> None:
        """Changes what is given of its container's status, and of its conditions."""
        pod = self._api.get("pods", name, self._namespace)
        given = {one["type"] for one in conditions}
        kept = [one for one in pod["status"].get("conditions", ()) if one["type"] not in given]
        told = {"containerStatuses": [_container(pod) | container], "conditions": [*kept, *conditions], **more}
        self._api.patch("pods", name, {"status": told}, self._namespace, MERGE, "status")
