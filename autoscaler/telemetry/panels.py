"""What the dashboard shows, row by row, as queries.

`$job`, `$policy` and `$pool` are chosen on the page. Gauges are exported by the leader and by who follows, so each is
taken once, as its maximum; what is counted counts at the leader alone and is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autoscaler.telemetry import names as n

J, P, POOL = '{job=~"$job"}', '{job=~"$job", policy=~"$policy"}', '{job=~"$job", pool=~"$pool"}'
SEAT = '{job=~"$job", policy=~"$policy", pool=~"$pool"}'
RATE, HOUR, LONG = "[$__rate_interval]", "[1h]", "[6h]"


class Look(StrEnum):
    """How a panel is drawn."""

    LINES = "lines"
    STACK = "stack"
    NUMBER = "number"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """expression: PromQL. legend: a template of Grafana."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """unit: as Grafana names it. width: of 24. says: what a person should see in it."""

    title: str
    says: str
    queries: tuple[Query, ...]
    unit: str = "short"
    look: Look = Look.LINES
    width: int = 12


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and what is under it."""

    title: str
    panels: tuple[Panel, ...]


def _max(by: str, name: n.Name, where: str) -> str:
    return f"max by ({by}) ({name}{where})"


def _grown(by: str, name: n.Name, where: str, window: str) -> str:
    return f"sum by ({by}) (increase({name}{where}{window}))"


def _forecast(percentile: int) -> Query:
    where = f'{{job=~"$job", policy=~"$policy", horizon="cold_node", percentile="{percentile}"}}'
    return Query(_max("policy", n.FORECAST, where), f"{{{{policy}}}} forecast p{percentile}")


def _late(window: str) -> str:
    return f"{_grown('policy', n.LATE_WORK, P, window)} / {_grown('policy', n.WORK, P, window)}"


def _per_policy(name: n.Name, legend: str) -> Query:
    return Query(_max("policy", name, P), f"{{{{policy}}}} {legend}")


