"""What every placeholder must be, whatever its workload is; the whole manifests are in the golden cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import House, gang, placeholder
from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.shape import Shape, shape, shape_key
from tests.unit.placeholder.objects import (
    HOST,
    HOUSE,
    OWNER,
    POOL,
    REQUIRED,
    SEAT,
    ZONE,
    apart,
    beside,
    container,
    node,
    peer,
    pod,
)

SPREAD = [{"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "chat"}}}]


def shaped(of: Json, around: Surroundings | None = None) -> Shape:
    found = shape(of, POOL, around or Surroundings())
    assert isinstance(found, Shape)
    return found


def terms(manifest: dict[str, Any]) -> list[Json]:
    found: list[Json] = manifest["spec"]["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    return found


def zones(manifest: dict[str, Any]) -> list[list[str]]:
    return [e["values"] for t in terms(manifest) for e in t["matchExpressions"] if e["key"] == ZONE]


def test_nothing_of_the_workload_that_others_would_count_comes_along() -> None:
    busy = pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        serviceAccountName="chat",
        hostNetwork=True,
        runtimeClassName="nvidia",
        nodeName="n1",
        schedulingGates=[{"name": "g"}],
        topologySpreadConstraints=SPREAD,
        priority=1000,
        resourceClaims=[{"name": "g"}],
    )
    made = placeholder(shaped(busy), SEAT, HOUSE)
    assert set(made["spec"]) == set(placeholder(shaped(pod()), SEAT, HOUSE)["spec"])
    assert not {"volumes", "hostNetwork", "runtimeClassName", "nodeName", "resourceClaims"} & set(made["spec"])
    assert set(made["metadata"]["labels"]) == {f"gpu-autoscaler.io/{k}" for k in ("role", "plan", "pool")}


def test_labels_and_spec_are_equal_within_plan_and_pool() -> None:
    first, other = (placeholder(shaped(pod()), replace(SEAT, slot=slot), HOUSE) for slot in (0, 7))
    assert first["spec"] == other["spec"]
    assert first["metadata"]["labels"] == other["metadata"]["labels"]
    assert first["metadata"]["name"] != other["metadata"]["name"]


def test_identity_is_in_the_annotations() -> None:
    late = datetime(2026, 11, 25, 23, 0, tzinfo=timezone(timedelta(hours=-2)))
    notes = placeholder(shaped(pod()), replace(SEAT, slot=7, expires=late), HOUSE)["metadata"]["annotations"]
    assert notes["gpu-autoscaler.io/slot"] == "7"
    assert notes["gpu-autoscaler.io/shape"] == shape_key(shaped(pod()))
    assert notes["gpu-autoscaler.io/expires"] == "2026-11-26T01:00:00Z"


def test_the_plan_owns_it_as_its_controller() -> None:
    assert placeholder(shaped(pod()), SEAT, HOUSE)["metadata"]["ownerReferences"] == [{**OWNER, "controller": True}]


def test_the_clusters_rules_add_labels_and_notes_but_change_none_of_ours() -> None:
    ours = "gpu-autoscaler.io/role"
    evict = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    house = House("cap", "mirror/pause", "low", {"mesh": "off", ours: "x"}, {"owner": "platform", evict: "false"})
    made = placeholder(shaped(pod()), SEAT, house)
    assert made["metadata"]["namespace"] == "cap"
    assert made["metadata"]["labels"]["mesh"] == "off"
    assert made["metadata"]["labels"][ours] == "placeholder"
    assert made["metadata"]["annotations"]["owner"] == "platform"
    assert made["metadata"]["annotations"][evict] == "true"
    assert made["spec"]["priorityClassName"] == "low"
    assert made["spec"]["containers"][0]["image"] == "mirror/pause"


def test_spread_goes_from_zone_to_zone_by_slot() -> None:
    of = shaped(pod(topologySpreadConstraints=SPREAD))
    found = [zones(placeholder(of, replace(SEAT, slot=slot), HOUSE)) for slot in range(4)]
    assert found == [[["a"]], [["b"]], [["c"]], [["a"]]]
    assert zones(placeholder(shaped(pod()), SEAT, HOUSE)) == []


def test_where_neighbours_stand_goes_into_every_term() -> None:
    around = Surroundings(peers=(peer({"app": "cache"}, node("n", {ZONE: "b"})),))
    assert zones(placeholder(shaped(pod(affinity=beside(ZONE, app="cache")), around), SEAT, HOUSE)) == [["b"]]


def test_one_a_host_counts_all_placeholders_of_the_plan() -> None:
    rules = placeholder(shaped(pod(affinity=apart(HOST))), SEAT, HOUSE)["spec"]["affinity"]["podAntiAffinity"][REQUIRED]
    ours = {"gpu-autoscaler.io/role": "placeholder", "gpu-autoscaler.io/plan": "chat"}
    assert {"labelSelector": {"matchLabels": ours}, "topologyKey": HOST} in rules
    assert len(rules) == 2


def test_a_gang_is_whole_and_in_one_domain() -> None:
    shapes = [shaped(pod()), shaped(pod(containers=[container(gpu="8")]))]
    made = gang(shapes, replace(SEAT, slot=2), HOUSE, (ZONE, "b"))
    assert [m["metadata"]["annotations"]["gpu-autoscaler.io/member"] for m in made] == ["0", "1"]
    assert len({m["metadata"]["name"] for m in made}) == 2
    assert [zones(m) for m in made] == [[["b"]], [["b"]]]
    assert [m["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"] for m in made] == ["1", "8"]
    assert [zones(m) for m in gang(shapes, SEAT, HOUSE)] == [[], []]


def test_the_same_arguments_give_the_same_manifest_and_none_shares_its_parts() -> None:
    of = shaped(pod(nodeSelector={"a": "b"}))
    first = placeholder(of, SEAT, HOUSE)
    first["spec"]["nodeSelector"]["c"] = "d"
    first["spec"]["containers"][0]["resources"]["limits"].clear()
    first["spec"]["tolerations"][0]["key"] = "changed"
    assert placeholder(of, SEAT, HOUSE) == placeholder(shaped(pod(nodeSelector={"a": "b"})), SEAT, HOUSE)
