"""Keeps what a restart must not forget, and gives back what is no longer ours to move. For the leader alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autoscaler.controller.cycle import LoopState
from autoscaler.controller.holding import Contests, HoldingCluster
from autoscaler.controller.in_force import InForce, Leads, Uses
from autoscaler.controller.records import Earlier, Records
from autoscaler.plan.remembered import has_judged, recall, remembered
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.errors import NotFound, PortError
from autoscaler.ports.events import ObjectReference
from autoscaler.ports.replicas import ReplicasPort

SAVE_EVERY_S = 300.0
"""The knob moves by a few hundredths in that time; a write a policy every tick would be a load on the API server."""


class Keeper:
    """Reads the records when we begin to lead, and writes them while we do."""

    def __init__(self, records: Records, replicas: ReplicasPort) -> None:
        self._records, self._replicas = records, replicas
        self._contests = Contests()
        self._saved_s: dict[str, float] = {}
        self._notes: list[str] = []

    def notes(self) -> tuple[str, ...]:
        """What was done since the last call, for people."""
        found, self._notes = tuple(self._notes), []
        return found

    def follow(self) -> None:
        """Another leads, and writes the records."""
        self._records.forget()

    def begin(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the records were not known and are read now, and what of them cannot be believed, one line each.

        Raises `PortError`.
        """
        if self._records.is_read:
            return False, ()
        problems = self._records.read()
        self._saved_s = {}
        return True, problems

    def recall(self, in_force: InForce, state: LoopState, everything: bool) -> tuple[str, ...]:
        """Goes on from the records: with everything, or with the policies of which planning has judged nothing yet.

        What of them cannot be used, one line each.
        """
        problems: list[str] = []
        for w, policy in enumerate(in_force.policies.fleet.names):
            record = self._records.of(policy)
            if not everything and has_judged(state.planning, w):
                continue
            if record.memory is not None:
                recall(state.planning, w, record.memory)
            problems += _restored("lead times", policy, in_force.leads, record.lead_times)
            problems += _restored("shares of GPUs that are used", policy, in_force.uses, record.gpu_use)
        return tuple(problems)

    def save(self, in_force: InForce, state: LoopState, now_s: float, at_once: bool = False) -> tuple[str, ...]:
        """What changed, each policy every `SAVE_EVERY_S` or `at_once`; what could not be saved, one line each."""
        problems = []
        for w, policy in enumerate(in_force.policies.fleet.names):
            if not at_once and now_s < self._saved_s.get(policy, 0.0) + SAVE_EVERY_S:
                continue
            memory = remembered(state.planning, w)
            lead_times = None if in_force.leads is None else dict(in_force.leads.record(policy)) or None
            before = self._records.of(policy)
            gpu_use = before.gpu_use if in_force.uses is None else in_force.uses.record(policy) or before.gpu_use
            if memory is None and lead_times is None and gpu_use is None:
                continue
            self._saved_s[policy] = now_s
            try:
                known = replace(before, memory=memory or before.memory, lead_times=lead_times, gpu_use=gpu_use)
                self._records.put(policy, known)
            except PortError as error:
                problems.append(f"record of policy {policy} is not saved: {error}")
        return tuple(problems)

    def release(self, in_force: InForce | None, is_complete: bool) -> tuple[str, ...]:
        """Gives back what was moved for policies that do not act any more, or act for another workload by now.

        in_force: None: no policy acts any more. is_complete: every policy of the folder could be read, so that one
        which is not in force is really gone. What could not be given back, one line each.
        """
        names = () if in_force is None else in_force.policies.fleet.names
        acting = {} if in_force is None else _acting(in_force)
        problems = []
        for policy in self._records.policies():
            earlier = self._records.of(policy).earlier
            gone = policy not in names
            if (gone and not is_complete) or (earlier is not None and acting.get(policy) == earlier.workload):
                continue
            try:
                if earlier is not None:
                    self._give_back(policy, earlier)
                if gone or earlier is not None:
                    self._records.let_go(policy, whole=gone)
            except PortError as error:
                problems.append(f"{policy} holds {_said(earlier)} still: {error}")
        return tuple(problems)

    def held(self) -> tuple[str, ...]:
        """What would be given back if no policy acted any more, one line each."""
        found = ((policy, self._records.of(policy).earlier) for policy in self._records.policies())
        return tuple(f"{policy}: {_said(earlier)} to {_number(earlier)}" for policy, earlier in found if earlier)

    def holding(self, in_force: InForce, now_s: float) -> ClusterPort:
        """The cluster port of a tick, through which each workload is taken down as it was before it is moved first."""
        return HoldingCluster(in_force, self._records, self._replicas, self._contests, now_s)

    def _give_back(self, policy: str, earlier: Earlier) -> None:
        said = f"{policy}: {_said(earlier)} given back: {_number(earlier)}, as before"
        try:
            reading = self._replicas.give_back(earlier.owner, earlier.replicas)
            if not reading.is_ours and reading.value != earlier.replicas:
                by = f" by {reading.by}" if reading.by else ""
                said = f"{policy}: {_said(earlier)} is left as it is: set to {reading.value}{by} after us"
        except NotFound:
            said = f"{policy}: {_said(earlier)} is gone, and nothing to give back"
        self._contests.forget(policy)
        self._notes.append(said)


def _restored(
    what: str, policy: str, learner: Leads | Uses | None, record: Mapping[str, object] | None
) -> tuple[str, ...]:
    """Goes on from what was learned, where there is any; what cannot be used, in one line."""
    if learner is None or not record:
        return ()
    try:
        learner.restore(policy, record)
    except ValueError as error:
        return (f"record of policy {policy}: {what}: {error}; they are learned anew",)
    return ()


def _acting(in_force: InForce) -> Mapping[str, ObjectReference]:
    """The workload of each policy that acts."""
    fleet = in_force.policies.fleet
    return {name: in_force.about[w] for w, name in enumerate(fleet.names) if fleet.acts[w]}


def _said(earlier: Earlier | None) -> str:
    if earlier is None:
        return "its record"
    return str(earlier.owner)


def _number(earlier: Earlier) -> str:
    return "not set" if earlier.replicas is None else str(earlier.replicas)
