"""What a session is: `nightjar verify`, the hardware-in-the-loop suite and `nightjar classify` are all this."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from host.boards.tiers import tier_of
from host.boards.which import Which
from host.bundle import Subject
from host.compare.layers import Structure, match_taps, read_structure
from host.compare.networks import JudgedNetwork, judged_network
from host.compare.observation import place_of
from host.compare.observe import PATIENCE
from host.compare.quarantine import NOTHING, Entry, Quarantine
from host.compare.questions import OBSERVED, Kind, Plan, Scope, node_name, plan
from host.compare.tape import Tape
from host.compare.vectors import Inputs, count_vectors
from host.deadline import Deadline
from host.link.transport import Transport
from host.project import Project, Tap

Wrap = Callable[[Transport], Transport]


@dataclass(frozen=True)
class Session:
    """What is judged, on which board, and how.

    project: generated and built; its ELF is judged as it lies there. subject: what it was generated
    from. board: who runs the firmware: virtual, native, ... at: which one of those; None: nobody's
    but ours. vectors: number of random vectors; `given` inputs come behind them, then a bundle's
    own chunks. seed: of the random vectors. limit: a deadline over everything. root: the private
    folder of boards, for tests; None is the user's. wait: seconds to wait for a board that somebody
    else holds. wrap: put around the transport; how tests damage the link. What it gives may have a
    `generator`, of the client's ids and nonces, so that a session can be repeated. repeats:
    untapped runs on each vector, for determinism. patience: seconds that one question to the board
    may take, after which it hangs. evidence: folder for what reproduces a difference; None writes
    none. tape: what records the session, or replays it. quarantine: what is not judged.
    """

    project: Project
    subject: Subject
    board: str
    vectors: int
    seed: int
    given: tuple[Inputs, ...] = ()
    limit: Deadline | None = None
    root: Path | None = None
    wait: float = 0
    wrap: Wrap | None = None
    repeats: int = 3
    patience: float = PATIENCE
    evidence: Path | None = None
    at: Which | None = None
    tape: Tape | None = None
    quarantine: Quarantine = NOTHING

    @cached_property
    def network(self) -> JudgedNetwork | None:
        """The generated network that the project was made of; None where its backend compiles the model itself."""
        return judged_network(self.project)

    @cached_property
    def structure(self) -> Structure:
        """The layers of the model's own file, or the epochs of the generated network."""
        network = self.network
        return read_structure(self.subject.model) if network is None else network.structure

    @cached_property
    def taps(self) -> tuple[Tap, ...]:
        """The tap of each layer, in their order."""
        return match_taps(self.structure, self.project.description.taps)

    @property
    def flashes(self) -> bool:
        """Whether firmware is written first; else what runs goes on running."""
        return self.at is None or self.at.flashes

    @property
    def raw(self) -> int:
        """How many vectors are inputs of the model; those behind are chunks of sound."""
        return self.vectors + len(self.given)

    @cached_property
    def scope(self) -> Scope:
        """What decides which questions apply.

        Raises:
            BadInput: there are no vectors, or no such board.
        """
        return Scope(
            board=self.board,
            raw=self.raw,
            total=count_vectors(self.subject, self.raw),
            counts=tier_of(self.board).counts,
            stream=self.project.description.stream,
        )

    @cached_property
    def plan(self) -> Plan:
        """Every question that applies."""
        return plan(self.structure, self.taps, self.scope)

    @cached_property
    def named(self) -> Mapping[str, Entry]:
        """The questions that entries of the quarantine name, by their ids. Identity is never one: without it nothing is
        known of who answers.
        """
        found = {}
        for question in self.plan.questions if self.quarantine.entries else ():
            entry = self.quarantine.entry(node_name(question, self.structure))
            if entry is not None and question.kind is not Kind.IDENTITY:
                found[question.id] = entry
        return found

    @property
    def held(self) -> Mapping[str, Entry]:
        """Those of them that are not judged."""
        return {} if self.quarantine.lifted else self.named

    @property
    def held_places(self) -> frozenset[tuple[int, int]]:
        """The (vector, place on the way of the data) of what an observation shows, and nobody judges."""
        return frozenset(
            (one.vector, place_of(one, self.structure))
            for one in self.plan.questions
            if one.id in self.held and one.kind in OBSERVED and one.vector is not None
        )
