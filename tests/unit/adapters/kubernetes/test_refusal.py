"""Which error an answer becomes, and that its message says what, where and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.refusal import refusal, refusal_in_watch
from autoscaler.ports import errors

ASKED = "create pods gpu/slot-1"
QUOTA = (
    'pods "slot-1" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=8, '
    "used: requests.nvidia.com/gpu=16, limited: requests.nvidia.com/gpu=16"
)


def status(code: int, reason: str, message: str = "because", **more: Any) -> bytes:
    said = {"kind": "Status", "code": code, "reason": reason, "message": message, **more}
    return json.dumps(said).encode()


@pytest.mark.parametrize(
    ("code", "reason", "message", "expected"),
    [
        pytest.param(400, "BadRequest", "unknown field", errors.Invalid, id="bad request"),
        pytest.param(401, "Unauthorized", "token expired", errors.Forbidden, id="credentials"),
        pytest.param(403, "Forbidden", "cannot create resource", errors.Forbidden, id="rights"),
        pytest.param(403, "Forbidden", QUOTA, errors.QuotaExceeded, id="quota"),
        pytest.param(403, "Forbidden", "no PriorityClass with name x was found", errors.Forbidden, id="class"),
        pytest.param(404, "NotFound", "pods not found", errors.NotFound, id="not found"),
        pytest.param(405, "MethodNotAllowed", "no", errors.Invalid, id="method"),
        pytest.param(409, "AlreadyExists", "exists", errors.AlreadyExists, id="exists"),
        pytest.param(409, "Conflict", "modified", errors.Conflict, id="conflict"),
        pytest.param(410, "Expired", "too old", errors.Gone, id="expired"),
        pytest.param(413, "RequestEntityTooLarge", "large", errors.Invalid, id="large"),
        pytest.param(418, "", "tea", errors.Invalid, id="no answer of an API server"),
        pytest.param(422, "Invalid", "must be equal", errors.Invalid, id="invalid"),
        pytest.param(429, "TooManyRequests", "later", errors.Throttled, id="throttled"),
        pytest.param(
            500,
            "",
            "failed to create typed patch object (a/b; /v1, Kind=X): .c: field not declared in schema",
            errors.Invalid,
            id="apply of an unknown field",
        ),
        pytest.param(500, "InternalError", "webhook failed", errors.Unavailable, id="internal"),
        pytest.param(503, "ServiceUnavailable", "down", errors.Unavailable, id="down"),
        pytest.param(504, "Timeout", "slow", errors.Unavailable, id="timeout"),
    ],
)
def test_each_answer_has_a_meaning(code: int, reason: str, message: str, expected: type[errors.PortError]) -> None:
    error = refusal(ASKED, code, status(code, reason, message))
    assert type(error) is expected
    said, _, advice = str(error).partition(message)
    assert said == f"{ASKED}: {code}{f' {reason}' if reason else ''}: "
    assert advice.startswith("; ")


def test_another_manager_of_a_field_is_named() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "hpa" using apps/v1', "field": ".spec.replicas"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl edit"', "field": ".metadata.labels.a"},
    ]
    error = refusal("apply deployments a/b", 409, status(409, "Conflict", details={"causes": causes}))
    assert isinstance(error, errors.OwnedByOthers)
    assert error.owners == (("hpa", ".spec.replicas"), ("kubectl edit", ".metadata.labels.a"))
    assert ".spec.replicas belongs to hpa, .metadata.labels.a belongs to kubectl edit" in str(error)


@pytest.mark.parametrize(
    ("header", "details", "expected"),
    [
        pytest.param("7", {}, 7.0, id="header"),
        pytest.param(None, {"retryAfterSeconds": 5}, 5.0, id="status"),
        pytest.param("7", {"retryAfterSeconds": 5}, 7.0, id="header first"),
        pytest.param(None, {}, 0.0, id="neither"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", {}, 0.0, id="a date"),
        pytest.param("-3", {}, 0.0, id="negative"),
        pytest.param("inf", {}, 0.0, id="endless"),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_the_time_to_wait(code: int, header: str | None, details: dict[str, int], expected: float) -> None:
    error = refusal(ASKED, code, status(code, "x", details=details), header)
    assert isinstance(error, errors.Unavailable)
    assert error.retry_after_s == expected
    assert (f"after {expected:g} s" if expected else "on the next tick") in str(error)


@pytest.mark.parametrize("body", [b"", b"404 page not found\n", b"[1]", b'{"kind": "Pod"}', b"\xff\xfe"])
def test_a_body_that_is_no_status_is_shown_as_it_is(body: bytes) -> None:
    error = refusal(ASKED, 404, body)
    assert type(error) is errors.NotFound
    assert (" ".join(body.decode(errors="replace").split()) or "(no text)") in str(error)


def test_a_long_page_is_cut() -> None:
    assert len(str(refusal(ASKED, 500, b"<p>" * 10_000))) < 700


def test_an_error_in_a_watch() -> None:
    error = refusal_in_watch("watch pods", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
    assert type(error) is errors.Gone
    assert type(refusal_in_watch("watch pods", {"kind": "Status"})) is errors.Unavailable
