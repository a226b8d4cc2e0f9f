"""Mistakes in generated traffic, faults, expectations and what is included: each at its place, with a way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.policy.problem import PolicyError, Problem

Write = Callable[..., Path]
Change = tuple[str, str]

LAST = "      transfer: {median: 20s, p90: 30s}\n"
PEAK = "traffic: {trace: traffic.csv, series: chat}\n      peak: 9\n"


def after(*lines: str) -> Change:
    """Lines after the last workload, two spaces in; the first is line 81 of the file."""
    return LAST, "".join([LAST, *(f"  {line}\n" for line in lines)])


def weather(line: str) -> Change:
    return after("weather:", f"  {line}")


def expect(item: str) -> Change:
    return after("expect:", f"  - {item}")


def traffic(text: str, peak: str = "") -> Change:
    return PEAK, f"traffic: {text}\n{peak}"


def found(path: Path) -> list[Problem]:
    with pytest.raises(PolicyError) as refused:
        read_scenario(path)
    return list(refused.value.problems)


def case(name: str, change: Change, place: tuple[int, int], path: str, message: str, hint: str) -> object:
    return pytest.param(change, place, path, message, hint, id=name)


FLOOR = "name: a, what: floor"
CASES = [
    case("two-sources", traffic("{trace: a.csv, generate: [{level: {replicas: 1}}]}"), (74, 16),
         "spec.workloads.1.traffic", "needs one source of traffic",
         "write `burstgpt: burstgpt-conversation`, or `trace: FILE`, or `generate: [...]`"),
    case("two-kinds", traffic("{generate: [{level: {replicas: 1}, drift: {factorADay: 2}}]}"), (74, 28),
         "spec.workloads.1.traffic.generate.0", "several kinds in one item",
         "write each as its own item, for example `- level: {replicas: 5}`"),
    case("no-kind", traffic("{generate: [{}]}"), (74, 28), "spec.workloads.1.traffic.generate.0", "says nothing",
         "write each as its own item, for example `- level: {replicas: 5}`"),
    case("kind", traffic("{generate: [{levle: {replicas: 1}}]}"), (74, 29),
         "spec.workloads.1.traffic.generate.0.levle", "unknown field", "did you mean `level`?"),
    case("no-times", traffic("{generate: [{burst: {height: 1, length: 1h}}]}"), (74, 36),
         "spec.workloads.1.traffic.generate.0.burst", "needs times, in one of two ways",
         "write `at: [9h]`, or `every: '0 9 * * *'`"),
    case("low-above-high", traffic("{generate: [{periodic: {low: 3, high: 2, period: 1h}}]}"), (74, 45),
         "spec.workloads.1.traffic.generate.0.periodic.low", "low is above high", "write `2` or less"),
    case("no-peak", traffic("{trace: traffic.csv, series: chat}"), (73, 7), "spec.workloads.1.peak",
         "missing; only generated traffic is in replicas already", "add `peak: 30`, the replicas at the peak"),
    case("first-day", traffic("{generate: [{level: {replicas: 1}}], firstDay: 2}"), (74, 63),
         "spec.workloads.1.traffic.firstDay", "what is generated begins with the replay", "remove `firstDay`"),
    case("nothing-to-scale", traffic("{generate: [{level: {replicas: 0}}]}", "      peak: 9\n"), (74, 27),
         "spec.workloads.1.traffic.generate",
         "the 99.5th percentile of requests a tick is 0, so no replica size follows from a fleet peak",
         "use a busier series or a longer tick"),
    case("timezone", traffic("{trace: traffic.csv, series: chat, timezone: UTC}", "      peak: 9\n"), (74, 61),
         "spec.workloads.1.traffic.timezone", "only what is generated has a local clock", "remove `timezone`"),
    case("gap-policy", weather("scrapeGaps: [{at: 1h, for: 1h, policy: chatt}]"), (82, 44),
         "spec.weather.scrapeGaps.0.policy", "no policy of this name", "did you mean `chat`?"),
    case("rollout-end", weather("rollouts: [{at: 25h, policy: chat}]"), (82, 21), "spec.weather.rollouts.0.at",
         "after the end of the replay", "write less than `86400s`"),
    case("signal", weather("wrongAnswers: [{at: 1h, for: 1h, signal: arrival}]"), (82, 46),
         "spec.weather.wrongAnswers.0.signal",
         "must be arrivals, queue, running, served, gpuUtilization or lateShare", "did you mean `arrivals`?"),
    case("lost-pool", weather("lostStarts: [{at: 1h, for: 1h, of: replicas, pool: cheap}]"), (82, 56),
         "spec.weather.lostStarts.0.pool", "replicas have no pool here", "remove it"),
    case("lost-stage", weather("lostStarts: [{at: 1h, for: 1h, of: nodes, stage: cuda}]"), (82, 54),
         "spec.weather.lostStarts.0.stage", "nodes have no stage here", "remove it"),
    case("crashing-policy", weather("crashes: [{at: 1h, for: 1h, policy: chatt}]"), (82, 41),
         "spec.weather.crashes.0.policy", "no policy of this name", "did you mean `chat`?"),
    case("stage", weather("slowStarts: [{at: 1h, factor: 2, stages: [boots]}]"), (82, 47),
         "spec.weather.slowStarts.0.stages.0", "must be boot, driver, image, weights, cuda or transfer",
         "did you mean `boot`?"),
    case("asserts-nothing", expect(f"{{{FLOOR}}}"), (82, 7), "spec.expect.0", "asserts nothing",
         "add `atMost: ...`, `atLeast: ...`, or `neverFalls: true`"),
    case("bound", expect(f"{{{FLOOR}, atMost: many}}"), (82, 38), "spec.expect.0.atMost", "not a number",
         "write for example `12`, or `1%`"),
    case("crossed", expect(f"{{{FLOOR}, atMost: 2, atLeast: 3}}"), (82, 50), "spec.expect.0.atLeast",
         "atLeast is above atMost", "write `2` or less"),
    case("total-falls", expect("{name: a, what: dollars, neverFalls: true}"), (82, 44), "spec.expect.0.neverFalls",
         "dollars is one figure", "choose a level, such as floor"),
    case("level-ratio", expect(f"{{{FLOOR}, atMost: 2, ofStrategy: hpa-70}}"), (82, 53), "spec.expect.0.ofStrategy",
         "floor is a level and no total", "compare for example gpuHours or lateShare"),
    case("window", expect(f"{{{FLOOR}, atMost: 2, from: 5h, until: 4h}}"), (82, 58), "spec.expect.0.until",
         "not after its begin", "write a later time, from the start of all"),
    case("window-end", expect(f"{{{FLOOR}, atMost: 2, until: 2d}}"), (82, 48), "spec.expect.0.until",
         "after the end of the replay", "write `86400s` or less"),
    case("window-short", expect(f"{{{FLOOR}, atMost: 2, from: 5h, until: 5h10s}}"), (82, 47), "spec.expect.0.from",
         "the window has no whole tick",
         "it goes from 18000 s to 18010 s; both count from the start of the replay"),
    case("policy", expect(f"{{{FLOOR}, atMost: 2, policy: chatt}}"), (82, 49), "spec.expect.0.policy",
         "no policy of this name", "did you mean `chat`?"),
    case("strategy", expect(f"{{{FLOOR}, atMost: 2, strategy: our}}"), (82, 51), "spec.expect.0.strategy",
         "no strategy of this name", "did you mean `ours`?"),
    case("part", expect(f"{{{FLOOR}, atMost: 2, guards: schedule}}"), (82, 49), "spec.expect.0.guards",
         "must be schedules, calendars, budget, freshness, reactive, hold, forecast, recurring, loop, placeholders, "
         "primary or rollout", "did you mean `schedules`?"),
    case("same-name", after("expect:", f"  - {{{FLOOR}, atMost: 2}}", f"  - {{{FLOOR}, atMost: 3}}"), (83, 14),
         "spec.expect.1.name", "expectation a is already there", "give each a name of its own"),
    case("include-missing", after("include: [no.yaml]"), (81, 13), "spec.include.0", "no file", "it is looked for"),
    case("include-csv", after("include: [traffic.csv]"), (81, 13), "spec.include.0", "not a YAML file",
         "name a file that ends in .yaml or .yml"),
    case("include-itself", after("include: [scenario.yaml]"), (81, 13), "spec.include.0",
         "included already, or this file itself", "remove it"),
    case("include-absolute", after("include: [/etc/passwd]"), (81, 13), "spec.include.0",
         "must be relative to this file", "write for example `../policies/chat.yaml`"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "place", "path", "message", "hint"), CASES)
def test_a_mistake_is_told_at_its_place_with_a_way_out(
    tmp_path: Path, scenario: Write, change: Change, place: tuple[int, int], path: str, message: str, hint: str
) -> None:
    (problem,) = found(scenario(tmp_path, change))
    assert (problem.line, problem.column, problem.path) == (*place, path)
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)


def test_what_is_wrong_with_an_included_file_is_told_with_its_own_place(tmp_path: Path, scenario: Write) -> None:
    (tmp_path / "more.yaml").write_text("apiVersion: gpu-autoscaler.io/v1alpha1\nkind: Scenario\n")
    problems = found(scenario(tmp_path, after("include: [more.yaml]")))
    assert [(Path(p.file).name, p.line) for p in problems][:2] == [("more.yaml", 1), ("more.yaml", 1)]
    assert (Path(problems[-1].file).name, problems[-1].message) == ("scenario.yaml", "cannot be included")


def test_included_policies_and_pools_count_as_if_they_stood_in_the_file(tmp_path: Path, scenario: Write) -> None:
    path = scenario(tmp_path)
    parts = path.read_text().split("---\n")
    (tmp_path / "pools").mkdir()
    (tmp_path / "pools" / "all.yml").write_text("---\n".join(parts[:2]))
    (tmp_path / "chat.yaml").write_text(parts[3])
    path.write_text("---\n".join([parts[2], parts[4]]) + "  include: [pools/all.yml, chat.yaml]\n")
    run = read_scenario(path)
    assert run.policies.fleet.names == ("chat", "batch")
    assert [pool.name for pool in run.policies.fleet.pools] == ["steady", "cheap"]
