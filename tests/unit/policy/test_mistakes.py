"""Mistakes in policy files: each is found at its line and column, and its hint is the way out.

Each case spoils one spot of a good file. The hint is then followed to the letter, and the file must be good again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autoscaler.policy.check import check
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import PolicyError, Problem

GOOD = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
  gpusPerNode: 8
  pricePerGpuHour: 4
  nodes: {min: 0, max: 12}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: cheap}
spec:
  capacityType: spot
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 1.45
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  mode: observe
  workload: {kind: Deployment, namespace: inference, name: chat-70b}
  demand:
    arrivals: {query: 'sum(rate(requests_total[1m]))'}
    perReplica: {arrivals: 4.0}
    staleAfter: 2m
  objective: {lateRequests: 1%, lateAfter: 1s}
  pools:
    primary: [steady]
    burst: [cheap]
  replicas: {min: 1, max: 40, via: auto}
  schedules:
    - name: morning
      start: "0 9 * * mon-fri"
      duration: 3h
      timezone: Europe/Berlin
      atLeast: {replicas: 8}
      except: [2026-12-25]
  scaleIn: {hold: auto}
"""


def problems(path: Path, text: str) -> Sequence[Problem]:
    """Everything that is wrong with a file of this text, alone and together."""
    path.write_text(text, encoding="utf-8")
    try:
        documents = read_documents(path, KINDS)
    except PolicyError as error:
        return error.problems
    return check(of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool))


Follow = Callable[[str, Problem, str], str]
"""(text, problem, what the hint quotes) -> the text after the hint was followed."""


