"""What is asked of a cluster before anything is done in it: rights, kinds, nodes, and whether it would take a pod.
Nothing that is sent from here is kept by the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import urllib3
from urllib3.exceptions import HTTPError

from autoscaler.adapters.kubernetes.connection import Connection
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.plans.plan import CAPACITY_PLANS
from autoscaler.adapters.kubernetes.plans.status import content, timed
from autoscaler.adapters.kubernetes.resource import PODS, Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.domain.lead_time import WakeUp
from autoscaler.ports.errors import Forbidden, NotFound, Unavailable
from autoscaler.ports.plans import PlanFigures, PlanStatus, QueueFigures

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
PRIORITY_CLASSES = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass")
NODE_POOLS = Resource("karpenter.sh", "v1", "nodepools", "NodePool")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
SYSTEM, CLUSTER_AUTOSCALER = "kube-system", "cluster-autoscaler"
CUTOFF = re.compile(r"--expendable-pods-priority-cutoff[= ](-?\d+)")
DEFAULT_CUTOFF = -10
ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Access:
    """A verb on a resource (`capacityplans/status`). namespace: None for everywhere. name: empty for all objects."""

    namespace: str | None
    group: str
    resource: str
    verb: str
    name: str


class Preflight:
    """Reads, and dry runs. All raise `PortError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def greet(self) -> None:
        """Raises `PortError` where the server does not answer, or not to us."""
        self._get("/version")

    def may(self, access: Access) -> bool:
        """Whether we are allowed to."""
        resource, _, subresource = access.resource.partition("/")
        asked = {
            "verb": access.verb, "group": access.group, "resource": resource, "subresource": subresource,
            "name": access.name, "namespace": access.namespace or "",
        }  # fmt: skip
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
        }
        answer = self._transport.send(Call("ask for our rights", "POST", REVIEWS, {}, body, repeatable=True))
        return bool(answer["status"].get("allowed"))

    def namespace(self, name: str) -> Json | None:
        """By a list, which the controller may read."""
        return next(iter(self._list(Selection(NAMESPACES, fields=f"metadata.name={name}"))), None)

    def priority_class(self, name: str) -> Json | None:
        return self.find(PRIORITY_CLASSES, name)

    def find(self, resource: Resource, name: str) -> Json | None:
        """One object of a kind without namespaces; None where it is not there."""
        try:
            return self._get(resource.path(None, name))
        except NotFound:
            return None

    def each(self, resource: Resource) -> Iterator[Json]:
        """All objects of a kind, everywhere, a page at a time."""
        return (item for page in pages(self._transport, Selection(resource)) for item in page.items)

    def node_pools(self) -> tuple[Json, ...] | None:
        """Karpenter's; None where the kind is not installed."""
        return None if self.served(NODE_POOLS.api_version, NODE_POOLS.kind) is None else tuple(self.each(NODE_POOLS))

    def served(self, api_version: str, kind: str) -> tuple[str, bool] | None:
        """(plural, whether it has the scale subresource) of a kind; None where the server does not know it."""
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            kinds = {str(one["name"]): str(one["kind"]) for one in self._get(path).get("resources") or ()}
        except NotFound:
            return None
        plural = next((name for name, of in kinds.items() if of == kind and "/" not in name), None)
        return None if plural is None else (plural, f"{plural}/scale" in kinds)

    def plan_versions(self) -> tuple[str, ...]:
        """Versions in which CapacityPlan is served; none where it is not installed."""
        try:
            group = self._get(f"/apis/{CAPACITY_PLANS.group}")
        except NotFound:
            return ()
        versions = [str(one["version"]) for one in group.get("versions") or ()]
        return tuple(one for one in versions if self.served(f"{CAPACITY_PLANS.group}/{one}", CAPACITY_PLANS.kind))

    def plan_fields(self) -> frozenset[str]:
        """Fields of a CapacityPlan's status that the server keeps."""
        published = self._get(f"/openapi/v3/apis/{CAPACITY_PLANS.api_version}")
        for schema in (published.get("components") or {}).get("schemas", {}).values():
            if any(one.get("kind") == CAPACITY_PLANS.kind for one in schema.get(GVK) or ()):
                shown = (schema.get("properties") or {}).get("status") or {}
                return frozenset(shown.get("properties") or {})
        raise NotFound(f"read the definition of {CAPACITY_PLANS.kind}: the server does not publish it; try again later")

    def try_pod(self, namespace: str, pod: Mapping[str, object]) -> Json:
        """The pod as the server would store it."""
        query = {"dryRun": "All", "fieldManager": "gpu-autoscaler", "fieldValidation": "Strict"}
        path = PODS.path(namespace)
        return self._transport.send(Call(f"try a pod in {namespace}", "POST", path, query, pod, repeatable=True))

    def cutoff(self) -> int | None:
        """The priority below which Cluster Autoscaler ignores pods; None where none is found, or we may not look."""
        try:
            found = self._list(Selection(DEPLOYMENTS, SYSTEM))
        except Forbidden:
            return None
        for deployment in found:
            said = _command(deployment)
            if CLUSTER_AUTOSCALER in said:
                cutoff = CUTOFF.search(said)
                return int(cutoff.group(1)) if cutoff else DEFAULT_CUTOFF
        return None

    def _get(self, path: str) -> Json:
        return self._transport.send(Call(f"read {path}", "GET", path, repeatable=True))

    def _list(self, selection: Selection) -> tuple[Json, ...]:
        return tuple(item for page in pages(self._transport, selection) for item in page.items)


GVK = "x-kubernetes-group-version-kind"


def written_fields() -> frozenset[str]:
    """Fields of a CapacityPlan's status that we write."""
    figures = PlanFigures(
        ready_replicas=0, floor_replicas=0, planned_floor_replicas=0, placeholders=(), warm_gpus=0,
        demand_replicas=0.0, late_percent=0.0, reason="", lead_p90_s=0.0,
        wake_up=WakeUp(0.0, 0.0, 0.0, 0.0, True),
    )  # fmt: skip
    each = (figures, QueueFigures(0, 0, 0, (), 0, ""))
    shown = [timed(content(PlanStatus(True, one, (), 0.0), 0), 0.0, {})[0] for one in each]
    return frozenset(field for one in shown for field in one)


def server_time_s(connection: Connection) -> float:
    """What the server takes for now, seconds since the epoch, to half a second. Raises `PortError`."""
    asked = f"ask {connection.server} for its time"
    try:
        answer = connection.pool.urlopen(
            "GET", f"{connection.server}/version", headers=connection.authorization(),
            timeout=urllib3.Timeout(total=ANSWER_S), redirect=False, retries=False,
        )  # fmt: skip
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() + 0.5
    except (HTTPError, OSError, ValueError) as error:
        raise Unavailable(f"{asked}: {error}") from error


def _command(deployment: Json) -> str:
    """Commands and arguments of its containers, in one line."""
    pod = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    words = [c.get(part) or () for c in pod.get("containers") or () for part in ("command", "args")]
    return " ".join(str(word) for part in words for word in part)
