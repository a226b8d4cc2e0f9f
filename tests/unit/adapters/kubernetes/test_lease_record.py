"""What is read from a Lease, spoiled ones included."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.adapters.kubernetes.lease_record import LeaseRecord, lease_record

NOBODY = LeaseRecord("", 0.0, 0.0, 0.0, 0)


def test_what_is_written_is_read() -> None:
    record = LeaseRecord("pod-1", 15.0, 1_800_000_000.25, 1_800_000_010.5, 3)
    assert record.spec()["acquireTime"] == "2027-01-15T08:00:00.250000Z"
    assert lease_record({"spec": record.spec()}) == record


@pytest.mark.parametrize(
    "lease",
    [
        pytest.param({}, id="without a spec"),
        pytest.param({"spec": None}, id="empty"),
        pytest.param({"spec": {"holderIdentity": None, "leaseDurationSeconds": None}}, id="released"),
        pytest.param({"spec": {"renewTime": "yesterday", "acquireTime": 7}}, id="no times"),
    ],
)
def test_what_is_not_said_counts_as_nothing(lease: dict[str, Any]) -> None:
    assert lease_record(lease) == NOBODY
