"""Starts and who stamps them: asked only while something starts, and never in the way of what objects tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.coldstart.splitting import KEEP_S
from autoscaler.compose.stamped import StampedStarts
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.domain.stamp import Stamp, Witness
from autoscaler.ports.errors import Unavailable

NOW_S = 1_000_000.0
START = Start(
    "uid", Part.REPLICA, "chat", "h100", StartPath.WARM_NODE, {Stage.IMAGE: 5.0, Stage.START: 60.0}, NOW_S,
    StartEnd.COMPLETE, pod="ns/chat-0",
)  # fmt: skip


@dataclass
class Store:
    """Whom stamps are asked of."""

    told: list[Stamp] = field(default_factory=list)
    is_down: bool = False
    asked: int = 0

    def stamps(self, now_s: float) -> Sequence[Stamp]:
        self.asked += 1
        if self.is_down:
            raise Unavailable("stamps of starts: refused")
        return self.told


def test_nobody_is_asked_while_nothing_starts() -> None:
    store = Store()
    stamped = StampedStarts(store)
    assert stamped.take([], NOW_S) == []
    assert store.asked == 0
    stamped.take([START], NOW_S)
    stamped.take([], NOW_S + KEEP_S + 1)
    assert store.asked == 1


def test_a_store_that_is_down_is_said_and_what_comes_later_is_told() -> None:
    store = Store(is_down=True)
    stamped = StampedStarts(store)
    assert stamped.take([START], NOW_S) == [START]
    (said,) = stamped.problems()
    assert said == "stamps of starts: refused; stages are not told apart until they can be read"
    store.is_down = False
    store.told = [Stamp("ns/chat-0", Stage.WEIGHTS, Witness.PROCESS, NOW_S - 60, NOW_S - 20)]
    (late,) = stamped.take([], NOW_S + 60)
    assert late.stages[Stage.WEIGHTS] == 40.0
    assert stamped.problems() == ()
