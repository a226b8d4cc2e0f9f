"""etcd, API server, controller manager, scheduler and kwok as processes: one control plane, with data of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from tests.cluster.api import Api, Server
from tests.cluster.audit import AuditLog
from tests.cluster.certificates import Authority
from tests.cluster.clock import now_s, wait_until
from tests.cluster.credentials import ADMIN, CONTROLLERS, KWOK, SCHEDULER, Credentials
from tests.cluster.intervals import HPA_STABILISATION, HPA_SYNC, NODE_GRACE
from tests.cluster.kinds import Defined
from tests.cluster.processes import LOOPBACK, Program, free_port, wait_for_port
from tests.cluster.stages import write as write_stages

ISSUER = "https://kubernetes.default.svc"
CONTROLLER_LIST = (
    "serviceaccount-controller,serviceaccount-token-controller,namespace-controller,garbage-collector-controller,"
    "pod-garbage-collector-controller,node-lifecycle-controller,taint-eviction-controller,resourcequota-controller,"
    "replicaset-controller,deployment-controller,job-controller,statefulset-controller,disruption-controller,"
    "daemonset-controller,horizontal-pod-autoscaler-controller,resourceclaim-controller"
)
OUR_DEFINITIONS = Path(__file__).parents[2] / "helm" / "crds"
NAMESPACES = ("karpenter", "ca")  # of the node autoscalers
CRDS = "apiextensions.k8s.io/v1/customresourcedefinitions"
FRONT_PROXY = "front-proxy-client"
START_S = 90.0  # deadline of each step of a start, on a machine that builds beside it


@dataclass(frozen=True, slots=True)
class Programs:
    """A set that `make rig` has built: programs, and parts of modules, such as kwok's pod stages, in a folder each."""

    folder: Path

    def program(self, name: str) -> Path:
        """The path of a program."""
        return self.folder / "bin" / name

    def part(self, name: str) -> list[Path]:
        """The YAML files of a part."""
        return sorted((self.folder / "parts" / name).glob("*.yaml"))

    @property
    def pod_stages(self) -> Path:
        """The folder of kwok's own pod stages."""
        return self.folder / "parts" / "stages"

    @property
    def definitions(self) -> list[Path]:
        """Files with CustomResourceDefinitions, Karpenter's and ours."""
        return [*self.part("crds"), *sorted(OUR_DEFINITIONS.glob("*.yaml"))]


