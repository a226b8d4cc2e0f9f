"""Events of kubelets: what their words say of an image, and what a start takes from them."""

from __future__ import annotations

import pytest

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.pulls import MOST_PODS, Images, Pull, Pulls, pull
from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.watching import WatchSettings
from autoscaler.domain.lead_time import Part, StartPath
from tests.stepped_clock import SteppedClock
from tests.unit.adapters.kubernetes.conftest import Login
from tests.unit.adapters.kubernetes.start_world import Json, World, node, pod

IMAGE = "registry.example.com/in/model@sha256:0a1b"


@pytest.fixture
def world() -> World:
    return World(nodes=[node()])


def event(note: str, uid: str = "uid-a", field: str = "spec.containers{serve}") -> Json:
    return {"reason": "Pulled", "note": note, "regarding": {"kind": "Pod", "uid": uid, "fieldPath": field}}


@pytest.mark.parametrize(
    ("note", "found"),
    [
        pytest.param(f'Container image "{IMAGE}" already present on machine', True, id="present"),
        pytest.param(
            f'Container image "{IMAGE}" already present on machine and can be accessed by the pod', True, id="1.35"
        ),
        pytest.param(f'Successfully pulled image "{IMAGE}"', False, id="1.19"),
        pytest.param(f'Successfully pulled image "{IMAGE}" in 41.281734109s', False, id="1.20"),
        pytest.param(f'Successfully pulled image "{IMAGE}" in 1m30.5s (2m0.1s including waiting)', False, id="1.27"),
        pytest.param(
            f'Successfully pulled image "{IMAGE}" in 4m2s (4m2s including waiting). Image size: 15032385536 bytes.',
            False, id="1.30",
        ),
        pytest.param(
            f'Successfully pulled image "{IMAGE}" in 371.8ms (41.9s including waiting). Image size: 15032385536 bytes.',
            True, id="only the registry was asked",
        ),
        pytest.param(f'Successfully pulled image "{IMAGE}" in 1h0.5s', False, id="for an hour"),
        pytest.param(f'Successfully pulled image "{IMAGE}" in a.b.cs', False, id="no duration that can be read"),
    ],
)  # fmt: skip
def test_the_words_of_several_versions(note: str, found: bool) -> None:
    assert pull(event(note)) == Pull("uid-a", "serve", found)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(event('Pulling image "x"'), id="only begun"),
        pytest.param({"note": "Successfully pulled image"}, id="about nothing"),
        pytest.param({"regarding": {"uid": "u"}}, id="without words"),
        pytest.param({"regarding": None, "note": None}, id="empty"),
    ],
)
def test_what_says_nothing(said: Json) -> None:
    assert pull(said) is None


@pytest.fixture
def pulls(login: Login) -> Pulls:
    return Pulls(Transport(connect(login.kubeconfig), SteppedClock(), seed=1), ["inference"], WatchSettings())


def tell(pulls: Pulls, heard: Pull | None, happened: Happened = Happened.ADDED) -> None:
    pulls.told(Change(happened, Key("inference", "event"), heard, None))


def test_of_several_containers_one_that_had_to_be_pulled_tells(pulls: Pulls) -> None:
    for container, found in (("serve", True), ("proxy", False), ("serve", True)):
        tell(pulls, Pull("uid-a", container, found))
    tell(pulls, None)
    assert pulls.heard() == {"uid-a": Images(True, frozenset({"serve"}))}


def test_events_that_expire_are_remembered_for_so_many_pods(pulls: Pulls) -> None:
    for n in range(MOST_PODS + 10):
        tell(pulls, Pull(f"uid-{n}", "serve", True))
        tell(pulls, Pull(f"uid-{n}", "serve", True), Happened.DELETED)
    kept = pulls.heard()
    assert len(kept) == MOST_PODS
    assert ("uid-9" in kept, "uid-10" in kept) == (False, True)


def test_nothing_is_known_before_all_events_were_heard(pulls: Pulls) -> None:
    assert pulls.images() is None


FOUND, PULLED = Images(False, frozenset({"serve"})), Images(True, frozenset({"serve"}))


@pytest.mark.parametrize(
    ("images", "cold", "warm"),
    [
        pytest.param(FOUND, StartPath.IMAGE_PRESENT, StartPath.IMAGE_PRESENT, id="found"),
        pytest.param(PULLED, StartPath.COLD_NODE, StartPath.COLD_NODE, id="pulled"),
        pytest.param(
            Images(False, frozenset({"proxy"})), StartPath.COLD_NODE, StartPath.WARM_NODE, id="of another container"
        ),
        pytest.param(
            Images(False, frozenset({""})), StartPath.IMAGE_PRESENT, StartPath.IMAGE_PRESENT, id="of any container"
        ),
        pytest.param(None, StartPath.COLD_NODE, StartPath.WARM_NODE, id="not heard"),
    ],
)
def test_what_was_there_when_a_start_began(
    world: World, images: Images | None, cold: StartPath, warm: StartPath
) -> None:
    """The first pod asked for the node, the second found it."""
    world.images = {} if images is None else {"uid-a": images, "uid-b": images}
    world.stands(pod("a", 0, 60, 90, 200), pod("b", 300, 301, 310, 350))
    paths = {start.uid: start.path for start in world.take() if start.part is Part.REPLICA}
    assert paths == {"uid-a": cold, "uid-b": warm}


def test_a_later_run_finds_the_image_which_the_first_may_have_pulled(world: World) -> None:
    world.stands(pod("b", 300, 301, 310))
    world.take()
    world.images = {"uid-b": FOUND}
    world.stands(pod("b", 300, 301, 330, 350, restarts=1))
    assert [start.path for start in world.take()] == [StartPath.WARM_NODE]


def test_an_image_that_cannot_be_pulled_was_not_there(world: World) -> None:
    hung = pod("b", 300, 301)
    hung["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ErrImagePull"}}
    world.stands(hung)
    assert [start.path for start in world.take()] == [StartPath.COLD_NODE]
