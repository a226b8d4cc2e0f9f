"""The starts port: how far starts of nodes and replicas came, and how long each stage took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autoscaler.domain.lead_time import Start


class StartsPort(Protocol):
    """Starts for the workloads of one fleet, under the names of its policies and pools."""

    def starts(self, now_s: float) -> Sequence[Start]:
        """Starts that ended since the last call, and all that are under way at `now_s` (seconds since the epoch).

        The first call tells of all that stands, and so does the first one after a restart, by the same uids with the
        same stages; what went before it, nobody tells. A start that is complete or failed is told once in one life of
        the port, or again by the same uid; one under way in every call. Of all that wait for a node of one pool for one
        policy the longest alone is told: one supply keeps them waiting. Raises `Unavailable` where too little is seen.
        """
        ...
