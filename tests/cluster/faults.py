"""What goes wrong with rented GPUs, done to a running cluster: delay, stock-out, spot notice, loss of a node."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any

from tests.cluster.api import STRATEGIC, Json, Refused
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import AUTOSCALER
from tests.cluster.pools import POOL_LABEL, ZONE_LABEL, Pool, node
from tests.cluster.stages import Stages

ADMISSION = "admissionregistration.k8s.io/v1"
SPOT_TAINT: Json = {"key": "aws-node-termination-handler/spot-itn", "value": "notice", "effect": "NoSchedule"}
NO_EXECUTE: Json = {"key": "rig.test/lost", "value": "lost", "effect": "NoExecute"}
SOLD_OUT = "InsufficientCapacity: there is no machine of this kind (stock-out of the test)"
NO_NODE_CLASS = "sold-out"  # a node class that does not exist: Karpenter's provider then has no capacity
IN_FORCE_S = 30.0


class Faults:
    """Faults of one test. What has been started is undone by `close`; lost nodes stay lost."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._numbers = itertools.count(1)
        self._stock_outs: dict[str, list[tuple[str, str]]] = {}
        self._timers: list[threading.Timer] = []

    def close(self) -> None:
        """Forgets announced losses and ends stock-outs."""
        for timer in self._timers:
            timer.cancel()
            timer.join()
        for made in self._stock_outs.values():
            self._remove(made)
        self._stock_outs.clear()

    def delay(self, node: str, stages: Stages) -> None:
        """Gives a booting node other stages, counted from its creation; stages that are through stay as they are."""
        self.cluster.api.patch("nodes", node, {"metadata": {"annotations": stages.annotations()}})

    def lose(self, node: str) -> None:
        """The machine is gone and so is its Node, as when a cloud takes it back."""
        self.cluster.api.delete("nodes", node)

    def evict(self, node: str) -> None:
        """Puts a NoExecute taint on a node: pods that do not tolerate it go at once (DeletionByTaintManager)."""
        self._taint(node, NO_EXECUTE)

    def fail(self, node: str) -> None:
        """The kubelet reports not Ready; pods go when their tolerations end, as long as another node is alive."""
        self.cluster.api.patch("nodes", node, {"metadata": {"annotations": {"rig.test/failed": "true"}}})

    def spot_notice(self, node: str, notice_s: float) -> None:
        """Marks a node as leaving, as a termination handler does, and takes it away `notice_s` later."""
        self._taint(node, SPOT_TAINT)
        timer = threading.Timer(notice_s, self.lose, (node,))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _taint(self, node: str, taint: Json) -> None:
        self.cluster.api.patch("nodes", node, {"spec": {"taints": [taint]}}, kind=STRATEGIC)

    def stock_out(self, pool: Pool, zones: Sequence[str] = ()) -> str:
        """No more machines of a pool, in some zones or in all; in force when this returns. The name to restock it by.

        Cluster Autoscaler and the stand-in are refused the Node. Karpenter's launch ends with InsufficientCapacity;
        claims that could go to another zone go there. Karpenter's kwok provider does not remember: it tries again."""
        name = f"{self.cluster.namespace}-stock-out-{next(self._numbers)}"
        made = self._stock_outs.setdefault(name, [])
        self._policy(made, "validating", f"{name}-node", _refuse_nodes(pool, zones))
        self._policy(made, "mutating", f"{name}-claim", _fail_claims(pool, zones))
        if zones:
            self._policy(made, "mutating", f"{name}-zone", _divert_claims(pool, zones))
        where = (zones or pool.zones)[0]
        wait_until(lambda: self._refused(pool, where), f"{name} to be in force", IN_FORCE_S, 0.1)
        return name

    def restock(self, name: str) -> None:
        """Ends a stock-out; machines can be had again when this returns."""
        self._remove(self._stock_outs.pop(name))

    def _policy(self, made: list[tuple[str, str]], kind: str, name: str, spec: Json) -> None:
        """Makes an admission policy with its binding."""
        policies, bindings = (f"{ADMISSION}/{kind}admissionpolic{end}" for end in ("ies", "ybindings"))
        binding: dict[str, Any] = {"policyName": name}
        if kind == "validating":
            binding["validationActions"] = ["Deny"]
        for resource, body in ((policies, spec), (bindings, binding)):
            self.cluster.api.create(resource, {"metadata": {"name": name}, "spec": body})
            made.append((resource, name))

    def _remove(self, made: list[tuple[str, str]]) -> None:
        for resource, name in reversed(made):
            self.cluster.api.delete(resource, name)

    def _refused(self, pool: Pool, zone: str) -> bool:
        """Whether the node autoscaler would get no machine of a pool in a zone, by both ways of asking."""
        api = self.cluster.control_plane.api(AUTOSCALER)
        try:
            api.create("nodes", node(pool, zone, "probe"), dry_run=True)
            return False
        except Refused as error:
            if SOLD_OUT not in error.message:
                raise
        try:
            claim = api.create("karpenter.sh/v1/nodeclaims", _probe(pool, zone), dry_run=True)
        except Refused as error:
            if error.code == 503:  # a kind made a moment ago is not everywhere yet
                return False
            raise
        return bool(claim["spec"]["nodeClassRef"]["name"] == NO_NODE_CLASS)


