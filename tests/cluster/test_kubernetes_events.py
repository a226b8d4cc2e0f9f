"""Events on the real API server: said once, counted, at a bounded rate, and never in anybody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.events import EventRecorder, EventSettings
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.transport import TransportSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.ports.events import Notice, ObjectReference
from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.product_link import product_link, relay_to

SOON_S = 10.0
PROMPT = EventSettings(refresh_s=0.2)
EVENTS = "events.k8s.io/v1/events"


@pytest.fixture
def about(cluster: Cluster) -> ObjectReference:
    made = cluster.create_owner("chat")["metadata"]
    return ObjectReference("v1", "ConfigMap", cluster.namespace, "chat", made["uid"])


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Callable[[EventSettings], EventRecorder]]:
    begun: list[EventRecorder] = []
    with product_link(cluster, settings=TransportSettings(deadline_s=2.0)) as link:

        def begin(settings: EventSettings) -> EventRecorder:
            recorder = EventRecorder(Objects(link, "gpu-autoscaler"), SystemClock(), "pod-1", settings)
            begun.append(recorder)
            recorder.start()
            return recorder

        yield begin
        for recorder in begun:
            recorder.stop()


def said(cluster: Cluster) -> list[Json]:
    return cluster.api.list(EVENTS, cluster.namespace)


def wait_said(cluster: Cluster, count: int) -> list[Json]:
    wait_until(lambda: len(said(cluster)) >= count, f"{count} events", SOON_S)
    return said(cluster)


def test_an_event_says_what_about_what_and_who_says_so(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    start(PROMPT).record(Notice(about, "PoolFull", "no room in h100-spot", warning=True))
    [event] = wait_said(cluster, 1)
    assert event["regarding"] == {
        "apiVersion": "v1", "kind": "ConfigMap", "namespace": cluster.namespace, "name": "chat", "uid": about.uid
    }  # fmt: skip
    assert (event["reason"], event["note"], event["type"]) == ("PoolFull", "no room in h100-spot", "Warning")
    assert event["reportingController"] == "gpu-autoscaler.io/controller"
    assert event["reportingInstance"] == "pod-1"
    assert "series" not in event
    assert len(cluster.events("chat", "PoolFull")) == 1


def test_what_is_repeated_is_counted(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    recorder = start(PROMPT)
    recorder.record(Notice(about, "PoolFull", "no room"))
    wait_said(cluster, 1)
    for _ in range(4):
        recorder.record(Notice(about, "PoolFull", "no room"))
    wait_until(lambda: said(cluster)[0].get("series", {}).get("count") == 5, "the count", SOON_S)
    recorder.record(Notice(about, "PoolFull", "no room"))
    wait_until(lambda: said(cluster)[0]["series"]["count"] == 6, "the next count", SOON_S)
    assert len(said(cluster)) == 1
    assert recorder.failed == 0


def test_after_a_silence_it_is_said_again(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    recorder = start(EventSettings(window_s=0.0, refresh_s=0.2))
    for number in (1, 2):
        recorder.record(Notice(about, "PoolFull", "no room"))
        wait_said(cluster, number)
    assert all("series" not in event for event in said(cluster))


def test_more_than_the_rate_waits(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    recorder = start(EventSettings(burst=5.0, per_s=0.01))
    for number in range(20):
        recorder.record(Notice(about, "PoolFull", f"no room {number}"))
    wait_said(cluster, 5)
    stays(lambda: len(said(cluster)) == 5, "the silence", 1.0)
    assert {event["note"] for event in said(cluster)} == {f"no room {number}" for number in range(5)}


def test_what_is_unsaid_at_the_end_is_said(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    recorder = start(EventSettings(refresh_s=600.0))
    recorder.record(Notice(about, "PoolFull", "no room"))
    wait_said(cluster, 1)
    recorder.record(Notice(about, "PoolFull", "no room"))
    recorder.stop()
    assert said(cluster)[0]["series"]["count"] == 2


def test_an_event_that_has_expired_is_said_anew(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    recorder = start(PROMPT)
    recorder.record(Notice(about, "PoolFull", "no room"))
    [event] = wait_said(cluster, 1)
    cluster.api.delete(EVENTS, event["metadata"]["name"], cluster.namespace)
    recorder.record(Notice(about, "PoolFull", "no room"))
    assert wait_said(cluster, 1)[0]["series"]["count"] == 2


def test_a_long_note_is_cut(
    cluster: Cluster, about: ObjectReference, start: Callable[[EventSettings], EventRecorder]
) -> None:
    start(PROMPT).record(Notice(about, "PoolFull", "ü" * 2000))
    note = wait_said(cluster, 1)[0]["note"]
    assert note.startswith("üü")
    assert note.endswith("...")


def test_about_a_kind_without_namespaces_it_is_said_in_default(
    cluster: Cluster, start: Callable[[EventSettings], EventRecorder]
) -> None:
    name = f"node-{cluster.namespace}"
    start(PROMPT).record(Notice(ObjectReference("v1", "Node", "", name, "u"), "Leaving", "spot notice"))
    [event] = wait_until(lambda: cluster.events(name), "the event", SOON_S)
    assert event["metadata"]["namespace"] == "default"


def test_without_a_server_nobody_waits_and_nothing_is_raised(cluster: Cluster, about: ObjectReference) -> None:
    quick = TransportSettings(deadline_s=2.0)
    with relay_to(cluster) as relay, product_link(cluster, settings=quick, through=relay) as link:
        recorder = EventRecorder(Objects(link, "gpu-autoscaler"), SystemClock(), "pod-1", PROMPT)
        recorder.start()
        relay.cut()
        begin = now_s()
        recorder.record(Notice(about, "PoolFull", "no room"))
        assert now_s() - begin < 1.0
        wait_until(lambda: recorder.failed >= 1, "the failure to be counted", SOON_S)
        assert "check that the API server runs" in str(recorder.problem)
        relay.mend()
        recorder.record(Notice(about, "PoolFull", "room again"))
        assert wait_said(cluster, 1)[0]["note"] == "room again"
        wait_until(lambda: recorder.problem is None, "the end of the problem", SOON_S)
        recorder.stop()
