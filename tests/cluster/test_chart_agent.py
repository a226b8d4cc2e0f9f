"""The node agent in the chart: left out unless it is asked for, no more rights than it needs, mistakes in words."""

from __future__ import annotations

import re
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.helm import DEFAULT, ROOT, VALUE_SETS, Helm, HelmError
from tests.cluster.processes import LOOPBACK, Program, free_port, wait_for_port

SPACE = "gpu-capacity"
ON = ("--set", "agent.enabled=true")
LIBRARY = "/home/kubernetes/bin/nvidia/lib64/libnvidia-ml.so.1"


def by_name(name: str) -> Path:
    return next(file for file in VALUE_SETS if file.stem == name)


def the(objects: list[Any], kind: str, name: str = "agent") -> Any:
    """The only object of a kind whose name ends so."""
    [found] = [one for one in objects if one["kind"] == kind and one["metadata"]["name"].endswith(name)]
    return found


@pytest.fixture(scope="module")
def scraped(helm: Helm) -> list[Any]:
    """Objects with an agent that a runtime brings the driver to."""
    return helm.template(by_name("agent"), SPACE)


@pytest.fixture(scope="module")
def own_driver(helm: Helm) -> list[Any]:
    """Objects with an agent that finds the driver on its node, and with all else that a site may say."""
    return helm.template(by_name("agent-own-driver"), SPACE)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param("agent.sampleEvery=soon", 'agent.sampleEvery "soon" is no time from 100ms to 60s', id="duration"),
        pytest.param("agent.sampleEvery=61s", 'agent.sampleEvery "61s" is no time from 100ms to 60s', id="too seldom"),
        pytest.param("agent.sampleEvery=50ms", 'agent.sampleEvery "50ms" is no time from 100ms to', id="too often"),
        pytest.param("agent.kubeletFolder=var/lib", "at '/agent/kubeletFolder': 'var/lib' does not match", id="folder"),
        pytest.param("agent.port=0", "at '/agent/port': minimum: got 0, want 1", id="port"),
        pytest.param("agent.capabilities={SYS_ADMIN}", "value must be one of 'SYS_PTRACE', 'DAC_READ", id="capability"),
        pytest.param("agent.gpus=1", "at '/agent': additional properties 'gpus' not allowed", id="typo"),
        pytest.param("agent.driver.privileged=true", "the agent needs no privileged container", id="needless right"),
        pytest.param(f"agent.driver.library={LIBRARY}", "to privileged containers alone; set both", id="no device"),
        pytest.param("agent.driver.library=/usr/lib", '"/usr/lib" is not the driver\'s library: write', id="a folder"),
        pytest.param(
            f"agent.driver.library={LIBRARY},agent.driver.privileged=true,agent.runtimeClassName=nvidia",
            "agent.driver.library and agent.runtimeClassName are both set: keep one", id="two drivers",
        ),
        pytest.param("agent.namespace.create=true", "is not that of another namespace: name one", id="whose namespace"),
        pytest.param("namespace.create=true", f"namespace {SPACE} enforces Pod Security restricted", id="restricted"),
        pytest.param(
            "namespace.create=true,namespace.podSecurity=baseline", "Pod Security baseline, which refuses hostPID",
            id="baseline",
        ),
        pytest.param(
            "agent.scrapeAnnotations=true,monitoring.podMonitor.enabled=true", "are both true: keep one", id="twice"
        ),
        pytest.param("agent.serviceAccount.create=false", "name a ServiceAccount without permissions", id="who"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_in_words(helm: Helm, given: str, said: str) -> None:
    with pytest.raises(HelmError) as caught:
        helm.template(DEFAULT, SPACE, *ON, "--set", given)
    assert said in str(caught.value)


def test_a_restricted_namespace_of_the_release_and_an_agent_elsewhere_go_together(helm: Helm) -> None:
    objects = helm.template(DEFAULT, SPACE, *ON, "--set", "namespace.create=true,agent.namespace.name=gpu-agents")
    assert the(objects, "DaemonSet")["metadata"]["namespace"] == "gpu-agents"
    assert the(objects, "Namespace", SPACE)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_without_it_nothing_of_it_is_there_and_with_it_nothing_else_changes(helm: Helm) -> None:
    without = helm.template(DEFAULT, SPACE)
    assert not [one for one in without if one["kind"] == "DaemonSet" or one["metadata"]["name"].endswith("-agent")]
    monitored = helm.template(DEFAULT, SPACE, "--set", "monitoring.podMonitor.enabled=true")
    assert monitored == without
    with_it = helm.template(DEFAULT, SPACE, *ON)
    assert [one for one in with_it if one in without] == without
    assert sorted(one["kind"] for one in with_it if one not in without) == ["DaemonSet", "ServiceAccount"]


def test_it_has_no_right_that_it_does_not_need(scraped: list[Any]) -> None:
    pod = the(scraped, "DaemonSet")["spec"]["template"]["spec"]
    assert {name for name in pod if name.startswith("host")} == {"hostPID"}
    assert pod["automountServiceAccountToken"] is False
    assert the(scraped, "ServiceAccount")["automountServiceAccountToken"] is False
    bound = [one["subjects"] for one in scraped if one["kind"].endswith("Binding")]
    assert pod["serviceAccountName"] not in str(bound)
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {"name", "readOnly"} <= set(container["volumeMounts"][0])
    [volume] = pod["volumes"]
    assert volume["hostPath"] == {"path": "/var/lib/kubelet/pod-resources", "type": "Directory"}
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert "gpu" not in str(container["resources"])
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert environment["NVIDIA_DRIVER_CAPABILITIES"] == "utility"


def test_what_a_site_lets_it_look_into_is_added_to_nothing(helm: Helm) -> None:
    objects = helm.template(DEFAULT, SPACE, *ON, "--set", "agent.capabilities={SYS_PTRACE}")
    [container] = the(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["SYS_PTRACE"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_a_driver_of_the_node_is_mounted_alone_and_read_only(own_driver: list[Any]) -> None:
    pod = the(own_driver, "DaemonSet")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    paths = {volume["name"]: volume.get("hostPath", {}).get("path") for volume in pod["volumes"]}
    assert paths == {"pod-resources": "/var/lib/k0s/kubelet/pod-resources", "driver": LIBRARY, "notes": None}
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    searched = {one["name"]: one.get("value") for one in container["env"]}["LD_LIBRARY_PATH"]
    assert mounted["driver"] == f"{searched}/libnvidia-ml.so.1"
    assert mounted["pod-resources"] == "/var/lib/kubelet/pod-resources"  # where the agent looks, on every node
    assert container["securityContext"]["privileged"] is True
    assert "runtimeClassName" not in pod


def test_no_selector_of_the_controller_takes_agents_and_those_of_agents_take_them(own_driver: list[Any]) -> None:
    labels = the(own_driver, "DaemonSet")["spec"]["template"]["metadata"]["labels"].items()
    controllers = [
        the(own_driver, "Service", "gpu-autoscaler")["spec"]["selector"],
        the(own_driver, "Deployment", "gpu-autoscaler")["spec"]["selector"]["matchLabels"],
        the(own_driver, "PodDisruptionBudget", "gpu-autoscaler")["spec"]["selector"]["matchLabels"],
        the(own_driver, "NetworkPolicy", "gpu-autoscaler")["spec"]["podSelector"]["matchLabels"],
    ]
    assert not [selector for selector in controllers if selector.items() <= labels]
    agents = [
        the(own_driver, "DaemonSet")["spec"]["selector"]["matchLabels"],
        the(own_driver, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in agents)


def test_nobody_but_the_scraper_reaches_it_and_it_reaches_nobody(own_driver: list[Any]) -> None:
    policy = the(own_driver, "NetworkPolicy")
    assert policy["metadata"]["namespace"] == "kube-public"
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy["spec"]
    [rule] = policy["spec"]["ingress"]
    assert rule["ports"] == [{"port": "metrics"}]
    assert "monitoring" in str(rule["from"])


def test_prometheus_keeps_the_labels_of_the_workload(scraped: list[Any]) -> None:
    monitor = the(scraped, "PodMonitor")
    assert monitor["metadata"]["namespace"] == SPACE  # beside the ServiceMonitor, where Prometheus looks
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["default"]}
    daemons = the(scraped, "DaemonSet")
    assert monitor["spec"]["selector"] == daemons["spec"]["selector"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    ports = [port["name"] for port in daemons["spec"]["template"]["spec"]["containers"][0]["ports"]]
    assert (endpoint["honorLabels"], [endpoint["port"]]) == (True, ports)
    assert endpoint["metricRelabelings"][0]["regex"] == "DCGM_.*"
    assert [one["targetLabel"] for one in endpoint["relabelings"]] == ["node", "cluster"]


def test_annotations_name_the_port_that_it_listens_on(own_driver: list[Any], scraped: list[Any]) -> None:
    template = the(own_driver, "DaemonSet")["spec"]["template"]
    [container] = template["spec"]["containers"]
    found = {name: value for name, value in template["metadata"]["annotations"].items() if "prometheus.io" in name}
    port = container["ports"][0]["containerPort"]
    assert found == {"prometheus.io/scrape": "true", "prometheus.io/path": "/metrics", "prometheus.io/port": str(port)}
    assert f"--listen=0.0.0.0:{port}" in container["args"]
    assert "prometheus.io" not in str(the(scraped, "DaemonSet"))


def test_labels_annotations_and_registry_of_the_site_hold_for_it(own_driver: list[Any]) -> None:
    daemons = the(own_driver, "DaemonSet")
    template = daemons["spec"]["template"]
    for one in [*own_driver, template]:
        assert one["metadata"]["labels"]["cost-center"] == "4711", one
        assert one["metadata"]["annotations"]["site.test/owner"] == "platform", one
    assert template["metadata"]["labels"]["mesh"] == "off"
    assert template["metadata"]["annotations"]["mesh.test/inject"] == "false"
    assert template["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
    deployment = the(own_driver, "Deployment", "gpu-autoscaler")["spec"]["template"]["spec"]
    assert template["spec"]["containers"][0]["image"] == deployment["containers"][0]["image"]


def test_what_its_page_says_to_type_works(helm: Helm, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "agent.md").read_text()
    [command] = [block for block in page.split("\n\n") if block.startswith("    helm upgrade")]
    chosen = [part for one in re.findall(r"--set (\S+)", command) for part in ("--set", one)]
    objects = helm.template(DEFAULT, "gpu-autoscaler", *chosen)
    assert the(objects, "PodMonitor")
    daemons = the(objects, "DaemonSet")["metadata"]
    [named] = set(re.findall(r"-n (\S+) (?:get|exec|rollout restart) daemonset[ /](\S+?)[` ]", page.replace("\n", " ")))
    assert named == (daemons["namespace"], daemons["name"])
    blocks = re.findall(r"(?m)^    (?:agent|monitoring):\n(?:^     .*\n)+", page)
    assert len(blocks) == 3
    for k, block in enumerate(blocks):
        values = tmp_path / f"{k}.yaml"
        values.write_text(textwrap.dedent(block))
        assert helm.template(values, "gpu-autoscaler", "--values", str(DEFAULT), *chosen) != objects


@pytest.mark.parametrize("values", ["agent", "agent-own-driver"])
def test_the_agent_understands_what_it_is_told(helm: Helm, values: str, tmp_path: Path) -> None:
    [container] = the(helm.template(by_name(values), SPACE), "DaemonSet")["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one.get("value", "node-7") for one in container["env"]}
    port = free_port()
    listening = f"--listen=0.0.0.0:{container['ports'][0]['containerPort']}"
    told = [one.replace(listening, f"--listen={LOOPBACK}:{port}") for one in container["args"]]
    assert told != container["args"]
    agent = Program("agent", [sys.executable, "-m", "autoscaler", *told], tmp_path / "agent.log", environment, ROOT)
    agent.start()
    try:
        wait_for_port(agent, port, 60.0)
        asked = {
            container["livenessProbe"]["httpGet"]["path"],
            container["startupProbe"]["httpGet"]["path"],
            "/metrics",
        }
        for path in asked:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=30) as answer:
                assert answer.status == 200
        assert '"node": "node-7"' in agent.tail()
    finally:
        agent.stop()


def test_a_namespace_of_its_own_takes_it_and_stays(helm: Helm) -> None:
    more = ("--set", "agent.namespace.name=gpu-agents,agent.namespace.create=true,agent.namespace.labels.team=gpu")
    objects = helm.template(DEFAULT, SPACE, *ON, *more)
    made = the(objects, "Namespace", "gpu-agents")["metadata"]
    assert {value for name, value in made["labels"].items() if "pod-security" in name} == {"privileged"}
    assert made["labels"]["team"] == "gpu"
    assert made["annotations"]["helm.sh/resource-policy"] == "keep"
    spaces = {
        one["kind"]: one["metadata"]["namespace"] for one in objects if one["metadata"]["name"].endswith("-agent")
    }
    assert spaces == {"DaemonSet": "gpu-agents", "ServiceAccount": "gpu-agents"}