GLANCE = Row("At a glance", (
    Panel("Leaders", "One; the others follow.", (Query(f"sum({n.LEADER}{J})", "leaders"),), look=Look.NUMBER, width=4),
    Panel("Last tick", "Time since the loop looked last.", (Query(f"time() - max({n.LAST_TICK}{J})", "ago"),), "s",
          Look.NUMBER, 4),
    Panel("Policies", "In force, by mode.", (Query(_max("mode", n.POLICIES, J), "{{mode}}"),), look=Look.NUMBER,
          width=4),
    Panel("Problems", "Mistakes in policy files, and what else stands in the way; the log names each.",
          (Query(f"max({n.POLICY_PROBLEMS}{J})", "policy files"), Query(f"max({n.PROBLEMS}{J})", "others")),
          look=Look.NUMBER, width=4),
    Panel("Warm GPUs", "Held by placeholders on ready nodes.",
          (Query(f"sum({_max('policy, pool', n.WARM_GPUS, SEAT)})", "GPUs"),), look=Look.NUMBER, width=4),
    Panel("Dollars an hour", "By the prices in the pools, of the policies shown.",
          (Query(f"3600 * sum(rate({n.COST}{SEAT}{RATE}))", "dollars an hour"),), "currencyUSD", Look.NUMBER, 4),
))  # fmt: skip
WORKLOADS = Row("Workloads", (
    Panel("Demand, forecast and replicas",
          "Choose one policy. Ready should run above demand; the forecast is for when a replica on a new node serves.",
          (_per_policy(n.DEMAND, "demand"), *(_forecast(p) for p in (50, 90, 99)), _per_policy(n.READY, "ready"),
           _per_policy(n.STARTING, "starting"), _per_policy(n.FLOOR, "floor"), _per_policy(n.PLANNED, "planned")),
          width=24),
    Panel("Late share of the last hour, against the objective", "Weighted by work.",
          (Query(_late(HOUR), "{{policy}} late"), _per_policy(n.LATE_OBJECTIVE, "objective")), "percentunit"),
    Panel("Late share now", "Of the last tick; measured, or estimated where a policy measures nothing.",
          (_per_policy(n.LATE_SHARE, "late"), _per_policy(n.LATE_MEASURED, "is measured")), "percentunit"),
    Panel("Decisions by reason", "Plans that differ from the one before, in an hour.",
          (Query(_grown("reason", n.DECISIONS, P, HOUR), "{{reason}}"),), look=Look.STACK),
    Panel("Reasons in force", "Policies whose floor is moved by each reason now.",
          (Query(f"count by (reason) ({_max('policy, reason', n.PLAN_REASONS, P)})", "{{reason}}"),), look=Look.STACK),
    Panel("Age of signals", "Time since the newest sample.",
          (Query(_max("policy, signal", n.SIGNAL_AGE, P), "{{policy}} {{signal}}"),), "s"),
    Panel("States of signals", "Missing counts those too that a policy does not ask for.",
          (Query(f"sum by (signal, state) ({_max('policy, signal, state', n.SIGNAL_STATE, P)})",
                 "{{signal}} {{state}}"),), look=Look.STACK),
    Panel("Signals", "Values as they were read.",
          (Query(_max("policy, signal", n.SIGNAL_VALUE, P), "{{policy}} {{signal}}"),)),
    Panel("Knob of the outer loop", "Above zero where the objective was missed, below where it was beaten.",
          (_per_policy(n.KNOB, "knob"),)),
))  # fmt: skip
POOLS = Row("Pools and nodes", (
    Panel("Nodes by pool", "Ready ones, and those on order.",
          (Query(_max("pool, state", n.POOL_NODES, POOL), "{{pool}} {{state}}"),), look=Look.STACK),
    Panel("GPUs by pool", "What is done with the GPUs of ready nodes.",
          (Query(_max("pool, state", n.POOL_GPUS, POOL), "{{pool}} {{state}}"),), look=Look.STACK),
    Panel("Warm GPUs by pool", "Held by placeholders, for whom.",
          (Query(_max("policy, pool", n.WARM_GPUS, SEAT), "{{policy}} {{pool}}"),), look=Look.STACK),
    Panel("Utilization of pools", "Share of the GPUs that real pods hold; 70 % to 85 % is healthy.",
          (Query(_max("pool", n.POOL_UTILIZATION, POOL), "{{pool}}"),), "percentunit"),
    Panel("Pools that can be had", "0 while a pool is out of stock or backed off.",
          (Query(f"min by (pool) ({n.POOL_OBTAINABLE}{POOL})", "{{pool}}"),)),
    Panel("Placeholders", "On a node, and waiting for one.",
          (Query(_max("policy, pool, state", n.PLACEHOLDERS, SEAT), "{{policy}} {{pool}} {{state}}"),),
          look=Look.STACK),
    Panel("Placeholders that ended", "In an hour, by what became of them.",
          (Query(_grown("fate", n.ENDED, SEAT, HOUR), "{{fate}}"),
           Query(f"sum(increase({n.TAKEN}{SEAT}{HOUR}))", "of these, taken by others")), look=Look.STACK),
))  # fmt: skip
STARTS = Row("Starts", (
    Panel("Cold starts an hour", "Replicas that came to a node without their image, or on a new one.",
          (Query(f'sum by (policy) (increase({n.STARTS}{{job=~"$job", policy=~"$policy", pool=~"$pool", '
                 f'part="replica", path="cold_node"}}{HOUR}))', "{{policy}}"),)),
    Panel("Starts an hour, by what was there", "Of nodes and of replicas.",
          (Query(_grown("part, path", n.STARTS, SEAT, HOUR), "{{part}} {{path}}"),), look=Look.STACK),
    Panel("Starts that failed, in an hour", "A start that fails costs GPUs and time, and is tried again.",
          (Query(f'sum by (policy, pool, part) (increase({n.STARTS}{{job=~"$job", policy=~"$policy", pool=~"$pool", '
                 f'end="failed"}}{HOUR}))', "{{policy}} {{pool}} {{part}}"),), look=Look.STACK),
    Panel("Starts under way", "By the stage that they are in, and how many of them are stuck.",
          (Query(f"sum by (part, stage) ({_max('policy, pool, part, stage', n.STARTS_UNDER_WAY, SEAT)})",
                 "{{part}} {{stage}}"),
           Query(f"sum by (part) ({_max('policy, pool, part', n.STARTS_STUCK, SEAT)})", "{{part}} stuck"))),
    Panel("Lead time by stage", "Nine of ten starts are at most as long. What is highest is to be shortened first.",
          (Query(_max("pool, stage", n.LEAD_TIME, '{job=~"$job", policy=~"$policy", pool=~"$pool", percentile="90"}'),
                 "{{pool}} {{stage}}"),), "s", Look.STACK),
    Panel("Lead time that is planned with", "Of a node, and of a replica on it.",
          (Query(_max("policy, part", n.PLANNED_LEAD, P), "{{policy}} {{part}}"),), "s", Look.STACK),
    Panel("Time that models load, by format", "From their files to the GPU.",
          (Query(_max("policy, format, percentile", n.MODEL_LOAD, P), "{{policy}} {{format}} p{{percentile}}"),), "s"),
    Panel("First requests that waited", "While nothing served: how long, of those of the last hours.",
          tuple(Query(f"histogram_quantile({q}, sum by (policy, le) "
                      f"(increase({n.FIRST_REQUEST_WAIT}_bucket{P}{LONG})))", f"{{{{policy}}}} p{q:.0%}")
                for q in (0.5, 0.95)), "s"),
    Panel("Dollars an hour for starts", "What GPUs cost while replicas on them start.",
          (Query(f"3600 * sum by (policy) (rate({n.START_COST}{SEAT}{HOUR}))", "{{policy}}"),), "currencyUSD"),
    Panel("GPU that replicas use", "Of what they ask for, nine tenths of the time: what stays low could be smaller.",
          (Query(_max("policy", n.GPU_USED, '{job=~"$job", policy=~"$policy", percentile="90"}'),
                 "{{policy}} compute"),
           Query(_max("policy", n.GPU_MEMORY_USED, '{job=~"$job", policy=~"$policy", percentile="90"}'),
                 "{{policy}} memory")), "percentunit"),
    Panel("Replicas with their model loaded", "Share of those on nodes.",
          (Query(_max("policy", n.MODEL_LOADED, P), "{{policy}}"),), "percentunit"),
))  # fmt: skip
FORECAST = Row("Forecast", (
    Panel("Coverage",
          "Share of minutes in which demand stayed within each percentile: 50 should be at 50 %, 90 at 90 %.",
          (Query(f"1 - {_grown('horizon, percentile', n.EXCEEDED, P, LONG)} / on (horizon) group_left () "
                 f"{_grown('horizon', n.JUDGED, P, LONG)}", "{{horizon}} p{{percentile}}"),), "percentunit"),
    Panel("Mean error", "In replicas; a forecast that is worth it is below who takes demand to stay as it is.",
          (Query(f"{_grown('horizon', n.ERROR, P, LONG)} / {_grown('horizon', n.JUDGED, P, LONG)}",
                 "{{horizon}} forecast"),
           Query(f"{_grown('horizon', n.STILL_ERROR, P, LONG)} / {_grown('horizon', n.JUDGED, P, LONG)}",
                 "{{horizon}} last value"))),
))  # fmt: skip
MONEY = Row("Ledger and budgets", (
    Panel("GPU-hours in the time shown", "By policy, tier and capacity type.",
          (Query(f"{_grown('policy, tier, capacity_type, use', n.GPU_SECONDS, SEAT, '[$__range]')} / 3600",
                 "GPU-hours"),), "h", Look.TABLE),
    Panel("Dollars in the time shown", "By the prices in the pools: an estimate.",
          (Query(_grown("policy, tier, capacity_type", n.COST, SEAT, "[$__range]"), "dollars"),), "currencyUSD",
          Look.TABLE),
    Panel("GPUs used by tier", "On average, by what they did.",
          (Query(f"sum by (tier, capacity_type, use) (rate({n.GPU_SECONDS}{SEAT}{RATE}))",
                 "{{tier}} {{capacity_type}} {{use}}"),), look=Look.STACK),
    Panel("GPUs idle", "On average: free, and warm.",
          (Query(f'sum by (pool, state) (rate({n.POOL_GPU_SECONDS}{{job=~"$job", pool=~"$pool", state=~"free|warm"}}'
                 f"{RATE}))", "{{pool}} {{state}}"),), look=Look.STACK),
    Panel("GPUs asked for, of the budget", "Floors and placeholders together, against the limit.",
          (Query(_max("budget, scope", n.BUDGET_ASKED_GPUS, J), "{{budget}} asked"),
           Query(_max("budget, scope", n.BUDGET_GPUS, J), "{{budget}} limit"))),
    Panel("Dollars an hour asked for, of the budget", "By the prices in the pools, against the limit.",
          (Query(_max("budget, scope", n.BUDGET_ASKED_DOLLARS, J), "{{budget}} asked"),
           Query(_max("budget, scope", n.BUDGET_DOLLARS, J), "{{budget}} limit")), "currencyUSD"),
    Panel("Dollars for a thousand requests", "Of policies that read arrivals.",
          (Query(f"1000 * sum by (policy) (rate({n.COST}{P}{HOUR})) / "
                 f'max by (policy) ({n.SIGNAL_VALUE}{{job=~"$job", policy=~"$policy", signal="arrivals"}})',
                 "{{policy}}"),), "currencyUSD"),
))  # fmt: skip
CONTROLLER = Row("Controller", (
    Panel("Time that a tick takes", "Should stay well below the time between two ticks.",
          tuple(Query(f"histogram_quantile({q}, sum by (le) (rate({n.TICK_SECONDS}_bucket{J}{RATE})))", f"p{q:.0%}")
                for q in (0.5, 0.9, 0.99)), "s"),
    Panel("Ticks", "By how they ended, a second.",
          (Query(f"sum by (outcome) (rate({n.TICKS}{J}{RATE}))", "{{outcome}}"),), look=Look.STACK),
    Panel("Actions", "In an hour, by what came of them.",
          (Query(_grown("action, outcome", n.ACTIONS, J, HOUR), "{{action}} {{outcome}}"),), look=Look.STACK),
    Panel("Who leads", "By instance.", (Query(_max("instance", n.LEADER, J), "{{instance}}"),)),
    Panel("Processor", "Cores, by instance.",
          (Query(f"max by (instance) (rate(process_cpu_seconds_total{J}{RATE}))", "{{instance}}"),)),
    Panel("Memory", "Resident, by instance.",
          (Query(f"max by (instance) (process_resident_memory_bytes{J})", "{{instance}}"),), "bytes"),
))  # fmt: skip
ROWS = (GLANCE, WORKLOADS, POOLS, STARTS, FORECAST, MONEY, CONTROLLER)
