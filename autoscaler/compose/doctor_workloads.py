"""What there is about the workloads of policies, for the preflight: read as the controller does; tried, not kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.models import Models, Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scales
from autoscaler.adapters.kubernetes.cluster.sight import seen_node, seen_pod
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.owners.kinds import is_kserve
from autoscaler.adapters.kubernetes.plans.plan import CAPACITY_PLANS
from autoscaler.adapters.kubernetes.preflight import Preflight
from autoscaler.adapters.kubernetes.resource import PODS
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.compose.doctor_told import told
from autoscaler.doctor.facts import ServedKind, Told, Trial, Unread, WorkloadFacts
from autoscaler.placeholder.manifest import House, Seat, placeholder
from autoscaler.placeholder.pin import Pin, pin
from autoscaler.placeholder.pod import Json, name, spec
from autoscaler.policy.check import PolicyDocument
from autoscaler.policy.folder import PolicySet
from autoscaler.policy.model import Workload

MANAGER = "gpu-autoscaler"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""Uid of an owner that there is not: what is tried is never stored, so nobody looks for it."""
EXPIRES_S = 6 * 3600.0


class Workloads:
    """Reads workload after workload; pods and nodes are read once."""

    def __init__(
        self, transport: Transport, preflight: Preflight, found: PolicySet, house: House,
        nodes: Told[tuple[Json, ...]],
    ) -> None:  # fmt: skip
        self._preflight, self._house = preflight, house
        objects = Objects(transport, MANAGER)
        self._scales = Scales(transport, objects)
        self._models = Models(transport, objects, self._scales)
        self._expires = datetime.fromtimestamp(transport.clock.wall_s() + EXPIRES_S, UTC)
        self._pins = {document.name: pin(document.name, document.model) for document in found.pools}
        self._standing = self._stands(nodes)

    def facts(self, policy: PolicyDocument) -> WorkloadFacts:
        """All about one."""
        workload = policy.model.workload
        kind = told(lambda: self._kind(workload))
        whole: Told[Json | None] = None
        if isinstance(kind, ServedKind) and (kind.scales or is_kserve(workload.api_version, workload.kind)):
            whole = told(lambda: self._scales.whole(workload))
        standing = self._standing
        pod = standing if isinstance(standing, Unread) else told(lambda: self._pod(workload, standing))
        return WorkloadFacts(
            policy=policy,
            kind=kind,
            whole=whole,
            pod=pod,
            hpas=told(lambda: self._scales.hpas(workload)),
            scaled_objects=told(lambda: self._scales.scaled_objects(workload)),
            trials=() if isinstance(pod, Unread) else tuple(self._trials(policy)),
        )

    def _pod(self, workload: Workload, standing: Standing) -> Json:
        """A pod as placeholders are modelled on; one of a template with the priority that its class would give it."""
        pod = self._models.pod(workload, standing)
        named = spec(pod).get("priorityClassName")
        if named is None or "priority" in spec(pod):
            return pod
        read = told(lambda: self._preflight.priority_class(str(named)))
        found: Json = {} if read is None or isinstance(read, Unread) else read
        ranks = (("priority", found.get("value")), ("preemptionPolicy", found.get("preemptionPolicy")))
        return {**pod, "spec": {**spec(pod), **{key: value for key, value in ranks if value is not None}}}

    def _kind(self, workload: Workload) -> ServedKind | None:
        served = self._preflight.served(workload.api_version, workload.kind)
        return None if served is None else ServedKind(workload.api_version.rpartition("/")[0], *served)

    def _trials(self, policy: PolicyDocument) -> Iterator[Trial]:
        tiers = policy.model.pools
        for pool in (*tiers.primary, *tiers.burst):
            if pool in self._pins:
                sent = told(partial(self._manifest, policy, self._pins[pool]))
                yield Trial(pool, sent, sent if isinstance(sent, Unread) else self._tried(sent))

    def _manifest(self, policy: PolicyDocument, own: Pin) -> Json:
        assert not isinstance(self._standing, Unread)
        shape = self._models.shape(policy.model.workload, own, self._standing)
        owner = {"apiVersion": CAPACITY_PLANS.api_version, "kind": CAPACITY_PLANS.kind, "name": policy.name}
        whole = placeholder(shape, Seat(policy.name, own.pool, 0, owner | {"uid": NOBODY}, self._expires), self._house)
        nameless = {key: value for key, value in whole["metadata"].items() if key != "name"}
        return {**whole, "metadata": {**nameless, "generateName": "doctor-"}}

    def _tried(self, pod: Json) -> Told[Json]:
        return told(lambda: self._preflight.try_pod(self._house.namespace, pod))

    def _stands(self, nodes: Told[tuple[Json, ...]]) -> Told[Standing]:
        house = self._house.namespace
        pods = told(lambda: [seen_pod(pod, house) for pod in self._preflight.each(PODS)])
        if isinstance(nodes, Unread):
            return nodes
        if isinstance(pods, Unread):
            return pods
        pins = tuple(self._pins.values())
        seen_pods = {Key(pod.namespace, pod.name): pod for pod in pods}
        return Standing(seen_pods, {Key("", name(node)): seen_node(node, pins) for node in nodes})
