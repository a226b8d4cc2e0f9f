"""A placeholder lands only where the workload could, in the pool, and anywhere there that is not on its way out."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import placeholder
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.quantity import billionths
from autoscaler.placeholder.refusal import Refusal
from autoscaler.placeholder.shape import shape, shape_key
from tests.unit.placeholder.objects import GPU, HOUSE, SEAT, container, node_affinity, pod
from tests.unit.placeholder.scheduler import may_stand

KEYS = ("pool", "zone", "gen")
VALUES = ("1", "2", "x")
EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")
FLEETING = ("karpenter.sh/disrupted", "node.kubernetes.io/unschedulable", "readiness.k8s.io/gpu")
REQUIREMENTS = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(KEYS),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(KEYS),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
    st.builds(
        lambda operator, bound: {"key": "gen", "operator": operator, "values": [bound]},
        st.sampled_from(["Gt", "Lt"]),
        st.sampled_from(["0", "1", "2"]),
    ),
)
FIELDS = st.builds(
    lambda operator, name: {"key": "metadata.name", "operator": operator, "values": [name]},
    st.sampled_from(["In", "NotIn"]),
    st.sampled_from(["n1", "n2"]),
)
TERMS = st.fixed_dictionaries(
    {},
    optional={"matchExpressions": st.lists(REQUIREMENTS, max_size=3), "matchFields": st.lists(FIELDS, max_size=1)},
)
TOLERATIONS = st.fixed_dictionaries(
    {"operator": st.just("Exists")},
    optional={"key": st.sampled_from(["gpu", "team", *FLEETING]), "effect": st.sampled_from(EFFECTS)},
) | st.fixed_dictionaries(
    {"key": st.sampled_from(["gpu", "team"]), "value": st.sampled_from(["a", "b"])},
    optional={"effect": st.sampled_from(EFFECTS)},
)
TAINTS = st.builds(
    lambda key, value, effect: {"key": key, "value": value, "effect": effect},
    st.sampled_from(["gpu", "team", *FLEETING]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(EFFECTS),
)
NODES = st.builds(
    lambda name, labels, taints: {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}},
    st.sampled_from(["n1", "n2", "n3"]),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.lists(TAINTS, max_size=2),
)
POOLS = st.builds(
    lambda requirements, tolerations: Pin("h100", tuple(requirements), tuple(tolerations), (), GPU, 8),
    st.lists(REQUIREMENTS, min_size=1, max_size=2),
    st.lists(TOLERATIONS, max_size=2),
)
SPECS = st.fixed_dictionaries(
    {"tolerations": st.lists(TOLERATIONS, max_size=3)},
    optional={
        "nodeSelector": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=1),
        "affinity": st.builds(lambda terms: node_affinity(*terms), st.lists(TERMS, min_size=1, max_size=3)),
    },
)


def pinned(pool: Pin) -> Json:
    """A pod that only the pool's pin limits."""
    term = {"matchExpressions": list(pool.requirements)}
    return {"spec": {"affinity": node_affinity(term), "tolerations": [{"operator": "Exists"}]}}


@given(SPECS, POOLS, st.lists(NODES, min_size=1, max_size=6))
def test_only_where_the_workload_could_and_in_the_pool(spec: dict[str, Any], pool: Pin, nodes: list[Json]) -> None:
    workload = pod(**spec)
    found = shape(workload, pool, Surroundings())
    if isinstance(found, Refusal):
        if not pool.tolerations:  # nodes without the taints that the pool says they have contradict it
            assert not any(may_stand(workload, n) and may_stand(pinned(pool), n) for n in nodes)
        return
    ours = placeholder(found, SEAT, HOUSE)
    for n in nodes:
        could = may_stand(workload, n) and may_stand(pinned(pool), n)
        assert not may_stand(ours, n) or could
        blanket = any(not t.get("key") for t in spec["tolerations"])
        fleeting = [t["effect"] for t in n["spec"]["taints"] if t["key"] in FLEETING]
        assert not may_stand(ours, n) or set(fleeting) <= {"PreferNoSchedule"}
        if could and not blanket and not fleeting:
            assert may_stand(ours, n)


@given(SPECS, POOLS)
def test_the_placeholder_of_a_placeholder_is_the_same(spec: dict[str, Any], pool: Pin) -> None:
    found = shape(pod(**spec), pool, Surroundings())
    if isinstance(found, Refusal):
        return
    first = placeholder(found, SEAT, HOUSE)
    again = shape(first, Pin(pool.pool, pool.requirements, (), (), GPU, 8), Surroundings())
    assert not isinstance(again, Refusal)
    assert placeholder(again, SEAT, HOUSE) == first == placeholder(found, SEAT, HOUSE)
    assert shape_key(again) == shape_key(found)


AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from(["1", "250m", "1Gi", "0.0003"]))


@given(st.lists(AMOUNTS, min_size=1, max_size=3))
def test_asks_for_no_less_than_the_pods_containers_and_hardly_more(amounts: list[dict[str, str]]) -> None:
    containers = [container(gpu="1"), *(container(**a) for a in amounts if a)]
    found = shape(
        pod(containers=containers), Pin("h100", ({"key": "p", "operator": "Exists"},), (), (), GPU, 8), Surroundings()
    )
    assert not isinstance(found, Refusal)
    asked = placeholder(found, SEAT, HOUSE)["spec"]["containers"][0]["resources"]["requests"]
    for resource, unit in (("cpu", "1m"), ("memory", "1"), (GPU, "1")):
        wanted = sum(billionths(c["resources"]["requests"].get(resource, 0)) for c in containers)
        assert 0 <= billionths(asked.get(resource, 0)) - wanted < billionths(unit)
