"""What is done for queued work: nothing where all is as decided, and Kueue is answered once its nodes stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from autoscaler.act.queue import by_mode, queue_actions
from autoscaler.domain.queue import (
    AnswerCheck,
    CheckState,
    Decision,
    FreeRoom,
    HoldRoom,
    PodSet,
    Queue,
    QueueAction,
    QueuedItem,
    QueuePlaceholder,
    QueueRule,
    ServeCheck,
    Stand,
)

NOW_S = 1_000.0
RULE = QueueRule("training", True, 0, (0,), (1,), 0, 3600.0)
CHECKED = replace(RULE, check="nodes", check_timeout_s=600.0)
SETS = (PodSet("head", 1, (8, 8), ("", "")), PodSet("workers", 2, (8, 8), ("", "")))
ITEM = QueuedItem(0, "a", "Job", "training", "a", True, 900.0, False, 0, SETS)
HELD = replace(ITEM, check=CheckState.PENDING)
HOLD, FREE = HoldRoom(0, "a", "Job training/a", (0, 0)), FreeRoom(0, "a", "Job training/a")


def standing(count: int, bound: bool = True, pool: int = 0, uid: str = "a") -> list[QueuePlaceholder]:
    """Of the head first, then of the workers."""
    seats = [("head", 0), ("workers", 0), ("workers", 1)][:count]
    return [QueuePlaceholder(0, pool, uid, name, index, 8, bound) for name, index in seats]


def granted(item: QueuedItem = ITEM, stand: Stand = Stand.ON_ORDER) -> Decision:
    return Decision(item, (0, 0), stand, "words")


def held_back(item: QueuedItem = ITEM, stand: Stand = Stand.BUDGET) -> Decision:
    return Decision(item, None, stand, "words")


def actions(
    decision: Decision | None, placeholders: Sequence[QueuePlaceholder] = (), rule: QueueRule = RULE,
    now_s: float = NOW_S,
) -> list[QueueAction]:  # fmt: skip
    items = () if decision is None else (decision.item,)
    decisions = () if decision is None else (decision,)
    return list(queue_actions(decisions, Queue(items, tuple(placeholders), ((), ())), [rule], now_s))


@pytest.mark.parametrize(
    ("decision", "placeholders", "expected"),
    [
        pytest.param(granted(), [], [HOLD], id="asked for whole"),
        pytest.param(granted(), standing(3, bound=False), [], id="on order: nothing more"),
        pytest.param(granted(), standing(2), [HOLD], id="one was lost: asked for again"),
        pytest.param(granted(replace(ITEM, again_s=1_060.0)), standing(2), [], id="one was lost a moment ago"),
        pytest.param(granted(), standing(3, pool=1), [FREE], id="it moves: what stands goes first"),
        pytest.param(
            granted(), [*standing(3), QueuePlaceholder(0, 0, "a", "workers", 2, 8, True)], [FREE], id="shrunk"
        ),
        pytest.param(held_back(), standing(3), [FREE], id="held back: all goes"),
        pytest.param(held_back(), [], [], id="held back, and nothing stands"),
        pytest.param(
            held_back(replace(ITEM, waits=False), Stand.LET_GO), standing(3), [], id="let go: its pods take it"
        ),
        pytest.param(None, standing(1, uid="b"), [FreeRoom(0, "b", "work that is gone")], id="gone"),
    ],
)
def test_room(decision: Decision | None, placeholders: Sequence[QueuePlaceholder], expected: list[QueueAction]) -> None:
    assert actions(decision, placeholders) == expected


@pytest.mark.parametrize(
    ("decision", "held_s", "retries", "state"),
    [
        pytest.param(granted(HELD, Stand.STANDS), 10.0, False, CheckState.READY, id="its nodes stand"),
        pytest.param(granted(HELD), 10.0, False, None, id="its nodes come"),
        pytest.param(granted(HELD), 601.0, False, CheckState.READY, id="too late: let go all the same"),
        pytest.param(granted(HELD), 601.0, True, CheckState.RETRY, id="too late: its quota goes back"),
        pytest.param(held_back(HELD), 10.0, False, None, id="the budget may have room later"),
        pytest.param(held_back(HELD, Stand.NO_POOL), 10.0, False, CheckState.REJECTED, id="never"),
        pytest.param(held_back(replace(HELD, pod_sets=()), Stand.NO_GPUS), 10.0, False, CheckState.READY, id="no GPUs"),
        pytest.param(
            granted(replace(HELD, check=CheckState.READY), Stand.STANDS), 10.0, False, None, id="said already"
        ),
        pytest.param(granted(ITEM, Stand.STANDS), 10.0, False, None, id="not held by us"),
    ],
)
def test_what_kueue_hears(decision: Decision, held_s: float, retries: bool, state: CheckState | None) -> None:
    rule = replace(CHECKED, retries=retries)
    found = actions(decision, standing(3), rule, decision.item.queued_s + held_s)
    answers = [one.state for one in found if isinstance(one, AnswerCheck)]
    assert answers == ([] if state is None else [state])
    assert ServeCheck(0) in found


def test_nothing_is_done_for_who_observes_or_is_paused() -> None:
    rules = [RULE, replace(RULE, acts=False), RULE]
    each = [replace(HOLD, rule=n) for n in range(3)]
    assert by_mode(each, rules, [False, False, True]) == ((each[0],), (each[1], each[2]))


def test_what_cannot_be_seen_is_not_taken_for_gone() -> None:
    """A kind that may not be read just now: its placeholders stay, and the rest goes on."""
    queue = Queue((ITEM,), tuple(standing(1, uid="b")), ((), ()), problems=("queued jobs: no news",))
    assert list(queue_actions([granted()], queue, [RULE], NOW_S)) == [HOLD]
