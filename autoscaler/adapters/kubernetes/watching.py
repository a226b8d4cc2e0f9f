"""A live copy of the objects of one kind: listed once, kept up to date by a watch, and honest about its age.

News is an event, a bookmark, or the regular end of a watch, which the server brings about after `renew_s` seconds: it
says that nothing else happened until then. (Bookmarks alone do not do: a server where nothing happens sends none.) So
there is news that often while all is well; whoever reads asks for the age and decides what is too old. After a broken
connection the watch goes on from where it was; where the server has forgotten that moment (410) all is listed again,
and what happened meanwhile is worked out. Waits between failures grow and are jittered.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from autoscaler.adapters.kubernetes.backoff import Backoff
from autoscaler.adapters.kubernetes.cache import Cache, Change, Entry, Key
from autoscaler.adapters.kubernetes.json_object import Json, uid, version
from autoscaler.adapters.kubernetes.listing import PAGE, Selection, pages
from autoscaler.adapters.kubernetes.refusal import refusal_in_watch
from autoscaler.adapters.kubernetes.stream import Stream
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.ports.errors import Forbidden, Gone, PortError, Unavailable

T = TypeVar("T")
AT_ONCE_S = 1.0
"""A watch that ends sooner was not kept: an answer of something else, and no news."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """renew_s: how long the server keeps one watch; the longest silence while all is well is up to a fifth longer.

    grace_s: how much longer a silent connection is trusted. page: objects a page of a list. backoff: between failures.
    """

    renew_s: float = 30.0
    grace_s: float = 10.0
    page: int = PAGE
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """All objects at one moment. age_s: seconds since the newest news; infinite before the first list.

    problem: why there is no news, in the server's words; None while all is well. forbidden: it is a right that we lack.
    """

    items: Mapping[Key, T]
    version: str
    age_s: float
    problem: str | None
    forbidden: bool = False


class Watching(Generic[T]):
    """The live copy. Reading never waits for the server; one thread keeps it up to date between `start` and `stop`."""

    def __init__(
        self,
        transport: Transport,
        selection: Selection,
        project: Callable[[Json], T],
        handlers: Sequence[Callable[[Change[T]], None]] = (),
        settings: WatchSettings | None = None,
    ) -> None:
        """`project` takes our few fields out of an object: the rest is not kept.

        Each of `handlers` is told every change, in order, in the watch's thread, after the copy has it. A handler that
        raises is told the next change all the same, and until then what it raised is the problem of the snapshot.
        """
        self._transport = transport
        self._selection = selection
        self._project = project
        self._handlers = tuple(handlers)
        self._settings = settings or WatchSettings()
        self._cache: Cache[T] = Cache()
        self._lock = Lock()
        self._version = ""
        self._news_s = -math.inf
        self._problem: str | None = None
        self._forbidden = False
        self._raised: str | None = None
        self._listed, self._stop = Event(), Event()
        self._stream: Stream | None = None
        self._thread = Thread(target=self._run, name=f"watch {selection}", daemon=True)

    def start(self) -> None:
        """Begins to list and watch; returns at once."""
        self._thread.start()

    def wait_listed(self, deadline_s: float) -> bool:
        """Whether everything has been listed once, within so many seconds."""
        return self._transport.clock.wait(deadline_s, self._listed)

    def snapshot(self) -> Snapshot[T]:
        """Everything at one moment, with its age."""
        with self._lock:
            age_s = self._transport.clock.monotonic_s() - self._news_s
            problem = self._problem or self._raised
            return Snapshot(self._cache.items(), self._version, age_s, problem, self._forbidden)

    def stop(self, deadline_s: float = 15.0) -> bool:
        """Ends the watch; False where its thread did not end in time. What was copied can still be read."""
        self._stop.set()
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.cut()
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            heard_s, wait_s = self._news_s, 0.0
            try:
                self._list_and_watch()
            except Gone:
                self._version = ""
            except PortError as error:
                self._problem, self._forbidden = str(error), isinstance(error, Forbidden)
                wait_s = error.retry_after_s if isinstance(error, Unavailable) else 0.0
            except Exception as error:
                self._version, self._forbidden = "", False
                self._problem = f"watch {self._selection}: {type(error).__name__}: {error}"
            failures = 0 if self._news_s > heard_s else failures + 1
            if failures or wait_s:
                delay_s = self._settings.backoff.delay_s(max(failures, 1), self._transport.draw())
                self._transport.clock.wait(wait_s + delay_s, self._stop)

    def _list_and_watch(self) -> None:
        clock = self._transport.clock
        if not self._version:
            self._list()
        renew_s = self._settings.renew_s * (1.0 + 0.2 * self._transport.draw())
        query = self._selection.query() | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(math.ceil(renew_s)),
        }
        call = Call(f"watch {self._selection}", "GET", self._selection.path, query)
        stream = self._transport.stream(call, renew_s + self._settings.grace_s)
        with self._lock:
            self._stream = stream
        if self._stop.is_set():
            stream.cut()
        opened_s = clock.monotonic_s()
        for line in stream.lines():
            self._take(json.loads(line))
        if clock.monotonic_s() - opened_s > AT_ONCE_S:
            with self._lock:
                self._heard(self._version, clock.monotonic_s())

    def _list(self) -> None:
        asked_s = self._transport.clock.monotonic_s()
        listed: dict[Key, Entry[T]] = {}
        at = ""
        for page in pages(self._transport, self._selection, self._settings.page):
            at = page.version
            listed.update((_key(item), self._entry(item)) for item in page.items)
        with self._lock:
            changes = self._cache.replace(listed)
            self._heard(at, asked_s)
        self._tell(changes)
        self._listed.set()  # whoever waits for it finds that the handlers know, too

    def _take(self, event: Json) -> None:
        kind, thing = event["type"], event["object"]
        if kind == "ERROR":
            raise refusal_in_watch(f"watch {self._selection}", thing)
        changes: list[Change[T]] = []
        with self._lock:
            if kind == "DELETED":
                changes = self._cache.remove(_key(thing), self._entry(thing))
            elif kind != "BOOKMARK":
                changes = self._cache.put(_key(thing), self._entry(thing))
            self._heard(version(thing), self._transport.clock.monotonic_s())
        self._tell(changes)

    def _heard(self, at: str, when_s: float) -> None:
        self._version, self._news_s, self._problem, self._forbidden = at, when_s, None, False

    def _entry(self, thing: Json) -> Entry[T]:
        return Entry(uid(thing), version(thing), self._project(thing))

    def _tell(self, changes: Sequence[Change[T]]) -> None:
        for change in changes:
            self._raised = None
            for handler in self._handlers:
                try:
                    handler(change)
                except Exception as error:
                    self._raised = f"a handler of {self._selection} raised {error!r} at {change.key.name}"


def _key(thing: Json) -> Key:
    return Key(thing["metadata"].get("namespace", ""), thing["metadata"]["name"])
