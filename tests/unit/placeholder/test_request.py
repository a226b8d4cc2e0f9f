"""The effective request is the room that the scheduler counts, whatever the pod is made of."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.quantity import ONE, billionths
from autoscaler.placeholder.request import effective_amounts, effective_request
from tests.unit.placeholder.objects import GPU, container, pod


def requests(of: Json) -> dict[str, str]:
    return effective_request(of)["requests"]


def sidecar(**asked: str) -> dict[str, Any]:
    return {**container("side", **asked), "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        pytest.param({"containers": [container(cpu="1"), container(cpu="500m")]}, {"cpu": "1500m"}, id="sum"),
        pytest.param(
            {"containers": [container(cpu="1", memory="4Gi")], "initContainers": [container(cpu="3")]},
            {"cpu": "3", "memory": "4Gi"},
            id="a greater init step, each resource by itself",
        ),
        pytest.param(
            {"containers": [container(cpu="2")], "initContainers": [container(cpu="1"), container(cpu="2")]},
            {"cpu": "2"},
            id="init steps do not add up",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "initContainers": [sidecar(cpu="1"), container(cpu="3")]},
            {"cpu": "4"},
            id="a sidecar runs beside the init steps after it",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "initContainers": [container(cpu="3"), sidecar(cpu="1")]},
            {"cpu": "3"},
            id="and not beside those before it",
        ),
        pytest.param(
            {"containers": [container(cpu="2")], "initContainers": [sidecar(cpu="1"), sidecar(cpu="1")]},
            {"cpu": "4"},
            id="sidecars run beside the containers",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "overhead": {"cpu": "250m", "memory": "120Mi"}},
            {"cpu": "1250m", "memory": "120Mi"},
            id="overhead of the runtime class",
        ),
        pytest.param(
            {"containers": [{"name": "c", "resources": {"limits": {GPU: "2", "cpu": "4"}, "requests": {"cpu": "1"}}}]},
            {GPU: "2", "cpu": "1"},
            id="a limit without a request is one",
        ),
        pytest.param(
            {"containers": [container(cpu="1", gpu="1")], "resources": {"requests": {"cpu": "6", GPU: "4"}}},
            {"cpu": "6", GPU: "1"},
            id="pod-level cpu replaces the sum, an extended resource does not",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "resources": {"limits": {"cpu": "6", "memory": "2Gi"}}},
            {"cpu": "1", "memory": "2Gi"},
            id="a pod-level limit is a request where no container asks",
        ),
        pytest.param(
            {
                "containers": [container(cpu="1")],
                "resources": {"requests": {"cpu": "2"}},
                "overhead": {"cpu": "1"},
                "initContainers": [container(cpu="9")],
            },
            {"cpu": "3"},
            id="pod-level replaces init steps too, overhead comes on top",
        ),
        pytest.param({"containers": [{"name": "c"}, container(cpu="0")]}, {}, id="nothing"),
    ],
)
def test_kubernetes_rule(spec: dict[str, Any], wanted: dict[str, str]) -> None:
    assert requests({"spec": spec}) == wanted


def test_limits_equal_requests() -> None:
    resources = effective_request(pod(containers=[container(cpu="1", gpu="8")]))
    assert resources["limits"] == resources["requests"] == {"cpu": "1", GPU: "8"}


def resized(asked: str, granted: str | None, running: str | None, **condition: str) -> dict[str, Any]:
    seen: dict[str, Any] = {"name": "main"}
    if granted:
        seen["allocatedResources"] = {"cpu": granted}
    if running:
        seen["resources"] = {"requests": {"cpu": running}}
    conditions = [{"type": "PodResizePending", "status": "True", **condition}] if condition else []
    spec = {"containers": [container(cpu=asked)]}
    return {"spec": spec, "status": {"containerStatuses": [seen], "conditions": conditions}}


@pytest.mark.parametrize(
    ("resizing", "cpu"),
    [
        pytest.param(resized("2", None, None), "2", id="no status yet"),
        pytest.param(resized("4", "2", "2"), "4", id="growing: what it asks for"),
        pytest.param(resized("1", "1", "3"), "3", id="shrinking: what still runs"),
        pytest.param(resized("1", "2", None), "2", id="what was granted"),
        pytest.param(resized("9", "2", "2", reason="Infeasible"), "2", id="what can never be does not count"),
        pytest.param(resized("9", "2", "2", reason="Deferred"), "9", id="what may come later does"),
        pytest.param(resized("9", None, None, reason="Infeasible"), None, id="infeasible and nothing granted"),
    ],
)
def test_resize_in_place(resizing: dict[str, Any], cpu: str | None) -> None:
    assert requests(resizing).get("cpu") == cpu


def test_the_whole_pods_status_stands_for_its_containers() -> None:
    resizing = resized("1", "5", "5")
    resizing["status"] |= {"allocatedResources": {"cpu": "2"}, "resources": {"requests": {"cpu": "3"}}}
    assert requests(resizing) == {"cpu": "3"}


def test_a_pod_level_resize_counts_with_the_greatest() -> None:
    whole = {"spec": {"containers": [container(cpu="1")], "resources": {"requests": {"cpu": "2"}}}}
    status = {"resources": {"requests": {"cpu": "4"}}, "allocatedResources": {"cpu": "3"}}
    assert requests({**whole, "status": status}) == {"cpu": "4"}


def test_what_device_claims_take_of_the_node_counts() -> None:
    part = {"mapping": [{"name": "memory", "quantity": "1Gi"}]}
    more = {"overhead": [{"name": "memory", "perPod": "1Gi", "perContainer": "512Mi"}], "containers": ["a", "b"]}
    status = {"nodeAllocatableResourceClaimStatuses": [{**part, **more}]}
    assert requests({"spec": {"containers": [container(memory="1Gi")]}, "status": status}) == {"memory": "4Gi"}


AMOUNTS = st.dictionaries(
    st.sampled_from(["cpu", "memory", GPU]), st.sampled_from(["1", "100m", "3", "1.5", "2Gi", "0.0001"]), max_size=3
)
CONTAINERS = st.builds(
    lambda amounts, always: {
        "name": "c",
        "resources": {"requests": amounts},
        **({"restartPolicy": "Always"} if always else {}),
    },
    AMOUNTS,
    st.booleans(),
)


def running_together(spec: Json) -> list[list[Json]]:
    """The containers that run at the same time, moment by moment, in the order in which a kubelet starts them."""
    inits = spec["initContainers"]
    before = accumulate(
        ([c] if c.get("restartPolicy") else [] for c in inits), lambda a, b: a + b, initial=list[Json]()
    )
    started = list(before)
    moments = [[*sidecars, step] for sidecars, step in zip(started, inits, strict=False)]
    return [*moments, [*started[-1], *spec["containers"]]]


@given(st.lists(CONTAINERS, min_size=1, max_size=3), st.lists(CONTAINERS, max_size=5), AMOUNTS)
def test_never_less_than_what_runs_at_any_moment_and_no_more(
    main: list[Json], inits: list[Json], overhead: dict[str, str]
) -> None:
    spec = {"containers": main, "initContainers": inits, "overhead": overhead}
    counted = effective_amounts({"spec": spec})
    written = effective_request({"spec": spec})["requests"]
    for resource in ("cpu", "memory", GPU):
        used = [
            sum(billionths(c["resources"]["requests"].get(resource, 0)) for c in moment)
            for moment in running_together(spec)
        ]
        wanted = max(used) + billionths(overhead.get(resource, "0"))
        assert counted.get(resource, 0) == wanted
        unit = ONE // 1000 if resource == "cpu" else ONE
        assert 0 <= billionths(written.get(resource, "0")) - wanted < unit


@given(st.lists(CONTAINERS, min_size=1, max_size=3), st.lists(CONTAINERS, max_size=3))
def test_of_the_placeholder_itself_is_the_same(main: list[Json], inits: list[Json]) -> None:
    once = effective_request({"spec": {"containers": main, "initContainers": inits}})
    assert effective_request({"spec": {"containers": [{"name": "hold", "resources": once}]}}) == once
