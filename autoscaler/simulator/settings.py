"""What a simulated cluster of full fidelity is made of: pools, workloads, the node autoscaler's habits, faults."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import Pool
from autoscaler.domain.rollout import QUARTER_FEWER, QUARTER_MORE, Allowance
from autoscaler.domain.signal import SignalKind
from autoscaler.simulator.stages import StageLaw

POOL_STAGES = ("boot", "driver")
WORKLOAD_STAGES = ("weights", "cuda", "transfer")
IMAGE = "image"
"""Names of the stages in the order of `PoolSetting.stages` and `WorkloadSetting.stages`, and of the pull."""
GIVE_UP_S = 900.0
"""A node that did not join is given up after so long, by Cluster Autoscaler (`--max-node-provision-time`) as by
Karpenter (its registration time)."""


@dataclass(frozen=True, slots=True)
class SpotMarket:
    """How a spot pool loses nodes.

    mean_up_s: mean time to the loss of a single node. shape: of the Weibull law of that time; below 1 young nodes are
    lost sooner, as recorded ones are. zone_events_a_day: how often a zone is called back at once, taking each of its
    nodes with probability `zone_share`, after which the zone grants none for `drought_s`. notice_s: warning before a
    node goes; its pods are drained when it comes.
    """

    mean_up_s: float = 24 * 3600.0
    shape: float = 0.6
    zone_events_a_day: float = 0.5
    zone_share: float = 0.7
    drought_s: float = 1800.0
    notice_s: float = 120.0


@dataclass(frozen=True, slots=True)
class PoolSetting:
    """One pool: stages from the grant of a node to its being usable (boot, driver), and its market where it is spot."""

    pool: Pool
    stages: tuple[StageLaw, ...]
    spot: SpotMarket | None = None


@dataclass(frozen=True, slots=True)
class HpaSetting:
    """A HorizontalPodAutoscaler above our floor: wanted arrivals of a replica over what it can carry, 0..1."""

    target: float


@dataclass(frozen=True, slots=True, eq=False)
class WorkloadSetting:
    """One workload.

    requests: float [N], arrivals in each step of `step_s` seconds, NaN where the traffic is not known: nothing comes
    then, and nothing is scored. requests_per_s: what a replica serves. image: the pull, which a node does once a
    workload; stages: from there to serving (weights, CUDA, transfer, warm-up). late_after_s: a request that waits
    longer is late; patience_s: one that waits longer leaves. drain_s: from the end of a replica to its GPUs being free.
    signals: the ones that can be read of it; None: those of the cluster.
    """

    name: str
    requests: Floats
    step_s: float
    requests_per_s: float
    pools: tuple[int, ...]
    gpus: int
    image: StageLaw
    stages: tuple[StageLaw, ...]
    late_after_s: float = 1.0
    patience_s: float = 30.0
    drain_s: float = 10.0
    concurrency: float | None = None
    max_replicas: int | None = None
    hpa: HpaSetting | None = None
    signals: frozenset[SignalKind] | None = None


@dataclass(frozen=True, slots=True)
class AutoscalerProfile:
    """When a node autoscaler acts, in seconds. Figures: kubernetes/autoscaler FAQ and source, kubernetes-sigs/karpenter
    source and documentation, both measured on a real control plane.

    scan_s: period of its loop. wait_s: with GPU pods pending the oldest unhelped one must be this old. batch_s: idle
    time that closes a batch of pending pods. one_pool_a_scan: a scan expands one pool only. backoff_s: first and
    longest time for which a zone that refused is left alone. scale_down_delay_s: an unneeded node is kept so long (and
    all of them after a node was added, where `delays_after_add`); release_s: and is gone so much later. moves_pods:
    pods on a node that they fill by less than half are moved where they fit elsewhere; else only empty nodes go
    (`consolidationPolicy: WhenEmpty`). recheck_s: a little used node whose pods fit nowhere is not looked at so long.
    """

    name: str
    scan_s: float
    wait_s: float
    batch_s: float
    one_pool_a_scan: bool
    backoff_s: tuple[float, float]
    scale_down_delay_s: float
    delays_after_add: bool
    release_s: float
    moves_pods: bool
    recheck_s: float


CLUSTER_AUTOSCALER = AutoscalerProfile(
    name="cluster-autoscaler",
    scan_s=10.0,
    wait_s=30.0,
    batch_s=2.0,
    one_pool_a_scan=True,
    backoff_s=(300.0, 1800.0),
    scale_down_delay_s=600.0,
    delays_after_add=True,
    release_s=0.04,
    moves_pods=True,
    recheck_s=300.0,
)
KARPENTER = AutoscalerProfile(
    name="karpenter",
    scan_s=10.0,
    wait_s=0.0,
    batch_s=1.0,
    one_pool_a_scan=False,
    backoff_s=(180.0, 180.0),
    scale_down_delay_s=300.0,
    delays_after_add=False,
    release_s=20.0,
    moves_pods=False,
    recheck_s=0.0,
)
PROFILES = {profile.name: profile for profile in (CLUSTER_AUTOSCALER, KARPENTER)}


@dataclass(frozen=True, slots=True)
class LowReturn:
    """For `for_s` after a fault has ended, rates and levels answer `share` (0..1) of what they are."""

    for_s: float
    share: float


@dataclass(frozen=True, slots=True)
class MetricsOutage:
    """No scrape succeeds from `from_s` until `until_s`; the last answers stand and grow old."""

    from_s: float
    until_s: float
    low: LowReturn | None = None


@dataclass(frozen=True, slots=True)
class ScrapeGap:
    """As an outage, of one workload (all where None), or of one of its signals alone."""

    workload: int | None
    signal: SignalKind | None
    from_s: float
    until_s: float
    low: LowReturn | None = None


@dataclass(frozen=True, slots=True)
class WrongAnswers:
    """Queries of a workload (all where None), or of one signal, answer `value` from `from_s` until `until_s`; NaN with
    `empty` is no answer at all, without any sample."""

    workload: int | None
    signal: SignalKind | None
    from_s: float
    until_s: float
    value: float
    empty: bool = False
    low: LowReturn | None = None


@dataclass(frozen=True, slots=True)
class CounterReset:
    """At `at_s` the counters of a workload (all where None) begin anew under other labels, as when its gateway is
    replaced. `rate()` knows the new series by one sample first, so rates answer 0, and rise to what they are as the
    window fills; answers look healthy all along."""

    workload: int | None
    at_s: float


@dataclass(frozen=True, slots=True)
class SlowStarts:
    """Stages of these names (`POOL_STAGES`, `WORKLOAD_STAGES`) of starts that begin from `from_s` until `until_s` take
    `factor` times as long."""

    stages: frozenset[str]
    factor: float
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class LostNodes:
    """Of nodes that a pool (all where None) grants from `from_s` until `until_s` this share never boots: billed, and
    given up by the node autoscaler after `GIVE_UP_S`."""

    pool: int | None
    share: float
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class StuckReplicas:
    """This share of the replicas of a workload (all where None) that begin from `from_s` until `until_s` hang in a
    stage (`IMAGE`, `WORKLOAD_STAGES`), by default as with a registry that does not answer; the work of that stage
    begins when it has ended."""

    workload: int | None
    share: float
    from_s: float
    until_s: float
    stage: str = IMAGE


@dataclass(frozen=True, slots=True)
class CrashingReplicas:
    """Of the replicas of a workload (all where None) that begin from `from_s` until `until_s` this share crashes
    `times` times while it loads, each time at a moment that is drawn, and is started again after the kubelet's back-off
    (`restart_wait_s`)."""

    workload: int | None
    share: float
    from_s: float
    until_s: float
    times: int = 1


@dataclass(frozen=True, slots=True)
class NewImage:
    """At `at_s` a workload gets a new image: its replicas are replaced within these bounds, and every node pulls anew.

    By default the bounds are those of a Deployment that says nothing.
    """

    workload: int
    at_s: float
    surge: Allowance = QUARTER_MORE
    unavailable: Allowance = QUARTER_FEWER


@dataclass(frozen=True, slots=True)
class StockOut:
    """The zone of a pool (all zones where None) grants no node from `from_s` until `until_s`."""

    pool: int
    zone: int | None
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class ZoneLoss:
    """At `at_s` the spot market calls back every node of a pool's zone, with notice; None: of the one with the most."""

    pool: int
    zone: int | None
    at_s: float


