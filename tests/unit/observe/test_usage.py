"""What replicas use of their GPUs, by policy."""

from __future__ import annotations

import json

import pytest

from autoscaler.domain.usage import PodUse, Use
from autoscaler.observe.usage import Usage

NOW_S = 1_700_000_000.0
POLICIES = {"inference/chat-0": "chat", "inference/chat-1": "chat", "inference/code-0": "code"}


def learned(*uses: PodUse, looks: int = 1) -> Usage:
    found = Usage()
    for n in range(looks):
        found.learn(uses, POLICIES, NOW_S + 60.0 * n)
    return found


def shares(usage: Usage, policy: str, use: Use) -> list[float]:
    return [one.share for one in usage.quantiles() if (one.policy, one.use) == (policy, use)]


def test_pods_of_a_policy_are_taken_together_and_others_left_out() -> None:
    chat = [PodUse("inference/chat-0", 0.2, 0.5), PodUse("inference/chat-1", 0.8, None)]
    usage = learned(*chat, PodUse("inference/stranger", 1.0, 1.0), PodUse("other/chat-0", 1.0, 1.0))
    low, high, _ = shares(usage, "chat", Use.COMPUTE)
    assert low == pytest.approx(0.2, rel=0.1)
    assert high == pytest.approx(0.8, rel=0.1)
    assert shares(usage, "chat", Use.MEMORY) == [pytest.approx(0.5, rel=0.1)] * 3
    assert {one.policy for one in usage.quantiles()} == {"chat"}


def test_a_restart_goes_on_from_the_record() -> None:
    before = learned(PodUse("inference/chat-0", 0.3, 0.7), looks=1000)
    record = json.loads(json.dumps(before.record("chat")))
    after = Usage()
    assert after.quantiles() == ()
    after.restore("chat", record)
    assert after.quantiles() == before.quantiles()
    assert before.record("code") == {}


def test_who_followed_does_not_count_what_the_leader_wrote_again() -> None:
    follower, leader = (learned(PodUse("inference/chat-0", 0.3, 0.7), looks=looks) for looks in (100, 90))
    known = follower.record("chat")
    follower.restore("chat", leader.record("chat"))
    assert follower.record("chat") == known
    leader.restore("chat", known)
    assert leader.record("chat") == known


@pytest.mark.parametrize("record", [{"compute": 3}, {"power": {"at": 0, "weights": {}}}, {"memory": {"at": 0}}])
def test_a_record_that_is_none_changes_nothing(record: dict[str, object]) -> None:
    usage = learned(PodUse("inference/chat-0", 0.3, 0.7))
    known = usage.quantiles()
    with pytest.raises(ValueError, match=r"histogram|Use"):
        usage.restore("chat", record)
    assert usage.quantiles() == known


def test_what_is_known_goes_with_its_policy() -> None:
    usage = learned(PodUse("inference/chat-0", 0.3), PodUse("inference/code-0", 0.3))
    assert {one.policy for one in usage.quantiles()} == {"chat", "code"}
    usage.keep_only(["code"])
    assert {one.policy for one in usage.quantiles()} == {"code"}
