"""Devices by claims (DRA), without a driver: devices are written by hand; scheduler and claim controller are real.

A placeholder makes no claim of its own: it holds cpu and memory of the node. Where the extended resource of a device
class is asked for, the scheduler makes one for it, and it holds the devices: those nobody displaces, so we step aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.transport import Transport
from tests.cluster import objects, pools
from tests.cluster.api import Json
from tests.cluster.clock import epoch_s, now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.pools import GPU, PRIMARY
from tests.cluster.product_link import product_link

Measured = Callable[[str, float, str], None]
RESOURCE = "resource.k8s.io/v1"
CLASSES, SLICES = f"{RESOURCE}/deviceclasses", f"{RESOURCE}/resourceslices"
TEMPLATES, CLAIMS = f"{RESOURCE}/resourceclaimtemplates", f"{RESOURCE}/resourceclaims"
DRIVER, NODE, DEVICES = "gpu.rig.test", "claimed-node", 2
CHAT, POOL = 0, 0
TOLD_S = 30.0
PATIENCE_S = 600.0
"""So long that nobody steps aside for having waited."""
MOST_CPU = str(pools.CPU_CORES * PRIMARY.gpus - 2)


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def node(cluster: Cluster) -> str:
    """A node that is Ready and has no GPU of a device plugin, and devices of a driver."""
    made = pools.node(PRIMARY, "zone-a", NODE)
    for part in ("capacity", "allocatable"):
        del made["status"][part][GPU]
    cluster.create("nodes", made)
    devices = [{"name": f"gpu-{n}"} for n in range(DEVICES)]
    pool = {"name": NODE, "generation": 1, "resourceSliceCount": 1}
    slice_spec = {"driver": DRIVER, "nodeName": NODE, "pool": pool, "devices": devices}
    cluster.create(SLICES, {"metadata": {"name": NODE}, "spec": slice_spec})
    wait_until(lambda: objects.is_true(cluster.api.get("nodes", NODE), "Ready"), "the node to be Ready", TOLD_S)
    return NODE


def device_class(cluster: Cluster, name: str, **more: str) -> str:
    full = f"{cluster.namespace}-{name}"
    chosen = {"cel": {"expression": f'device.driver == "{DRIVER}"'}}
    cluster.create(CLASSES, {"metadata": {"name": full}, "spec": {"selectors": [chosen], **more}})
    return full


def by_template(cluster: Cluster, count: int) -> Json:
    """Spec of pods with a claim each; a claim is of so many devices."""
    asked = {"name": "gpus", "exactly": {"deviceClassName": device_class(cluster, "gpu"), "count": count}}
    template = {
        "metadata": {"name": "gpu", "namespace": cluster.namespace},
        "spec": {"spec": {"devices": {"requests": [asked]}}},
    }
    cluster.create(TEMPLATES, template)
    amounts = {"cpu": MOST_CPU, "memory": "1Gi"}
    resources = {"requests": amounts, "limits": amounts, "claims": [{"name": "gpu"}]}
    return {
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
        "containers": [{"name": "serve", "image": objects.IMAGE, "resources": resources}],
    }


def claims(cluster: Cluster, namespace: str) -> int:
    """Those that have devices."""
    found = cluster.api.list(CLAIMS, namespace)
    return sum(1 for one in found if (one.get("status") or {}).get("allocation"))


@pytest.mark.usefixtures("node")
def test_a_placeholder_of_a_workload_with_claims_holds_the_node_and_no_device(
    cluster: Cluster, transport: Transport, measured: Measured
) -> None:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, **by_template(cluster, DEVICES)))
    settings = LiveSettings(patience_s=PATIENCE_S)
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",), settings)) as fleet:
        fleet.port.create_placeholder(CHAT, POOL, 0)
        fleet.wait_all_bound(1, TOLD_S)
        (held,) = fleet.pods()
        assert "resourceClaims" not in held["spec"]
        assert held["spec"]["containers"][0]["resources"]["requests"]["cpu"] == MOST_CPU
        assert held["spec"]["terminationGracePeriodSeconds"] == 1
        assert claims(cluster, fleet.house) == 0
        begin = now_s()
        fleet.port.set_floor(CHAT, 1)
        fleet.wait(lambda now: step(fleet) and (now.ready + now.starting).sum() == 1, "the pod to be placed", TOLD_S)
        measured("claims: from asking to placed, by template", now_s() - begin, "none")
        assert claims(cluster, cluster.namespace) == 1
        assert fleet.held() == []


@pytest.mark.usefixtures("node")
def test_devices_that_a_placeholder_claimed_are_handed_over(
    cluster: Cluster, transport: Transport, measured: Measured
) -> None:
    """Nobody but us makes room: the scheduler waits as long as we do not step aside."""
    device_class(cluster, "extended", extendedResourceName=GPU)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=DEVICES))
    settings = LiveSettings(patience_s=PATIENCE_S)
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",), settings)) as fleet:
        fleet.port.create_placeholder(CHAT, POOL, 0)
        fleet.wait_all_bound(1, TOLD_S)
        (held,) = fleet.pods()
        assert held["status"]["extendedResourceClaimStatus"]["resourceClaimName"]
        assert claims(cluster, fleet.house) == 1
        fleet.port.set_floor(CHAT, 1)
        waits = fleet.wait(lambda now: now.pending.sum() == 1, "the pod to wait", TOLD_S)
        assert len(waits.placeholders) == 1
        stays(lambda: len(fleet.held()) == 1 and fleet.inventory().pending.sum() == 1, "the scheduler's waiting", 3.0)
        begin = now_s()
        fleet.wait(lambda now: step(fleet) and (now.ready + now.starting).sum() == 1, "the pod to be placed", TOLD_S)
        measured("claims: step aside for an extended resource, to placed", now_s() - begin, "none")
        assert fleet.held() == []
        wait_until(fleet.sweep, "the sweep to tell", TOLD_S)
        assert [end.cause for end in fleet.ended] == ["Handover"]


def step(fleet: LiveFleet) -> bool:
    """One look at who waits; nothing may fail."""
    assert fleet.port.step_aside(epoch_s()) == ()
    return True
