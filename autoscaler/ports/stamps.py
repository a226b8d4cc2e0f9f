"""The stamps port: what serving processes, engines and node agents tell of the stages of starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autoscaler.domain.stamp import Stamp


class StampsPort(Protocol):
    """Stamps of pods that started lately, of any policy or none."""

    def stamps(self, now_s: float) -> Sequence[Stamp]:
        """All that is told at `now_s` (seconds since the epoch), again and again: the same stamp may come in many
        calls. Raises `Unavailable` where nobody could be asked: then nothing is known, and starts stay as they are.
        """
        ...
