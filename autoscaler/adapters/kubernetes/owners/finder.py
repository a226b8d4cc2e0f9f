"""Finds who moves the replicas of a workload: the owner that a policy names, or with `via: auto` the one that is there.

KServe goes before KEDA and KEDA before an HPA, since each makes the next one and rewrites what others change in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.scales import Scales, said, theirs
from autoscaler.adapters.kubernetes.objects import Name
from autoscaler.adapters.kubernetes.owners.kinds import (
    HPA,
    INFERENCE_SERVICE,
    LLM,
    SCALE,
    SCALED_OBJECT,
    OwnerKind,
    is_kserve,
    kserve_kind,
)
from autoscaler.placeholder.pod import Json, metadata, name
from autoscaler.policy.model import Workload
from autoscaler.ports.errors import NotFound

AUTO, METRIC = "auto", "metric"


@dataclass(frozen=True, slots=True)
class Owner:
    """thing: the object that has the field, as it was when it was found."""

    kind: OwnerKind
    name: Name
    thing: Json

    def __str__(self) -> str:
        return f"{self.name.resource.kind} {self.name.namespace}/{self.name.name}"

    @property
    def path(self) -> str:
        """Of the field, for people and records."""
        return ".".join((*((SCALE,) if self.kind.via == SCALE else ()), *self.kind.path))


class Finder:
    """Asks the server each time. All raise `PortError`."""

    def __init__(self, scales: Scales) -> None:
        self._scales = scales

    def find(self, workload: Workload, via: str = AUTO) -> Owner:
        """The owner. Raises `OwnedByOthers` where another moves the replicas than `via` says, or where several do, and
        `NotFound` where the one it names, or the workload, is not there.
        """
        if via == METRIC:
            raise theirs(workload, [("whoever the policy means by `via: metric`", "spec.replicas")])
        if is_kserve(workload.api_version, workload.kind):
            return self._checked(workload, via, [self._kserve(workload, workload.kind, workload.name)])
        whole = self._scales.whole(workload)
        if whole is None:
            raise NotFound(f"{said(workload)} is not there; create it, or correct `workload` in the policy")
        above = self._above(workload, whole)
        if above is not None:
            return self._checked(workload, via, [above])
        scaled = [self._of(SCALED_OBJECT, workload, one) for one in self._scales.scaled_objects(workload)]
        if scaled:
            return self._checked(workload, via, scaled)
        hpas = [self._of(HPA, workload, one) for one in self._scales.hpas(workload)]
        return self._checked(workload, via, hpas or [self._itself(workload, whole)])

    def _checked(self, workload: Workload, via: str, found: Sequence[Owner]) -> Owner:
        if len(found) > 1:
            raise theirs(workload, [(str(one), one.path) for one in found])
        (owner,) = found
        if via in (AUTO, owner.kind.via):
            return owner
        if owner.kind.via == SCALE:
            wanted = {HPA.via: HPA, SCALED_OBJECT.via: SCALED_OBJECT}.get(via, INFERENCE_SERVICE).resource.kind
            raise NotFound(f"{said(workload)}: there is no {wanted} for it; create one, or write `via: auto`")
        raise theirs(workload, [(str(owner), owner.path)])

    def _above(self, workload: Workload, whole: Json) -> Owner | None:
        """The KServe object that made the workload; raises where somebody made it whose field we do not know."""
        for owner in metadata(whole).get("ownerReferences") or ():
            if not owner.get("controller"):
                continue
            if is_kserve(str(owner.get("apiVersion")), str(owner.get("kind"))):
                return self._kserve(workload, str(owner["kind"]), str(owner["name"]))
            who = f"{owner.get('kind')} {workload.namespace}/{owner.get('name')}"
            raise theirs(workload, [(who, "spec.replicas")])
        return None

    def _kserve(self, workload: Workload, kind: str, named: str) -> Owner:
        resource = LLM if kind == LLM.kind else INFERENCE_SERVICE.resource
        thing = self._scales.get(Name(resource, workload.namespace, named))
        if thing is None:
            raise NotFound(f"{kind} {workload.namespace}/{named} is not there; create it, or correct the policy")
        return Owner(kserve_kind(kind, thing), Name(resource, workload.namespace, named), thing)

    @staticmethod
    def _of(kind: OwnerKind, workload: Workload, thing: Json) -> Owner:
        return Owner(kind, Name(kind.resource, workload.namespace, name(thing)), thing)

    def _itself(self, workload: Workload, whole: Json) -> Owner:
        """The workload's own number of replicas."""
        address = self._scales.name(workload)
        kind = OwnerKind(SCALE, address.resource, ("spec", "replicas"), None, absent=1, is_floor=False)
        return Owner(kind, address, whole)
