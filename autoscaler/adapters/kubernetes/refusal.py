"""What the API server's refusals mean: from HTTP status and Status object to the errors of the ports.

Told apart by code and reason. Two things only their text tells: a quota comes as 403 Forbidden like a missing
permission, and an apply of a field that the schema does not have comes as 500 like a server that failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.ports.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    OwnedByOthers,
    PortError,
    QuotaExceeded,
    Throttled,
    Unavailable,
)

TEXT = 500
"""Characters of an answer that is no Status object which go into a message."""

MEANINGS: Mapping[int, tuple[type[PortError], str]] = {
    400: (Invalid, "correct the request"),
    401: (Forbidden, "the credentials are not accepted; renew the token or the kubeconfig"),
    403: (Forbidden, "let an administrator grant it, or change what the cluster demands"),
    404: (NotFound, "it is not there, or its kind is not installed"),
    405: (Invalid, "this kind cannot do that"),
    406: (Invalid, "this server does not speak JSON here"),
    409: (Conflict, "read it again and decide again"),
    410: (Gone, "read the present state as a whole"),
    413: (Invalid, "send less"),
    415: (Invalid, "this server does not know this kind of patch"),
    422: (Invalid, "correct the object"),
}
NOT_IN_SCHEMA = "failed to create typed patch object"
OTHER_MANAGER = re.compile(r'conflict with "([^"]*)"')


def refusal(asked: str, code: int, body: bytes, retry_after: str | None = None) -> PortError:
    """The error for an answer of `code` to what was `asked` ("create pods gpu/slot-1")."""
    status = _status(body)
    reason, text = str(status.get("reason") or ""), str(status.get("message") or _plain(body))
    said = f"{asked}: {code}{f' {reason}' if reason else ''}: {text}"
    if code == 500 and text.startswith(NOT_IN_SCHEMA):
        return Invalid(f"{said}; correct the object, or install the definition of its kind that we were made for")
    if code == 429 or code >= 500:
        wait_s = _retry_after_s(status, retry_after)
        later = Throttled if code == 429 else Unavailable
        return later(f"{said}; try again {f'after {wait_s:g} s' if wait_s else 'on the next tick'}", wait_s)
    if 300 <= code < 400:
        return Forbidden(f"{said}; redirected: a proxy asks for a login, or the server address is wrong")
    if code == 403 and "exceeded quota" in text:
        return QuotaExceeded(f"{said}; raise the quota, or ask for less")
    if code == 409:
        return _conflict(said, reason, status)
    meaning, advice = MEANINGS.get(code, (Invalid, "this is no answer of an API server: check the server address"))
    return meaning(f"{said}; {advice}")


def refusal_in_watch(asked: str, status: Json) -> PortError:
    """The error for a Status object that came as an event of a watch."""
    return refusal(asked, int(status.get("code") or 500), json.dumps(status).encode())


def _conflict(said: str, reason: str, status: Json) -> PortError:
    if reason == "AlreadyExists":
        return AlreadyExists(f"{said}; choose another name, or take what is there")
    owners = tuple(_owners(status))
    if owners:
        names = ", ".join(f"{field} belongs to {manager}" for manager, field in owners)
        return OwnedByOthers(f"{said}; {names}: let it go there, or leave it alone", owners)
    return Conflict(f"{said}; {MEANINGS[409][1]}")


def _owners(status: Json) -> list[tuple[str, str]]:
    """(manager, field) of every field of an apply that another manager holds."""
    found = []
    for cause in (status.get("details") or {}).get("causes") or ():
        named = OTHER_MANAGER.search(str(cause.get("message") or ""))
        if cause.get("reason") == "FieldManagerConflict" and named:
            found.append((named.group(1), str(cause.get("field") or "")))
    return found


def _status(body: bytes) -> Json:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) and status.get("kind") == "Status" else {}


def _plain(body: bytes) -> str:
    return " ".join(body[: 2 * TEXT].decode(errors="replace").split())[:TEXT] or "(no text)"


def _retry_after_s(status: Json, header: str | None) -> float:
    """Seconds; 0 where neither says any. Dates are not used by Kubernetes and are read as no time."""
    said = header if header is not None else (status.get("details") or {}).get("retryAfterSeconds")
    try:
        return float(max(int(said), 0)) if said is not None else 0.0
    except ValueError:
        return 0.0
