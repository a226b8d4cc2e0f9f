"""The API server as a test sees it: a few verbs over raw JSON, as one user, one connection a thread."""

from __future__ import annotations

import http.client
import json
import select
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.cluster.clock import wait_until
from tests.cluster.processes import LOOPBACK

Json = dict[str, Any]
LISTED_S = 60.0
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
NOW: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Background"}


class Refused(Exception):
    """The API server answered with an error: `code` as in HTTP, `reason` as in the API, `message` as it wrote it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message = code, reason, message


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API server is, and the certificate that it shows."""

    port: int
    ca: Path

    def connect(self, timeout_s: float) -> http.client.HTTPSConnection:
        """A connection that is made at its first use."""
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(LOOPBACK, self.port, timeout=timeout_s, context=context)


def path_of(resource: str, name: str = "", namespace: str | None = None, subresource: str = "") -> str:
    """The path of a resource, written as `pods` (core) or `apps/v1/deployments`, or of one object of it."""
    *group, plural = resource.split("/")
    parts = ["apis", *group] if group else ["api", "v1"]
    if namespace:
        parts += ["namespaces", namespace]
    parts += [plural, *([name] if name else []), *([subresource] if subresource else [])]
    return "/" + "/".join(quote(part) for part in parts)


def _written(body: Any) -> bytes | None:
    if body is None:
        return None
    return (body if isinstance(body, str) else json.dumps(body)).encode()


class Api:
    """What one user may ask of the API server. Every method raises Refused; OSError where nobody answers."""

    def __init__(self, server: Server, token: str, timeout_s: float = 30.0) -> None:
        self.server, self.token, self._timeout_s = server, token, timeout_s
        self._local = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []

    def close(self) -> None:
        """Ends the connections of all threads."""
        while self._opened:
            self._opened.pop().close()

    def _connection(self) -> http.client.HTTPSConnection:
        """The connection of this thread, renewed where the server has closed it or said something unasked."""
        connection: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self.server.connect(self._timeout_s)
            self._local.connection = connection
            self._opened.append(connection)
        elif connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
        return connection

    def call(
        self, method: str, path: str, body: Any = None, kind: str = "application/json", accept: str = "application/json"
    ) -> Any:
        """One request: the decoded answer, or the text of an answer that is not JSON. A body that is text, such as a
        file of YAML, goes as it is."""
        connection = self._connection()
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept, "Content-Type": kind}
        try:
            connection.request(method, path, _written(body), headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        is_json = (response.headers.get("Content-Type") or "").startswith("application/json")
        answer = json.loads(raw) if is_json else raw.decode(errors="replace")
        if response.status >= 300:
            status = answer if isinstance(answer, dict) else {"message": answer}
            raise Refused(response.status, status.get("reason", ""), str(status.get("message", "")))
        return answer

    def get(self, resource: str, name: str, namespace: str | None = None, subresource: str = "") -> Json:
        """One object."""
        answer: Json = self.call("GET", path_of(resource, name, namespace, subresource))
        return answer

    def find(self, resource: str, name: str, namespace: str | None = None) -> Json | None:
        """One object, or None where there is none of this name or kind."""
        try:
            return self.get(resource, name, namespace)
        except Refused as error:
            if error.code == 404:
                return None
            raise

    def list(self, resource: str, namespace: str | None = None, **query: str) -> list[Json]:
        """All objects of a kind, in a namespace or everywhere; `query` as labelSelector or fieldSelector.

        Waits for a kind whose definition is new: the server refuses to list it for a moment."""
        path = path_of(resource, namespace=namespace)
        asked = f"{path}?{urlencode(query)}" if query else path

        def look() -> Json | None:
            try:
                return dict(self.call("GET", asked))
            except Refused as error:
                if error.code != 429:
                    raise
                return None

        return wait_until(look, f"{resource} to be listed", LISTED_S, 0.1).get("items") or []

    def create(self, resource: str, body: Mapping[str, Any], dry_run: bool = False) -> Json:
        """Makes an object in the namespace that its metadata names."""
        path = path_of(resource, namespace=body["metadata"].get("namespace"))
        answer: Json = self.call("POST", path + ("?dryRun=All" if dry_run else ""), body)
        return answer

    def patch(
        self,
        resource: str,
        name: str,
        change: Any,
        namespace: str | None = None,
        kind: str = MERGE,
        subresource: str = "",
    ) -> Json:
        """Changes an object; `kind` is one of the patch types above."""
        answer: Json = self.call("PATCH", path_of(resource, name, namespace, subresource), change, kind)
        return answer

    def delete(self, resource: str, name: str, namespace: str | None = None, options: Json | None = None) -> None:
        """Deletes an object at once (grace period 0 unless `options` say else); one that is gone already is fine."""
        try:
            self.call("DELETE", path_of(resource, name, namespace), NOW if options is None else options)
        except Refused as error:
            if error.code != 404:
                raise

    def delete_all(self, resource: str, namespace: str | None = None, **query: str) -> None:
        """Deletes all objects of a kind, in one request."""
        path = path_of(resource, namespace=namespace)
        self.call("DELETE", f"{path}?{urlencode(query)}" if query else path, NOW)
