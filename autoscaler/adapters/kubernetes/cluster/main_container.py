"""The container of a pod that serves the model, and what tells its image and the format of the model. No I/O."""

from __future__ import annotations

import re

from autoscaler.placeholder.pod import Json, spec, status

_DIGEST = re.compile(r"sha256:([0-9a-f]{12})")
_LOAD_FORMAT = re.compile(r"--load[-_]format(?:=|\s+)[\"']?([A-Za-z][\w.-]{0,39})")
"""As vLLM and SGLang take it, on its own or in the text of a shell command."""
_TELLS_NOTHING = "auto"


def main_container(pod: Json) -> str:
    """The name of the first container that asks for GPUs or other devices, else of the first."""
    containers = spec(pod).get("containers") or [{}]
    return str(next(filter(_asks_for_devices, containers), containers[0]).get("name") or "")


def digest(pod: Json, container: str) -> str:
    """Of the image that the container runs, 12 hex digits; empty until a kubelet tells it."""
    statuses = status(pod).get("containerStatuses") or ()
    image = next((str(one.get("imageID") or "") for one in statuses if one.get("name") == container), "")
    found = _DIGEST.search(image)
    return found.group(1) if found else ""


def model_format(pod: Json, container: str) -> str:
    """What the container is told to load, in lower case; empty where it is to find out itself."""
    own: list[Json] = [one for one in spec(pod).get("containers") or () if one.get("name") == container]
    words = [str(word) for one in own for part in ("command", "args") for word in one.get(part) or ()]
    found = _LOAD_FORMAT.search(" ".join(words))
    said = found.group(1).lower() if found else ""
    return "" if said == _TELLS_NOTHING else said


def _asks_for_devices(container: Json) -> bool:
    resources = container.get("resources") or {}
    return any("/" in key for kind in ("requests", "limits") for key in resources.get(kind) or ())
