"""The usage port: what pods make of their GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autoscaler.domain.usage import PodUse


class UsagePort(Protocol):
    """GPU use of all pods of the cluster that somebody tells of, of any policy or none."""

    def uses(self, now_s: float) -> Sequence[PodUse]:
        """As of `now_s` (seconds since the epoch), each pod once. Raises `Unavailable` where nobody could be asked."""
        ...
