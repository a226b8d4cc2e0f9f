"""Placeholders of a running controller whose nodes are taken away, and whose pool can no more be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import TICK_S
from tests.cluster.exporter import Exporter
from tests.cluster.faults import Faults
from tests.cluster.limited_site import LimitedSite, Start, condition, pool_of, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.pools import BURST, PRIMARY, Pool
from tests.cluster.prometheus import Prometheus
from tests.cluster.stand_in.report import STATUS
from tests.cluster.stand_in.settings import NAMESPACE
from tests.cluster.watch import Watch

Measured = Callable[[str, float, str], None]
HELD = 3
NODE_LEAD_S = 600.0
"""What stands when a controller begins to lead is held so long."""
NOTICE_S, SOON_S, BOUND_S = 6.0, 10.0, 60.0
KNOWN_S = 40.0


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> LimitedSite:
    """A Deployment whose replicas nobody needs any more: their room is held, on spot nodes."""
    exporter.rate("requests_total", 0.0, model="chat")
    prometheus.wait_for("sum(rate(requests_total[10s])) == 0", KNOWN_S)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, HELD, gpus=8))
    found = LimitedSite(cluster, tmp_path, (PRIMARY, BURST), prometheus.url, node_lead_s=NODE_LEAD_S)
    found.write("chat")
    return found


@pytest.fixture
def start(site: LimitedSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def wait_held(site: LimitedSite, what: str, **pools: int) -> None:
    """Waits until all placeholders are bound, so many in each pool."""
    wanted = {name.replace("_", "-"): (count, 0) for name, count in pools.items()}
    wait_until(lambda: see(site).placeholders == wanted, what, BOUND_S, 0.1)


def test_spot_that_goes_is_replaced_and_a_pool_without_stock_is_left_until_it_has_some(
    site: LimitedSite, start: Start, start_node_autoscaler: Callable[..., NodeAutoscaler], faults: Faults,
    measured: Measured,
) -> None:  # fmt: skip
    start("one")
    wait_until(lambda: see(site).placeholders == {BURST.name: (0, HELD)}, "room to be asked for", 40.0)
    autoscaler = start_node_autoscaler((PRIMARY, BURST))
    wait_held(site, "room on spot", gpu_burst=HELD)
    noticed, lost, last = (pod["spec"]["nodeName"] for pod in site.cluster.api.list("pods", site.house))
    with Watch(site.cluster.api, "pods", site.house) as watch:
        for what, node, goes in (
            ("spot notice", noticed, lambda node: faults.spot_notice(node, NOTICE_S)),
            ("node lost", lost, faults.lose),
        ):
            begin = now_s()
            goes(node)
            leaves(watch, node)
            measured(f"{autoscaler.name}: {what}, placeholder gone", now_s() - begin, "none")
            wait_held(site, f"room again after {what}", gpu_burst=HELD)
            measured(f"{autoscaler.name}: {what}, room again elsewhere", now_s() - begin, "none")
            wait_until(lambda node=node: site.cluster.api.find("nodes", node) is None, "the node to go", 30.0)  # type: ignore[misc]

        stock_out = faults.stock_out(BURST)
        faults.lose(last)
        begin = now_s()
        leaves(watch, last)
        wait_until(lambda: condition(site, "CapacityAvailable")[:2] == ("False", "OutOfStock"), "the word", BOUND_S)
        assert f"pool {BURST.name}" in condition(site, "CapacityAvailable")[2]
        wait_held(site, "room on primary", gpu_burst=HELD - 1, gpu_primary=1)
        measured(f"{autoscaler.name}: stock-out, room on primary after the loss", now_s() - begin, "none")
        stays(lambda: see(site).waiting == 0, "nothing waiting in the dead pool", 5 * TICK_S)
    waited = [one.name for one in watch.seen if one.change == "ADDED" and one.at_s > begin]
    assert len(set(waited)) <= 2, "one in the dead pool, one in the other"

    faults.restock(stock_out)
    forget_stock_out(site, autoscaler)
    faults.lose(only_node(site, PRIMARY))
    wait_held(site, "room on spot again", gpu_burst=HELD)
    wait_until(lambda: condition(site, "CapacityAvailable")[:2] == ("True", "Obtainable"), "the word", BOUND_S)
    assert see(site).asked == 0


def leaves(watch: Watch, node: str) -> None:
    """Waits until the placeholder of a node is deleted."""
    watch.first(
        lambda one: one.change == "DELETED" and one.object["spec"].get("nodeName") == node,
        f"the placeholder of {node} to go", SOON_S,
    )  # fmt: skip


def only_node(site: LimitedSite, pool: Pool) -> str:
    """The node of the only placeholder in a pool."""
    (node,) = {
        pod["spec"]["nodeName"] for pod in site.cluster.api.list("pods", site.house) if pool_of(pod) == pool.name
    }
    return str(node)


def forget_stock_out(site: LimitedSite, autoscaler: NodeAutoscaler) -> None:
    """As when minutes have passed: the autoscaler's back-off is over, and what it said is no longer there."""
    api = site.cluster.api
    if autoscaler.kind == "cluster-autoscaler":
        wait_until(lambda: "Backoff" not in api.get("configmaps", STATUS, NAMESPACE)["data"]["status"], "the end", 60.0)
    for space in (site.house, "default"):
        api.delete_all("events", space)
