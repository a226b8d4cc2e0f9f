"""All parts of it, started one after another and stopped in the other order: control plane, traffic, Prometheus, a
model server, Karpenter, the chart and our controller."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from simulations.try_cluster.seen import Seen, counted, look
from simulations.try_cluster.traffic import PEAK_REPLICAS, Replay, replay
from tests.cluster.api import Json
from tests.cluster.clock import epoch_s, now_s
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane, Programs
from tests.cluster.controllers import Controller
from tests.cluster.credentials import ADMIN
from tests.cluster.exporter import Exporter
from tests.cluster.helm import DEFAULT, ROOT, Helm
from tests.cluster.installed import RELEASE, account, on_this_machine, said
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, PAUSE, deployment
from tests.cluster.pools import Pool
from tests.cluster.processes import Program
from tests.cluster.prometheus import BINARY, Prometheus
from tests.cluster.stages import Stages

INFERENCE, HOUSE = "inference", "gpu-autoscaler"
NODE = Stages(boot_s=15, gpu_s=5)
MODEL = Stages(image_s=4, weights_s=5, cuda_s=1)
"""Minutes in production; here shortened as much as the traffic is."""
POOLS = (Pool("gpu-primary", stages=NODE), Pool("gpu-burst", capacity_type="spot", stages=NODE))
GPUS = {"chat": 2, "api": 1}
TICK, NODE_LEAD, REPLICA_LEAD, LEASE_S = "2s", "30s", "12s", 6
CAMPAIGN_AFTER_MIN, CAMPAIGN_EVERY_MIN = 3, 10
TOKEN_S = 30 * 86_400
SCRAPED_S = 60.0
POLICIES = Path(__file__).with_name("policies.yaml")
Tell = Callable[[str], None]


class Missing(Exception):
    """Something that has to be installed or built first; the message says how."""


@dataclass
class World:
    """What runs. folder: of all its files. Parts are there once `start` has returned."""

    folder: Path
    parts: ExitStack
    traffic: Replay = field(default_factory=replay)
    plane: ControlPlane = field(init=False)
    prometheus: Prometheus = field(init=False)
    controller: Controller = field(init=False)
    _exporter: Exporter = field(init=False)
    _programs: list[Program] = field(default_factory=list)
    _begin_s: float = 0.0

    def start(self, tell: Tell) -> None:
        """Starts everything. Missing, or an AssertionError with the end of the log of what did not start."""
        tell("starting etcd, API server, controller manager, scheduler and kwok")
        self.plane = ControlPlane(_built("rig"), self.folder / "control-plane")
        self.parts.callback(self.plane.stop)
        self.plane.start()
        self.kubeconfig.symlink_to(self.plane.kubeconfig(ADMIN))
        cluster = Cluster(self.plane, INFERENCE)
        tell("starting Prometheus, which scrapes replayed traffic")
        self._scrape()
        tell("making two model servers without a replica, and starting Karpenter")
        for model, gpus in GPUS.items():
            cluster.create(DEPLOYMENTS, deployment(model, INFERENCE, 0, gpus=gpus, stages=MODEL))
        Karpenter(cluster, POOLS).start()
        tell("installing the chart with helm, and starting the controller as its Deployment says")
        self._install()
        self._run_controller()
        self._begin_s = now_s()

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator, at a path that is short enough to be typed."""
        return self.folder / "kubeconfig"

    @property
    def elapsed_s(self) -> float:
        """Since everything ran."""
        return now_s() - self._begin_s

    def step(self) -> dict[str, float]:
        """Lets the traffic go on and policies reach the controller; requests a second by model. Died where a program
        has."""
        for program in self.programs():
            program.check()
        rates = self.traffic.at(self.elapsed_s)
        for model, per_s in rates.items():
            self._exporter.rate("requests_total", per_s, model=model)
        self._mount()
        return rates

    def seen(self) -> Seen:
        """The cluster now."""
        return counted(look(self.plane.api(), INFERENCE, HOUSE), POOLS)

    def programs(self) -> Iterator[Program]:
        """All that was started so far."""
        yield from self.plane.programs.values() if hasattr(self, "plane") else ()
        yield from self._programs

    def environment(self, identity: str, port: int) -> dict[str, str]:
        """The settings of the controller: what its Deployment says, with a token of its ServiceAccount."""
        kubeconfig = account(self.plane, HOUSE, self.folder / "controller.kubeconfig", TOKEN_S)
        return said(self.plane.api(), HOUSE) | on_this_machine(HOUSE, self._policies, identity, kubeconfig, port)

    def _scrape(self) -> None:
        if not BINARY.exists():
            raise Missing(
                f"no {BINARY}; install Debian's prometheus: apt-get install --no-install-recommends prometheus"
            )
        self._exporter = Exporter()
        self.parts.callback(self._exporter.close)
        for model in PEAK_REPLICAS:
            self._exporter.rate("requests_total", 0.0, model=model)
        self.prometheus = Prometheus(self.folder / "prometheus", self._exporter.port)
        self._add(self.prometheus.program)
        self.prometheus.start()
        self.prometheus.wait_for("rate(requests_total[10s]) >= 0", SCRAPED_S)

    def _install(self) -> None:
        helm = Helm(_built("rig-tools").program("helm"), self.folder / "helm", self.kubeconfig)
        values = self.folder / "values.yaml"
        YAML().dump(_values(self.prometheus.url), values)
        self.plane.add_namespace(HOUSE)
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.plane.api().patch("namespaces", HOUSE, {"metadata": {"labels": labels}})
        helm.install(DEFAULT, HOUSE, "--values", str(values))

    def _run_controller(self) -> None:
        self._policies.mkdir()
        self._mount()
        self.controller = Controller(self, "try-cluster")
        self._add(self.controller.program)
        self.controller.start()
        self.prometheus.scrape(self.controller.url.removeprefix("http://"))

    @property
    def _policies(self) -> Path:
        return self.folder / "policies"

    def _mount(self) -> None:
        """Does what a kubelet does with the ConfigMap of policies: an edit reaches the controller's folder."""
        data = self.plane.api().get("configmaps", f"{RELEASE}-policies", HOUSE).get("data") or {}
        for file in self._policies.glob("*.yaml"):
            if file.name not in data:
                file.unlink()
        for name, text in data.items():
            file = self._policies / name
            if not file.exists() or file.read_text() != text:
                new = self.folder / "policy.new"
                new.write_text(text)
                new.rename(file)

    def _add(self, program: Program) -> None:
        self._programs.append(program)
        self.parts.callback(program.stop)


def _values(prometheus: str) -> Json:
    """Values of the chart: a loop as quick as what it looks at."""
    return {
        "prometheus": {"url": prometheus},
        "placeholders": {"image": PAUSE},
        "policies": {"files": {POLICIES.name: _policies(epoch_s())}},
        "settings": {"tick": TICK, "leaseSeconds": LEASE_S, "nodeLead": NODE_LEAD, "replicaLead": REPLICA_LEAD},
    }


def _policies(at_s: float) -> str:
    """The policies, with a campaign that begins soon."""
    first = int(at_s // 60 + CAMPAIGN_AFTER_MIN) % CAMPAIGN_EVERY_MIN
    return POLICIES.read_text().replace("MINUTES *", f"{first}-59/{CAMPAIGN_EVERY_MIN} *")


def _built(programs: str) -> Programs:
    """A set of programs that `make rig` has built. Missing."""
    where = subprocess.run([ROOT / "scripts" / "rig", "--where", programs], capture_output=True, text=True, check=False)
    if where.returncode:
        raise Missing(where.stderr.strip() or "the control plane is not built; make rig")
    return Programs(Path(where.stdout.strip()))