Fault = (
    MetricsOutage
    | ScrapeGap
    | WrongAnswers
    | CounterReset
    | StockOut
    | ZoneLoss
    | SlowStarts
    | LostNodes
    | StuckReplicas
    | CrashingReplicas
    | NewImage
)


@dataclass(frozen=True, slots=True)
class ClusterSetting:
    """A cluster. expander: pools in the order in which the node autoscaler tries them for pods that no pin directs.

    scrape_s: period of the metrics; a tick sees what was scraped before it. rate_window_s: of the rates. bind_s: from a
    pod that fits to its binding. signals: the ones that can be read. start_replicas: ready at time 0, by workload, as
    far as their pools may have nodes. time_resolution_s: of the times that starts are told from, cut to it: objects of
    Kubernetes have whole seconds; 0: as they are.
    """

    pools: tuple[PoolSetting, ...]
    workloads: tuple[WorkloadSetting, ...]
    autoscaler: AutoscalerProfile
    expander: tuple[int, ...]
    start_replicas: tuple[int, ...]
    signals: frozenset[SignalKind]
    seed: int
    scrape_s: float = 15.0
    rate_window_s: float = 60.0
    bind_s: float = 0.1
    time_resolution_s: float = 1.0
    faults: tuple[Fault, ...] = field(default=())
