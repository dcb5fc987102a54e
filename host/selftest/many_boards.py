"""Simulated boards and jobs that take any of them, side by side, while processes are killed.

Each board is a process of native firmware with an id of its own, behind a port of its own. A job takes any board of the
bench, holds the id that answers against the bench's, and lets it compute inputs of its own, whose outputs it holds
against the reference's. Jobs and boards are killed at random; a board is then started again. Every other job must end
in its own result, on a board that it had alone.
"""

import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from host.boards import bench_lock, open_board
from host.boards.pool import meant
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, LinkFailure, NightjarError
from host.files import write_atomically
from host.link.client import Client
from host.link.messages import Stages, What
from host.reference.model import ReferenceModel
from host.selftest.simulated_board import SimulatedBoard

# What jobs import: once for all of them.
PRELOADED = [
    "host.selftest.many_boards",
    "host.boards.at_port",
    "host.boards.recovery.mark",
    "host.link.port_holder",
    "host.link.serial_url",
    "serial.urlhandler.protocol_socket",
]
WAIT = 600.0  # seconds that a job waits for a board: who waits longer starves
_ANSWER = 120.0  # seconds for a board's answers, on whatever busy computer
_LOOK = 0.02
_JOBS_A_KILL = 4  # in the middle
_QUESTIONS = 64


@dataclass(frozen=True)
class Question:
    """An input of the model, and the output that the reference computes: bytes of int8 tensors."""

    given: bytes
    wanted: bytes


def questions(model: bytes, seed: int) -> list[Question]:
    """Of a model that has one input and one output, each with an output of its own."""
    reference, chance = ReferenceModel(model), np.random.default_rng(seed)
    (port,), (result,) = reference.inputs, reference.outputs
    found: dict[bytes, Question] = {}
    while len(found) < _QUESTIONS:
        given = chance.integers(-128, 128, port.shape).astype(np.int8)
        wanted = reference.run([given])[result.tensor].tobytes()
        found[wanted] = Question(given.tobytes(), wanted)
    return list(found.values())


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Attributes:
        job: its number.
        board: which it took; "" where it was none.
        came: when it asked for one, in seconds of the computer's clock.
        took: when it had one.
        inferences: how often the right board computed what it was given, and rightly.
        failure: the class of what ended it otherwise, with what was found; "" where nothing did.
    """

    job: int
    board: str
    came: float
    took: float
    inferences: int
    failure: str


@dataclass
class Figures:
    """What a campaign comes to; times in seconds.

    Attributes:
        jobs: how many were started.
        done: those that did what they were to do.
        inferences: of theirs.
        killed: those that were, whatever they did then.
        ended_with_board: those whose board was killed below them, and that said so.
        boards_killed: how often.
        waits_median: of those that had a board, from asking for one.
        waits_most: the same, the longest.
        overtaken_most: of one job, how many came later and had a board earlier.
        seconds: that all took.
        deviating: what is wrong.
    """

    jobs: int
    done: int
    inferences: int
    killed: int
    ended_with_board: int
    boards_killed: int
    waits_median: float
    waits_most: float
    overtaken_most: int
    seconds: float
    deviating: list[str]

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.jobs} jobs in {self.seconds} s: {self.done} done, with {self.inferences} inferences;"
            f" {self.killed} killed; {self.ended_with_board} ended with their board,"
            f" and boards were killed {self.boards_killed} times",
            f"waits: median {self.waits_median} s, most {self.waits_most} s;"
            f" most often overtaken: {self.overtaken_most}",
        ]

    def as_json(self) -> dict[str, Any]:
        """With the number of deviations."""
        return {**asdict(self), "deviations": len(self.deviating)}


def job(
    number: int,
    root: Path,
    bench: Path,
    seed: int,
    folder: Path,
    linger: float,
    asked: list[Question],
) -> None:
    """One user: takes any board, asks it who it is, and lets it compute what it drew."""
    bench_lock.ROOT = root
    chance, came, took = random.Random(seed), time.monotonic(), 0.0
    board, inferences, failure = "", 0, ""
    try:
        with meant("any", ["n6"], bench=bench, flashes=False, wait=WAIT) as at:
            took, board = time.monotonic(), at.name
            with open_board(at) as opened:
                for _ in range(chance.randint(1, 3)):
                    with closing(opened.connect(Deadline.after(_ANSWER))) as transport:
                        client = Client(transport)
                        at.check_uid(client.hello(Deadline.after(_ANSWER)))
                        failure = failure or _wrong(client, chance.choice(asked))
                    inferences += 1
                    time.sleep(chance.uniform(0, linger))
    except BoardLocked as error:
        failure = f"LOCKED: {error.what}: {error.evidence}"
    except (BoardFailure, LinkFailure) as error:
        failure = f"GONE: {error.what}: {error.evidence}"
    except NightjarError as error:
        failure = f"{error.failure_class}: {error.what}: {error.evidence}"
    result = Result(number, board, came, took, inferences, failure)
    write_atomically(folder / str(number), json.dumps(asdict(result)).encode())


def _wrong(client: Client, question: Question) -> str:
    """Let the board compute it; "" where the output is the reference's."""
    limit = Deadline.after(_ANSWER)
    client.load_input(0, question.given, limit)
    client.run(Stages.MODEL, deadline=limit)
    output = client.read(What.OUTPUT, 0, 0, len(question.wanted), limit)
    return "" if output == question.wanted else f"WRONG: output {output.hex()}"


