"""The bench of a session: one board, one connection, one reference; identity first, then every vector once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy.typing as npt

from host.boards.n6_memory import is_n6, placement
from host.compare.contact import Contact
from host.compare.core_clock import check_clock, measure
from host.compare.expect import Expected, Oracle, check_own_vectors
from host.compare.frontend_cause import explain_frontend
from host.compare.judge import Answered, Case, first_difference
from host.compare.network_cause import NETWORK_RECOGNISERS, explain_network
from host.compare.observation import Observation
from host.compare.observe import Inferred, Observer
from host.compare.questions import OBSERVED, absent
from host.compare.reproduce import write_reproduction
from host.compare.session import Session
from host.compare.standing import Standing
from host.compare.vectors import Vector, make_vectors
from host.deadline import Deadline, clocked
from host.errors import NightjarError
from host.exit_codes import Exit
from host.link.client import Client
from host.link.frames import text_in
from host.link.identity import check_project
from host.link.messages import Hello
from host.link.registers import FirmwareFault
from host.listen.feed import Feed
from host.report.verdict import MeasuredClock, Verdict, describe, ran_on

T = TypeVar("T")


class Bench:
    """One board for one session. Nothing is started before it is needed; leaving the block ends everything.

    After a failure of the board or the link, every further question raises that first cause again: a board that has
    failed is not asked on.

    Raises:
        IdentityFailure: the project was generated from another model or contract.
        BadInput: there are no vectors, or the project's taps do not cover the model.
    """

    def __init__(self, session: Session, *, say: Callable[[str], None] | None = None) -> None:
        self.session = session
        check_project(session.project, session.subject)
        self.total = session.scope.total
        self.case = Case(session.structure, session.taps, self.total, session.held_places)
        self._say = say or (lambda line: None)
        self._stack = ExitStack()
        self._cause: NightjarError | None = None
        self._hello: Hello | None = None
        self._measured: MeasuredClock | None = None  # of the core, where cycles are counted
        self._contact = Contact(session, self._stack)
        self._oracle: Oracle | None = None
        self._vectors: list[Vector] = []
        self._expected: dict[int, Expected] = {}
        self._believed: set[int] = set()  # vectors found equal to what was kept, not computed
        self._folder: Path | None = None
        self._told: list[str] = []  # beside the answers
        self._standing: Standing | None = None  # of a model with state

    def __enter__(self) -> "Bench":
        if self.session.tape is not None:
            self._stack.enter_context(clocked(self.session.tape.now))
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
            self.guarded(self._start)
        assert self._hello is not None
        return self._hello

    @property
    def client(self) -> Client:
        """The connection, identity proved."""
        self.identity()
        assert self._contact.client is not None
        return self._contact.client

    @property
    def observer(self) -> Observer:
        """Who asks the board about vectors."""
        session = self.session
        return Observer(
            self.client,
            session.subject,
            session.structure,
            session.taps,
            repeats=session.repeats,
            patience=session.patience,
            limit=session.limit,
            unit=self.identity().cost_unit,
            recognisers=None if session.network is None else NETWORK_RECOGNISERS,
            standing=self._standing,
        )

    @property
    def oracle(self) -> Oracle:
        """The host reference."""
        if self._oracle is None:
            session = self.session
            rules = session.project.description.rules
            self._oracle = Oracle(
                *(session.subject, session.structure, rules),
                judging=None if session.network is None else session.network.judging,
                trusts=session.tape is None or session.tape.trusts,
            )
        return self._oracle

    @property
    def vectors(self) -> list[Vector]:
        """Random ones, then the given ones, then the bundle's own chunks."""
        if not self._vectors:
            session, inputs = self.session, self.oracle.reference.inputs
            self._vectors = make_vectors(
                *(session.subject, inputs, session.vectors, session.seed, session.given),
                stateful=session.structure.stateful,
            )
        return self._vectors

    def vector(self, index: int) -> Vector:
        """Vector `index`."""
        return self.vectors[index]

    def expected(self, index: int) -> Expected:
        """The reference's tensors for vector `index`; the last one is kept."""
        if index not in self._expected:
            vector = self.vector(index)
            expected = self.oracle.expect(vector)
            if vector.chunk is not None:
                own = index - self.session.raw
                check_own_vectors(self.session.subject, own, expected, self.oracle.rules)
            self._expected = {index: expected}
        return self._expected[index]

    def observation(self, index: int) -> Observation:
        """What vector `index` shows on the board; asked once."""
        if index not in self.case.observations:
            self.identity()
            self.guarded(lambda: self._observe(index))
        return self.case.observations[index]

    def infer(self, feed: Feed) -> Inferred:
        """The model's outputs for any chunk, as the board sends them."""
        self.identity()
        ports = [(port.shape, port.dtype) for port in self.oracle.reference.outputs]
        return self.guarded(lambda: self.observer.infer(feed, ports))

    def outputs(self, vector: Vector) -> tuple[npt.NDArray[Any], ...]:
        """The model's outputs for any inputs or chunk, as the board sends them; nothing is compared."""
        self.identity()
        ports = [(port.shape, port.dtype) for port in self.oracle.reference.outputs]
        return self.guarded(lambda: self.observer.outputs(vector, ports))

    def observe_feed(self, number: int, feed: Feed) -> Observation:
        """What a fed chunk shows, compared as a vector is."""
        self.identity()
        vector = Vector(number, chunk=feed.chunk)
        expected = self.oracle.expect(vector)
        observation = self.guarded(lambda: self._ask(vector, expected, feed=feed))
        self.guarded(self._settle)
        return observation

    def describe(self, observation: Observation, place: int) -> str | None:
        """How the tensor at `place` on the way of the data differs, in one line; None when it does not."""
        for finding in observation.findings:
            if finding.place == place:
                number, structure = observation.vector, self.session.structure
                return describe(first_difference(number, finding, structure))
        return None

    def answered(self) -> Answered:
        """Who answered, and by whom it is judged."""
        hello = self.identity()
        return Answered(
            board=hello.board,
            tier=self.session.board,
            boot=self._contact.boot,
            backend=hello.backend,
            build_id=hello.build_id.hex(),
            model_sha256=hello.model.hex(),
            contract_sha256=hello.contract.hex(),
            elf_sha256=self._contact.elf_sha256,
            reference=self.oracle.description,
            protocol=hello.protocol,
            compiler=hello.compiler,
            rounding=hello.rounding,
            cost_unit=hello.cost_unit,
            has_frontend=hello.chunk_samples > 0 and self.session.subject.contract is not None,
            image_crc=f"{hello.image:08x}",
            uid=hello.uid.hex(),
            clocks=hello.clocks,
            measured_clock=self._measured,
            caches=hello.caches,
            placement=placement(self.session.project.elf.read_bytes())
            if is_n6(self.session.project)
            else {},
            link=self.client.stats.as_dict(),
            outside=text_in(self.client.noise),
            recalled=self.recalled,
            npu_budget=self.session.subject.npu_budget,
        )

    def reproduce(self) -> str:
        """Write the folder that shows the first difference again; its name, "" where there is none to write."""
        difference, evidence = self.case.first_difference(), self.session.evidence
        if difference is None or evidence is None:
            return ""
        if self._folder is None:
            assert self.case.leading is not None
            self._folder = write_reproduction(
                evidence,
                project=self.session.project,
                subject=self.session.subject,
                vector=self.vector(difference.vector),
                inputs=self.expected(difference.vector).inputs,
                ports=self.oracle.reference.inputs,
                given=self.session.given,
                findings=self.case.leading[0].findings,
                difference=difference,
                board=self.session.board,
                vectors=self.session.vectors,
                seed=self.session.seed,
            )
        return str(self._folder)

    def verdict(self, command: str = "") -> Verdict:
        """The verdict over all vectors.

        Raises:
            HostFailure: not every vector was observed.
        """
        from host.build import footprint
        from host.compare.quarantined import held_back, quarantined

        session = self.session
        asked = [one for one in session.plan.questions if one.kind in OBSERVED]
        left_out = [one for one in asked if one.id in session.held]
        barred = held_back(session, asked, left_out)
        self.case.check_complete()  # whoever is in quarantine was seen all the same
        return self.case.judge(
            self.answered(),
            footprint(session.project),
            complete=not left_out,
            exit_code=Exit.OK if barred is None else Exit.INCOMPLETE,
            quarantined=quarantined(session, self.case),
            not_applicable=tuple(
                absent(session.structure, session.taps, session.scope, suite=False)
            ),
            exhibits=self.case.exhibits(command, self.reproduce()),
        )

    @property
    def recalled(self) -> tuple[str, ...]:
        """What of this verdict is kept from earlier runs: "messages", "build", "expectations"."""
        recalls = self._oracle is not None and self._oracle.recalls
        return (*self.session.project.recalled, *(("expectations",) if recalls else ()))

    @property
    def hello(self) -> Hello | None:
        """Who answered, if it was the one asked for."""
        return self._hello

    @property
    def cause(self) -> NightjarError | None:
        """The failure after which the board is not asked on."""
        return self._cause

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """What is asked in the block is asked for `what`, as a recording has it."""
        tape = self.session.tape
        if tape is not None:
            tape.asked(what)
        yield
        if tape is not None:
            tape.answered()

    def guarded(self, ask: Callable[[], T]) -> T:
        """Ask the board, unless it has failed before; a failure is kept, and raised again by every later question."""
        if self._cause is not None:
            raise self._cause.with_traceback(None)  # else it grows with each question
        try:
            return ask()
        except NightjarError as error:
            self._cause = error
            self._cause = self._contact.explained(error)
            if isinstance(error, FirmwareFault):
                self._tell()
            if self._cause is error:
                raise
            raise self._cause from error

    @property
    def told(self) -> tuple[str, ...]:
        """What was told beside the answers: when something was first found wrong, or else until now."""
        return tuple(self._told or self._contact.told())

    def _tell(self) -> None:
        """Say once what was told beside the answers, when something is wrong."""
        if not self._told:
            self._told = self._contact.told()
            for line in self._told:
                self._say(line)

    def _start(self) -> None:
        hello = self._hello = self._contact.start()
        if self.session.structure.stateful:
            assert self._contact.client is not None
            self._standing = Standing(self._contact.client)
        if hello.cost_unit == "cycles":
            self._measured = self._measure(hello)
        self._say(
            f"{ran_on(hello.board, self.session.board)}: build-id {hello.build_id.hex()}, "
            f"model {hello.model.hex()[:12]}, {hello.compiler},"
            f" {hello.backend}, protocol {hello.protocol}, cost in {hello.cost_unit}"
        )

    def _measure(self, hello: Hello) -> MeasuredClock:
        """The core's clock by our time, held against the one that HELLO says, if it says any."""
        assert self._contact.client is not None
        limit = Deadline.after(self.session.patience)
        if self.session.limit is not None:
            limit = limit.at_most(self.session.limit.remaining)
        measured = measure(self._contact.client, hello.clocks[0] if hello.clocks else 0, limit)
        if hello.clocks:
            check_clock(measured, hello.clocks[0])
        return measured

    def _observe(self, index: int) -> None:
        expected = self.expected(index)
        vector = self.vector(index)
        observation = self._ask(vector, expected, show=not self.case.spectrograms)
        self.case.add(observation, expected)
        wrong = len(observation.findings)
        self._say(f"{vector.node_id}: " + ("exact" if not wrong else f"{wrong} tensors differ"))
        if wrong:
            self._tell()
        if expected.recalled:
            self._believed.add(index)
        self._settle()

    def _settle(self) -> None:
        """Ask again what was found equal to records, once one of them is known to be wrong."""
        if self.oracle.distrusts:
            believed, self._believed = self._believed, set()
            if believed and self.session.tape is not None:
                self.session.tape.deceived()
            for index in sorted(believed):
                self._expected.pop(index, None)
                del self.case.observations[index]
                self._observe(index)

    def _ask(
        self, vector: Vector, expected: Expected, *, show: bool = False, feed: Feed | None = None
    ) -> Observation:
        observation = self.observer.observe(vector, expected, show=show, feed=feed)
        contract, network = self.session.subject.contract, self.session.network
        elf = self.session.project.elf
        if network is not None:
            observation = explain_network(observation, elf, network.generated.images)
        if contract is None or vector.chunk is None:
            return observation
        return explain_frontend(observation, elf, contract.frontend, vector.chunk)
