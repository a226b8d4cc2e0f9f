"""The durable records: what a restart must not forget, one for each policy, saved through the store port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from autoscaler.plan.remembered import PlanMemory
from autoscaler.ports.errors import Damaged, PortError, Unavailable
from autoscaler.ports.events import ObjectReference
from autoscaler.ports.replicas import FloorField
from autoscaler.ports.store import StorePort

FORM = 2
"""Of the layout of a record; one of another form is not believed."""
Whole = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a workload had before we moved it first, or what others set since: written back when we let go of it.

    replicas: None where the field was not there. owner: the field that we move.
    """

    workload: ObjectReference
    replicas: Whole | None
    owner: FloorField


@dataclass(frozen=True, slots=True)
class Record:
    """earlier: None while nothing of the workload is moved. memory: of planning. lead_times, gpu_use: as who learns
    them says.
    """

    earlier: Earlier | None = None
    memory: PlanMemory | None = None
    lead_times: Mapping[str, object] | None = None
    gpu_use: Mapping[str, object] | None = None


EMPTY = Record()
_FORMAT = TypeAdapter(Record)


class Records:
    """The records as they are saved; each save is by compare-and-swap, so that of two controllers one is refused."""

    def __init__(self, store: StorePort) -> None:
        self._store = store
        self._records: dict[str, Record] = {}
        self._versions: dict[str, str | None] = {}
        self._is_read = False

    @property
    def is_read(self) -> bool:
        """Whether we know what is saved."""
        return self._is_read

    def read(self) -> tuple[str, ...]:
        """Reads all of them anew; what cannot be believed is left out, and said, one line each. Raises `PortError`."""
        self._is_read = False
        self._records, self._versions = {}, {}
        problems = []
        for policy in self._store.names():
            try:
                self._read_one(policy)
            except Damaged as error:
                self._versions[policy] = error.version
                problems.append(str(error))
        self._is_read = True
        return tuple(problems)

    def forget(self) -> None:
        """Somebody else may write them from now on."""
        self._is_read = False

    def policies(self) -> tuple[str, ...]:
        """Names of policies that have a record."""
        return tuple(self._records)

    def of(self, policy: str) -> Record:
        """The record of a policy; empty where it has none."""
        return self._records.get(policy, EMPTY)

    def put(self, policy: str, record: Record) -> None:
        """Saves it, where it is another than before. Raises `PortError`; what was saved before then stands."""
        self._check()
        if record == self.of(policy) and policy in self._records:
            return
        content = _FORMAT.dump_python(record, mode="json")
        try:
            self._versions[policy] = self._store.save(policy, content, self._versions.get(policy))
        except PortError:
            self._is_read = False  # another may have written it, or it was done and not answered: read anew
            raise
        self._records[policy] = record

    def earlier(self, policy: str) -> Earlier | None:
        """What its workload had before we moved it; None where we did not. Raises `Unavailable` where nobody knows."""
        self._check()
        return self.of(policy).earlier

    def hold(self, policy: str, earlier: Earlier) -> None:
        """Takes down what a workload has before it is moved first. Raises `PortError`: then it must not be moved."""
        self.put(policy, replace(self.of(policy), earlier=earlier))

    def let_go(self, policy: str, whole: bool) -> None:
        """Its workload is given back; `whole`: nothing of the policy is remembered any more. Raises `PortError`."""
        if not whole:
            self.put(policy, replace(self.of(policy), earlier=None))
            return
        self._store.delete(policy)
        self._records.pop(policy, None)
        self._versions.pop(policy, None)

    def _check(self) -> None:
        if not self._is_read:
            raise Unavailable("records: those that are saved could not be read yet; nothing is moved until they can")

    def _read_one(self, policy: str) -> None:
        stored = self._store.load(policy)
        if stored is None:
            return
        try:
            self._records[policy] = _FORMAT.validate_python(stored.content)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            said = f"record of policy {policy}: {where}: {error.errors()[0]['msg']}; go on without it"
            raise Damaged(said, stored.version) from error
        self._versions[policy] = stored.version
