"""The kubelet's list of holders, asked for now and then, and kept for a while when it does not answer."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.ports.errors import PortError
from autoscaler.ports.holders import HoldersPort

EVERY_S = 5.0
"""A pod gets its devices before its image is pulled, so that the list is in time for its processes."""
RETRY_S = 30.0
"""A kubelet that does not answer holds up a look each time."""
BELIEVED_S = 120.0
"""A kubelet that restarts is back by then; after that nobody knows who holds what."""


class Holdings:
    """`holders` are those of the last answer, which was at `answered_s` of the clock that never steps; `why` says why
    the last question had none.
    """

    def __init__(self, port: HoldersPort) -> None:
        self._port = port
        self._next_s = self.answered_s = float("-inf")
        self.holders: Sequence[DeviceHolder] = ()
        self.why = ""

    def look(self, steady_s: float) -> None:
        """Asks again where it is time to."""
        if steady_s < self._next_s:
            return
        try:
            self.holders, self.why, self.answered_s = self._port.holders(), "", steady_s
        except PortError as error:
            self.why = str(error)
            if steady_s - self.answered_s > BELIEVED_S:
                self.holders = ()
        self._next_s = steady_s + (RETRY_S if self.why else EVERY_S)
