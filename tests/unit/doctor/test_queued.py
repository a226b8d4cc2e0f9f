"""What the examination finds about policies for queued work, and which rights it asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.doctor.examination import examine
from autoscaler.doctor.facts import Facts, QueueFacts, Unread, Why
from autoscaler.doctor.queue_needs import queue_permissions
from tests.unit.doctor.conftest import queue

SILENT = Unread(Why.SILENT, "nobody answers")


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        pytest.param(queue(missing=("jobsets",)), "QueuedKindMissing", "jobsets", id="a kind that is not installed"),
        pytest.param(queue(missing=SILENT), "NotTold", "nobody answers", id="kinds unread"),
        pytest.param(queue(check=None), "AdmissionCheckMissing", "no AdmissionCheck nodes", id="no check"),
        pytest.param(
            queue(check={"spec": {"controllerName": "other"}}), "AdmissionCheckOfOthers", "is other", id="another's"
        ),
        pytest.param(queue(check=SILENT), "NotTold", "nobody answers", id="check unread"),
    ],
)
def test_what_is_found(facts: Facts, given: QueueFacts, kind: str, said: str) -> None:
    found = [finding for check in examine(replace(facts, queues=(given,))) for finding in check.findings]
    assert [(one.kind.name, one.where.startswith("training.yaml:")) for one in found] == [(kind, True)]
    assert said in found[0].what


def test_rights_of_kinds_that_are_not_there_are_not_asked_for() -> None:
    everything = {(one.resource, one.verb, one.namespace) for one in queue_permissions([queue()])}
    assert ("jobs", "watch", "training") in everything
    assert ("workloads/status", "patch", "training") in everything
    assert ("admissionchecks/status", "patch", None) in everything
    few = queue_permissions([queue(missing=("jobsets", "workloads"))])
    assert {(one.resource, one.verb) for one in few} == {("jobs", "list"), ("jobs", "watch")}
