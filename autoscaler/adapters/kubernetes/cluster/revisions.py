"""Revisions of a workload, as the labels of its pods tell them. No I/O.

Every controller writes a hash of the template into its pods, so that the watch of pods tells without a question that
two revisions stand side by side: a rollout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, image_key
from autoscaler.placeholder.pod import Json, spec
from autoscaler.placeholder.request import Amounts, effective_amounts

REVISION_LABELS = (
    "leaderworkerset.sigs.k8s.io/template-revision-hash",
    "pod-template-hash",
    "controller-revision-hash",
)
"""The first that a pod has counts: pods of a group are of a StatefulSet too, whose own revision says less."""


@dataclass(frozen=True, slots=True)
class Print:
    """What tells pods of one template from those of another: images, and requests of extended resources."""

    image: str
    devices: Amounts

    def fits(self, pod: SeenPod) -> bool:
        return pod.image == self.image and pod.devices == self.devices


def print_of(template: Json) -> Print | None:
    """Of a pod template; None where its quantities cannot be read."""
    try:
        amounts = effective_amounts({"spec": spec(template)})
    except ValueError:
        return None
    return Print(image_key(template), {resource: amount for resource, amount in amounts.items() if "/" in resource})


def revision(pod: SeenPod) -> str:
    """Empty where no controller says any."""
    return next((pod.labels[label] for label in REVISION_LABELS if label in pod.labels), "")


def newest(pods: Iterable[SeenPod], wanted: Print | None = None) -> str:
    """The revision that new pods are of: of those that look like what is wanted, as after a change that was taken back,
    the one whose first pod came last; of all where none does. Empty where there is no pod.
    """
    firsts: dict[str, tuple[bool, str]] = {}
    for pod in pods:
        fits = wanted is not None and wanted.fits(pod)
        known_fits, since = firsts.get(revision(pod), (False, pod.created_at))
        firsts[revision(pod)] = (known_fits or fits, min(since, pod.created_at))
    return max(firsts, key=lambda one: (*firsts[one], one), default="")


def model(pods: Iterable[SeenPod], wanted: Print | None = None) -> SeenPod | None:
    """The pod that new ones will be like: the youngest ready one of the newest revision, or the youngest that is not
    ready where all of it is new. None where nobody is ready of a workload of one revision: it may never be.
    """
    there = list(pods)
    now = newest(there, wanted)
    is_mixed = any(revision(pod) != now for pod in there)
    of_now = [pod for pod in there if revision(pod) == now and (pod.ready or is_mixed)]
    return max(of_now, key=lambda pod: (pod.ready, pod.created_at, pod.name), default=None)
