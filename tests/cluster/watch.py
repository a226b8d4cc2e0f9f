"""Watching a kind of object as a client does, with the time at which each change arrived."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.cluster.api import Api, Json, Refused, path_of
from tests.cluster.clock import now_s, wait_until


@dataclass(frozen=True, slots=True)
class Seen:
    """One change: when it arrived (`now_s`), ADDED, MODIFIED or DELETED, and the object as it then was."""

    at_s: float
    change: str
    object: Json

    @property
    def name(self) -> str:
        """The name of the object."""
        return str(self.object["metadata"]["name"])


class Watch:
    """Records all changes of a kind from the moment of entering; what exists by then comes first, as ADDED.

    `told` is called in the thread of the watch for each change. Ends with the block, or when the server ends it."""

    def __init__(
        self,
        api: Api,
        resource: str,
        namespace: str | None = None,
        told: Callable[[Seen], None] | None = None,
        **query: str,
    ) -> None:
        self._api, self._told = api, told
        self._path = f"{path_of(resource, namespace=namespace)}?{urlencode({'watch': '1', **query})}"
        self._connection = api.server.connect(3600.0)
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._read, name=f"watch {resource}", daemon=True)
        self.resource = resource
        self.seen: list[Seen] = []

    def __enter__(self) -> Watch:
        """Starts watching. Refused or OSError where the server does not let us."""
        self._connection.request("GET", self._path, headers={"Authorization": f"Bearer {self._api.token}"})
        self._socket = self._connection.sock
        self._response = self._connection.getresponse()
        if self._response.status != 200:
            body = self._response.read().decode(errors="replace")
            self._connection.close()
            raise Refused(self._response.status, "watch", body)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the server was first
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10.0)
        self._response.close()
        self._connection.close()

    @property
    def open(self) -> bool:
        """Whether changes still arrive."""
        return self._thread.is_alive()

    def _read(self) -> None:
        try:
            while line := self._response.readline():
                event = json.loads(line)
                seen = Seen(now_s(), event["type"], event["object"])
                self.seen.append(seen)
                if self._told is not None and seen.change != "ERROR":
                    self._told(seen)
        except (OSError, ValueError):
            return  # closed, by us in the middle of a line or by the server

    def first(self, wanted: Callable[[Seen], object], what: str, within_s: float) -> Seen:
        """The first change for which `wanted` is true, past ones included. NotInTime where there is none in time."""
        return wait_until(lambda: next((seen for seen in list(self.seen) if wanted(seen)), None), what, within_s, 0.005)
