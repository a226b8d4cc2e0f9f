"""Alerts as code: each says what is wrong, of what, and where to read what to do.

Gauges are exported by the leader and by who follows, so each is taken once, as its maximum; counters of what is done
count at the leader alone and are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from io import StringIO

from ruamel.yaml import YAML

from autoscaler.telemetry import names as n

GROUP = "gpu-autoscaler"
RUNBOOK = "docs/runbook.md"
"""Where each alert has a heading of its own name; the chart puts the place before it where that page is published."""
SITE = "cluster, namespace, job"
"""Labels that tell one installation from another, where a site has them."""
P = f"{SITE}, policy"


class Severity(StrEnum):
    """critical: nobody acts. warning: a person should look today. info: good to know."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Alert:
    """summary, description: templates of Prometheus. for_: how long it must hold, as Prometheus writes durations."""

    name: str
    severity: Severity
    expression: str
    for_: str
    summary: str
    description: str

    def rule(self) -> dict[str, object]:
        """As a rule file has it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.for_,
            "labels": {"severity": self.severity.value},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


def _late(window: str) -> str:
    work = (f"sum by ({P}) (increase({name}[{window}]))" for name in (n.LATE_WORK, n.WORK))
    return " / ".join(work)


def _planned_for(reason: str) -> str:
    return f'max by ({P}) ({n.PLAN_REASONS}{{reason="{reason}"}}) == 1'


def _ended_in_an_hour(which: str) -> str:
    return f"sum by ({P}, pool, part) (increase({n.STARTS}{which}[1h]))"


FAILED = '{end="failed"}'
ACTS = f"max by ({P}) ({n.ACTS}) == 1"
FAILING = 'outcome=~"blind|failed"'
OF_POLICY = "Policy {{ $labels.policy }}"
OF_POOL = "Pool {{ $labels.pool }}"
COUNT = '{{ $value | printf "%.0f" }}'
LOOP = (
    Alert(
        "GpuAutoscalerNoLeader", Severity.CRITICAL,
        f"sum by ({SITE}) ({n.LEADER}) == 0 or absent({n.LEADER})", "2m",
        "No GPU autoscaler leads.",
        "Nothing is planned and nothing is moved: floors and placeholders stay as they are, and placeholders expire.",
    ),
    Alert(
        "GpuAutoscalerTicksStopped", Severity.CRITICAL,
        f"time() - max by ({SITE}) ({n.LAST_TICK}) > 180", "1m",
        "The GPU autoscaler has not looked for {{ $value | humanizeDuration }}.",
        "The process answers, and its loop stands still. It is restarted by its liveness probe after ten ticks.",
    ),
    Alert(
        "GpuAutoscalerTicksFail", Severity.WARNING,
        f"sum by ({SITE}) (rate({n.TICKS}{{{FAILING}}}[10m])) / sum by ({SITE}) (rate({n.TICKS}[10m])) > 0.2", "10m",
        "{{ $value | humanizePercentage }} of the ticks of the GPU autoscaler see nothing or fail.",
        "Such a tick changes nothing. The log says why: blind is a cluster that does not answer, failed a defect.",
    ),
    Alert(
        "GpuAutoscalerTicksSlow", Severity.WARNING,
        f"max by ({SITE}) (rate({n.TICK_SECONDS}_sum[10m])) > 0.5", "10m",
        "The GPU autoscaler spends {{ $value | humanizePercentage }} of its time in ticks.",
        "Above one, ticks are skipped and decisions come late.",
    ),
    Alert(
        "GpuAutoscalerPolicyProblems", Severity.WARNING,
        f"max by ({SITE}) ({n.POLICY_PROBLEMS}) > 0", "5m",
        "{{ $value }} mistakes in policy files.",
        "The last good version of each stays in force. The log names file, line and column.",
    ),
    Alert(
        "GpuAutoscalerProblems", Severity.INFO,
        f"max by ({SITE}) ({n.PROBLEMS}) > 0", "30m",
        "{{ $value }} things stand in the way of the GPU autoscaler.",
        "Signals, permissions or workloads; the log names each, and conditions of the CapacityPlans say what to do.",
    ),
    Alert(
        "GpuAutoscalerActionsFail", Severity.WARNING,
        f'sum by ({SITE}, action) (increase({n.ACTIONS}{{outcome="failed"}}[15m])) >= 5', "5m",
        "The cluster refuses what the GPU autoscaler does: {{ $labels.action }}.",
        f"{COUNT} times in a quarter of an hour. What is planned is not done.",
    ),
)  # fmt: skip
WORKLOADS = (
    Alert(
        "GpuAutoscalerDemandUnknown", Severity.WARNING,
        f"{ACTS} unless max by ({P}) ({n.DEMAND})", "5m",
        f"{OF_POLICY} acts, and no signal tells its demand.",
        "Nothing is scaled in, and nothing is foreseen, until a signal tells it again.",
    ),
    Alert(
        "GpuAutoscalerLateAboveObjective", Severity.WARNING,
        f"{_late('1h')} > 2 * max by ({P}) ({n.LATE_OBJECTIVE}) and {_late('6h')} > max by ({P}) ({n.LATE_OBJECTIVE}) "
        f"and {ACTS}", "15m",
        f"{OF_POLICY}: {{{{ $value | humanizePercentage }}}} of the work of the last hour was late.",
        "More than twice the objective in the last hour, and above it in the last six.",
    ),
    Alert(
        "GpuAutoscalerBudgetBinds", Severity.WARNING, _planned_for("budget"), "30m",
        f"{OF_POLICY} gets less than it wants, by its budget.",
        "Demand of now goes before what is only expected; beyond that, work will be late.",
    ),
    Alert(
        "GpuAutoscalerPoolTooSmall", Severity.INFO, _planned_for("pool limit"), "30m",
        f"{OF_POLICY} gets less than it wants: its pools cannot hold it.",
        "All pools of the policy are at nodes.max, or out of stock.",
    ),
)  # fmt: skip
POOLS = (
    Alert(
        "GpuAutoscalerPoolOutOfStock", Severity.WARNING,
        f"min by ({SITE}, pool) ({n.POOL_OBTAINABLE}) == 0", "10m",
        f"{OF_POOL} cannot be had.",
        "Its part goes to the other pools of each policy, as far as they have room.",
    ),
    Alert(
        "GpuAutoscalerPlaceholdersStuck", Severity.WARNING,
        f'sum by ({SITE}, pool) (increase({n.ENDED}{{fate="stuck"}}[30m])) > 0', "0m",
        f"{OF_POOL}: nobody gave placeholders a node in time.",
        "The pool counts as out of stock for a while.",
    ),
    Alert(
        "GpuAutoscalerPlaceholdersLost", Severity.WARNING,
        f'sum by ({SITE}, pool) (increase({n.ENDED}{{fate="lost"}}[1h])) >= 5 and '
        f'sum by ({SITE}, pool) (increase({n.ENDED}{{fate="lost"}}[1h])) > '
        f"0.5 * sum by ({SITE}, pool) (increase({n.ENDED}[1h]))", "0m",
        f"{OF_POOL} lost the nodes of {COUNT} placeholders within an hour.",
        "More than half of those that ended: nodes fail or are called back faster than they are used.",
    ),
    Alert(
        "GpuAutoscalerCapacityTaken", Severity.WARNING,
        f"sum by ({P}, pool) (increase({n.TAKEN}[1h])) >= 3", "0m",
        f"{OF_POLICY}: others took {COUNT} places held in pool {{{{ $labels.pool }}}} in an hour.",
        "What was made ready for this policy serves somebody else, and is asked for again at a limited rate only.",
    ),
)  # fmt: skip
STARTS = (
    Alert(
        "GpuAutoscalerStartsStuck", Severity.WARNING,
        f"max by ({P}, pool, part) ({n.STARTS_STUCK}) > 0", "5m",
        f"{OF_POLICY}: {COUNT} starts in pool {{{{ $labels.pool }}}} do not come to an end ({{{{ $labels.part }}}}).",
        "They take more than three times what is planned with: capacity that is counted on is not there.",
    ),
    Alert(
        "GpuAutoscalerStartsFail", Severity.WARNING,
        f"{_ended_in_an_hour(FAILED)} >= 3 and {_ended_in_an_hour(FAILED)} > 0.5 * {_ended_in_an_hour('')}", "0m",
        f"{OF_POLICY}: {COUNT} starts in pool {{{{ $labels.pool }}}} failed within an hour ({{{{ $labels.part }}}}).",
        "More than half of those that ended: what is ordered costs money and serves nobody.",
    ),
)  # fmt: skip
ALERTS = (*LOOP, *WORKLOADS, *POOLS, *STARTS)


def rule_file() -> str:
    """YAML, as Prometheus reads it, and as the spec of a PrometheusRule."""
    yaml, text = YAML(), StringIO()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump({"groups": [{"name": GROUP, "rules": [alert.rule() for alert in ALERTS]}]}, text)
    return text.getvalue()
