"""The container that serves: which one it is, the digest of its image, and the format that it is told to load."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cluster.sight import seen_pod
from autoscaler.domain.lead_time import Part
from tests.unit.adapters.kubernetes.start_world import World, node, pod

DIGEST = "0a1b2c3d4e5f"


def container(name: str, gpus: int = 0, kind: str = "limits", **more: Any) -> dict[str, Any]:
    amounts = {"cpu": "1", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {"name": name, "resources": {kind: amounts}, **more}


@pytest.mark.parametrize(
    ("containers", "main"),
    [
        pytest.param([container("proxy"), container("serve", 1)], "serve", id="limits"),
        pytest.param([container("proxy"), container("serve", 1, "requests")], "serve", id="requests"),
        pytest.param([container("one", 4), container("two", 4)], "one", id="several"),
        pytest.param([container("proxy"), container("other")], "proxy", id="none"),
        pytest.param([], "", id="no container"),
    ],
)
def test_the_one_that_asks_for_gpus_serves(containers: list[Any], main: str) -> None:
    assert seen_pod(pod("a", 0, containers=containers), "house").main == main


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        pytest.param(f"registry.example.com/model@sha256:{DIGEST}{'0' * 52}", DIGEST, id="of a registry"),
        pytest.param(f"docker-pullable://model@sha256:{DIGEST}{'0' * 52}", DIGEST, id="docker"),
        pytest.param(f"sha256:{DIGEST}{'0' * 52}", DIGEST, id="of an image without a registry"),
        pytest.param("", "", id="not pulled yet"),
        pytest.param("model:1", "", id="no digest"),
    ],
)
def test_the_digest_of_the_image_that_runs(image_id: str, digest: str) -> None:
    world = World(nodes=[node()])
    found = pod("a", 0, 60, 90, 200)
    found["status"]["containerStatuses"] = [
        {"name": "proxy", "imageID": f"sha256:{'f' * 64}", "state": {"running": {}}},
        found["status"]["containerStatuses"][0] | {"imageID": image_id},
    ]
    found["spec"]["containers"] = [container("proxy"), container("serve", 8)]
    world.stands(found)
    assert [start.digest for start in world.take() if start.part is Part.REPLICA] == [digest]


@pytest.mark.parametrize(
    ("told", "model_format"),
    [
        pytest.param({"args": ["--load-format", "runai_streamer", "--port", "1"]}, "runai_streamer", id="two words"),
        pytest.param({"args": ["--load-format=safetensors"]}, "safetensors", id="one word"),
        pytest.param({"args": ["--load_format", "Tensorizer"]}, "tensorizer", id="an underscore"),
        pytest.param({"command": ["sh", "-c", "vllm serve m --load-format 'gguf' &"]}, "gguf", id="a shell"),
        pytest.param({"args": ["--load-format", "auto"]}, "", id="to find out itself"),
        pytest.param({"args": ["--load-format", "$(FORMAT)"]}, "", id="told elsewhere"),
        pytest.param({"args": ["--download-dir", "/models"]}, "", id="not told"),
        pytest.param({"args": None}, "", id="no arguments"),
    ],
)
def test_the_format_that_it_is_told_to_load(told: dict[str, Any], model_format: str) -> None:
    proxy = container("proxy", args=["--load-format", "pt"])
    found = pod("a", 0, containers=[proxy, container("serve", 1, **told)])
    assert seen_pod(found, "house").model_format == model_format


def test_a_start_tells_where_it_was_and_what_it_loaded() -> None:
    there = node()
    there["metadata"]["labels"] |= {"topology.kubernetes.io/zone": "zone-b"}
    world = World(nodes=[there])
    world.stands(pod("a", 0, 60, 90, 200, containers=[container("serve", 8, args=["--load-format=gguf"])]))
    told = {start.part: (start.zone, start.pod, start.model_format) for start in world.take()}
    assert told == {Part.NODE: ("zone-b", "", ""), Part.REPLICA: ("zone-b", "inference/a", "gguf")}
