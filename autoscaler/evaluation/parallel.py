"""Independent jobs on all cores, with progress: results in the order of the jobs, whatever the number of cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
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

    `work` must be a module-level function and its job picklable. The first error ends everything and is raised here.
    """
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    count = min(len(jobs), workers or cores or 1)
    if count <= 1:
        return _in_turn(work, jobs, watch)
    context = multiprocessing.get_context("spawn")
    shares = context.Array(c_double, len(jobs))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_share, initargs=(shares,)) as pool:
        futures = [pool.submit(_numbered, work, job, number) for number, job in enumerate(jobs)]
        try:
            _watch(futures, shares, watch)
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


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


def _share(shares: Any) -> None:
    global _shares
    _shares = shares


def _numbered(work: Callable[[Job, Advance], Result], job: Job, number: int) -> Result:
    def tell(done: int, total: int) -> None:
        _shares[number] = done / max(total, 1)

    return work(job, tell)
