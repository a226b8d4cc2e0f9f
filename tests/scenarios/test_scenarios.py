"""The scenarios that ship: each says what it expects, all of it holds, and what a part of the product guards fails
without that part.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.compose.scenario_check import check
from autoscaler.evaluation.scenario.model import Scenario
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.plan.parts import PlanPart
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "simulations" / "scenarios"
LINES = {
    "monday-morning": "Monday morning from zero with a schedule",
    "flash-crowd": "unannounced flash crowd",
    "level-shift": "level shift x3",
    "outage-and-back": "outage to zero and back",
    "slow-drift": "slow drift",
    "dst-change": "DST change",
    "holiday": "holiday",
    "wrong-calendar-entry": "wrong calendar entry",
    "scrape-gap": "scrape gap",
    "prometheus-gone": "Prometheus gone 20 min at the peak",
    "counter-reset": "counter reset",
    "lead-time-doubled": "lead time doubled",
    "starts-that-never-come": "starts that never come",
    "spot-zone-lost": "largest spot zone lost",
    "burst-stock-out": "stock-out of the burst pool",
    "budget-at-the-peak": "budget hit at the peak",
    "rollout-at-noon": "rollout at noon",
    "rollout-at-the-peak": "rollout at the peak",
    "zero-and-wake": "scale to zero and wake",
    "one-pool-for-two": "two workloads fighting for one pool",
    "period-of-two-leads": "demand with a period of twice the lead time",
}
"""File -> what was asked for."""
FILES = sorted(FOLDER.glob("*.yaml"))


def guarded(file: Path) -> list[PlanPart]:
    """Parts that some expectation of a file names."""
    (scenario,) = of_kind(read_documents(file, {**KINDS, "Scenario": Scenario}), Scenario)
    return sorted({e.guards for e in scenario.model.expect if e.guards is not None})


ABLATED = [pytest.param(file, part, id=f"{file.stem}-{part}") for file in FILES for part in guarded(file)]


def test_there_is_one_for_each_line() -> None:
    assert [file.stem for file in FILES] == sorted(LINES)
    assert len(LINES) == 21


def test_nearly_every_part_is_guarded_somewhere() -> None:
    assert len(ABLATED) >= 15
    assert {part for file in FILES for part in guarded(file)} == set(PlanPart) - {PlanPart.RECURRING}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_tells_its_story_first_and_bears_its_own_name(file: Path) -> None:
    assert file.read_text().startswith("# ")
    assert f"kind: Scenario\nmetadata: {{name: {file.stem}}}\n" in file.read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_it_expects_holds(file: Path) -> None:
    run = read_scenario(file)
    verdicts = check(run, workers=1)
    assert len(verdicts) >= len(run.spec.expect) + 6
    assert run.spec.expect
    assert [v for v in verdicts if not v.holds] == []


@pytest.mark.parametrize(("file", "part"), ABLATED)
def test_without_the_part_that_guards_it_it_fails(file: Path, part: PlanPart) -> None:
    verdicts = check(read_scenario(file, without=frozenset([part])), workers=1)
    guarded_by = [v for v in verdicts if v.guards == part]
    assert guarded_by
    assert [v.name for v in guarded_by if v.holds] == []
