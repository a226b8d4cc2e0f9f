"""Every metric that we export: its name with its unit, its kind, what it says, and its labels; docs/metrics.md is made
of this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "gpu_autoscaler_"


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Name:
    """`text`: the full name, without the suffix that counters get. help: for who sees it for the first time."""

    text: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE

    def __str__(self) -> str:
        """As queries write it; a histogram's without the suffixes of its parts."""
        return f"{self.text}_total" if self.kind is Kind.COUNTER else self.text


def _gauge(text: str, help: str, *labels: str) -> Name:
    return Name(PREFIX + text, help, labels)


def _counter(text: str, help: str, *labels: str) -> Name:
    return Name(PREFIX + text, help, labels, Kind.COUNTER)


DEMAND = _gauge("demand_replicas", "Offered work now, in replicas; absent where no signal tells it.", "policy")
FORECAST = _gauge(
    "forecast_replicas",
    "Percentile of the demand that is expected when a replica that is asked for now would serve, in replicas; absent "
    "while nothing was seen.",
    "policy", "horizon", "percentile",
)  # fmt: skip
READY = _gauge("ready_replicas", "Replicas that serve.", "policy")
STARTING = _gauge("starting_replicas", "Replicas that have a node, or wait for one, and do not serve yet.", "policy")
FLOOR = _gauge("floor_replicas", "The least number of replicas that is asked for, as the owner's field says.", "policy")
PLANNED = _gauge("planned_floor_replicas", "The floor that the last plan wants; absent where we do not lead.", "policy")
TARGET = _gauge(
    "target_replicas",
    "Replicas that an acting policy wants, for whoever moves them; absent where it is paused, where the plan is old, "
    "and where we do not lead. Absent is not zero.",
    "policy",
)  # fmt: skip
PLAN_REASONS = _gauge(
    "plan_reasons", "1 for each reason that moved the floor of the last plan; absent for others.", "policy", "reason"
)
KNOB = _gauge(
    "loop_knob", "Where the outer loop stands: above 0 where the objective was missed; absent where we do not lead.",
    "policy",
)  # fmt: skip
ACTS = _gauge("policy_acts", "1 where the policy acts, 0 where it only observes.", "policy")
PLACEHOLDERS = _gauge("placeholders", "Placeholder pods that stand.", "policy", "pool", "state")
WARM_GPUS = _gauge("warm_gpus", "GPUs that placeholders hold on nodes.", "policy", "pool")
LATE_SHARE = _gauge("late_share_ratio", "Share of the work now that comes late; absent where unknown.", "policy")
LATE_OBJECTIVE = _gauge("late_objective_ratio", "Share of the work that may come late, by the policy.", "policy")
LATE_MEASURED = _gauge(
    "late_is_measured", "1 where late work is measured, 0 where it is estimated from demand and ready.", "policy"
)
LEAD_TIME = _gauge(
    "lead_time_seconds", "Time that a stage of a start takes, of starts seen; absent where none was.",
    "policy", "pool", "stage", "percentile",
)  # fmt: skip
MODEL_LOAD = _gauge(
    "model_load_seconds",
    "Time that a model takes from its files to the GPU, of starts seen, by the format of the files; absent where none "
    "tells it.",
    "policy", "format", "percentile",
)  # fmt: skip
STARTS_UNDER_WAY = _gauge(
    "starts_under_way", "Starts of nodes and replicas that are under way, by the stage that they are in; absent for "
    "others. All that wait for nodes of a pool count as one.", "policy", "pool", "part", "stage",
)  # fmt: skip
STARTS_STUCK = _gauge(
    "starts_stuck", "Starts under way for more than three times the lead time that is planned with, a minute at least.",
    "policy", "pool", "part",
)  # fmt: skip
MODEL_LOADED = _gauge(
    "model_loaded_ratio",
    "Share of the replicas on nodes that have their model loaded: that serve, or are said to be in their warm-up; "
    "absent without replicas.",
    "policy",
)  # fmt: skip
GPU_USED = _gauge(
    "gpu_used_ratio",
    "Share of the GPUs that it asks for that a replica that serves uses at most for so much of the time, over the last "
    "days; absent where nobody tells.",
    "policy", "percentile",
)  # fmt: skip
GPU_MEMORY_USED = _gauge(
    "gpu_memory_used_ratio",
    "Share of the memory of its fullest GPU that a replica that serves uses at most for so much of the time, over the "
    "last days; absent where nobody tells.",
    "policy", "percentile",
)  # fmt: skip
PLANNED_LEAD = _gauge(
    "planned_lead_seconds", "Lead time that is planned with, of the node and of the replica on it.", "policy", "part"
)
WAKE_UP = _gauge(
    "wake_up_seconds",
    "Time that the first request waits for a replica while nothing runs; absent where a policy never goes to zero.",
    "policy", "percentile",
)  # fmt: skip
SIGNAL_STATE = _gauge(
    "signal_state", "1 for the state that a signal is in, 0 for the others.", "policy", "signal", "state"
)
SIGNAL_AGE = _gauge(
    "signal_age_seconds", "Time since the newest sample of a signal; absent without one.", "policy", "signal"
)
SIGNAL_VALUE = _gauge(
    "signal_value",
    "What a signal says: requests a second, requests, or a share; absent where it is missing.",
    "policy",
    "signal",
)
POOL_GPUS = _gauge(
    "pool_gpus", "GPUs of ready nodes, by what is done with them.", "pool", "capacity_type", "state"
)  # fmt: skip
POOL_NODES = _gauge("pool_nodes", "Nodes, and nodes on order.", "pool", "capacity_type", "state")
POOL_UTILIZATION = _gauge(
    "pool_utilization_ratio", "Share of the GPUs of ready nodes that real pods hold; absent without nodes.",
    "pool", "capacity_type",
)  # fmt: skip
POOL_OBTAINABLE = _gauge(
    "pool_obtainable", "1 while more nodes can be had as far as we know, else 0.", "pool", "capacity_type"
)
BUDGET_GPUS = _gauge(
    "budget_limit_gpus", "GPUs that a budget allows at once; absent without a limit.", "budget", "scope"
)
BUDGET_DOLLARS = _gauge(
    "budget_limit_dollars_per_hour", "Dollars an hour that a budget allows; absent without a limit.", "budget", "scope"
)
BUDGET_ASKED_GPUS = _gauge(
    "budget_asked_gpus", "GPUs of a budget that the last plan asks for, in floors and placeholders; absent where we do "
    "not lead.", "budget", "scope",
)  # fmt: skip
BUDGET_ASKED_DOLLARS = _gauge(
    "budget_asked_dollars_per_hour",
    "What the last plan asks for of a budget, by the prices of the pools; absent where we do not lead.",
    "budget",
    "scope",
)
QUEUED_WORK = _gauge(
    "queued_work", "Pieces of queued work that wait and ask for GPUs, by whether their nodes stand; absent where we do "
    "not lead.", "policy", "state",
)  # fmt: skip
POLICIES = _gauge("policies", "Policies in force.", "mode")
POLICY_PROBLEMS = _gauge("policy_problems", "Mistakes in the policy files as they are.")
PROBLEMS = _gauge("problems", "What else stands in the way now: signals, cluster, permissions.")
LEADER = _gauge("leader", "1 where this controller leads, 0 where it follows.")
LAST_TICK = _gauge("last_tick_timestamp_seconds", "When the last tick began, in seconds since 1970.")
BUILD = _gauge("build_info", "1, with the version of the program.", "version")

