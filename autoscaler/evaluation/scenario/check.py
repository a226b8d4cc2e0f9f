"""What a scenario alone cannot know: names that lead nowhere, replicas too large for their nodes, traffic that nothing
scales, weather after the end. All problems at once, each at its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autoscaler.evaluation.scenario.model import Scenario
from autoscaler.plan.strategies import LOOP_SUFFIX, names
from autoscaler.policy.check import BudgetDocument, PolicyDocument, PoolDocument, check
from autoscaler.policy.load import Document
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import Path, Problem, nearest

CLAIRVOYANT = "clairvoyant"


def check_scenario(
    scenario: Document[Scenario],
    policies: Sequence[PolicyDocument],
    pools: Sequence[PoolDocument],
    budgets: Sequence[BudgetDocument] = (),
) -> list[Problem]:
    """Problems between the documents of a scenario file."""
    spec, by_name = scenario.model, {p.name: p.model for p in pools}
    return [
        *check(policies, pools, budgets),
        *_pairs(scenario, "pools", "pool", [p.pool for p in spec.pools], [p.name for p in pools]),
        *_pairs(scenario, "workloads", "policy", [w.policy for w in spec.workloads], [p.name for p in policies]),
        *_strategies(scenario),
        *_expander(scenario, by_name),
        *_weather(scenario, by_name),
        *_expectations(scenario),
        *_too_large(scenario, policies, by_name),
        *_unscaled(policies),
    ]


def unusable_strategy(name: str) -> tuple[str, str] | None:
    """What is wrong with a strategy for a scenario, and the way out; None where nothing is."""
    base = name.removesuffix(LOOP_SUFFIX)
    if base == CLAIRVOYANT:
        return "a cluster of chance has no plan that is known to be best", "remove it; see the bound of the table"
    return None if base in names() else ("no strategy of this name", nearest(name, names()))


def _pairs(
    scenario: Document[Scenario], part: str, key: str, simulated: list[str], there: list[str]
) -> Iterator[Problem]:
    """Each document has its part of the simulation, once, and each part its document."""
    for n, name in enumerate(simulated):
        place: Path = ("spec", part, n, key)
        if name not in there:
            yield scenario.problem(place, f"no {key} of this name", nearest(name, there))
        elif name in simulated[:n]:
            yield scenario.problem(place, "given twice", "keep one of the two")
    for name in there:
        if name not in simulated:
            hint = f"add `- {{{key}: {name}, ...}}`, or remove the {key}"
            yield scenario.problem(("spec", part), f"{key} {name} is not simulated", hint)


def _strategies(scenario: Document[Scenario]) -> Iterator[Problem]:
    asked = scenario.model.strategies
    for n, name in enumerate(asked):
        place: Path = ("spec", "strategies", n)
        wrong = unusable_strategy(name)
        if wrong is not None:
            yield scenario.problem(place, *wrong)
        elif name in asked[:n]:
            yield scenario.problem(place, "given twice", "keep one of the two")


def _expander(scenario: Document[Scenario], pools: Mapping[str, GpuPool]) -> Iterator[Problem]:
    order = scenario.model.node_autoscaler.expander
    for n, name in enumerate(order):
        place: Path = ("spec", "nodeAutoscaler", "expander", n)
        if name not in pools:
            yield scenario.problem(place, "no pool of this name", nearest(name, pools))
        elif name in order[:n]:
            yield scenario.problem(place, "given twice", "keep one of the two")


def _weather(scenario: Document[Scenario], pools: Mapping[str, GpuPool]) -> Iterator[Problem]:
    policies = [w.policy for w in scenario.model.workloads]
    for part, n, fault in scenario.model.weather.listed():
        at: Path = ("spec", "weather", part, n)
        if fault.at_s >= scenario.model.end_s:
            hint = f"write less than `{scenario.model.end_s:.0f}s`"
            yield scenario.problem((*at, "at"), "after the end of the replay", hint)
        name, zone, policy = (getattr(fault, key, None) for key in ("pool", "zone", "policy"))
        if policy is not None and policy not in policies:
            yield scenario.problem((*at, "policy"), "no policy of this name", nearest(policy, policies))
        if name is not None and name not in pools:
            yield scenario.problem((*at, "pool"), "no pool of this name", nearest(name, pools))
        elif name is not None and zone is not None and zone not in pools[name].zones:
            yield scenario.problem((*at, "zone"), f"no zone of {name}", nearest(zone, pools[name].zones))


def _expectations(scenario: Document[Scenario]) -> Iterator[Problem]:
    spec = scenario.model
    policies = [w.policy for w in spec.workloads]
    for n, wanted in enumerate(spec.expect):
        at: Path = ("spec", "expect", n)
        if wanted.policy is not None and wanted.policy not in policies:
            yield scenario.problem((*at, "policy"), "no policy of this name", nearest(wanted.policy, policies))
        for key, name in (("strategy", wanted.strategy), ("ofStrategy", wanted.of_strategy)):
            wrong = None if name is None else unusable_strategy(name)
            if wrong is not None:
                yield scenario.problem((*at, key), *wrong)
        from_s, until_s = spec.window_s(wanted)
        if until_s > spec.end_s:
            yield scenario.problem((*at, "until"), "after the end of the replay", f"write `{spec.end_s:.0f}s` or less")
        elif until_s - from_s < spec.tick_s:
            said = "the window has no whole tick"
            hint = f"it goes from {from_s:.0f} s to {until_s:.0f} s; both count from the start of the replay"
            yield scenario.problem((*at, "from" if wanted.from_s is not None else "until"), said, hint)


def _too_large(
    scenario: Document[Scenario], policies: Sequence[PolicyDocument], pools: Mapping[str, GpuPool]
) -> Iterator[Problem]:
    """Replicas that no node of one of their pools can hold."""
    tiers = {document.name: document.model.pools for document in policies}
    for n, workload in enumerate(scenario.model.workloads):
        if workload.policy not in tiers:
            continue
        here = [*tiers[workload.policy].primary, *tiers[workload.policy].burst]
        least = min(((pools[name].gpus_per_node, name) for name in here if name in pools), default=None)
        if least is not None and workload.gpus_per_replica > least[0]:
            place: Path = ("spec", "workloads", n, "gpusPerReplica")
            yield scenario.problem(place, f"a node of {least[1]} has {least[0]} GPUs", f"write `{least[0]}` or less")


def _unscaled(policies: Sequence[PolicyDocument]) -> Iterator[Problem]:
    """Policies that do not say what a replica serves: a simulated one must serve something."""
    for document in policies:
        if document.model.demand.per_replica.arrivals_per_s is None:
            said = "needs arrivals: what a simulated replica serves"
            hint = "add `arrivals: 4.0` (your figure) to perReplica"
            yield document.problem(("spec", "demand", "perReplica"), said, hint)
