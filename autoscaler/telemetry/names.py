"""Every metric that we export: its name with its unit, what it says, and its labels."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "gpu_autoscaler_"


@dataclass(frozen=True, slots=True)
class Name:
    """`text`: the full name, without the suffix that counters get. help: for who sees it for the first time."""

    text: str
    help: str
    labels: tuple[str, ...] = ()


def _name(text: str, help: str, *labels: str) -> Name:
    return Name(PREFIX + text, help, labels)


DEMAND = _name("demand_replicas", "Offered work now, in replicas; absent where no signal tells it.", "policy")
READY = _name("ready_replicas", "Replicas that serve.", "policy")
STARTING = _name("starting_replicas", "Replicas that have a node, or wait for one, and do not serve yet.", "policy")
FLOOR = _name("floor_replicas", "The least number of replicas that is asked for, as the owner's field says.", "policy")
PLANNED = _name("planned_floor_replicas", "The floor that the last plan wants; absent where we do not lead.", "policy")
PLACEHOLDERS = _name("placeholders", "Placeholder pods that stand.", "policy", "pool", "state")
LATE_SHARE = _name("late_share_ratio", "Share of the work now that comes late; absent where unknown.", "policy")
SIGNAL_STATE = _name(
    "signal_state", "1 for the state that a signal is in, 0 for the others.", "policy", "signal", "state"
)
SIGNAL_AGE = _name(
    "signal_age_seconds", "Time since the newest sample of a signal; absent without one.", "policy", "signal"
)
POLICIES = _name("policies", "Policies in force.", "mode")
POLICY_PROBLEMS = _name("policy_problems", "What is wrong with the policy files as they are.")
PROBLEMS = _name("problems", "What else stands in the way now: signals, cluster, permissions.")
LEADER = _name("leader", "1 where this controller leads, 0 where it follows.")
LAST_TICK = _name("last_tick_timestamp_seconds", "When the last tick began.")
DECISIONS = _name(
    "decisions", "Plans that differ from the one before, by each reason that moved them.", "policy", "reason"
)
ACTIONS = _name("actions", "What was asked of the cluster, and what came of it.", "action", "outcome")
ENDED = _name("placeholders_ended", "Placeholders that ended, and how.", "policy", "pool", "fate")
TICKS = _name("ticks", "Ticks, and how they ended.", "outcome")
TICK_SECONDS = _name("tick_seconds", "How long a tick takes.")
