"""What governs at the moment: compiled policies, and the world as far as they need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoscaler.controller.cycle import Ports
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.policy.folder import PolicySet
from autoscaler.policy.governed import Governed
from autoscaler.ports.events import ObjectReference
from autoscaler.ports.past import PastPort


@dataclass(frozen=True, slots=True)
class Swept:
    """ended: placeholders that ended since the sweep before. failed: what went wrong, one line each."""

    ended: tuple[PlaceholderEnd, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InForce:
    """about: the object that each workload's policy is for, by row. past: None where nobody remembers.

    problems: what stands in the way of policies now, one line each. sweep: clears away what holds nothing any more;
    attend: steps aside for who waits, more often than there are ticks, and answers what went wrong. Both are called by
    the leader alone, with the seconds since the epoch. is_outdated: whether the world has changed so that the same
    policies compile to something else. close: ends what serves these policies alone.
    """

    policies: Governed
    ports: Ports
    about: tuple[ObjectReference, ...]
    past: PastPort | None
    problems: Callable[[], tuple[str, ...]]
    sweep: Callable[[float], Swept]
    attend: Callable[[float], tuple[str, ...]]
    is_outdated: Callable[[], bool]
    close: Callable[[], None]


Govern = Callable[[PolicySet], InForce]
"""Takes policies into force. Raises `PortError` where the world does not answer: what was in force then stays."""