def swap(text: str, problem: Problem, quoted: str) -> str:
    """Writes what the hint quotes in place of the word that the problem points at."""
    lines = text.splitlines(keepends=True)
    line, at = lines[problem.line - 1], problem.column - 1
    word = re.match(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|[^\s,:{}\[\]]+", line[at:])
    assert word is not None
    lines[problem.line - 1] = line[:at] + quoted + line[at + word.end() :]
    return "".join(lines)


def drop(text: str, problem: Problem, quoted: str) -> str:
    """Removes the line that the problem points at."""
    lines = text.splitlines(keepends=True)
    del lines[problem.line - 1]
    return "".join(lines)


def into(place: str, value: str = "") -> Follow:
    """Writes what the hint quotes, with a value where it quotes a key only, behind this place of the text."""

    def follow(text: str, problem: Problem, quoted: str) -> str:
        assert text.count(place) == 1
        return text.replace(place, place + quoted.replace("...", "up") + value)

    return follow


def instead(old: str, new: str = "") -> Follow:
    """Does what the hint says in words."""

    def follow(text: str, problem: Problem, quoted: str) -> str:
        assert text.count(old) == 1
        return text.replace(old, new)

    return follow


DEMAND = "    arrivals: {query: 'sum(rate(requests_total[1m]))'}\n    perReplica: {arrivals: 4.0}\n"
CHEAP = GOOD.partition("{name: cheap}\n")[2].partition("---\n")[0]
BUSY = "    queue: {query: up}\n    gpuUtilization: {query: up}\n"
RUNNING = "    running: {query: up}\n    perReplica: {concurrency: 32}\n"

CASES = [
    # (case, what is spoilt, how, line, column, path, message, how the hint is followed)
    ("field", "min: 1", "mim: 1", 35, 14, "spec.replicas.mim", "unknown field", swap),
    ("top-field", "metadata: {name: chat}", "metadata: {nam: chat}", 23, 12, "metadata.nam", "unknown field", swap),
    ("missing", "  gpusPerNode: 8\n  pricePerGpuHour: 4\n", "  pricePerGpuHour: 4\n", 4, 1, "spec.gpusPerNode",
     "missing", into("pricePerGpuHour: 4\n  ", ": 8\n  ")),
    ("missing-in-flow", "namespace: inference, ", "", 26, 3, "spec.workload.namespace", "missing",
     into("kind: Deployment, ", ": inference, ")),
    ("twice", "  mode: observe\n", "  mode: observe\n  mode: act\n", 26, 3, "spec.mode", "given twice", drop),
    ("no-value", "  mode: observe\n", "  mode:\n", 25, 3, "spec.mode", "has no value", drop),
    ("no-value-required", "  gpusPerNode: 8\n  pricePerGpuHour: 4\n", "  gpusPerNode:\n  pricePerGpuHour: 4\n", 8, 3,
     "spec.gpusPerNode", "has no value", instead("gpusPerNode:\n", "gpusPerNode: 8\n")),
    ("no-value-signal", "arrivals: {query: 'sum(rate(requests_total[1m]))'}", "arrivals:", 28, 5,
     "spec.demand.arrivals", "has no value", instead("arrivals:\n", "arrivals: {query: up}\n")),
    ("no-kind", "kind: CapacityPolicy\n", "kind: ~\n", 22, 7, "kind", "has no value", instead("~", "CapacityPolicy")),
    ("version", "v1alpha1\nkind: CapacityPolicy", "v1\nkind: CapacityPolicy", 21, 13, "apiVersion",
     "must be gpu-autoscaler.io/v1alpha1", swap),
    ("kind", "kind: CapacityPolicy", "kind: CapacityPolcy", 22, 7, "kind", "unknown kind", swap),
    ("name", "{name: chat}", "{name: Chat_70b}", 23, 18, "metadata.name", "lower-case", swap),
    ("choice", "via: auto", "via: hpaa", 35, 36, "spec.replicas.via",
     "must be auto, hpa, keda, kserve, scale or metric", swap),
    ("choice-of-pool", "capacityType: spot", "capacityType: spott", 16, 17, "spec.capacityType",
     "must be on-demand or spot", swap),
    ("duration", "staleAfter: 2m", "staleAfter: 120", 30, 17, "spec.demand.staleAfter", "needs a unit", swap),
    ("duration-word", "lateAfter: 1s", "lateAfter: soon", 31, 44, "spec.objective.lateAfter", "not a duration",
     instead("soon", "90s")),
    ("duration-zero", "duration: 3h", "duration: 0h", 39, 17, "spec.schedules.0.duration", "longer than nothing", swap),
    ("duration-long", "duration: 3h", "duration: 40d", 39, 17, "spec.schedules.0.duration", "longer than 31d", swap),
    ("hold-long", "hold: auto", "hold: 2d", 43, 19, "spec.scaleIn.hold", "longer than 1d", swap),
    ("share", "lateRequests: 1%", "lateRequests: 1", 31, 29, "spec.objective.lateRequests", "per cent or share", swap),
    ("share-word", "lateRequests: 1%", "lateRequests: few", 31, 29, "spec.objective.lateRequests", "not a share",
     instead("few", "0.01")),
    ("share-none", "lateRequests: 1%", "lateRequests: 0%", 31, 29, "spec.objective.lateRequests",
     "must be more than 0", instead("0%", "1%")),
    ("number-text", "arrivals: 4.0", "arrivals: '4.0'", 29, 28, "spec.demand.perReplica.arrivals",
     "must be a number", swap),
    ("number-bool", "arrivals: 4.0", "arrivals: true", 29, 28, "spec.demand.perReplica.arrivals",
     "must be a number", instead("true", "4.0")),
    ("number-nan", "arrivals: 4.0", "arrivals: .nan", 29, 28, "spec.demand.perReplica.arrivals",
     "must be a finite number", instead(".nan", "4.0")),
    ("count", "max: 40", "max: 40.0", 35, 27, "spec.replicas.max", "must be a whole number", swap),
    ("count-zero", "max: 40", "max: 0", 35, 27, "spec.replicas.max", "at least 1",
     instead("max: 0", "max: 40")),
    ("count-huge", "max: 40", "max: 99999999", 35, 27, "spec.replicas.max", "at most 1000000",
     instead("max: 99999999", "max: 40")),
    ("text", "values: [h100]}]\n  tol", "values: [100]}]\n  tol", 6, 52, "spec.nodeAffinity.0.values.0",
     "must be a text", swap),
    ("list", "primary: [steady]", "primary: steady", 33, 14, "spec.pools.primary", "must be a list", swap),
    ("list-of-what", "primary: [steady]", "primary: {steady: 1}", 33, 14, "spec.pools.primary", "must be a list",
     instead("{steady: 1}", "[steady]")),
    ("text-of-what", "values: [h100]}]\n  tol", "values: [[h100]]}]\n  tol", 6, 52, "spec.nodeAffinity.0.values.0",
     "must be a text", instead("[[h100]]", "[h100]")),
    ("no-spec", CHEAP, "spec: cheap ones\n", 15, 7, "spec", "must be a mapping", instead("spec: cheap ones\n", CHEAP)),
    ("list-empty", "primary: [steady]", "primary: []", 33, 14, "spec.pools.primary", "must not be empty",
     instead("primary: []", "primary: [steady]")),
    ("mapping", "arrivals: {query: 'sum(rate(requests_total[1m]))'}", "arrivals: up", 28, 15, "spec.demand.arrivals",
     "must be a mapping", lambda text, problem, quoted: swap(text, problem, quoted.replace("...", "up"))),
    ("date", "except: [2026-12-25]", "except: [20261225]", 42, 16, "spec.schedules.0.except.0", "not a date", swap),
    ("date-never", "except: [2026-12-25]", "except: [2026-13-25]", 42, 16, "spec.schedules.0.except.0",
     "no such number or date", instead("2026-13-25", "2026-12-25")),
    ("zone", "Europe/Berlin", "Europe/Berln", 40, 17, "spec.schedules.0.timezone", "no time zone", swap),
    ("zone-other", "Europe/Berlin", "CEST", 40, 17, "spec.schedules.0.timezone", "no time zone", swap),
    ("cron", "0 9 * * mon-fri", "0 25 * * mon-fri", 38, 14, "spec.schedules.0.start", "bad hour",
     lambda text, problem, quoted: swap(text, problem, f'"{quoted}"')),
    ("cron-fields", "0 9 * * mon-fri", "@daily", 38, 14, "spec.schedules.0.start", "five fields",
     lambda text, problem, quoted: swap(text, problem, f'"{quoted}"')),
    ("cron-never", "0 9 * * mon-fri", "0 9 31 2 *", 38, 14, "spec.schedules.0.start", "bad day-of-month",
     lambda text, problem, quoted: swap(text, problem, f'"{quoted}"')),
    ("alias", "primary: [steady]", "primary: [*pool]", 33, 15, "spec.pools.primary.0", "aliases are not accepted",
     instead("*pool", "steady")),
    ("tag", "mode: observe", "mode: !!str observe", 25, 9, "spec.mode", "tag tag:yaml.org,2002:str is not accepted",
     instead("!!str ")),
    ("key", "  mode: observe\n", "  8: observe\n", 25, 3, "spec", "key 8 is not a text", instead("8: ob", "mode: ob")),
    ("min-max", "min: 1, max: 40", "min: 41, max: 40", 35, 19, "spec.replicas.min", "min 41 is above max 40", swap),
    ("nodes-min-max", "min: 0, max: 12", "min: 13, max: 12", 10, 16, "spec.nodes.min", "min 13 is above max 12", swap),
    ("no-signal", DEMAND, "    perReplica: {arrivals: 4.0}\n", 28, 5, "spec.demand", "no signal",
     into("  demand:\n    ", "\n    ")),
    ("served-alone", "    arrivals: {", "    served: {", 28, 5, "spec.demand", "served alone saturates",
     into("  demand:\n    ", "\n    ")),
    ("queue-alone", "    arrivals: {", "    queue: {", 28, 12, "spec.demand.queue", "only together with what is served",
     into("  demand:\n    ", "\n    ")),
    ("arrivals-figure", "perReplica: {arrivals: 4.0}", "perReplica: {}", 28, 15, "spec.demand.arrivals",
     "needs perReplica.arrivals", into("perReplica: {")),
    ("running-figure", DEMAND, RUNNING.replace("concurrency: 32", "arrivals: 4.0"), 28, 14, "spec.demand.running",
     "needs perReplica.concurrency", into("perReplica: {", ", ")),
    ("gpu-figure", DEMAND, RUNNING + "    gpuUtilization: {query: up}\n", 30, 21, "spec.demand.gpuUtilization",
     "needs perReplica.gpuUtilization", into("perReplica: {", ", ")),
    ("queue-figure", DEMAND, RUNNING.replace("32", "32, gpuUtilization: 0.75") + BUSY, 30, 12, "spec.demand.queue",
     "needs perReplica.arrivals", into("perReplica: {", ", ")),
    ("affinity", "values: [h100]}]\n  tol", "values: []}]\n  tol", 6, 51, "spec.nodeAffinity.0.values",
     "0 values do not fit In", instead("[]", "[h100]")),
    ("affinity-exists", "operator: In, values: [h100]}]\n  tol", "operator: Exists, values: [h100]}]\n  tol", 6, 55,
     "spec.nodeAffinity.0.values", "1 values do not fit Exists", instead("operator: Exists, values: [h100]",
     "operator: Exists")),
    ("affinity-gt", "operator: In, values: [h100]}]\n  tol", "operator: Gt, values: [many]}]\n  tol", 6, 51,
     "spec.nodeAffinity.0.values", "1 values do not fit Gt", instead("[many]", "['8']")),
    ("toleration", "Exists, effect", "Exists, value: a, effect", 7, 53, "spec.tolerations.0.value", "looks at no value",
     instead("value: a, ")),
    ("toleration-key", "{key: gpu, operator: Exists, effect: NoSchedule}", "{effect: NoSchedule}", 7, 17,
     "spec.tolerations.0", "no key", instead("{effect", "{operator: Exists, effect")),
    ("says-nothing", "      atLeast: {replicas: 8}\n", "", 37, 7, "spec.schedules.0", "says nothing",
     into("Berlin\n      ", "\n      ")),
    ("ahead", "atLeast: {replicas: 8}", "atMost: {replicas: 8}\n      ahead: 1h", 42, 14, "spec.schedules.0.ahead",
     "does not begin ahead", drop),
    ("least-most", "atLeast: {replicas: 8}", "atLeast: {replicas: 8}\n      atMost: {replicas: 7}", 41, 27,
     "spec.schedules.0.atLeast.replicas", "above atMost", swap),
    ("above-max", "atLeast: {replicas: 8}", "atLeast: {replicas: 41}", 41, 27, "spec.schedules.0.atLeast.replicas",
     "above replicas.max 40", swap),
    ("below-min", "atLeast: {replicas: 8}", "atMost: {replicas: 0}", 41, 26, "spec.schedules.0.atMost.replicas",
     "below replicas.min 1", swap),
    ("same-schedule", "  scaleIn", "    - {name: morning, start: '0 9 * * *', duration: 1h, timezone: UTC, "
     "atMost: {replicas: 9}}\n  scaleIn", 43, 14, "spec.schedules.1.name", "already there",
     instead("name: morning,", "name: noon,")),
    ("pool-twice", "burst: [cheap]", "burst: [cheap, steady]", 34, 20, "spec.pools.burst.1", "named twice",
     instead(", steady")),
    ("no-pool", "burst: [cheap]", "burst: [chaep]", 34, 13, "spec.pools.burst.0", "no GpuPool chaep", swap),
    ("no-primary-pool", "primary: [steady]", "primary: [stedy]", 33, 15, "spec.pools.primary.0", "no GpuPool stedy",
     swap),
    ("spot-primary", "primary: [steady]\n    burst: [cheap]", "primary: [cheap]", 33, 15, "spec.pools.primary.0",
     "pool cheap is spot, primary must be on-demand", instead("[cheap]", "[steady]\n    burst: [cheap]")),
    ("same-pool", "{name: cheap}", "{name: steady}", 14, 18, "metadata.name", "is already at", None),
]  # fmt: skip


def test_the_good_file_is_good(tmp_path: Path) -> None:
    assert problems(tmp_path / "p.yaml", GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "where", "message", "follow"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_a_mistake(
    tmp_path: Path, old: str, new: str, line: int, column: int, where: str, message: str, follow: Follow | None
) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    everything = problems(tmp_path / "p.yaml", text)
    found = [p for p in everything if p.path == where]
    others = [p for p in everything if p.path != where and p.message != "missing"]
    assert not others or follow is None
    assert [(p.line, p.column) for p in found] == [(line, column)]
    assert message in found[0].message
    assert found[0].hint
    if follow is None:
        return
    quoted = re.search(r"`([^`]*)`", found[0].hint)
    after = follow(text, found[0], "" if quoted is None else quoted[1])
    assert problems(tmp_path / "p.yaml", after) == []
