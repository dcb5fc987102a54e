"""The proof: identity first, then every vector, then the verdict.

`Bench` holds a board, a connection and a reference for one session, and asks for each vector once. `nightjar verify`
and the hardware-in-the-loop suite are both this.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from host.boards import open_board
from host.boards.base import Board
from host.bundle import Subject
from host.compare.expect import Expected, Oracle, check_own_vectors
from host.compare.feed import Feed
from host.compare.frontend_cause import explain_frontend
from host.compare.judge import Answered, Case, first_difference
from host.compare.layers import match_taps, read_structure
from host.compare.observe import Inferred, Observation, Observer
from host.compare.reproduce import write_reproduction
from host.compare.vectors import Vector, count_vectors, make_vectors
from host.deadline import Deadline
from host.errors import FirmwareFailure, IdentityFailure, NightjarError
from host.files import sha256_file
from host.link.client import Client
from host.link.identity import check_identity, check_project, check_tables
from host.link.messages import Hello, Mode
from host.link.registers import FirmwareFault
from host.link.transport import Transport
from host.project import Project
from host.report.verdict import Verdict, describe

START = 60.0  # seconds to start a board, flash it and hear its HELLO
ANSWER = 4.0  # seconds for HELLO on a board that runs

Wrap = Callable[[Transport], Transport]
T = TypeVar("T")


@dataclass(frozen=True)
class Soak:
    """Inferences on one link, each with its input loaded anew."""

    inferences: int
    wrong: int
    seconds: float
    retries: int


class Bench:
    """One board for one session. Nothing is started before it is needed; leaving the block ends everything.

    After a failure of the board or the link, every further question raises that first cause again: a board that has
    failed is not asked on.

    Args:
        project: generated and built; its ELF is judged as it lies there.
        subject: what it was generated from.
        board_name: virtual, native, ...
        vectors: number of random vectors; a bundle's own chunks come behind them.
        seed: of the random vectors.
        limit: a deadline over everything.
        root: the private folder of boards, for tests; None is the user's.
        wait: seconds to wait for a board that somebody else holds.
        wrap: put around the transport; how tests damage the link.
        repeats: untapped runs on each vector, for determinism.
        evidence: folder for what reproduces a difference; None writes none.

    Raises:
        IdentityFailure: the project was generated from another model or contract.
        BadInput: there are no vectors, or the project's taps do not cover the model.
    """

    def __init__(
        self,
        project: Project,
        subject: Subject,
        board_name: str,
        *,
        vectors: int,
        seed: int,
        limit: Deadline | None = None,
        root: Path | None = None,
        wait: float = 0,
        wrap: Wrap | None = None,
        repeats: int = 3,
        evidence: Path | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.project = project
        self.subject = subject
        self.board_name = board_name
        self.random_vectors = vectors
        self.seed = seed
        check_project(project, subject)
        self.structure = read_structure(subject.model)
        self.taps = match_taps(self.structure, project.description.taps)
        self.total = count_vectors(subject, vectors)
        self.case = Case(self.structure, self.taps, self.total)
        self._limit = limit
        self._root = root
        self._wait = wait
        self._wrap = wrap
        self._repeats = repeats
        self._evidence = evidence
        self._say = say or (lambda line: None)
        self._stack = ExitStack()
        self._cause: NightjarError | None = None
        self._hello: Hello | None = None
        self._board: Board | None = None
        self._client: Client | None = None
        self._oracle: Oracle | None = None
        self._vectors: list[Vector] = []
        self._expected: dict[int, Expected] = {}
        self._folder: Path | None = None

    def __enter__(self) -> "Bench":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def identity(self) -> Hello:
        """Start the board, flash it, and hold its HELLO against what was asked for.

        Raises:
            IdentityFailure: another firmware, model or contract answers; nothing else has been asked by then.
        """
        if self._hello is None:
            self._guarded(self._start)
        assert self._hello is not None
        return self._hello

    @property
    def client(self) -> Client:
        """The connection, identity proved."""
        self.identity()
        assert self._client is not None
        return self._client

    def vector(self, index: int) -> Vector:
        """Vector `index`, random ones first."""
        return self._all_vectors()[index]

    def expected(self, index: int) -> Expected:
        """The reference's tensors for vector `index`; the last one is kept."""
        if index not in self._expected:
            vector = self.vector(index)
            expected = self._judge().expect(vector)
            if vector.chunk is not None:
                own = index - self.random_vectors
                check_own_vectors(self.subject, own, expected, self._judge().rules)
            self._expected = {index: expected}
        return self._expected[index]

    def observation(self, index: int) -> Observation:
        """What vector `index` shows on the board; asked once."""
        if index not in self.case.observations:
            self.identity()
            self._guarded(lambda: self._observe(index))
        return self.case.observations[index]

    def soak(self, inferences: int) -> Soak:
        """Load an input and run it, so many times over one link; count the wrong outputs."""
        self.identity()
        return self._guarded(lambda: self._soak(inferences))

    def infer(self, feed: Feed) -> Inferred:
        """The model's outputs for any chunk, as the board sends them."""
        self.identity()
        ports = [(port.shape, port.dtype) for port in self._judge().reference.outputs]
        return self._guarded(lambda: self._observer().infer(feed, ports))

    def explain_feed(self, number: int, feed: Feed) -> str | None:
        """How a fed chunk, compared as a vector is, differs from the reference, in one line; None when it does not."""
        self.identity()
        vector = Vector(number, chunk=feed.chunk)
        expected = self._judge().expect(vector)
        found = self._guarded(lambda: self._ask(vector, expected, feed=feed))
        if not found.findings:
            return None
        return describe(first_difference(number, found.findings[0], self.structure))

    def determinism(self, index: int, times: int) -> int:
        """How many of `times` runs on vector `index` gave other outputs than the first."""
        self.identity()
        observer, vector = self._observer(), self.vector(index)

        def ask() -> int:
            observer.load(vector)
            deadline = observer.patience(times)
            result = self.client.run(
                observer.stages(vector), times=times, mode=Mode.PLAIN, deadline=deadline
            )
            return result.differing

        return self._guarded(ask)

    def verdict(self, command: str = "") -> Verdict:
        """The verdict over all vectors.

        Raises:
            HostFailure: not every vector was observed.
        """
        from host.build import footprint

        self.identity()
        assert self._hello is not None
        self._reproduce()
        hello, oracle = self._hello, self._judge()
        answered = Answered(
            board=hello.board,
            backend=hello.backend,
            build_id=hello.build_id.hex(),
            model_sha256=hello.model.hex(),
            contract_sha256=hello.contract.hex(),
            elf_sha256=self._elf_sha256,
            reference=oracle.description,
            protocol=hello.protocol,
            compiler=hello.compiler,
            rounding=hello.rounding,
            cost_unit=hello.cost_unit,
            has_frontend=hello.chunk_samples > 0 and self.subject.contract is not None,
            link=self.client.stats.as_dict(),
        )
        folder = "" if self._folder is None else str(self._folder)
        return self.case.judge(answered, footprint(self.project), command=command, folder=folder)

    def explain(self, index: int, layer: int | None) -> str | None:
        """How layer `layer` (its position) of vector `index` differs, in one line; None when it does not."""
        for finding in self.observation(index).findings:
            if finding.layer == layer:
                return describe(first_difference(index, finding, self.structure))
        return None

    def explain_stage(self, index: int, op: str) -> str | None:
        """How FRONTEND, INPUT, OUTPUT or RUN of vector `index` differs, in one line; None when it does not."""
        for finding in self.observation(index).findings:
            if finding.layer is None and finding.op == op:
                return describe(first_difference(index, finding, self.structure))
        return None

    def stage_costs(self, index: int) -> tuple[int, int]:
        """What frontend and model cost in one more untapped run on vector `index`."""
        self.identity()
        observer, vector = self._observer(), self.vector(index)

        def ask() -> tuple[int, int]:
            observer.load(vector)
            deadline = observer.patience()
            self.client.run(observer.stages(vector), mode=Mode.PLAIN, deadline=deadline)
            cost = self.client.cost(observer.patience())
            return cost.frontend, cost.model

        return self._guarded(ask)

    @property
    def hello(self) -> Hello | None:
        """Who answered, if it was the one asked for."""
        return self._hello

    @property
    def cause(self) -> NightjarError | None:
        """The failure after which the board is not asked on."""
        return self._cause

    def _start(self) -> None:
        self._elf_sha256 = sha256_file(self.project.elf)
        left = float("inf") if self._limit is None else self._limit.remaining
        board = self._stack.enter_context(
            open_board(self.board_name, root=self._root, wait=min(self._wait, left))
        )
        limit = Deadline.after(START)  # without what was waited for the board
        if self._limit is not None:
            limit = limit.at_most(self._limit.remaining)
        self._board = board
        board.flash(self.project.elf, limit)
        if sha256_file(self.project.elf) != self._elf_sha256:
            raise IdentityFailure(
                "the ELF changed while it was flashed",
                evidence=f"Received: {self.project.elf}",
                next_step="run it again when its build has ended",
            )
        transport = board.connect(limit)
        self._stack.callback(transport.close)
        client = Client(self._wrap(transport) if self._wrap is not None else transport)
        hello = client.hello(limit)
        check_identity(hello, self.project, self.subject)
        check_tables(hello, self.project)
        self._client, self._hello = client, hello
        self._say(
            f"{hello.board}: build-id {hello.build_id.hex()}, model {hello.model.hex()[:12]}, {hello.compiler},"
            f" {hello.backend}, protocol {hello.protocol}, cost in {hello.cost_unit}"
        )

    def _observe(self, index: int) -> None:
        expected = self.expected(index)
        vector = self.vector(index)
        observation = self._ask(vector, expected, show=not self.case.spectrograms)
        self.case.add(observation, expected)
        wrong = len(observation.findings)
        self._say(f"{vector.node_id}: " + ("exact" if not wrong else f"{wrong} tensors differ"))

    def _ask(
        self, vector: Vector, expected: Expected, *, show: bool = False, feed: Feed | None = None
    ) -> Observation:
        observation = self._observer().observe(vector, expected, show=show, feed=feed)
        if self.subject.contract is None or vector.chunk is None:
            return observation
        frontend = self.subject.contract.frontend
        return explain_frontend(observation, self.project.elf, frontend, vector.chunk)

    def _soak(self, inferences: int) -> Soak:
        observer, client = self._observer(), self.client
        digests = [self.expected(i).output_digest for i in range(self.total)]
        before, started, wrong = client.stats.retries, time.monotonic(), 0
        for number in range(inferences):
            vector = self.vector(number % self.total)
            observer.load(vector)
            result = client.run(
                observer.stages(vector), mode=Mode.PLAIN, deadline=observer.patience()
            )
            wrong += result.output != digests[vector.index]
        seconds = time.monotonic() - started
        return Soak(inferences, wrong, seconds, client.stats.retries - before)

    def _observer(self) -> Observer:
        return Observer(
            self.client,
            self.subject,
            self.structure,
            self.taps,
            repeats=self._repeats,
            limit=self._limit,
            instructions=self._hello is not None and self._hello.cost_unit == "instructions",
        )

    def _judge(self) -> Oracle:
        if self._oracle is None:
            self._oracle = Oracle(self.subject, self.structure, self.project.description.rules)
        return self._oracle

    def _all_vectors(self) -> list[Vector]:
        if not self._vectors:
            inputs = self._judge().reference.inputs
            self._vectors = make_vectors(self.subject, inputs, self.random_vectors, self.seed)
        return self._vectors

    def _reproduce(self) -> None:
        """Write the folder that shows the first difference again."""
        difference = self.case.first_difference()
        if difference is None or self._evidence is None or self._folder is not None:
            return
        assert self.case.leading is not None
        self._folder = write_reproduction(
            self._evidence,
            project=self.project,
            subject=self.subject,
            vector=self.vector(difference.vector),
            inputs=self.expected(difference.vector).inputs,
            findings=self.case.leading[0].findings,
            difference=difference,
            board=self.board_name,
            vectors=self.random_vectors,
            seed=self.seed,
        )

    def _guarded(self, ask: Callable[[], T]) -> T:
        if self._cause is not None:
            raise self._cause.with_traceback(None)  # else it grows with each question
        try:
            return ask()
        except FirmwareFault as error:
            self._cause = self._symbolized(error)
            raise self._cause from error
        except NightjarError as error:
            self._cause = error
            raise

    def _symbolized(self, error: FirmwareFault) -> FirmwareFailure:
        board = self._board
        if board is None:
            return error
        return error.symbolized(lambda address: board.symbolize(self.project.elf, address))
