"""Names of placeholders: the same slot has the same name, so a repeated create is answered 409 and done."""

from __future__ import annotations

import hashlib

_LONGEST = 63
"""Of a name that is a host name too (RFC 1123 label)."""
_PREFIX = "cap"


def placeholder_name(plan: str, pool: str, slot: int, member: int | None = None) -> str:
    """`cap-<plan>-<pool>-<hash>-<slot>`, and `-<member>` in a gang. A valid label of at most 63 characters.

    The hash of plan and pool keeps names apart where the readable part is cut, and plan `a-b` in pool `c` from plan `a`
    in pool `b-c`. Plan and pool are RFC 1123 labels, slot and member 0 or more.
    """
    told_apart = hashlib.sha256(f"{plan}/{pool}".encode()).hexdigest()[:8]
    seat = f"{slot}" if member is None else f"{slot}-{member}"
    tail = f"-{told_apart}-{seat}"
    readable = f"{_PREFIX}-{plan}-{pool}"[: _LONGEST - len(tail)].rstrip("-")
    return readable + tail
