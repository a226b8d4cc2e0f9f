"""Gangs: replicas that are groups of several pods, which serve only when all of their pods stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gang:
    """A replica of `size` pods: a leader and workers that are all alike, each with so many GPUs. A single pod is a
    leader alone.
    """

    leader_gpus: int
    worker_gpus: int
    size: int

    @property
    def gpus(self) -> int:
        """GPUs of the whole replica."""
        return self.leader_gpus + (self.size - 1) * self.worker_gpus

    @property
    def holders(self) -> int:
        """How many of its pods have GPUs."""
        return (self.leader_gpus > 0) + (self.size - 1) * (self.worker_gpus > 0)

    def count_in(self, gpus: float, gpus_per_node: int) -> float:
        """Whole replicas for which there is room in so many GPUs, which are those of whole nodes and of a last one in
        part; the pods of one replica may stand on several nodes.
        """
        largest = max(self.leader_gpus, self.worker_gpus if self.size > 1 else 0)
        if largest > gpus_per_node:
            return 0.0
        if gpus == float("inf"):
            return gpus
        nodes, rest = divmod(max(gpus, 0.0), gpus_per_node)
        if self.size == 1 or self.leader_gpus == self.worker_gpus:
            pods = nodes * (gpus_per_node // largest) + rest // largest
            return pods // self.size
        most = int(max(gpus, 0.0) // self.gpus)
        return float(next(n for n in range(most, -1, -1) if self._packs(n, int(nodes), int(rest), gpus_per_node)))

    def _packs(self, replicas: int, nodes: int, rest: int, gpus_per_node: int) -> bool:
        """Whether so many fit in whole nodes and `rest` GPUs of one more: the larger pods first, then the others."""
        leaders, workers = (self.leader_gpus, replicas), (self.worker_gpus, replicas * (self.size - 1))
        (small, many), (large, few) = sorted((leaders, workers))
        per_node = gpus_per_node // large
        beyond = max(few - nodes * per_node, 0)
        if beyond > rest // large:
            return False
        if small == 0:
            return True
        full, part = divmod(few - beyond, per_node)
        free = [gpus_per_node - per_node * large, gpus_per_node - part * large, gpus_per_node, rest - beyond * large]
        shared = 1 if part else 0
        counts = [full, shared, nodes - full - shared, 1]
        return sum(count * (left // small) for count, left in zip(counts, free, strict=True)) >= many
