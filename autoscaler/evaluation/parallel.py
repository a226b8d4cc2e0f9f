"""Independent jobs on all cores, with progress: results in the order of the jobs, whatever the number of cores.

The worker processes never outlive the call: they are ended where it ends early, and end by themselves where this
process is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from ctypes import c_double
from typing import Any, TypeVar

LOOK_EVERY_S = 0.25

Job = TypeVar("Job")
Result = TypeVar("Result")

Advance = Callable[[int, int], None]
"""Called now and then with (steps done, steps in all)."""
Watch = Callable[[Sequence[float]], None]
"""Called now and then with the share done, 0..1, of each job."""

_shares: Any = None


def run_all(
    work: Callable[[Job, Advance], Result], jobs: Sequence[Job], watch: Watch | None = None, workers: int | None = None
) -> list[Result]:
    """`work` on each job, in processes of their own where there are several cores and jobs.

    `work` must be a module-level function and its job picklable. The first error ends everything and is raised here, at
    once: what still runs is not waited for. Raises ChildProcessError where a process was ended from outside.
    """
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    count = min(len(jobs), workers or cores or 1)
    if count <= 1:
        return _in_turn(work, jobs, watch)
    context = multiprocessing.get_context("spawn")
    shares = context.Array(c_double, len(jobs))
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(shares,)) as pool:
        try:
            with _interrupts_held():
                futures = [pool.submit(_numbered, work, job, number) for number, job in enumerate(jobs)]
            _watch(futures, shares, watch)
            return [future.result() for future in futures]
        except BaseException as error:
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise ChildProcessError("a worker process was ended; look for more memory, or less work") from error
            raise


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """An interrupt waits until the end of the block. Processes begun in it never see one: a terminal sends it to all
    of them, and only this one is to answer."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_turn(work: Callable[[Job, Advance], Result], jobs: Sequence[Job], watch: Watch | None) -> list[Result]:
    shares, results = [0.0] * len(jobs), []

    def advance(number: int) -> Advance:
        def tell(done: int, total: int) -> None:
            shares[number] = done / max(total, 1)
            if watch is not None:
                watch(shares)

        return tell

    for number, job in enumerate(jobs):
        results.append(work(job, advance(number)))
        advance(number)(1, 1)
    return results


def _watch(futures: Sequence[Future[Any]], shares: Any, watch: Watch | None) -> None:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=LOOK_EVERY_S, return_when=FIRST_EXCEPTION)
        if watch is not None:
            watch([1.0 if future.done() else share for future, share in zip(futures, shares[:], strict=True)])
        for future in done:
            future.result()


def _begin(shares: Any) -> None:
    global _shares
    _shares = shares
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _numbered(work: Callable[[Job, Advance], Result], job: Job, number: int) -> Result:
    def tell(done: int, total: int) -> None:
        _shares[number] = done / max(total, 1)

    return work(job, tell)
