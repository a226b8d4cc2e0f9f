"""Our word to Kueue: that an AdmissionCheck is answered, and what becomes of the work that it holds."""

from __future__ import annotations

from autoscaler.adapters.kubernetes.json_object import Json, version
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.plans.status import stamp
from autoscaler.adapters.kubernetes.waiting.kinds import Kinds, kueue
from autoscaler.adapters.kubernetes.waiting.work import Work
from autoscaler.domain.queue import CheckState
from autoscaler.placeholder.pod import condition, metadata, spec, status
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Invalid, NotFound

CONTROLLER = "gpu-autoscaler.io/nodes"
"""`spec.controllerName` of the AdmissionChecks that we answer."""
MOST_MESSAGE = 1024


class Checks:
    """Writes the status of AdmissionChecks, and their states in Workloads. All raise `PortError`."""

    def __init__(self, objects: Objects, clock: ClockPort, kinds: Kinds) -> None:
        self._objects, self._clock, self._kinds = objects, clock, kinds

    def serve(self, check: str) -> None:
        """Says that somebody answers it; done already where it says so. Raises `Invalid` where it is another's."""
        resource = kueue(self._version(f"serve AdmissionCheck {check}"), "admissionchecks", "AdmissionCheck")
        there = self._objects.get(Name(resource, None, check))
        if there is None:
            raise NotFound(f"serve AdmissionCheck {check}: it is not there; make it with controllerName {CONTROLLER}")
        if spec(there).get("controllerName") != CONTROLLER:
            named = spec(there).get("controllerName")
            raise Invalid(f"serve AdmissionCheck {check}: its controller is {named}; write controllerName {CONTROLLER}")
        generation = int(metadata(there).get("generation") or 0)
        active = condition(there, "Active")
        if active.get("status") == "True" and active.get("observedGeneration") == generation:
            return
        now = {
            "type": "Active", "status": "True", "reason": "Active", "observedGeneration": generation,
            "message": "work that it holds is let go when its nodes stand", "lastTransitionTime": self._now(),
        }  # fmt: skip
        self._objects.apply(Name(resource, None, check, "status"), {"status": {"conditions": [now]}}, force=True)

    def answer(self, work: Work, check: str, state: CheckState, message: str) -> None:
        """Says this of a Workload; done already where it says so. Raises `Conflict` where it changed meanwhile."""
        said = f"answer AdmissionCheck {check} of {work.title} {work.namespace}/{work.name}"
        resource = kueue(self._version(said), "workloads", "Workload")
        there = self._objects.get(Name(resource, work.namespace, work.name))
        if there is None or metadata(there).get("uid") != work.uid:
            raise NotFound(f"{said}: it is gone")
        states: list[Json] = list(status(there).get("admissionChecks") or ())
        own = next((one for one in states if one.get("name") == check), None)
        if own is None or own.get("state") == state.value:
            return
        new = {**own, "state": state.value, "message": message[:MOST_MESSAGE], "lastTransitionTime": self._now()}
        patch = {
            "metadata": {"resourceVersion": version(there)},
            "status": {"admissionChecks": [new if one is own else one for one in states]},
        }
        self._objects.merge_patch(Name(resource, work.namespace, work.name, "status"), patch)

    def _version(self, said: str) -> str:
        if not self._kinds.kueue_version:
            raise NotFound(f"{said}: Kueue is not installed, or its Workloads may not be read")
        return self._kinds.kueue_version

    def _now(self) -> str:
        return stamp(self._clock.wall_s())
