"""The chart as helm renders it: sets of values that sites have, and mistakes that are told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoscaler.settings import PREFIX, Settings, read_settings
from tests.cluster.helm import DEFAULT, VALUE_SETS, Helm, HelmError

SPACE = "gpu-capacity"
ELSEWHERE = {"kubeconfig", "context", "identity"}
"""Settings that no pod needs: it is told where it is."""


def by_name(name: str) -> Path:
    return next(file for file in VALUE_SETS if file.stem == name)


def of_kind(objects: list[Any], kind: str) -> list[Any]:
    return [one for one in objects if one["kind"] == kind]


def pod_of(objects: list[Any]) -> Any:
    [deployment] = of_kind(objects, "Deployment")
    return deployment["spec"]["template"]["spec"]


def environment(objects: list[Any]) -> dict[str, str]:
    [container] = pod_of(objects)["containers"]
    return {one["name"]: one.get("value", SPACE) for one in container["env"]}


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> dict[str, list[Any]]:
    """Objects by set of values."""
    return {file.stem: helm.template(file, SPACE) for file in VALUE_SETS}


def test_sets_of_values_are_found() -> None:
    assert len(VALUE_SETS) >= 9


@pytest.mark.parametrize("values", VALUE_SETS, ids=lambda file: file.stem)
def test_each_set_passes_the_linter_without_a_warning(helm: Helm, values: Path) -> None:
    assert "0 chart(s) failed" in helm.lint(values)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param("replicaz=2", "additional properties 'replicaz' not allowed", id="typo"),
        pytest.param("prometheus.adress=x", "at '/prometheus': additional properties 'adress' not", id="typo within"),
        pytest.param("replicas=two", "at '/replicas': got string, want integer", id="type"),
        pytest.param("placeholders.priorityClass.value=-11", "minimum: got -11, want -10", id="below the cutoff"),
        pytest.param("image.pullPolicy=Sometimes", "value must be one of 'Always', 'IfNotPresent', 'Never'", id="enum"),
        pytest.param("policies.files.a\\.txt=x", "'/policies/files': additional properties 'a.txt'", id="no policy"),
        pytest.param("rbac.workloads[0].apiGroup=apps", "missing property 'resources'", id="half a rule"),
        pytest.param("prometheus.url=", "prometheus.url is not set: write the address of", id="no store"),
        pytest.param("prometheus.url=prometheus:9090", 'prometheus.url "prometheus:9090" is no address', id="scheme"),
        pytest.param("prometheus.url=http://u:p@x", "a password goes into prometheus.basicAuth", id="password in it"),
        pytest.param("image.repository=", "image.repository is not set: build the image", id="no image"),
        pytest.param("settings.tick=soon", 'settings.tick "soon" is no duration: write a number', id="duration"),
        pytest.param(
            "prometheus.bearerToken.secret=a,prometheus.basicAuth.secret=b", "are both set: keep one", id="two ways in"
        ),
        pytest.param("placeholders.priorityClass.create=false", "its name is empty: name a Priority", id="no class"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_in_words(helm: Helm, given: str, said: str) -> None:
    with pytest.raises(HelmError) as caught:
        helm.template(DEFAULT, SPACE, "--set", given)
    assert said in str(caught.value)


def test_all_that_is_missing_is_told_at_once(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"(?s)image\.repository is not set.*prometheus\.url is not set"):
        helm.run("template", "gpu-autoscaler", "helm")


@pytest.mark.parametrize("values", VALUE_SETS, ids=lambda file: file.stem)
def test_the_controller_understands_what_it_is_told(
    rendered: dict[str, list[Any]], values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(rendered[values.stem]).items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.prometheus is not None
    assert settings.listen != "127.0.0.1:8080"
    assert settings.namespace == SPACE
    pod = pod_of(rendered[values.stem])
    assert settings.stop_s < pod["terminationGracePeriodSeconds"]
    mounted = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
    files = [getattr(settings, name) for name in Settings.model_fields if name.endswith("_file")]
    assert all(str(file.parent) in mounted for file in files if file is not None)
    assert str(settings.policies) in mounted
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == volumes


def test_every_setting_can_be_made_in_values(rendered: dict[str, list[Any]]) -> None:
    said = {name for objects in rendered.values() for name in environment(objects) if name.startswith(PREFIX)}
    assert said == {f"{PREFIX}{name.upper()}" for name in set(Settings.model_fields) - ELSEWHERE}


def test_credentials_are_mounted_and_no_permission_reads_a_secret(rendered: dict[str, list[Any]]) -> None:
    volumes = {volume["name"]: volume for volume in pod_of(rendered["prometheus-mtls"])["volumes"]}
    assert volumes["prometheus-client"]["secret"]["secretName"] == "gpu-autoscaler-client"
    assert volumes["prometheus-ca"]["configMap"]["name"] == "site-certificates"
    roles = [one for objects in rendered.values() for one in objects if one["kind"] in ("Role", "ClusterRole")]
    rules = [rule for role in roles for rule in role["rules"]]
    assert rules
    assert not [rule for rule in rules if "secrets" in rule["resources"] or "*" in str(rule)]


OWNERS = {"horizontalpodautoscalers", "scaledobjects", "inferenceservices", "llminferenceservices"}
"""Of replicas: their fields carry floors."""


def test_nothing_is_written_outside_but_scale_owners_and_events(rendered: dict[str, list[Any]]) -> None:
    for objects in rendered.values():
        for role in of_kind(objects, "ClusterRole"):
            for rule in role["rules"]:
                writes = set(rule["verbs"]) - {"get", "list", "watch"}
                harmless = rule["resources"] == ["events"] or all(r.endswith("/scale") for r in rule["resources"])
                floors = writes == {"patch"} and set(rule["resources"]) <= OWNERS
                assert not writes or harmless or floors, rule


def test_namespaces_of_workloads_bound_what_may_be_moved(rendered: dict[str, list[Any]]) -> None:
    objects = rendered["existing-policies"]
    [cluster_wide] = of_kind(objects, "ClusterRoleBinding")
    assert cluster_wide["roleRef"]["name"].endswith("-reader")
    moving = [one for one in of_kind(objects, "RoleBinding") if one["roleRef"]["kind"] == "ClusterRole"]
    assert {one["metadata"]["namespace"] for one in moving} == {"default", "kube-public"}
    assert not of_kind(objects, "ConfigMap")


def test_labels_and_annotations_of_the_site_are_on_everything(rendered: dict[str, list[Any]]) -> None:
    objects = rendered["locked-down"]
    [deployment] = of_kind(objects, "Deployment")
    for one in [*objects, deployment["spec"]["template"]]:
        assert one["metadata"]["labels"]["cost-center"] == "4711", one
        assert one["metadata"]["annotations"]["site.test/owner"] == "platform", one
    assert deployment["spec"]["template"]["metadata"]["labels"]["mesh"] == "off"
    selected = deployment["spec"]["selector"]["matchLabels"].items()
    assert selected <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_an_air_gapped_site_pulls_nothing_from_elsewhere(rendered: dict[str, list[Any]]) -> None:
    objects = rendered["air-gapped"]
    pods = [pod_of(objects), *(pod["spec"] for pod in of_kind(objects, "Pod"))]
    images = [container["image"] for pod in pods for container in pod["containers"]]
    images.append(environment(objects)["GPU_AUTOSCALER_PLACEHOLDER_IMAGE"])
    assert {image.split("/")[0] for image in images} == {"mirror.test:5000"}
    assert images[0].partition("@")[2].startswith("sha256:")
    assert all(pod["imagePullSecrets"] == [{"name": "mirror"}] for pod in pods)


def test_a_minimal_site_gets_no_more_than_it_must(rendered: dict[str, list[Any]]) -> None:
    kinds = sorted(one["kind"] for one in rendered["minimal"])
    assert kinds == ["ConfigMap", "Deployment", "Job", "Lease", "Pod", "Service"]
    assert environment(rendered["minimal"])["GPU_AUTOSCALER_LISTEN"] == "[::]:9100"


def test_two_releases_share_no_object(helm: Helm) -> None:
    one, other = (helm.template(DEFAULT, space) for space in ("team-a", "team-b"))
    names = [
        {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects}
        for objects in (one, other)
    ]
    assert not names[0] & names[1]
