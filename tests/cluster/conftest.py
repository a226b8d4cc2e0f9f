"""Fixtures of the rig: a real control plane for each pytest worker, an empty cluster for each test.

Each worker has a control plane of its own (0.7 GB, a few per cent of a core): what tests do here is wait, so several
workers share the cores well. Node autoscalers, Prometheus and the exporter belong to the test that starts them."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.cluster import keda as keda_programs
from tests.cluster import kueue as kueue_program
from tests.cluster import lws as lws_program
from tests.cluster import sandbox as sandbox_program
from tests.cluster.cluster import Cluster
from tests.cluster.cluster_autoscaler import ClusterAutoscaler
from tests.cluster.control_plane import ControlPlane, Programs
from tests.cluster.definitions import defined
from tests.cluster.examined import Office
from tests.cluster.exporter import Exporter
from tests.cluster.external_metrics import ExternalMetrics
from tests.cluster.faults import Faults
from tests.cluster.helm import Helm
from tests.cluster.karpenter import Karpenter
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.processes import Program
from tests.cluster.prometheus import BINARY, Prometheus

ROOT = Path(__file__).parents[2]
REQUIRED = ("CI", "REQUIRE_RIG")
KINDS = (Karpenter.kind, ClusterAutoscaler.kind)
A = TypeVar("A", Karpenter, ClusterAutoscaler)
_numbers = itertools.count(1)


def _left_out(reason: str) -> None:
    """Skips the test, but fails it where nothing may be left out."""
    if any(os.environ.get(name) for name in REQUIRED):
        pytest.fail(reason)
    pytest.skip(f"left out: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Adds the end of every program's log to the report of a failed test."""
    report = yield
    plane = getattr(item, "funcargs", {}).get("control_plane")
    if report.failed and isinstance(plane, ControlPlane):  # type: ignore[attr-defined]
        for program in plane.programs.values():
            report.sections.append((f"end of {program.log}", program.tail()))  # type: ignore[attr-defined]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the tests have measured, beside what was recorded before."""
    passed = terminalreporter.stats.get("passed", [])
    lines = sorted(f"{name}: {value}" for report in passed for name, value in report.user_properties)
    if lines:
        terminalreporter.section("measured on the rig")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str, float, str], None]:
    """Keeps a figure for the summary: `measured("stand-in: node goes", 10.3, "10.3")` (seconds, and those recorded)."""
    return lambda what, seconds, recorded: record_property(what, f"{seconds:.3g} s (recorded: {recorded})")


def _built(what: str, programs: str, left_out: Callable[[str], None] = _left_out, target: str = "rig") -> Programs:
    """A set of programs that a target of make has built; `left_out` is told where it has not."""
    where = subprocess.run([ROOT / "scripts" / "rig", "--where", programs], capture_output=True, text=True, check=False)
    if where.returncode:
        left_out(where.stderr.strip() or f"{what} is not built; make {target}")
    return Programs(Path(where.stdout.strip()))


@pytest.fixture(scope="session")
def built() -> Programs:
    """The programs of the control plane."""
    return _built("the control plane", "rig")


@pytest.fixture(scope="session")
def tools() -> Programs:
    """Helm, and definitions of Prometheus Operator."""
    return _built("helm", "rig-tools")


@pytest.fixture(scope="session")
def owner_programs() -> Programs:
    """Programs that own replicas and queues, and definitions of others."""
    return _built("the owners of replicas", "rig-owners")


@pytest.fixture(scope="module")
def lws(control_plane: ControlPlane, owner_programs: Programs) -> Iterator[Program]:
    """LeaderWorkerSet, for all tests of a file: its controller, which a test that ends it must start again."""
    with lws_program.running(control_plane, owner_programs) as program:
        yield program


@pytest.fixture(scope="module")
def kueue(control_plane: ControlPlane, owner_programs: Programs) -> Iterator[Program]:
    """Kueue, for all tests of a file: its program, which a test that ends it must start again."""
    with kueue_program.running(control_plane, owner_programs) as program:
        yield program


@pytest.fixture(scope="module")
def sandbox(control_plane: ControlPlane, owner_programs: Programs) -> Iterator[Program]:
    """agent-sandbox, for all tests of a file: its controller, which a test that ends it must start again."""
    with sandbox_program.running(control_plane, owner_programs) as program:
        yield program


