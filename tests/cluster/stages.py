"""How long each stage of a start takes: drawn per stage from laws of the test, and put where kwok reads it.

A node boots and then shows its GPUs; a pod pulls its image, loads its weights and warms up CUDA; one that stamps its
stages goes on with the transfer and warms up after it. kwok knows whole seconds only, and ends a stage up to one second
early, since times in objects are cut to the second."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from tests.cluster.api import Api, Json, Refused
from tests.cluster.watch import Seen, Watch

OURS = (Path(__file__).with_name("stages.yaml"), Path(__file__).with_name("stamp_stages.yaml"))
LAW = "rig.test/law"  # the annotation that names the law from which an object's stages are drawn
ANNOTATIONS = {
    "boot_s": "rig.test/ready-seconds",
    "gpu_s": "rig.test/gpu-seconds",
    "image_s": "rig.test/image-seconds",
    "weights_s": "rig.test/weights-seconds",
    "cuda_s": "rig.test/cuda-seconds",
    "transfer_s": "rig.test/transfer-seconds",
    "warm_s": "rig.test/warm-seconds",
}
STAMPED = "rig.test/stamped"
"""Annotation of a pod: by `conditions` of its own or by `metrics`; `nobody` leaves it to the test when it is ready."""
PULLED = "rig.test/pulled"
"""Annotation of a pod whose image is the matter of a stand-in of the kubelet: kwok tells no event of it."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Whole seconds of each stage: boot and gpu of a node, image, weights, cuda, transfer and warm of a pod.

    None leaves a stage out: a node without `gpu_s` has its GPUs when it is Ready, a pod without `image_s` is Ready at
    once. A node without `boot_s` never becomes Ready."""

    boot_s: int | None = None
    gpu_s: int | None = None
    image_s: int | None = None
    weights_s: int | None = None
    cuda_s: int | None = None
    transfer_s: int | None = None
    warm_s: int | None = None

    def annotations(self) -> dict[str, str]:
        """What to write to the node or pod."""
        values = {name: getattr(self, name) for name in ANNOTATIONS}
        return {ANNOTATIONS[name]: str(value) for name, value in values.items() if value is not None}

    @classmethod
    def of(cls, annotations: Mapping[str, str]) -> Stages:
        """What stands in the annotations of a node or pod."""
        return cls(**{name: int(annotations[key]) for name, key in ANNOTATIONS.items() if key in annotations})


@dataclass(frozen=True, slots=True)
class Law:
    """Stages around their medians: log-normal with the given spread, rounded to whole seconds."""

    median: Stages
    spread: float = 0.3

    def draw(self, generator: np.random.Generator) -> Stages:
        """Stages of one node or pod."""
        drawn = {}
        for field in fields(self.median):
            middle = getattr(self.median, field.name)
            if middle is not None:
                drawn[field.name] = round(middle * float(np.exp(self.spread * generator.standard_normal())))
        return replace(self.median, **drawn)


class Drawing:
    """Draws stages for every node and pod that names one of the laws in its annotation LAW, as long as it is entered.

    `made` has, by name, what each object got. Laws may be exchanged meanwhile: later objects follow the new one."""

    def __init__(self, api: Api, laws: Mapping[str, Law], seed: int) -> None:
        self.laws = dict(laws)
        self.made: dict[str, Stages] = {}
        self._api, self._generator = api, np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._watches = [Watch(api, resource, told=partial(self._told, resource)) for resource in ("nodes", "pods")]

    def __enter__(self) -> Drawing:
        for watch in self._watches:
            watch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self._watches:
            watch.__exit__()

    def _told(self, resource: str, seen: Seen) -> None:
        meta = seen.object["metadata"]
        name, law = meta["name"], (meta.get("annotations") or {}).get(LAW)
        if seen.change == "DELETED" or law not in self.laws or name in self.made:
            return
        with self._lock:  # nodes and pods come in a thread each
            self.made[name] = self.laws[law].draw(self._generator)
        change = {"metadata": {"annotations": self.made[name].annotations()}}
        try:
            self._api.patch(resource, name, change, meta.get("namespace"))
        except Refused as error:
            if error.code != 404:  # gone meanwhile
                raise


def write(pod_stages: Path, to: Path) -> None:
    """Writes kwok's configuration: our stages, and its own for pods, whose `pod-ready` leaves staged pods to ours."""
    yaml = YAML(typ="safe", pure=True)
    documents = [document for ours in OURS for document in yaml.load_all(ours.read_text())]
    documents.append(_silent(next(one for one in documents if one["metadata"]["name"] == "pod-start")))
    for file in sorted(pod_stages.glob("pod-*.yaml")):
        stage = yaml.load(file.read_text())
        if stage["metadata"]["name"] == "pod-ready":
            stage["spec"]["selector"]["matchExpressions"].append(_absent(ANNOTATIONS["image_s"]))
        documents.append(stage)
    with to.open("w") as out:
        yaml.dump_all(documents, out)


def _silent(stage: Json) -> Json:
    """The same without its event, for pods that have PULLED; the stage itself leaves them out."""
    kept = {key: value for key, value in stage["spec"]["next"].items() if key != "event"}
    rules = stage["spec"]["selector"]["matchExpressions"]
    stage["spec"]["selector"]["matchExpressions"] = [*rules, _absent(PULLED)]
    selector = {"matchExpressions": [*rules, _absent(PULLED) | {"operator": "Exists"}]}
    named = {"name": f"{stage['metadata']['name']}-silent"}
    return stage | {"metadata": named, "spec": stage["spec"] | {"selector": selector, "next": kept}}


def _absent(annotation: str) -> Json:
    return {"key": f'.metadata.annotations["{annotation}"]', "operator": "DoesNotExist"}
