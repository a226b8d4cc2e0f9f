"""What governs at the moment: compiled policies, and the world as far as they need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from autoscaler.controller.cycle import Ports
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.lead_time import StageQuantile, Start
from autoscaler.domain.usage import UseQuantile
from autoscaler.policy.folder import PolicySet
from autoscaler.policy.governed import Governed
from autoscaler.ports.events import ObjectReference
from autoscaler.ports.past import PastPort
from autoscaler.ports.replicas import OwnerReport


@dataclass(frozen=True, slots=True)
class Swept:
    """ended: placeholders that ended since the sweep before. failed: what went wrong, one line each."""

    ended: tuple[PlaceholderEnd, ...] = ()
    failed: tuple[str, ...] = ()


class Leads(Protocol):
    """Lead times as they are known now, of policies in force."""

    def p90_s(self, policy: str) -> float:
        """The whole lead time that nine of ten starts keep to, in the pool that the policy fills first."""
        ...

    def middle_s(self, policy: str) -> tuple[float, float]:
        """What half of the starts keep to there, of the node and of the replica on it."""
        ...

    def quantiles(self) -> Sequence[StageQuantile]:
        """What was seen, by policy, pool and stage."""
        ...

    def starts(self) -> Sequence[Start]:
        """All that are remembered, and those under way, in no order that means anything."""
        ...

    def record(self, policy: str) -> Mapping[str, object]:
        """What a restart must not forget: JSON of some KiB, empty where nothing is known."""
        ...

    def restore(self, policy: str, record: Mapping[str, object]) -> None:
        """Adds what `record` said to what is known, nothing twice. Raises ValueError where it is something else."""
        ...


class Uses(Protocol):
    """What replicas use of their GPUs, as it is known now, of policies in force."""

    def quantiles(self) -> Sequence[UseQuantile]:
        """What was seen, by policy and use."""
        ...

    def record(self, policy: str) -> Mapping[str, object]:
        """As `Leads.record`."""
        ...

    def restore(self, policy: str, record: Mapping[str, object]) -> None:
        """As `Leads.restore`."""
        ...


@dataclass(frozen=True, slots=True)
class InForce:
    """about: the object that each workload's policy is for, by row. past: None where nobody remembers.

    problems: what stands in the way of policies now, one line each. sweep: clears away what holds nothing any more;
    attend: steps aside for who waits, more often than there are ticks, and answers what went wrong. Both are called by
    the leader alone, with the seconds since the epoch. is_outdated: whether the world has changed so that the same
    policies compile to something else. close: ends what serves these policies alone. leads, uses: None where nobody
    learns them.
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
    leads: Leads | None = None
    via: tuple[str, ...] = ()
    owners: Callable[[], Mapping[str, OwnerReport]] = dict
    uses: Uses | None = None


Govern = Callable[[PolicySet], InForce]
"""Takes policies into force. Raises `PortError` where the world does not answer: what was in force then stays."""