GPU_SECONDS = _counter(
    "gpu_seconds", "GPU-seconds that a policy uses while we lead, as ticks see it.",
    "policy", "pool", "tier", "capacity_type", "use",
)  # fmt: skip
COST = _counter(
    "cost_estimate_dollars", "Dollars that a policy's GPU-seconds cost, by the prices of the pools.",
    "policy", "pool", "tier", "capacity_type",
)  # fmt: skip
STARTS = _counter(
    "starts", "Starts that ended while we led, a minute after their end, when it is known what was there.",
    "policy", "pool", "part", "path", "end",
)  # fmt: skip
START_COST = _counter(
    "start_cost_dollars", "Dollars that GPUs cost while replicas on them started; cost_estimate_dollars has them too.",
    "policy", "pool",
)  # fmt: skip
POOL_GPU_SECONDS = _counter(
    "pool_gpu_seconds", "GPU-seconds of ready nodes while we lead, by what was done with them.",
    "pool", "capacity_type", "state",
)  # fmt: skip
WORK = _counter("demand_replica_seconds", "Work that came while we lead, as replicas kept busy for a second.", "policy")
LATE_WORK = _counter(
    "late_replica_seconds", "Work that came late while we lead, as replicas kept busy for a second.", "policy"
)
JUDGED = _counter("forecasts_judged", "Minutes in which demand was compared with its forecast.", "policy", "horizon")
EXCEEDED = _counter(
    "forecasts_exceeded", "Minutes in which demand was above this percentile of its forecast.",
    "policy", "horizon", "percentile",
)  # fmt: skip
ERROR = _counter(
    "forecast_error_replicas",
    "Sum over judged minutes of how far demand was from percentile 50, in replicas.",
    "policy",
    "horizon",
)
STILL_ERROR = _counter(
    "last_value_error_replicas",
    "Sum over judged minutes of how far demand was from what it was when the forecast was made, in replicas.",
    "policy", "horizon",
)  # fmt: skip
DECISIONS = _counter(
    "decisions", "Plans that differ from the one before, by each reason that moved them.", "policy", "reason"
)
ACTIONS = _counter("actions", "What was asked of the cluster, and what came of it.", "action", "outcome")
ENDED = _counter("placeholders_ended", "Placeholders that ended, and how.", "policy", "pool", "fate")
TAKEN = _counter(
    "capacity_taken", "Placeholders whose place a pod took that is of no policy of ours.", "policy", "pool"
)
FIRST_REQUEST_WAIT = Name(
    PREFIX + "first_request_wait_seconds",
    "Time that work waited while nothing served, until something did, to the tick. A wait that began before this "
    "process looked, or in which all work went away again, does not count.",
    ("policy",),
    Kind.HISTOGRAM,
)
TICKS = _counter("ticks", "Ticks, and how they ended.", "outcome")
TICK_SECONDS = Name(PREFIX + "tick_seconds", "How long a tick takes, in seconds.", (), Kind.HISTOGRAM)

ALL = tuple(value for value in tuple(globals().values()) if isinstance(value, Name))