@pytest.fixture(scope="module")
def keda(control_plane: ControlPlane) -> Iterator[Program]:
    """KEDA, for all tests of a file: its operator. Left out where it is not built, everywhere: it takes that long."""
    built = _built("KEDA", "rig-keda", pytest.skip, "rig-keda")
    with keda_programs.running(control_plane, built) as program:
        yield program


def _kinds(part: str) -> Any:
    """A fixture that has kinds of which nobody takes care, for all tests of a file."""

    @pytest.fixture(scope="module")
    def found(control_plane: ControlPlane, owner_programs: Programs) -> Iterator[None]:
        with defined(control_plane, owner_programs.part(part)):
            yield

    return found


kserve_kinds, llm_kinds, gateway_kinds, keda_kinds = map(_kinds, ("kserve", "kserve-llm", "gateway", "keda"))


@pytest.fixture(scope="session")
def helm(tools: Programs, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm without a cluster."""
    return Helm(tools.program("helm"), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def control_plane(built: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that runs for all tests of this worker."""
    plane = ControlPlane(built, tmp_path_factory.mktemp("control-plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    """An empty cluster and a namespace of the test's own."""
    found = Cluster(control_plane, f"test-{next(_numbers)}")
    yield found
    found.clear()


@pytest.fixture
def start_karpenter(cluster: Cluster) -> Iterator[Callable[..., Karpenter]]:
    """Starts Karpenter: `start_karpenter((PRIMARY, BURST), KarpenterOptions(...))`."""
    with ExitStack() as stack:
        yield lambda *arguments: _started(Karpenter(cluster, *arguments), stack)


@pytest.fixture
def start_cluster_autoscaler(cluster: Cluster) -> Iterator[Callable[..., ClusterAutoscaler]]:
    """Starts the Cluster Autoscaler that RIG_CLUSTER_AUTOSCALER names, or our stand-in:
    `start_cluster_autoscaler((PRIMARY, BURST), bypass=True)`."""
    with ExitStack() as stack:
        yield lambda *arguments, **more: _started(ClusterAutoscaler(cluster, *arguments, **more), stack)


@pytest.fixture(params=KINDS)
def start_node_autoscaler(
    request: pytest.FixtureRequest,
    start_karpenter: Callable[..., Karpenter],
    start_cluster_autoscaler: Callable[..., ClusterAutoscaler],
) -> Callable[..., NodeAutoscaler]:
    """The test runs twice, once with each kind: `start_node_autoscaler((PRIMARY, BURST))`. No GPU wait of 30 s."""
    if request.param == Karpenter.kind:
        return start_karpenter
    return lambda pools: start_cluster_autoscaler(pools, bypass=True)


def _started(autoscaler: A, stack: ExitStack) -> A:
    stack.callback(autoscaler.stop)
    autoscaler.start()
    return autoscaler


@pytest.fixture
def faults(cluster: Cluster) -> Iterator[Faults]:
    """Delay, stock-out, spot notice and node loss; undone at the end of the test."""
    found = Faults(cluster)
    yield found
    found.close()


@pytest.fixture
def external_metrics(control_plane: ControlPlane) -> Iterator[ExternalMetrics]:
    """Metrics that horizontal pod autoscalers read, and the test sets."""
    found = ExternalMetrics(control_plane)
    try:
        found.start()
        yield found
    finally:
        found.close()


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """A metrics endpoint whose values the test sets."""
    found = Exporter()
    yield found
    found.close()


@pytest.fixture
def prometheus(exporter: Exporter, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes `exporter` every second."""
    if not BINARY.exists():
        _left_out(f"no {BINARY}; install Debian's prometheus")
    found = Prometheus(tmp_path / "prometheus", exporter.port)
    try:
        found.start()
        yield found
    finally:
        found.program.stop()


@pytest.fixture(scope="module")
def office(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A cluster and a Prometheus in which nothing is wrong, for a whole file of tests that plant and find mistakes."""
    if not BINARY.exists():
        _left_out(f"no {BINARY}; install Debian's prometheus")
    with ExitStack() as ends:
        scraped = Exporter()
        ends.callback(scraped.close)
        store = Prometheus(tmp_path_factory.mktemp("prometheus"), scraped.port)
        ends.callback(store.program.stop)
        store.start()
        empty = Cluster(control_plane, f"test-{next(_numbers)}")
        ends.callback(empty.clear)
        yield Office(empty, store, scraped, tmp_path_factory.mktemp("policies"))
