"""What holds a pod's start up, or made it fail, in one short line, in the words of those who said so. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.placeholder.pod import Json, condition, is_leaving, status

MOST_TEXT = 120
"""Characters of a line."""
USUAL = ("ContainerCreating", "PodInitializing")
"""Containers wait for these in every start."""
UNPULLED = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
"""Reasons for which a container waits whose image is not there, and could not be had."""


def hindrance(pod: Json) -> str:
    """Empty where nothing is out of the ordinary: reason of waiting, restarts, and how the last run ended."""
    said = [*_of_scheduler(pod), *_of_pod(pod), *_of_containers(pod)]
    return "; ".join(dict.fromkeys(said))[:MOST_TEXT]


def lacks_image(pod: Json) -> bool:
    """Whether a container waits for an image that could not be pulled."""
    return any(_waits_for(one) in UNPULLED for one in _containers(pod))


def _of_scheduler(pod: Json) -> Iterator[str]:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason"):
        yield _told(scheduled)


def _of_pod(pod: Json) -> Iterator[str]:
    """Why it is to go, or has failed as a whole."""
    disrupted = condition(pod, "DisruptionTarget")
    if disrupted.get("status") == "True" and disrupted.get("reason"):
        yield str(disrupted["reason"])
    if status(pod).get("reason"):
        yield _told(status(pod))
    elif is_leaving(pod):
        yield "deleted"


def _of_containers(pod: Json) -> Iterator[str]:
    for one in _containers(pod):
        reason = _waits_for(one)
        if reason and reason not in USUAL:
            yield reason
    restarts = sum(int(one.get("restartCount") or 0) for one in _containers(pod))
    if restarts:
        yield f"restarted {restarts} times" if restarts > 1 else "restarted once"
    for one in _containers(pod):
        ended = _last_end(one)
        code = ended.get("exitCode") or 0
        if code:
            yield f"{ended.get('reason') or 'Error'}, exit code {code}"


def _containers(pod: Json) -> list[Json]:
    return [*(status(pod).get("initContainerStatuses") or ()), *(status(pod).get("containerStatuses") or ())]


def _waits_for(container: Json) -> str:
    return str(((container.get("state") or {}).get("waiting") or {}).get("reason") or "")


def _last_end(container: Json) -> Json:
    """Of the run that ended last; empty where none did."""
    now, before = ((container.get(state) or {}).get("terminated") for state in ("state", "lastState"))
    return now or before or {}


def _told(thing: Json) -> str:
    """Reason and the first line of the message."""
    message = str(thing.get("message") or "").strip().partition("\n")[0]
    return f"{thing['reason']}: {message}" if message else str(thing["reason"])