def _listed(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _matches(group: str, version: str, resource: str) -> Json:
    rule = {"apiGroups": [group], "apiVersions": [version], "resources": [resource], "operations": ["CREATE"]}
    return {"resourceRules": [rule]}


def _refuse_nodes(pool: Pool, zones: Sequence[str]) -> Json:
    """Denies the Nodes of a pool to a node autoscaler that makes them itself."""
    label = f'object.metadata.?labels["{POOL_LABEL}"].orValue("")'
    by_claim = '"karpenter.sh/nodepool" in object.metadata.?labels.orValue({})'
    where = f'object.metadata.labels["{ZONE_LABEL}"] in {_listed(zones or pool.zones)}'
    ours = f'request.userInfo.username == "{AUTOSCALER}" && {label} == "{pool.name}" && !({by_claim})'
    return {
        "failurePolicy": "Fail",
        "matchConstraints": _matches("", "v1", "nodes"),
        "matchConditions": [{"name": "pool", "expression": ours}],
        "validations": [{"expression": f"!({where})", "message": SOLD_OUT, "reason": "Forbidden"}],
    }


def _claims(pool: Pool, condition: str, patch: str) -> Json:
    """A change of NodeClaims of a pool that satisfy a condition."""
    ours = f'object.metadata.?labels["karpenter.sh/nodepool"].orValue("") == "{pool.name}"'
    return {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": _matches("karpenter.sh", "v1", "nodeclaims"),
        "matchConditions": [{"name": "pool", "expression": ours}, {"name": "zone", "expression": condition}],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
    }


def _only_there(zones: Sequence[str]) -> str:
    """CEL: whether a claim can be launched in these zones alone."""
    inside = f"r.values.all(v, v in {_listed(zones)})"
    return f'object.spec.requirements.exists(r, r.key == "{ZONE_LABEL}" && r.operator == "In" && {inside})'


def _fail_claims(pool: Pool, zones: Sequence[str]) -> Json:
    """Points claims that can only be launched where nothing is left to a node class that does not exist."""
    patch = f'[JSONPatch{{op: "replace", path: "/spec/nodeClassRef/name", value: "{NO_NODE_CLASS}"}}]'
    return _claims(pool, _only_there(zones) if zones else "true", patch)


def _divert_claims(pool: Pool, zones: Sequence[str]) -> Json:
    """Keeps claims that have a choice out of the zones where nothing is left."""
    requirement = f'{{key: "{ZONE_LABEL}", operator: "NotIn", values: {_listed(zones)}}}'
    value = f"Object.spec.requirements{requirement}"
    patch = f'[JSONPatch{{op: "add", path: "/spec/requirements/-", value: {value}}}]'
    return _claims(pool, f"!({_only_there(zones)})", patch)


def _probe(pool: Pool, zone: str) -> Json:
    """A claim as Karpenter would make it for a pod pinned to a zone."""
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {"name": "probe", "labels": {"karpenter.sh/nodepool": pool.name}},
        "spec": {
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": pool.name},
            "requirements": [{"key": ZONE_LABEL, "operator": "In", "values": [zone]}],
        },
    }
