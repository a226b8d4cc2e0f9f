"""Nodes and pods that went, for whoever looks now and then. Memory is bounded."""

from __future__ import annotations

from collections import deque
from itertools import islice

from autoscaler.simulator.objects import Node, Pod

MOST = 4096
"""More than go between two looks, in the largest fleet."""


class Departures:
    """The newest `most` of all that went. count: how many went so far."""

    def __init__(self, most: int = MOST) -> None:
        self._newest: deque[Node | Pod] = deque(maxlen=most)
        self.count = 0

    def add(self, thing: Node | Pod) -> None:
        """It has just gone."""
        self._newest.append(thing)
        self.count += 1

    def since(self, count: int) -> list[Node | Pod]:
        """Those that went when `count` had gone already, in their order; the newest of too many."""
        new = min(self.count - count, len(self._newest))
        return list(islice(self._newest, len(self._newest) - new, None))
