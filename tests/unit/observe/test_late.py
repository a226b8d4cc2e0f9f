"""Late work: measured where telemetry tells it, else what came above what was ready; and when a workload is pressed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import SignalReadings

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.observe.conftest import Watch


def told(seen: Observation) -> tuple[Any, bool, bool]:
    """(late work, is it measured, is the workload pressed)."""
    return pytest.approx(float(seen.late[0]), nan_ok=True), bool(seen.late_is_measured[0]), bool(seen.pressed[0])


@pytest.mark.parametrize(
    ("signals", "ready", "late", "measured", "pressed"),
    [
        pytest.param({"arrivals": 9.0}, 6, 3.0, False, True, id="estimated"),
        pytest.param({"arrivals": 9.0}, 9, 0.0, False, False, id="nothing late"),
        pytest.param({"arrivals": 9.0, "late_share": 0.1}, 6, 0.9, True, True, id="the measured share"),
        pytest.param({"arrivals": 9.0, "late_share": 0.1}, 20, 0.9, True, True, id="measured with replicas to spare"),
        pytest.param({"arrivals": 9.0, "late_share": 0.0}, 6, 0.0, True, False, id="nobody measured late"),
        pytest.param({"arrivals": 9.0, "late_share": 4.0}, 9, 9.0, True, True, id="no more than all are late"),
        pytest.param({"arrivals": 9.0, "late_share": math.nan}, 6, 3.0, False, True, id="a share that is missing"),
        pytest.param({"late_share": 0.2}, 6, math.nan, True, True, id="late, of unknown demand"),
        pytest.param({}, 6, math.nan, False, False, id="nothing known"),
    ],
)
def test_late_work_is_measured_or_estimated(
    core: Core, watch: Watch, signals: dict[str, float], ready: int, late: float, measured: bool, pressed: bool
) -> None:
    seen = watch(core.fleet()).see(0.0, core.readings(**signals), core.inventory([ready]))
    assert told(seen) == (late, measured, pressed)


@pytest.mark.parametrize(
    ("queue", "late_after_s", "late", "measured"),
    [
        pytest.param(41.0, 10.0, 3.0, True, id="all are late behind a long queue"),
        pytest.param(40.0, 10.0, 0.0, False, id="served in time"),
        pytest.param(1e6, math.nan, 0.0, False, id="a queue that tells no waits"),
    ],
)
def test_behind_a_queue_that_takes_too_long_everybody_is_late(
    core: Core, watch: Watch, queue: float, late_after_s: float, late: float, measured: bool
) -> None:
    fleet = core.fleet(late_after_s=late_after_s)
    seen = watch(fleet).see(0.0, core.readings(arrivals=3.0, queue=queue), core.inventory([4]))
    assert told(seen) == (late, measured, measured)


def test_a_measured_share_goes_before_the_queue_which_presses_all_the_same(core: Core, watch: Watch) -> None:
    readings = core.readings(arrivals=3.0, queue=500.0, late_share=0.0)
    assert told(watch(core.fleet(late_after_s=10.0)).see(0.0, readings, core.inventory([4]))) == (0.0, True, True)


def test_a_queue_that_grows_presses_before_anybody_is_late(core: Core, watch: Watch) -> None:
    watching = watch(core.fleet(late_after_s=10.0))
    watching.see(0.0, core.readings(arrivals=3.0, queue=0.0), core.inventory([4]))
    assert told(watching.see(15.0, core.readings(arrivals=3.0, queue=2.0), core.inventory([4]))) == (0.0, False, True)
    assert told(watching.see(30.0, core.readings(arrivals=3.0, queue=1.0), core.inventory([4]))) == (0.0, False, False)


def test_a_replica_counts_from_the_tick_after_it_is_ready(core: Core, watch: Watch) -> None:
    """Signals tell of the time since the last tick: who came then found what was ready all that time."""
    watching, readings = watch(core.fleet()), core.readings(arrivals=5.0)
    watching.see(0.0, readings, core.inventory([2]))
    assert watching.see(15.0, readings, core.inventory([5])).late[0] == 3.0
    assert watching.see(30.0, readings, core.inventory([5])).late[0] == 0.0
    assert watching.see(45.0, readings, core.inventory([1])).late[0] == 4.0


def test_a_replica_that_starts_in_no_time_counts_at_once(core: Core, watch: Watch) -> None:
    watching, readings = watch(core.fleet(node_lead_s=0.0, replica_lead_s=0.0)), core.readings(arrivals=5.0)
    watching.see(0.0, readings, core.inventory([2]))
    assert watching.see(15.0, readings, core.inventory([5])).late[0] == 0.0


def test_nothing_is_late_after_an_outage_because_of_it(core: Core, watch: Watch) -> None:
    watching, inventory = watch(core.fleet(late_after_s=10.0)), core.inventory([4])
    watching.see(0.0, core.readings(arrivals=3.0, queue=1.0), inventory)
    assert told(watching.see(60.0, SignalReadings.empty(1), inventory))[1:] == (False, False)
    assert told(watching.see(600.0, core.readings(arrivals=3.0, queue=0.0), inventory)) == (0.0, False, False)
