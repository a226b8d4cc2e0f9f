"""What replicas use of their GPUs, learned once a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from autoscaler.observe.usage import Usage
from autoscaler.ports.errors import PortError
from autoscaler.ports.usage import UsagePort

EVERY_S = 60.0


class UsedGpus:
    """Joins what is told of pods with whose pods they are: namespace and name are the same, and the pod serves now."""

    def __init__(self, port: UsagePort) -> None:
        self._port = port
        self._asked_s = -inf
        self.usage = Usage()

    def look(self, serving: Callable[[], Mapping[str, str]], now_s: float) -> None:
        """Asks where it is time. serving: policies of the pods that serve, by "namespace/name".

        Who does not answer is asked again a minute later: what is missing is missing. now_s: seconds since the epoch.
        """
        if 0.0 <= now_s - self._asked_s < EVERY_S:
            return
        self._asked_s = now_s
        try:
            policies = serving()
            if policies:
                self.usage.learn(self._port.uses(now_s), policies, now_s)
        except PortError:
            return
