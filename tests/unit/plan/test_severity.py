"""Severity: by how much measured late work exceeds what came above the ready replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autoscaler.domain.signal import MISSING, RECOVERING, VALUE
from autoscaler.plan.severity import HALF_LIFE_S, LARGEST, Severity

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick


def learned(core: Core, tick: Tick, late: float, demand: float = 10.0, ready: int = 9, measured: bool = True,
            state: int = int(VALUE), severity: Severity | None = None, tick_s: float = 60.0) -> Severity:  # fmt: skip
    found = severity or Severity.fresh(1)
    found.learn(
        tick.observation([demand], core.inventory([ready]), late=[late], measured=measured, state=[state]), tick_s
    )
    return found


@pytest.mark.parametrize(
    ("late", "ready", "factor"),
    [
        pytest.param(5.0, 9, 5.0, id="a tenth short makes half of it late"),
        pytest.param(0.5, 9, 1.0, id="never less than the model says"),
        pytest.param(10_000.0, 9, LARGEST, id="as much as there can be"),
        pytest.param(5.0, 20, 1.0, id="late without a shortage tells nothing of one"),
    ],
)
def test_it_is_late_work_over_what_was_short(core: Core, tick: Tick, late: float, ready: int, factor: float) -> None:
    assert learned(core, tick, late, ready=ready).factor()[0] == pytest.approx(factor)


@pytest.mark.parametrize(
    "unusable",
    [
        pytest.param({"measured": False}, id="estimated"),
        pytest.param({"state": MISSING}, id="missing"),
        pytest.param({"state": RECOVERING}, id="recovering"),
    ],
)
def test_what_is_not_measured_or_not_healthy_teaches_nothing(core: Core, tick: Tick, unusable: dict[str, int]) -> None:
    severity = learned(core, tick, 5.0)
    learned(core, tick, 1e6, severity=severity, **unusable)  # type: ignore[arg-type]
    assert severity.factor()[0] == pytest.approx(5.0)
    assert Severity.fresh(1).factor()[0] == 1.0


def test_what_is_three_days_old_counts_half(core: Core, tick: Tick) -> None:
    severity = learned(core, tick, 4.0)
    learned(core, tick, 10.0, severity=severity, tick_s=HALF_LIFE_S)
    assert severity.factor()[0] == pytest.approx((2.0 + 10.0) / (0.5 + 1.0))
