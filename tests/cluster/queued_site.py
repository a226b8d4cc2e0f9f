"""A site with a policy for queued work alone, and what a person sees of such work on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.controllers import Site
from tests.cluster.pools import ZONES, Pool

STEADY = Pool("gpu-primary", zones=(ZONES[0],))
POLICY = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: QueuePolicy
metadata: {{name: training}}
spec:
  mode: {mode}
  namespaces: [{namespace}]
  pools: {{primary: [{pool}]}}
  budget: {{gpus: {gpus}}}
{more}
---
"""
Measured = Callable[[str, float, str], None]


class QueueSite(Site):
    """`write_queue` writes the policy; nothing on the site forecasts."""

    def write_queue(self, gpus: int = 64, mode: str = "act", more: str = "") -> None:
        """The policy `training`, for all work in the test's namespace. more: further lines of its spec."""
        text = POLICY.format(
            mode=mode, namespace=self.cluster.namespace, pool=self.pools[0].name, gpus=gpus,
            more="\n".join(f"  {line}" for line in more.splitlines()),
        )  # fmt: skip
        new = self.policies / "training.new"
        new.write_text(text)
        new.rename(self.policies / "training.yaml")


@dataclass(frozen=True, slots=True)
class Seen:
    """A site at one moment. held, waiting: placeholders with and without a node. pods: of the work, by name, with the
    node of each, empty where it has none.
    """

    nodes: int
    held: int
    waiting: int
    pods: dict[str, str]

    @property
    def placed(self) -> int:
        return sum(bool(node) for node in self.pods.values())


def see(site: Site) -> Seen:
    """What stands now."""
    api = site.cluster.api
    placeholders = [one for one in api.list("pods", site.house) if "deletionTimestamp" not in one["metadata"]]
    held = sum("nodeName" in one["spec"] for one in placeholders)
    pods = {one["metadata"]["name"]: str(one["spec"].get("nodeName") or "") for one in site.cluster.pods()}
    return Seen(len(api.list("nodes")), held, len(placeholders) - held, pods)


def wait_seen(site: Site, look: Callable[[Seen], object], what: str, within_s: float = 90.0) -> Seen:
    """The first moment for which `look` is true."""

    def found() -> Seen | None:
        now = see(site)
        return now if look(now) else None

    return wait_until(found, what, within_s, 0.1)


def job(name: str, namespace: str, pod: Json, pods: int, **spec: Any) -> Json:
    """A Job of so many pods like this one, all at once."""
    template = {"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]}
    body = {"parallelism": pods, "completions": pods, "template": template, **spec}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": body}
