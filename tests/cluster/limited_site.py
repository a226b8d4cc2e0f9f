"""A site whose pools are limited, and what a person sees of the workload `chat` on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autoscaler.settings import PREFIX
from tests.cluster.api import Json
from tests.cluster.clock import epoch_s
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import Controller, Site
from tests.cluster.live import DEPLOYMENTS
from tests.cluster.pools import POOL_LABEL, Pool

Start = Callable[[str], Controller]


class LimitedSite(Site):
    """`limits`: most nodes of a pool, by its name, as policies say it. `settings`: of its controllers, by name."""

    def __init__(
        self, cluster: Cluster, folder: Path, pools: Sequence[Pool], prometheus: str,
        limits: Mapping[str, int] | None = None, **settings: object,
    ) -> None:  # fmt: skip
        self.limits, self.settings = dict(limits or {}), settings
        super().__init__(cluster, folder, pools, prometheus)

    def environment(self, identity: str, port: int) -> dict[str, str]:
        own = {f"{PREFIX}{name.upper()}": str(value) for name, value in self.settings.items()}
        return super().environment(identity, port) | own

    def _pool(self, pool: Pool) -> str:
        text = super()._pool(pool)
        most = self.limits.get(pool.name)
        return text if most is None else text.removesuffix("---\n") + f"  nodes: {{max: {most}}}\n---\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A site at one moment. placeholders: by pool, (bound, waiting for a node). nodes: by pool."""

    asked: int
    ready: int
    placeholders: Mapping[str, tuple[int, int]]
    nodes: Mapping[str, int]

    @property
    def waiting(self) -> int:
        """Placeholders without a node."""
        return sum(waiting for _, waiting in self.placeholders.values())


def see(site: Site, name: str = "chat") -> Seen:
    """What stands now of a Deployment, its placeholders and all nodes."""
    api = site.cluster.api
    found = api.get(DEPLOYMENTS, name, site.cluster.namespace)
    placeholders: dict[str, tuple[int, int]] = {}
    for pod in api.list("pods", site.house):
        if "deletionTimestamp" not in pod["metadata"]:
            bound, waiting = placeholders.get(pool_of(pod), (0, 0))
            on_node = "nodeName" in pod["spec"]
            placeholders[pool_of(pod)] = (bound + on_node, waiting + (not on_node))
    nodes: dict[str, int] = {}
    for node in api.list("nodes"):
        pool = node["metadata"]["labels"].get(POOL_LABEL, "")
        nodes[pool] = nodes.get(pool, 0) + 1
    return Seen(found["spec"]["replicas"], int(found["status"].get("readyReplicas") or 0), placeholders, nodes)


def pool_of(placeholder: Json) -> str:
    """The pool that a placeholder is pinned to."""
    terms = placeholder["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    rules = [rule for term in terms["nodeSelectorTerms"] for rule in term["matchExpressions"]]
    (pool,) = {value for rule in rules if rule["key"] == POOL_LABEL for value in rule["values"]}
    return str(pool)


def condition(site: Site, kind: str, policy: str = "chat") -> tuple[str, str, str]:
    """Status, reason and message of a condition of a plan; empty texts where there is none."""
    plan = site.cluster.api.find(PLANS, policy, site.house) or {}
    found = {one["type"]: one for one in (plan.get("status") or {}).get("conditions") or ()}
    one = found.get(kind, {})
    return one.get("status", ""), one.get("reason", ""), one.get("message", "")


def schedule(name: str, in_s: float, count: int, for_s: float = 3600.0) -> tuple[float, str]:
    """(when it begins, seconds since the epoch; a schedule that begins on the next whole second `in_s` from now)."""
    begin_s = float(int(epoch_s() + in_s) + 1)
    begin, end = (f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S}" for at_s in (begin_s, begin_s + for_s))
    return begin_s, f"{{name: {name}, from: {begin}, until: {end}, timezone: UTC, atLeast: {{replicas: {count}}}}}"


@contextmanager
def starting(site: Site) -> Iterator[Start]:
    """Starts controllers, which are stopped at the end of the block."""
    with ExitStack() as stack:

        def begin(identity: str) -> Controller:
            controller = Controller(site, identity)
            stack.callback(controller.program.stop)
            controller.start()
            return controller

        yield begin
