"""Single objects against the real API server: created once, applied by managers, changed, deleted as meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS, Resource
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.ports.errors import AlreadyExists, Conflict, Invalid, OwnedByOthers
from tests.cluster.cluster import Cluster
from tests.cluster.product_link import product_link

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def ours(transport: Transport) -> Objects:
    return Objects(transport, "gpu-autoscaler")


@pytest.fixture
def theirs(transport: Transport) -> Objects:
    return Objects(transport, "somebody-else")


@pytest.fixture
def name(cluster: Cluster) -> Name:
    return Name(CONFIG_MAPS, cluster.namespace, "slot-1")


def test_what_was_created_can_be_read(ours: Objects, name: Name) -> None:
    assert ours.get(name) is None
    made = ours.create(name, {"data": {"a": "1"}})
    there = ours.get(name)
    assert there is not None
    assert there["metadata"]["uid"] == made["metadata"]["uid"]
    assert there["data"] == {"a": "1"}


def test_a_name_can_be_created_once(ours: Objects, name: Name) -> None:
    ours.create(name, {"data": {"a": "1"}})
    with pytest.raises(AlreadyExists, match=f"create configmaps {name.namespace}/slot-1: 409 AlreadyExists"):
        ours.create(name, {"data": {"a": "2"}})


def test_ensuring_twice_is_done_already(ours: Objects, name: Name) -> None:
    assert ours.ensure(name, {"data": {"a": "1"}})
    assert not ours.ensure(name, {"data": {"a": "2"}})
    there = ours.get(name)
    assert there is not None
    assert there["data"] == {"a": "1"}


def test_a_field_that_does_not_exist_is_refused(ours: Objects, name: Name) -> None:
    for write in (ours.create, ours.apply):
        with pytest.raises(Invalid, match="dta"):
            write(name, {"dta": {"a": "1"}})


def test_applying_again_changes_only_what_is_another(ours: Objects, name: Name) -> None:
    first = ours.apply(name, {"data": {"a": "1"}})
    again = ours.apply(name, {"data": {"a": "1"}})
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert ours.apply(name, {"data": {"a": "2"}})["data"] == {"a": "2"}


def test_fields_left_out_are_given_up(ours: Objects, theirs: Objects, name: Name) -> None:
    ours.apply(name, {"data": {"a": "1", "b": "1"}})
    theirs.apply(name, {"data": {"b": "1", "c": "1"}})
    assert ours.apply(name, {"data": {}})["data"] == {"b": "1", "c": "1"}


def test_a_field_of_another_manager_is_left_alone_and_its_manager_named(
    ours: Objects, theirs: Objects, name: Name
) -> None:
    theirs.apply(name, {"data": {"floor": "3"}})
    with pytest.raises(OwnedByOthers, match=r"\.data\.floor belongs to somebody-else") as raised:
        ours.apply(name, {"data": {"floor": "5", "mine": "1"}})
    assert raised.value.owners == (("somebody-else", ".data.floor"),)
    there = ours.get(name)
    assert there is not None
    assert there["data"] == {"floor": "3"}


def test_force_takes_a_field_over(ours: Objects, theirs: Objects, name: Name) -> None:
    theirs.apply(name, {"data": {"floor": "3"}})
    assert ours.apply(name, {"data": {"floor": "5"}}, force=True)["data"] == {"floor": "5"}
    with pytest.raises(OwnedByOthers, match="gpu-autoscaler"):
        theirs.apply(name, {"data": {"floor": "3"}})


def test_a_merge_patch_changes_and_removes_fields(ours: Objects, name: Name) -> None:
    ours.create(name, {"data": {"a": "1", "b": "1"}})
    assert ours.merge_patch(name, {"data": {"a": None, "c": "2"}})["data"] == {"b": "1", "c": "2"}


def test_a_guarded_patch_or_replacement_of_an_old_state_is_a_conflict(ours: Objects, name: Name) -> None:
    old = ours.create(name, {"data": {"a": "1"}})
    new = ours.merge_patch(name, {"data": {"a": "2"}})
    guard = {"resourceVersion": old["metadata"]["resourceVersion"]}
    for write in (ours.merge_patch, ours.replace):
        with pytest.raises(Conflict, match="read it again and decide again"):
            write(name, {"metadata": guard, "data": {"a": "3"}})
    guard = {"resourceVersion": new["metadata"]["resourceVersion"]}
    assert ours.replace(name, {"metadata": guard, "data": {"b": "4"}})["data"] == {"b": "4"}


def test_the_scale_of_a_deployment_is_a_subresource(ours: Objects, cluster: Cluster) -> None:
    labels = {"app": "chat"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "serve", "image": "model:1"}]}}
    deployment = Name(DEPLOYMENTS, cluster.namespace, "chat")
    ours.create(deployment, {"spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}})
    scale = Name(DEPLOYMENTS, cluster.namespace, "chat", "scale")
    assert ours.merge_patch(scale, {"spec": {"replicas": 2}})["spec"] == {"replicas": 2}
    said = ours.get(scale)
    assert said is not None
    assert (said["kind"], said["spec"]["replicas"]) == ("Scale", 2)


def test_deleting_twice_is_done_already(ours: Objects, name: Name) -> None:
    ours.create(name, {})
    assert ours.delete(name)
    assert not ours.delete(name)


def test_another_object_of_the_same_name_is_left_alone(ours: Objects, name: Name) -> None:
    old = ours.create(name, {})
    ours.delete(name)
    new = ours.create(name, {})
    assert not ours.delete(name, only=old["metadata"]["uid"])
    assert ours.get(name) is not None
    assert ours.delete(name, only=new["metadata"]["uid"])
    assert ours.get(name) is None


def test_deleting_another_state_than_was_seen_is_a_conflict(ours: Objects, name: Name) -> None:
    old = ours.create(name, {"data": {"a": "1"}})
    ours.merge_patch(name, {"data": {"a": "2"}})
    with pytest.raises(Conflict):
        ours.delete(name, version=old["metadata"]["resourceVersion"])
    assert ours.get(name) is not None