class ControlPlane:
    """A Kubernetes without kubelets, at free loopback ports, with logs and data in one folder.

    After `start`: `api(user)` and `kubeconfig(user)`; `programs` by name, to stop, kill or restart; `seconds` that the
    start took, by step; `kinds` that came later, for a while. Karpenter's and our definitions and the autoscalers'
    namespaces are there from the begin on."""

    def __init__(self, built: Programs, folder: Path) -> None:
        self.built, self.folder = built, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.credentials = Credentials(folder / "credentials")
        self.certificates = folder / "certs"
        self.authority = Authority(folder / "authority")
        self.audit = AuditLog(folder)
        self.server = Server(free_port(), self.certificates / "apiserver.crt")
        self.programs: dict[str, Program] = {}
        self.seconds: dict[str, float] = {}
        self.kinds: list[Defined] = []
        self._apis: dict[str, Api] = {}

    def api(self, user: str = ADMIN) -> Api:
        """The API server as one of the users sees it."""
        if user not in self._apis:
            self._apis[user] = Api(self.server, self.credentials.tokens[user])
        return self._apis[user]

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig file of one of the users."""
        return self.credentials.kubeconfig(user, self.server.port, self.server.ca)

    def add(self, program: Program) -> Program:
        """Takes a program into care: its log is shown with a failed test, and it is stopped with the control plane."""
        self.programs[program.name] = program
        return program

    def run(self, name: str, *flags: str) -> Program:
        """Starts one of the built programs, with a log named after it."""
        program = self.add(Program(name, [self.built.program(name), *flags], self.folder / f"{name}.log"))
        program.start()
        return program

    def start(self) -> None:
        """Starts everything and waits until pods can be made and bound. Died with the log of what did not start."""
        begin = now_s()
        self._start_etcd()
        self._start_api_server()
        self.seconds["API server ready"] = now_s() - begin
        self._start_controllers()
        self._install()
        wait_until(lambda: self._has_default_account("default"), "the default ServiceAccount", START_S)
        self.seconds["pods can be made"] = now_s() - begin
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            self.programs[name].check()

    def stop(self) -> None:
        """Stops everything, the data last, and removes it; logs stay."""
        for api in self._apis.values():
            api.close()
        for name, program in reversed(list(self.programs.items())):
            program.stop(kill=name == "etcd")
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def wait_ready(self, within_s: float = START_S) -> None:
        """Waits until the API server says that it is ready, as after a restart of it."""
        program = self.programs["kube-apiserver"]

        def look() -> bool:
            program.check()
            try:
                return bool(self.api().call("GET", "/readyz") == "ok")
            except Exception:  # refused connection, 403 before RBAC is up, 500 while hooks run: all mean not yet
                return False

        wait_until(look, "the API server to be ready", within_s)

    def add_namespace(self, name: str) -> None:
        """A namespace in which pods can be made when this returns."""
        self.api().create("namespaces", {"metadata": {"name": name}})
        wait_until(lambda: self._has_default_account(name), f"the default ServiceAccount of {name}", START_S)

    def _has_default_account(self, namespace: str) -> bool:
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            self.programs[name].check()
        return self.api().find("serviceaccounts", "default", namespace) is not None

    def _start_etcd(self) -> None:
        client, peer = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
        self.etcd_url = client
        self.run(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        wait_for_port(self.programs["etcd"], int(client.rpartition(":")[2]), START_S)

    def _start_api_server(self) -> None:
        self.run(
            "kube-apiserver",
            f"--etcd-servers={self.etcd_url}",
            f"--secure-port={self.server.port}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--cert-dir={self.certificates}",
            f"--token-auth-file={self.credentials.token_file}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self.credentials.public_key}",
            f"--service-account-signing-key-file={self.credentials.private_key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            *self._aggregation_flags(),
            *self.audit.flags(),
        )
        wait_for_port(self.programs["kube-apiserver"], self.server.port, START_S)
        self.wait_ready()

    def _aggregation_flags(self) -> list[str]:
        """As which client the API server passes requests on to API servers of others, and how it names their user."""
        proxy = self.authority.issue(FRONT_PROXY)
        return [
            f"--client-ca-file={self.authority.certificate}",
            f"--requestheader-client-ca-file={self.authority.certificate}",
            f"--requestheader-allowed-names={FRONT_PROXY}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={proxy.certificate}",
            f"--proxy-client-key-file={proxy.key}",
        ]

    def _start_controllers(self) -> None:
        """The three that need the API server and its certificate; each begins to work on its own."""
        self.run(
            "kube-controller-manager",
            *self._client_flags(CONTROLLERS),
            f"--service-account-private-key-file={self.credentials.private_key}",
            f"--root-ca-file={self.server.ca}",
            "--use-service-account-credentials=true",
            f"--cert-dir={self.folder / 'certs-controllers'}",
            f"--node-monitor-grace-period={NODE_GRACE.tests_s:g}s",
            f"--horizontal-pod-autoscaler-sync-period={HPA_SYNC.tests_s:g}s",
            f"--horizontal-pod-autoscaler-downscale-stabilization={HPA_STABILISATION.tests_s:g}s",
            f"--controllers={CONTROLLER_LIST}",
        )
        self.run("kube-scheduler", *self._client_flags(SCHEDULER), f"--cert-dir={self.folder / 'certs-scheduler'}")
        config = self.folder / "stages.yaml"
        write_stages(self.built.pod_stages, config)
        self.run(
            "kwok",
            f"--kubeconfig={self.kubeconfig(KWOK)}",
            f"--config={config}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            f"--node-ip={LOOPBACK}",
            f"--server-address={LOOPBACK}:{free_port()}",
            "--node-lease-duration-seconds=40",
        )

    def _client_flags(self, user: str) -> list[str]:
        names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
        return [
            *(f"--{name}={self.kubeconfig(user)}" for name in names),
            "--leader-elect=false",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={free_port()}",
        ]

    def _install(self) -> None:
        """Definitions early: the garbage collector learns of a new kind of owner only some half minute later."""
        for file in self.built.definitions:
            for body in YAML(typ="safe", pure=True).load_all(file.read_text()):
                if body:
                    self.api().create(CRDS, body)
        for name in NAMESPACES:
            self.api().create("namespaces", {"metadata": {"name": name}})
