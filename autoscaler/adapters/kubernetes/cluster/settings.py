"""What the live cluster may be told about its own ways."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.adapters.kubernetes.watching import WatchSettings


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """stale_after_s: age of a watch from which the inventory is unknown; above the watch's own renewal and grace.

    stuck_after_s: how long a placeholder may wait for a node. expires_after_s: life of a placeholder. stock_out_s: how
    long a sign that a pool cannot be had counts. patience_s: how long a real pod may wait although a placeholder could
    make room, before that one goes; also how long the rest of a slot of several placeholders stays when a pod of its
    workload has taken one. group_s: how long it stays while a group of the workload is bound in part. watch: of all
    watches.
    """

    stale_after_s: float = 60.0
    stuck_after_s: float = 1800.0
    expires_after_s: float = 6 * 3600.0
    stock_out_s: float = 180.0
    patience_s: float = 10.0
    group_s: float = 1800.0
    watch: WatchSettings = field(default_factory=WatchSettings)
