"""The metrics port on a Prometheus server: every signal of the fleet, asked at once, within one deadline.

No query waits for another: each is one request, some are under way at once, and what has not answered when the tick
must go on is missing in it. A query that was late is asked last in the next tick, and not at all while its last
question is still open, so that it costs at most one thread, and the others nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Lock

from autoscaler.adapters.prometheus.aged import age_query, age_s, decode
from autoscaler.adapters.prometheus.answer import Answer, QueryReport, QueryState
from autoscaler.adapters.prometheus.question import Question
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.session import Late, Unreachable
from autoscaler.domain.signal import SignalKind, SignalReadings
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Forbidden, Invalid, PortError, Unavailable

Key = tuple[int, SignalKind]
"""A workload, by its row in the fleet, and one of its signals."""


_STATES = {Forbidden: QueryState.FORBIDDEN, Invalid: QueryState.INVALID}
_SILENT = (QueryState.FORBIDDEN, QueryState.UNAVAILABLE, QueryState.LATE)
_TOO_SLOW = (
    "no answer in the time of a tick; make the query cheaper, for example by a recording rule, or ease Prometheus"
)
_LEAST_S = 0.1
"""A query that is asked at the very end of a tick has at least this long."""


class PrometheusMetrics:
    """`workloads`: rows of the fleet. `queries`: PromQL that answers one number, for each signal that is read."""

    def __init__(self, server: PrometheusServer, clock: ClockPort, workloads: int, queries: Mapping[Key, str]) -> None:
        self._server, self._clock = server, clock
        self._workloads = workloads
        self._questions = {key: Question(query, age_query(query)) for key, query in queries.items()}
        self._threads = ThreadPoolExecutor(server.settings.concurrency, thread_name_prefix="metrics")
        self._open: dict[Key, Future[Answer]] = {}
        self._slow: set[Key] = set()
        self._reports: tuple[QueryReport, ...] = ()

    @property
    def reports(self) -> tuple[QueryReport, ...]:
        """How each query of the last tick went, in the order of the fleet."""
        return self._reports

    def read(self, now_s: float) -> SignalReadings:
        """Every signal as of `now_s` (seconds since the epoch). Raises `Unavailable` where no query was answered."""
        answers = self._answers(now_s)
        self._reports = tuple(
            QueryReport(workload, signal, self._questions[workload, signal].query, answers[workload, signal])
            for workload, signal in sorted(answers)
        )
        _raise_if_nobody_answers(list(answers.values()))
        readings = SignalReadings.empty(self._workloads)
        for key, answer in answers.items():
            readings.values[key], readings.age_s[key] = answer.value, answer.age_s
        return readings

    def close(self) -> None:
        """Asks nothing more; what is under way ends within its own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answers(self, now_s: float) -> dict[Key, Answer]:
        settings = self._server.settings
        tick = _Tick(self._clock, settings.tick_s, settings.concurrency)
        self._open = {key: future for key, future in self._open.items() if not future.done()}
        answers = {key: Answer(QueryState.LATE, problem=_TOO_SLOW) for key in self._open}
        order = sorted(self._questions.keys() - self._open.keys(), key=lambda key: (key in self._slow, key))
        asked = {key: self._threads.submit(self._ask, key, now_s, tick) for key in order}
        wait(asked.values(), timeout=settings.tick_s)
        for key, future in asked.items():
            if future.cancel():
                answers[key] = Answer(QueryState.LATE, problem="not asked: other queries took all the time of the tick")
            elif future.done():
                answers[key] = future.result()
            else:
                self._open[key] = future
                answers[key] = Answer(QueryState.LATE, problem=_TOO_SLOW)
        silent = {key for key in asked if answers[key].state is QueryState.UNAVAILABLE}
        self._slow = self._open.keys() | silent
        return answers

    def _ask(self, key: Key, now_s: float, tick: _Tick) -> Answer:
        """In a thread: raises nothing, so that one odd answer spoils no other."""
        began_s = self._clock.monotonic_s()
        if tick.nobody is not None:
            return Answer(QueryState.UNAVAILABLE, problem=tick.nobody)
        within_s = min(self._server.settings.query_s, tick.left_s())
        try:
            result = self._questions[key].put(lambda query: self._server.ask(query, now_s, within_s))
            answer = decode(result.values, age_s(result.samples, now_s), result.warnings)
            answer = replace(answer, problem=answer.problem or result.problem)
            tick.answered()
        except PortError as error:
            tick.failed(error)
            state = next((state for kind, state in _STATES.items() if isinstance(error, kind)), QueryState.UNAVAILABLE)
            answer = Answer(state, problem=_TOO_SLOW if isinstance(error, Late) else str(error))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            answer = Answer(QueryState.UNAVAILABLE, problem=f"an answer that is not Prometheus': {error!r}")
        return replace(answer, took_s=self._clock.monotonic_s() - began_s)


class _Tick:
    """What the queries of one tick tell one another: how long there is, and whether anybody answers at all."""

    def __init__(self, clock: ClockPort, tick_s: float, tries: int) -> None:
        self._clock, self._ends_s = clock, clock.monotonic_s() + tick_s
        self._lock = Lock()
        self._tries_left = tries
        self._somebody = False
        self.nobody: str | None = None

    def left_s(self) -> float:
        """Seconds until the tick goes on."""
        return max(self._ends_s - self._clock.monotonic_s(), _LEAST_S)

    def answered(self) -> None:
        """Somebody is there."""
        with self._lock:
            self._somebody = True

    def failed(self, error: PortError) -> None:
        """Where as many as are asked at once found nobody, the others need not try."""
        with self._lock:
            if not isinstance(error, Unreachable):
                return
            self._tries_left -= 1
            if self._tries_left <= 0 and not self._somebody:
                self.nobody = str(error)


def _raise_if_nobody_answers(answers: list[Answer]) -> None:
    silent = sorted((answer for answer in answers if answer.state in _SILENT), key=lambda a: _SILENT.index(a.state))
    if answers and len(silent) == len(answers):
        raise Unavailable(f"none of {len(answers)} queries was answered: {silent[0].problem}")