class Campaign:
    """Jobs side by side on boards of a bench that is made for them."""

    def __init__(
        self,
        elf: Path,
        folder: Path,
        asked: list[Question],
        boards: int,
        seed: int,
        linger: float,
        stack: ExitStack,
    ) -> None:
        self.chance, self.linger, self.asked = random.Random(seed), linger, asked
        self.root, self.bench = folder / "locks", folder / "bench.toml"
        self.results = folder / "jobs"
        self.results.mkdir()
        self.boards = [
            stack.enter_context(SimulatedBoard(elf, folder, f"board-{number}"))
            for number in range(1, boards + 1)
        ]
        self.bench.write_text("".join(board.entry for board in self.boards))
        self.starts = multiprocessing.get_context("forkserver")
        self.starts.set_forkserver_preload(PRELOADED)
        self.running: dict[int, ForkServerProcess] = {}
        self.killed: set[int] = set()
        self.spans: dict[int, float] = {}  # job -> when it was seen to have ended
        self.exits: dict[int, int | None] = {}
        stack.callback(self._end)

    def _end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.join()

    def run(self, at_once: int, more: Callable[[int], bool]) -> None:
        """Keep `at_once` jobs running as long as `more` says so of their number, and wait for the last."""
        number, next_kill = 0, _JOBS_A_KILL
        while more(number) or self.running:
            while more(number) and len(self.running) < at_once:
                seed = self.chance.getrandbits(32)
                given = (number, self.root, self.bench, seed, self.results, self.linger, self.asked)
                self.running[number] = self.starts.Process(target=job, args=given)
                self.running[number].start()
                number += 1
            if number >= next_kill:
                self._kill()
                next_kill = number + self.chance.randint(1, 2 * _JOBS_A_KILL - 1)
            for one in [one for one, process in self.running.items() if not process.is_alive()]:
                process = self.running.pop(one)
                process.join()
                self.exits[one], self.spans[one] = process.exitcode, time.monotonic()
            time.sleep(_LOOK)

    def _kill(self) -> None:
        """Kill -9 a job, or the process of a board, which is started again."""
        if self.chance.random() < 0.7:
            number = self.chance.choice(sorted(self.running))
            time.sleep(self.chance.uniform(0, 0.1))
            self.running[number].kill()
            self.killed.add(number)
        else:
            self.chance.choice(self.boards).kill()

    def figures(self, jobs: int, seconds: float) -> Figures:
        """What it came to."""
        found = {number: self._result(number) for number in range(jobs)}
        results = [result for result in found.values() if result is not None]
        wrong = [
            f"job {number}: {what}"
            for number, result in found.items()
            if (what := self._wrong(number, result))
        ]
        wrong += [f"{one.name}: two users at once" for one in self.boards if one.intruders]
        had = [one for one in results if one.took]
        done = [one for one in results if not one.failure]
        waits = [one.took - one.came for one in had]
        overtaken = [sum(b.came > a.came and b.took < a.took for b in had) for a in had]
        return Figures(
            jobs,
            done=len(done),
            inferences=sum(one.inferences for one in done),
            killed=jobs - len(results),
            ended_with_board=sum(one.failure.startswith("GONE") for one in results),
            boards_killed=sum(len(board.killed_at) for board in self.boards),
            waits_median=round(median(waits), 3),
            waits_most=round(max(waits), 3),
            overtaken_most=max(overtaken),
            seconds=round(seconds, 1),
            deviating=wrong,
        )

    def _result(self, number: int) -> Result | None:
        path = self.results / str(number)
        return Result(**json.loads(path.read_bytes())) if path.exists() else None

    def _wrong(self, number: int, result: Result | None) -> str:
        """What is wrong with how a job ended; "" where nothing is."""
        if result is None:
            return "" if number in self.killed else f"no result, exit code {self.exits[number]}"
        if result.job != number:
            return f"the result of job {result.job}"
        if result.failure.startswith("GONE"):  # which a board may that was killed meanwhile
            board = next(one for one in self.boards if one.name == result.board)
            if any(result.came <= at <= self.spans[number] for at in board.killed_at):
                return ""
        return result.failure


def campaign(
    elf: Path,
    model: Path,
    *,
    boards: int,
    at_once: int,
    seed: int,
    more: Callable[[int], bool],
    linger: float = 0.1,
) -> Figures:
    """Run one.

    Args:
        elf: native firmware.
        model: what runs on it: int8, of one input and one output.
        boards: how many.
        at_once: jobs that run side by side.
        seed: of what is killed, and when.
        more: whether there is a job of that number, from 0.
        linger: seconds, at most, that a job keeps a board between two questions.
    """
    begun, started = time.monotonic(), 0

    def counted(number: int) -> bool:
        nonlocal started
        started = max(started, number)
        return more(number)

    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder, ExitStack() as stack:
        asked = questions(model.read_bytes(), seed)
        made = Campaign(elf, Path(folder), asked, boards, seed, linger, stack)
        made.run(at_once, counted)
        return made.figures(started, time.monotonic() - begun)
