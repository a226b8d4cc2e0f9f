"""The contract of the store port on ConfigMaps in the real API server, and what only strangers there can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS
from autoscaler.adapters.kubernetes.store import ConfigMapStore
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.ports.errors import Conflict, Damaged
from tests.cluster.cluster import Cluster
from tests.cluster.product_link import product_link
from tests.contract.store_suite import StoreContract


class ConfigMapRecords:
    """A store in a namespace of the test's own."""

    most_bytes = 4096

    def __init__(self, cluster: Cluster, transport: Transport) -> None:
        self.cluster = cluster
        self.objects = Objects(transport, "gpu-autoscaler")
        self.store = ConfigMapStore(transport, self.objects, cluster.namespace, form=1, most_bytes=self.most_bytes)

    def spoil(self, name: str, change: Callable[[str], str]) -> None:
        there = self.cluster.api.get("configmaps", f"record-{name}", self.cluster.namespace)
        data = {"data": {"record": change(there["data"]["record"])}}
        self.cluster.api.patch("configmaps", f"record-{name}", data, self.cluster.namespace)

    def place(self, name: str) -> Name:
        return Name(CONFIG_MAPS, self.cluster.namespace, f"record-{name}")


@pytest.fixture
def records(cluster: Cluster) -> Iterator[ConfigMapRecords]:
    with product_link(cluster) as link:
        yield ConfigMapRecords(cluster, link)


class TestConfigMapStore(StoreContract):
    pass


def test_labels_of_others_survive_a_save(records: ConfigMapRecords) -> None:
    version = records.store.save("chat", {"n": 1}, None)
    labelled = records.objects.merge_patch(records.place("chat"), {"metadata": {"labels": {"team": "search"}}})
    with pytest.raises(Conflict):
        records.store.save("chat", {"n": 2}, version)
    records.store.save("chat", {"n": 2}, labelled["metadata"]["resourceVersion"])
    there = records.objects.get(records.place("chat"))
    assert there is not None
    assert there["metadata"]["labels"]["team"] == "search"


def test_an_object_of_somebody_else_is_neither_believed_nor_touched(records: ConfigMapRecords) -> None:
    records.objects.create(records.place("chat"), {"data": {"record": "theirs"}})
    with pytest.raises(Damaged, match="not ours; rename or remove it") as raised:
        records.store.load("chat")
    with pytest.raises(Conflict):
        records.store.save("chat", {"n": 1}, raised.value.version)
    with pytest.raises(Conflict, match="left alone"):
        records.store.delete("chat")
    assert records.store.names() == ()
    there = records.objects.get(records.place("chat"))
    assert there is not None
    assert there["data"] == {"record": "theirs"}


def test_a_record_without_its_text_is_not_believed(records: ConfigMapRecords) -> None:
    records.store.save("chat", {"n": 1}, None)
    records.objects.merge_patch(records.place("chat"), {"data": None})
    with pytest.raises(Damaged, match="cut off, or not ours"):
        records.store.load("chat")


def test_a_newer_program_is_not_misunderstood(records: ConfigMapRecords, cluster: Cluster) -> None:
    with product_link(cluster) as link:
        newer = ConfigMapStore(link, records.objects, cluster.namespace, form=2)
        newer.save("chat", {"n": 1}, None)
    with pytest.raises(Damaged, match="in form 2, and this program reads form 1"):
        records.store.load("chat")
