"""Mistakes in a scenario file: each is found at its line and column with a way out, and all of a kind at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.policy.problem import PolicyError, Problem

Write = Callable[..., Path]
Change = tuple[str, str]

CHAT_TRAFFIC = "{trace: traffic.csv, series: chat}"
CHAT_DEMAND = "arrivals: {query: 'sum(rate(chat_total[1m]))'}\n    perReplica: {arrivals: 4}"
LAST = "      transfer: {median: 20s, p90: 30s}\n"


def weather(*lines: str) -> Change:
    """Weather after the last workload: each line two spaces in."""
    return LAST, "".join([LAST, "  weather:\n", *(f"    {line}\n" for line in lines)])


def found(path: Path) -> list[Problem]:
    with pytest.raises(PolicyError) as refused:
        read_scenario(path)
    return list(refused.value.problems)


CASES = [
    ("strategy", ("hpa-70]", "hpa70]"), 57, 22, "spec.strategies.1", "no strategy of this name",
     "did you mean `hpa-70`?"),
    ("no-such-strategy", ("hpa-70]", "best]"), 57, 22, "spec.strategies.1", "no strategy of this name",
     "there are: clairvoyant, cron, holt-winters"),
    ("clairvoyant", ("hpa-70]", "clairvoyant+loop]"), 57, 22, "spec.strategies.1",
     "a cluster of chance has no plan that is known to be best", "remove it; see the bound of the table"),
    ("same-strategy", ("hpa-70]", "ours]"), 57, 22, "spec.strategies.1", "given twice", "keep one of the two"),
    ("expander", ("[steady, cheap]}", "[steady, chep]}"), 58, 59, "spec.nodeAutoscaler.expander.1",
     "no pool of this name", "did you mean `cheap`?"),
    ("expander-twice", ("[steady, cheap]}", "[steady, steady]}"), 58, 59, "spec.nodeAutoscaler.expander.1",
     "given twice", "keep one of the two"),
    ("too-large", ("gpusPerReplica: 2", "gpusPerReplica: 9"), 76, 23, "spec.workloads.1.gpusPerReplica",
     "a node of cheap has 8 GPUs", "write `8` or less"),
    ("unscaled", (CHAT_DEMAND, "running: {query: up}\n    perReplica: {concurrency: 4}"), 44, 17,
     "spec.demand.perReplica", "needs arrivals: what a simulated replica serves",
     "add `arrivals: 4.0` (your figure) to perReplica"),
    ("outage-after-end", weather("metricsOutages: [{at: 24h, for: 1h}]"), 82, 27, "spec.weather.metricsOutages.0.at",
     "after the end of the replay", "write less than `86400s`"),
    ("stock-out-pool", weather("stockOuts: [{pool: chep, at: 1h, for: 1h}]"), 82, 24, "spec.weather.stockOuts.0.pool",
     "no pool of this name", "did you mean `cheap`?"),
    ("stock-out-zone", weather("stockOuts: [{zone: c, pool: cheap, at: 1h, for: 1h}]"), 82, 24,
     "spec.weather.stockOuts.0.zone", "no zone of cheap", "there are: a, b"),
    ("zone-loss-zone", weather("zoneLosses: [{zone: c, pool: steady, at: 1h}]"), 82, 25,
     "spec.weather.zoneLosses.0.zone", "no zone of steady", "there are: a, b"),
    ("zone-loss-after-end", weather("zoneLosses: [{at: 2d, zone: a, pool: cheap}]"), 82, 23,
     "spec.weather.zoneLosses.0.at", "after the end of the replay", "write less than `86400s`"),
    ("no-pool-of-a-policy", ("lateAfter: 5s}\n  pools: {primary: [steady]", "lateAfter: 5s}\n  pools: {primary: [a]"),
     46, 21, "spec.pools.primary.0", "no GpuPool a", "there are: cheap, steady"),
    ("score", ("score: 12h", "score: 59s"), 56, 10, "spec.score", "shorter than the steps of traffic",
     "write `1m` or more"),
    ("tick", ("tick: 60s", "tick: 13h"), 54, 9, "spec.tick", "longer than what is scored", "write `43200s` or less"),
    ("dispersion", (CHAT_TRAFFIC, "{trace: traffic.csv, series: chat, dispersion: 0.1}"), 74, 63,
     "spec.workloads.1.traffic.dispersion", "a trace has its own minutes", "remove `dispersion`"),
    ("two-sources", (CHAT_TRAFFIC, "{trace: traffic.csv, burstgpt: burstgpt-api}"), 74, 16,
     "spec.workloads.1.traffic", "needs one source of traffic",
     "write `burstgpt: burstgpt-conversation`, or `trace: FILE`"),
    ("no-source", (CHAT_TRAFFIC, "{}"), 74, 16, "spec.workloads.1.traffic", "needs one source of traffic",
     "write `burstgpt: burstgpt-conversation`, or `trace: FILE`"),
    ("series-alone", (CHAT_TRAFFIC, "{burstgpt: burstgpt-api, series: chat}"), 74, 49,
     "spec.workloads.1.traffic.series", "a series belongs to a trace", "remove it, or add `trace`"),
    ("stage-order", ("boot: {median: 60s, p90: 80s}", "boot: {median: 60s, p90: 40s}"), 62, 32,
     "spec.pools.1.boot.p90", "p90 is below the median", "write the slower one as p90"),
    ("stage-zero", ("boot: {median: 60s, p90: 80s}", "boot: {median: 0s, p90: 40s}"), 62, 22,
     "spec.pools.1.boot.median", "a median of 0 leaves no p90", "write a median above 0, or p90 0s"),
    ("profile", ("profile: karpenter", "profile: karpentr"), 58, 29, "spec.nodeAutoscaler.profile",
     "must be cluster-autoscaler or karpenter", "did you mean `karpenter`?"),
    ("unit", ("tick: 60s", "tick: 60"), 54, 9, "spec.tick", "a duration needs a unit", "write `60s`"),
    ("no-such-series", (CHAT_TRAFFIC, "{trace: traffic.csv, series: chatt}"), 74, 24, "spec.workloads.1.traffic.trace",
     "traffic.csv:1: no series 'chatt'", "choose one of chat, batch"),
    ("no-series", (CHAT_TRAFFIC, "{trace: traffic.csv}"), 74, 24, "spec.workloads.1.traffic.trace",
     "traffic.csv:1: holds 2 series", "name one of batch, chat"),
    ("no-such-trace", (CHAT_TRAFFIC, "{trace: none.csv, series: chat}"), 74, 24, "spec.workloads.1.traffic.trace",
     "none.csv:1: no such file", "check the path of the trace"),
    ("late-first-day", (CHAT_TRAFFIC, "{trace: traffic.csv, series: chat, firstDay: 1}"), 74, 61,
     "spec.workloads.1.traffic.firstDay", "0.0417 days of traffic from day 1, warmup and score take 1",
     "choose an earlier firstDay, or a shorter warmup or score"),
    ("kind", ("kind: Scenario", "kind: Scenarios"), 50, 7, "kind", "unknown kind", "did you mean `Scenario`?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "line", "column", "where", "message", "hint"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_a_mistake_is_found_at_its_place_with_a_way_out(
    scenario: Write, tmp_path: Path, change: Change, line: int, column: int, where: str, message: str, hint: str
) -> None:
    path = scenario(tmp_path, change)
    [problem] = found(path)
    assert (problem.file, problem.line, problem.column, problem.path) == (str(path), line, column, where)
    assert message in problem.message
    assert problem.hint.startswith(hint)
    assert str(problem).startswith(f"{path}:{line}:{column}  {where}  ")


PAIRS = [
    pytest.param(
        [("{pool: steady, boot", "{pool: stedy, boot")],
        [("60:5  spec.pools", "pool steady is not simulated", "add `- {pool: steady, ...}`, or remove the pool"),
         ("60:14  spec.pools.0.pool", "no pool of this name", "did you mean `steady`?")],
        id="pool of another name",
    ),
    pytest.param(
        [("- pool: cheap", "- pool: steady")],
        [("60:5  spec.pools", "pool cheap is not simulated", "add `- {pool: cheap, ...}`, or remove the pool"),
         ("61:13  spec.pools.1.pool", "given twice", "keep one of the two")],
        id="pool twice",
    ),
    pytest.param(
        [("- policy: chat", "- policy: caht")],
        [("66:5  spec.workloads", "policy chat is not simulated", "add `- {policy: chat, ...}`, or remove the policy"),
         ("73:15  spec.workloads.1.policy", "no policy of this name", "did you mean `chat`?")],
        id="policy of another name",
    ),
    pytest.param(
        [("- policy: chat", "- policy: batch")],
        [("66:5  spec.workloads", "policy chat is not simulated", "add `- {policy: chat, ...}`, or remove the policy"),
         ("73:15  spec.workloads.1.policy", "given twice", "keep one of the two")],
        id="policy twice",
    ),
    pytest.param(
        [("series: batch}", "series: bach}"), (CHAT_TRAFFIC, "{trace: none.csv}")],
        [("67:24  spec.workloads.0.traffic.trace", "no series 'bach'", "choose one of batch, chat"),
         ("74:24  spec.workloads.1.traffic.trace", "no such file", "check the path of the trace")],
        id="traffic of two workloads",
    ),
    pytest.param(
        [("warmup: 12h", "warmup: 2d")],
        [(f"{line}:7  spec.workloads.{n}.traffic.firstDay", "1.04 days of traffic from day 0, warmup and score take",
          "choose an earlier firstDay") for n, line in enumerate((67, 74))],
        id="a trace shorter than the replay",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), PAIRS)
def test_what_belongs_together_is_told_together(
    scenario: Write, tmp_path: Path, changes: list[Change], said: list[tuple[str, str, str]]
) -> None:
    path = scenario(tmp_path, *changes)
    problems = found(path)
    assert [f"{p.line}:{p.column}  {p.path}" for p in problems] == [place for place, _, _ in said]
    for problem, (_, message, hint) in zip(problems, said, strict=True):
        assert message in problem.message
        assert problem.hint.startswith(hint)


def test_mistakes_of_every_kind_are_told_at_once(scenario: Write, tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        ("lateAfter: 5s}\n  pools: {primary: [steady]", "lateAfter: 5s}\n  pools: {primary: [stedy]"),
        ("hpa-70]", "hpa-7, clairvoyant]"),
        ("[steady, cheap]}", "[steady, steady]}"),
        ("gpusPerReplica: 2", "gpusPerReplica: 16"),
        weather("metricsOutages: [{at: 9d, for: 1h}]", "zoneLosses: [{at: 1h, pool: chep, zone: a}]"),
    )
    problems = found(path)
    assert [p.path for p in problems] == [
        "spec.pools.primary.0",
        "spec.strategies.1",
        "spec.strategies.2",
        "spec.nodeAutoscaler.expander.1",
        "spec.workloads.1.gpusPerReplica",
        "spec.weather.metricsOutages.0.at",
        "spec.weather.zoneLosses.0.pool",
    ]
    assert [p.line for p in problems] == sorted(p.line for p in problems)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    [problem] = found(tmp_path / "none.yaml")
    assert str(problem) == f"{tmp_path / 'none.yaml'}:1:1  no such file  name a YAML file"


def test_a_file_of_policies_alone(good: str, tmp_path: Path) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text(good.rpartition("---\n")[0])
    [problem] = found(path)
    assert str(problem) == f"{path}:1:1  no document of kind Scenario  add one document of `kind: Scenario`"


def test_two_scenarios_in_a_file(good: str, scenario: Write, tmp_path: Path) -> None:
    path = scenario(tmp_path)
    path.write_text(f"{good}---\n{good.rpartition('---')[2].lstrip().replace('name: small', 'name: other')}")
    [problem] = found(path)
    second = path.read_text().count("\n", 0, path.read_text().rindex("kind: Scenario")) + 1
    assert (problem.line, problem.column, problem.path) == (second, 7, "kind")
    assert (problem.message, problem.hint) == ("a second Scenario", "keep one, move the other to its own file")
