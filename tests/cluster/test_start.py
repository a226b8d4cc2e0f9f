"""How soon a controller is ready with a hundred policies, and how much memory it takes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import Controller, Site
from tests.cluster.exporter import Exporter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus

POLICIES = 100
GOAL_S, PATIENCE_S = 5.0, 60.0
MOST_MIB, MOST_PROCESSOR_S = 600.0, 15.0


def resident_mib(pid: int) -> float:
    """Memory of a process now."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024.0


def processor_s(pid: int) -> float:
    """Processor time of a process so far: what its start costs, whatever else runs on the machine."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_a_hundred_policies_are_in_force_soon_after_the_start(
    cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path,
    measured: Callable[[str, float, str], None], record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    site = Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)
    for number in range(POLICIES):
        name = f"chat-{number:03d}"
        cluster.create(DEPLOYMENTS, deployment(name, cluster.namespace, 0, gpus=8))
        site.write(name, mode="observe")
        exporter.rate("requests_total", 1.0, model=name)
    controller = Controller(site, "one")
    try:
        begin = now_s()
        controller.program.start()
        controller.wait_ready(PATIENCE_S)
        measured(f"start: from the process to /readyz with {POLICIES} policies", now_s() - begin, f"goal {GOAL_S:g}")
        spent_s = processor_s(controller.program.pid)
        measured(f"start: processor time until /readyz with {POLICIES} policies", spent_s, "none")
        assert spent_s < MOST_PROCESSOR_S
        assert controller.metric("policies", mode="observe") == POLICIES
        wait_until(lambda: controller.metric("ticks_total", outcome="done"), "a tick", PATIENCE_S, 0.2)
        first_mib = resident_mib(controller.program.pid)
        wait_until(lambda: (controller.metric("ticks_total", outcome="done") or 0.0) >= 20.0, "20 ticks", PATIENCE_S, 1)
        settled_mib = resident_mib(controller.program.pid)
        said = f"{first_mib:.0f} MiB after the first tick, {settled_mib:.0f} MiB after twenty"
        record_property(f"start: memory with {POLICIES} policies", said)
        assert settled_mib < MOST_MIB
    finally:
        controller.program.stop()
