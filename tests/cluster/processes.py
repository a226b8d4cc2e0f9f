"""Programs of the rig as child processes: a log each, stopped by their own id, never left behind."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.clock import wait_until

LOOPBACK = "127.0.0.1"
FIRST_PORT, LAST_PORT = 10_000, 30_000  # below those that the kernel gives to outgoing connections
BLOCK = 100
_start = FIRST_PORT + os.getpid() % ((LAST_PORT - FIRST_PORT) // BLOCK) * BLOCK
_ports = itertools.cycle([*range(_start, LAST_PORT), *range(FIRST_PORT, _start)])


class Died(AssertionError):
    """A program ended by itself; the message has the end of its log."""


def free_port() -> int:
    """A port of the loopback address that nobody listens on, never the same twice in a row.

    Each pytest worker begins to look at a place of its own, so that two do not find the same one."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(port)
    raise AssertionError("no free port")


def _dies_with_us() -> tuple[str, ...]:
    """What to put before a command so that the kernel ends it when pytest is killed (Linux; elsewhere nothing)."""
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", "KILL", "--") if found else ()


class Program:
    """One program: a command, its environment and the file that takes its output (appended at each start).

    Start it from the main thread only: the kernel ends it with the thread that started it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        patience_s: float = 10.0,
    ) -> None:
        """`env` adds to a small environment (PATH, HOME), not to that of pytest; `patience_s` is the time between
        the asking and the killing when it is stopped."""
        self.name, self.log = name, log
        self._command = [str(part) for part in command]
        self._env = {"PATH": os.environ.get("PATH", ""), "HOME": str(log.parent)} | dict(env or {})
        self._cwd, self._patience_s = cwd or log.parent, patience_s
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it in a session of its own, out of reach of the terminal's interrupt."""
        assert self._process is None, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_dies_with_us(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id. AssertionError where it was not started."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, and where it was not started."""
        return None if self._process is None else self._process.poll()

    def check(self) -> None:
        """Died where it has ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise Died(f"{self.name} ended by itself with {code}; the end of {self.log}:\n{self.tail(15, 1000)}")

    def wait(self, look: Callable[[], bool], what: str, within_s: float) -> None:
        """Waits until `look` is true. Died where the program has ended by itself."""

        def found() -> bool:
            self.check()
            return look()

        wait_until(found, what, within_s)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It does nothing for the length of the block, and goes on where it was."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self, kill: bool = False) -> None:
        """Asks it to end, and kills it where it does not in time (`kill`: at once). Does nothing where it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(self._patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self, kill: bool = False) -> None:
        """Stops and starts it with the same command; says nothing about when it is ready again."""
        self.stop(kill)
        self.start()

    def tail(self, lines: int = 25, width: int = 300) -> str:
        """The end of its log, long lines cut."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(line[:width] for line in self.log.read_text(errors="replace").splitlines()[-lines:])


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_for_port(program: Program, port: int, within_s: float) -> None:
    """Waits until a program listens. Died where it ends instead, NotInTime where it does neither."""

    def look() -> bool:
        program.check()
        return listens(port)

    wait_until(look, f"{program.name} to listen at port {port}", within_s)
