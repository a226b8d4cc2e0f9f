"""The body of an answer: all of it before a deadline, or line by line for as long as it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import urllib3
from urllib3.exceptions import HTTPError

from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Invalid, Unavailable

PIECE = 256 * 1024
BROKEN = (HTTPError, OSError, ValueError, AttributeError)
"""What reading raises when the connection breaks, or is shut down under the reader."""


def read_all(answer: urllib3.BaseHTTPResponse, asked: str, clock: ClockPort, ends: float, most_bytes: int) -> bytes:
    """The whole body, before `ends` (monotonic). Raises `Unavailable` where cut off or late, `Invalid` if too large."""
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            left_s = ends - clock.monotonic_s()
            if left_s <= 0.0:
                raise Unavailable(f"{asked}: the answer took too long; try again on the next tick")
            _wait_at_most(answer, left_s)
            piece = answer.read1(PIECE)
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > most_bytes:
                raise Invalid(f"{asked}: the answer is larger than {most_bytes:,} bytes; ask for less of it")
            pieces.append(piece)
    except (Unavailable, Invalid):
        answer.close()
        raise
    except BROKEN as error:
        answer.close()
        raise Unavailable(f"{asked}: the answer broke off ({error}); try again on the next tick") from error


class Stream:
    """The lines of an answer that goes on. Read by one thread; may be cut by another."""

    def __init__(self, answer: urllib3.BaseHTTPResponse, asked: str, silence_s: float, most_bytes: int) -> None:
        """`silence_s`: longest wait for the next piece. `most_bytes`: of one line."""
        self._answer = answer
        self._asked = asked
        self._silence_s = silence_s
        self._most_bytes = most_bytes
        self._is_cut = False

    def lines(self) -> Iterator[bytes]:
        """Until the server or `cut` ends it. Raises `Unavailable` where it breaks, `Invalid` on an endless line."""
        rest = b""
        try:
            _wait_at_most(self._answer, self._silence_s)
            while piece := self._answer.read1(PIECE):
                *whole, rest = (rest + piece).split(b"\n")
                yield from whole
                if len(rest) > self._most_bytes:
                    raise Invalid(f"{self._asked}: one line is longer than {self._most_bytes:,} bytes")
        except BROKEN as error:
            if not self._is_cut:
                raise Unavailable(f"{self._asked}: the stream broke off ({error})") from error
        finally:
            self._answer.close()

    def cut(self) -> None:
        """Ends it from another thread, at once."""
        self._is_cut = True
        with suppress(*BROKEN, RuntimeError):
            self._answer.shutdown()


def _wait_at_most(answer: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """Bounds the wait for the next piece; an answer that is all here already has no connection left."""
    connection = answer.connection
    if connection is not None and getattr(connection, "sock", None) is not None:
        connection.sock.settimeout(seconds)  # type: ignore[attr-defined]
