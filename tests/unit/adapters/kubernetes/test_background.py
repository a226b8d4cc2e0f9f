"""What runs in the background ends when asked, also before it began, and survives what it is given."""

from __future__ import annotations

from threading import Event

import pytest

from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.adapters.kubernetes.election import ElectionSettings
from autoscaler.adapters.kubernetes.events import EventRecorder
from autoscaler.adapters.kubernetes.lease import LeaseLeadership
from autoscaler.adapters.kubernetes.listing import Selection
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.resource import PODS
from autoscaler.adapters.kubernetes.transport import Transport, TransportSettings
from autoscaler.adapters.kubernetes.watching import Watching
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.ports.events import Notice, ObjectReference
from tests.unit.adapters.kubernetes.conftest import Answer, Login, Script

CLOCK = SystemClock()


@pytest.fixture
def transport(login: Login) -> Transport:
    return Transport(connect(login.kubeconfig), CLOCK, TransportSettings(deadline_s=2.0))


def test_what_never_began_can_be_ended(transport: Transport) -> None:
    objects = Objects(transport, "test")
    leadership = LeaseLeadership(objects, CLOCK, ElectionSettings("gpu", "leader", "a"))
    leadership.stop()
    assert not leadership.is_leader()
    EventRecorder(objects, CLOCK, "pod-1").stop()
    assert Watching(transport, Selection(PODS), dict).stop()


def test_a_note_that_cannot_be_written_costs_only_itself(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b"{}")]
    recorder = EventRecorder(Objects(transport, "test"), CLOCK, "pod-1")
    recorder.start()
    about = ObjectReference("v1", "Pod", "gpu", "a", "u")
    recorder.record(Notice(about, "Bad", "\ud800"))
    recorder.record(Notice(about, "Good", "fine"))
    recorder.stop()
    assert recorder.failed == 1
    assert b'"note": "fine"' in script.asked[-1].body


def test_a_lease_that_makes_no_sense_is_a_problem_and_no_end(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b'{"spec": {"leaseTransitions": "many"}}')]
    settings = ElectionSettings("gpu", "leader", "a", retry_s=0.01)
    leadership = LeaseLeadership(Objects(transport, "test"), CLOCK, settings)
    leadership.start()
    ends = CLOCK.monotonic_s() + 10.0
    while len(script.asked) < 3 and CLOCK.monotonic_s() < ends:
        CLOCK.wait(0.01, Event())
    leadership.stop()
    assert len(script.asked) >= 3
    assert "many" in str(leadership.problem)
    assert not leadership.is_leader()
