"""Cases spread over processes: one that crashes, hangs or raises is a case that ended so, and the others go on."""

import multiprocessing
import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Lock
from typing import Generic, TypeVar

Case = TypeVar("Case")
Result = TypeVar("Result")
Work = Callable[[Case], Result]

_LOOK = 1.0  # seconds between two looks at the clock
_SAID = 3000  # characters of an error that are kept
_MERCY = 10.0  # seconds that an idle process has for ending


@dataclass(frozen=True)
class Ended(Generic[Case, Result]):
    """How a case ended: with a result, or, None, why without one."""

    case: Case
    result: Result | None
    wrong: str = ""


@dataclass
class _Worker(Generic[Case]):
    """A process, and what it works on: case by number, and when it began."""

    process: SpawnProcess
    pipe: Connection
    busy: dict[int, tuple[Case, float]] = field(default_factory=dict)


def spread(
    cases: Iterable[Case],
    start: Callable[[], Work[Case, Result]],
    *,
    workers: int,
    depth: int = 1,
    limit: float,
) -> Generator[Ended[Case, Result], None, None]:
    """Every case with its result, as they end. When the caller leaves, nothing of it lives on.

    Raises:
        RuntimeError: `start` fails.

    Args:
        cases, start: are pickled; `start` is called once in each process, and gives what a case is put to.
        workers: processes. depth: threads of each, for cases that mostly wait.
        limit: seconds of a case, after which its process is ended; what else was under way there is begun again.
    """
    waiting = deque(enumerate(cases))
    running: list[_Worker[Case]] = []
    try:
        while waiting or any(worker.busy for worker in running):
            while len(running) < workers and waiting:
                running.append(_begin(start, depth))
            for worker in running:
                while waiting and len(worker.busy) < depth and worker.process.is_alive():
                    number, case = waiting.popleft()
                    worker.busy[number] = case, time.monotonic()
                    with suppress(
                        OSError
                    ):  # it has just ended: that is seen when it is listened to
                        worker.pipe.send((number, case))
            ready = wait([worker.pipe for worker in running], _LOOK)
            for worker in list(running):
                if worker.pipe in ready:
                    yield from _received(worker, running)
                late = [n for n, (_, since) in worker.busy.items() if _seconds(since) > limit]
                if late:
                    _end(worker, running)
                    waiting.extendleft((n, c) for n, (c, _) in worker.busy.items() if n not in late)
                    for number in late:
                        wrong = f"it had not ended after {limit:.0f} s"
                        yield Ended(worker.busy[number][0], None, wrong)
    finally:
        for worker in list(running):
            worker.pipe.close()  # which ends it, once it is idle
            if worker.busy:
                worker.process.kill()
        for worker in running:
            worker.process.join(_MERCY)
            worker.process.kill()
            worker.process.join()


def _begin(start: Callable[[], Work[Case, Result]], depth: int) -> _Worker[Case]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, start, depth), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _received(worker: _Worker[Case], running: list[_Worker[Case]]) -> Iterator[Ended[Case, Result]]:
    try:
        number, result, wrong = worker.pipe.recv()
    except (EOFError, OSError):
        _end(worker, running)
        wrong = f"its process ended with {worker.process.exitcode}, with {len(worker.busy)} cases"
        yield from (Ended(case, None, wrong) for case, _ in worker.busy.values())
        return
    if number is None:
        raise RuntimeError(f"the work cannot begin: {wrong}")
    case, _ = worker.busy.pop(number)
    yield Ended(case, result, wrong)


def _end(worker: _Worker[Case], running: list[_Worker[Case]]) -> None:
    running.remove(worker)
    worker.pipe.close()
    worker.process.kill()
    worker.process.join()


def _traceback() -> str:
    return traceback.format_exc()[-_SAID:]


def _seconds(since: float) -> float:
    return time.monotonic() - since


def _serve(pipe: Connection, start: Callable[[], Work[Case, Result]], depth: int) -> None:
    """The life of a process: it ends when the other end of its pipe is closed."""
    os.setsid()  # Ctrl-C is for who started us, and ends us by closing the pipe
    lock = Lock()

    def run(number: int, case: Case) -> None:
        answer: tuple[int, Result | None, str]
        try:
            answer = number, work(case), ""
        except BaseException:
            answer = number, None, f"it raised {_traceback()}"
        with lock:
            pipe.send(answer)

    try:
        work = start()
    except Exception:
        pipe.send((None, None, _traceback()))
        return
    with ThreadPoolExecutor(depth) as threads:
        while True:
            try:
                number, case = pipe.recv()
            except (EOFError, OSError):
                os._exit(0)  # in the middle of a case, too: nobody waits for it
            threads.submit(run, number, case)
