"""GPU use is asked for once a minute, and missing where nobody answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.compose.used import UsedGpus
from autoscaler.domain.usage import PodUse
from autoscaler.ports.errors import Unavailable

NOW_S = 1_700_000_000.0


@dataclass
class Told:
    """A usage port that may be broken."""

    broken: Unavailable | None = None
    asked: list[float] = field(default_factory=list)

    def uses(self, now_s: float) -> Sequence[PodUse]:
        self.asked.append(now_s)
        if self.broken is not None:
            raise self.broken
        return [PodUse("inference/chat-0", 0.4, 0.6)]


def serving() -> Mapping[str, str]:
    return {"inference/chat-0": "chat"}


def nobody() -> Mapping[str, str]:
    raise Unavailable("watch pods: not listed yet")


def test_it_is_asked_for_once_a_minute() -> None:
    port = Told()
    used = UsedGpus(port)
    for n in range(9):
        used.look(serving, NOW_S + 15.0 * n)
    assert port.asked == [NOW_S, NOW_S + 60.0, NOW_S + 120.0]
    assert len(used.usage.quantiles()) == 6


def test_who_does_not_answer_is_asked_again_a_minute_later_and_nothing_is_learned() -> None:
    port = Told(Unavailable("connection refused"))
    used = UsedGpus(port)
    used.look(serving, NOW_S)
    used.look(serving, NOW_S + 15.0)
    assert port.asked == [NOW_S]
    used.look(nobody, NOW_S + 60.0)
    assert port.asked == [NOW_S]
    assert used.usage.quantiles() == ()
    port.broken = None
    used.look(serving, NOW_S + 120.0)
    assert used.usage.quantiles() != ()


def test_a_clock_that_goes_back_does_not_stop_it() -> None:
    port = Told()
    used = UsedGpus(port)
    used.look(serving, NOW_S)
    used.look(serving, NOW_S - 3600.0)
    assert port.asked == [NOW_S, NOW_S - 3600.0]
