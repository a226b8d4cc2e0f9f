"""The holders port over the kubelet's pod-resources API: a gRPC service on a socket of the node."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoscaler.adapters.kubelet.messages import SERVICE, message
from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.ports.errors import Forbidden, Unavailable

LARGEST_BYTES = 16 << 20
"""The kubelet's own bound for its answers."""
QUIET = {"GRPC_VERBOSITY": "NONE", "GRPC_ENABLE_FORK_SUPPORT": "0"}


class PodResources:
    """A connection is made for each question: the kubelet restarts, and an idle one would cost threads that wake.

    deadline_s: how long a question may take.
    """

    def __init__(self, socket: Path, deadline_s: float) -> None:
        self._socket = socket
        self._deadline_s = deadline_s

    def holders(self) -> Sequence[DeviceHolder]:
        self._check()
        grpc = _grpc()
        with grpc.insecure_channel(
            f"unix:{self._socket}", options=[("grpc.max_receive_message_length", LARGEST_BYTES)]
        ) as channel:
            ask = channel.unary_unary(
                SERVICE,
                request_serializer=lambda request: request.SerializeToString(),
                response_deserializer=message("ListPodResourcesResponse").FromString,
            )
            try:
                answer = ask(message("ListPodResourcesRequest")(), timeout=self._deadline_s)
            except grpc.RpcError as error:
                raise Unavailable(
                    f"{self._socket}: the kubelet does not list devices: {error.code().name}: {error.details()}"
                ) from error
        return [holder for pod in answer.pod_resources for holder in _holders(pod)]

    def _check(self) -> None:
        """Says plainly what gRPC would say after a while, and in its own words."""
        try:
            self._socket.stat()
        except FileNotFoundError as error:
            raise Unavailable(f"{self._socket}: no such socket; mount the kubelet's folder pod-resources") from error
        except OSError as error:
            raise Forbidden(f"{self._socket}: {error.strerror}; the agent has to run as root") from error
        if not os.access(self._socket, os.R_OK | os.W_OK, effective_ids=True):
            raise Forbidden(f"{self._socket}: permission denied; the agent has to run as root")


def _holders(pod: Any) -> list[DeviceHolder]:
    found = []
    for container in pod.containers:
        devices = tuple(device for given in container.devices for device in given.device_ids)
        if devices:
            found.append(DeviceHolder(pod.namespace, pod.name, container.name, devices))
    return found


def _grpc() -> Any:
    """Imported late: it is large, and a node whose kubelet has no such socket needs none of it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import grpc

    return grpc
