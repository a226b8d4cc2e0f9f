"""Every interval that differs between a cluster in production and these tests, in one place.

Figures measured with the rig hold for the second column only, and a report names what it was measured with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """What a component waits: `usual_s` by its own default, `tests_s` here."""

    what: str
    usual_s: float
    tests_s: float


SCAN = Interval("Cluster Autoscaler: from one look at the cluster to the next", 10.0, 2.0)
YOUNG_POD = Interval("Cluster Autoscaler: least age of a pod that it helps", 2.0, 2.0)
GPU_WAIT = Interval("Cluster Autoscaler: least age of the oldest pending GPU pod, unless bypassed", 30.0, 30.0)
UNNEEDED = Interval("Cluster Autoscaler: how long a node is unneeded before it goes", 600.0, 10.0)
AFTER_ADD = Interval("Cluster Autoscaler: no node goes so soon after one came", 600.0, 5.0)
DELETE_DELAY = Interval("Cluster Autoscaler: from the taint to the deletion of a node", 5.0, 0.0)
UNREMOVABLE = Interval("Cluster Autoscaler: how long a node found unremovable is left alone", 300.0, 300.0)
NODE_STARTUP = Interval("Cluster Autoscaler: how long a node may be unready and still count as coming", 900.0, 900.0)
BACKOFF_FIRST = Interval("Cluster Autoscaler: first back-off of a group after a failed scale-up", 300.0, 20.0)
BACKOFF_MOST = Interval("Cluster Autoscaler: longest back-off of a group", 1800.0, 120.0)
BACKOFF_RESET = Interval("Cluster Autoscaler: after which a group's back-off is forgotten", 10800.0, 720.0)
CONSOLIDATE_AFTER = Interval("Karpenter: how long a node is empty before it goes (of a GPU NodePool)", 300.0, 10.0)
BATCH_IDLE = Interval("Karpenter: how long no pod may come before it acts", 1.0, 1.0)
BATCH_MOST = Interval("Karpenter: how long it collects pods at most", 10.0, 10.0)
NODE_GRACE = Interval("Controller manager: how long a node may be silent before it is Unknown", 50.0, 50.0)
HPA_SYNC = Interval("Horizontal pod autoscaler: from one reading of its metrics to the next", 15.0, 1.0)
HPA_STABILISATION = Interval(
    "Horizontal pod autoscaler: how long the highest of its recommendations holds", 300.0, 10.0
)
SCRAPE = Interval("Prometheus: from one scrape to the next", 15.0, 1.0)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Interval))
