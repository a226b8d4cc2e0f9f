"""A wire that can be cut: passes connections on to a port of this machine, until it is told not to."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress

from tests.cluster.processes import LOOPBACK

PIECE = 65536
LOOK_S = 0.02


class Relay:
    """Listens at `port`. `cut` ends all connections and refuses new ones; `freeze` keeps them and passes nothing on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cut, self._frozen, self._over = threading.Event(), threading.Event(), threading.Event()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._carriers: list[threading.Thread] = []
        self._thread.start()

    def cut(self) -> None:
        self._cut.set()

    def freeze(self) -> None:
        self._frozen.set()

    def mend(self) -> None:
        """As at the beginning; what was cut stays cut, what was frozen goes on."""
        self._cut.clear()
        self._frozen.clear()

    def close(self) -> None:
        self._over.set()
        for thread in (self._thread, *self._carriers):
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            if not select.select([self._listener], [], [], LOOK_S)[0]:
                continue
            ours, _ = self._listener.accept()
            if self._cut.is_set():
                ours.close()
                continue
            carrier = threading.Thread(target=self._carry, args=(ours,), name="relay carrier", daemon=True)
            self._carriers.append(carrier)
            carrier.start()

    def _carry(self, ours: socket.socket) -> None:
        with suppress(OSError), ours, socket.create_connection((LOOPBACK, self._target)) as theirs:
            other = {ours: theirs, theirs: ours}
            while not self._over.is_set() and not self._cut.is_set():
                for ready in select.select([ours, theirs], [], [], LOOK_S)[0]:
                    piece = ready.recv(PIECE) if not self._frozen.wait(0) else None
                    if piece == b"":
                        return
                    if piece:
                        other[ready].sendall(piece)
                if self._frozen.is_set():
                    self._over.wait(LOOK_S)
