"""What a command prints."""

from __future__ import annotations

from enum import StrEnum


class OutputFormat(StrEnum):
    """What a command prints."""

    TEXT = "text"
    JSON = "json"
