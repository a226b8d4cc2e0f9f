"""The port to the GPUs of this node."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from autoscaler.domain.gpu import GpuSight


class GpusPort(Protocol):
    """One look at a time, from one thread."""

    def look(self, now_s: float, transferring: Collection[str] = ()) -> GpuSight:
        """All GPUs as they are at `now_s` (seconds since the epoch). transferring: uuids of GPUs whose bus is measured
        too, which takes some 20 ms each. Raises nothing: no driver, a lost GPU and a refusal are answers.
        """
        ...
