"""One run of the suite: what it asks, what it writes down, and what that comes to."""

import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from host.cli.common import write_json
from host.compare.answers import Answer, Causes
from host.compare.conclude import Conclusion, conclude
from host.compare.observe import Observation
from host.compare.prepare import default_folder, prepare
from host.compare.proof import ProofWriter, header, merge, read_proof
from host.compare.questions import Plan, Question, plan
from host.compare.session import Bench, Session
from host.errors import NightjarError
from host.inputs import read_inputs
from host.report.exhibits import save_exhibits
from host.report.html import write_html
from host.report.junit import CaseRecord, add_types

Ask = Callable[[Question], None]  # raises where the answer is wrong


@dataclass
class Suite:
    """What is judged, where it is written down, and what went wrong so far.

    `worker` is the name of a process of xdist, "" for the one that decides; `leads` is whether that one only starts
    others.
    """

    session: Session
    plan: Plan
    proof: Path
    nonce: str
    worker: str
    leads: bool
    causes: Causes = field(default_factory=Causes)
    writer: ProofWriter | None = None
    written: dict[int, Observation] = field(default_factory=dict)  # by vector

    @classmethod
    def open(cls, config: pytest.Config) -> "Suite":
        """Prepare what the options ask for.

        Raises:
            NightjarError: it cannot be judged, and why.
        """
        option = config.getoption
        bundle, board, rounding = Path(option("--bundle")), option("--board"), option("--rounding")
        out = Path(option("--hil-out")) if option("--hil-out") else None
        subject, project = prepare(
            bundle,
            board,
            rounding=None if option("--project") else rounding,
            stream=option("--stream"),
            project=Path(option("--project")) if option("--project") else None,
            out=out,
        )
        streams = project.description.stream
        folder = out or default_folder(subject, board, project.description.rules, stream=streams)
        inputs = option("--inputs")
        given = tuple(read_inputs(Path(inputs), project.description.inputs)) if inputs else ()
        worker = os.environ.get("PYTEST_XDIST_WORKER", "") if hasattr(config, "workerinput") else ""
        session = Session(
            project,
            subject,
            board,
            vectors=option("--vectors"),
            seed=option("--seed"),
            given=given,
            wait=option("--wait"),
            evidence=folder / f"difference{'-' if worker else ''}{worker}",
        )
        questions = plan(session.structure, session.taps, session.scope)
        proof = Path(option("--hil-proof"))
        leads = not worker and getattr(config.option, "dist", "no") != "no"
        suite = cls(session, questions, proof, option("--hil-nonce"), worker, leads)
        suite._begin()
        return suite

    def _begin(self) -> None:
        if not self.worker:
            for part in self._parts():
                part.unlink()
        path = Path(f"{self.proof}.{self.worker}") if self.worker else self.proof
        self.writer = ProofWriter(path, header(self.session, self.plan, self.nonce))

    def _parts(self) -> list[Path]:
        return sorted(self.proof.parent.glob(f"{self.proof.name}.gw*"))

    def record(self, bench: Bench, answer: Answer) -> Question | None:
        """Write an answer down; the earlier question whose failure explains this one's, if there is one."""
        assert self.writer is not None
        for vector, observation in bench.case.observations.items():
            before = self.written.get(vector)
            if before is None or before.pairs != observation.pairs:  # it may have been asked again
                self.writer.observed(observation, bench.case.sizes)
                self.written[vector] = observation.without_tensors()
        leader = self.causes.leader(answer)
        self.writer.reply(answer, "" if leader is None else leader.id)
        return leader

    def ended(self, bench: Bench) -> None:
        """The board is put away: what it was, and what the report shows of it."""
        assert self.writer is not None
        if bench.cause is not None:
            self.writer.error(bench.cause)
        elif bench.case.observations:
            self.writer.answered(bench.answered())
            path = self.writer.path.with_name(f"exhibits-{self.writer.path.name}.npz")
            save_exhibits(path, bench.case.exhibits())
            self.writer.exhibits(path, bench.reproduce())

    def error(self, error: NightjarError) -> None:
        """What went wrong outside any question."""
        assert self.writer is not None
        self.writer.error(error)

    def case(self, record: CaseRecord) -> None:
        """How a test ended."""
        assert self.writer is not None
        self.writer.case(record)

    def finish(self, config: pytest.Config) -> Conclusion | None:
        """Complete the proof, and in the process that decides say what it comes to."""
        assert self.writer is not None
        if self.leads:
            merge(self._parts(), self.writer, self.nonce)
        else:
            self.writer.complete()
        if self.worker:
            return None
        conclusion = conclude(self.session, self.plan, read_proof(self.proof, self.nonce))
        xml = getattr(config.option, "xmlpath", None)
        if xml and Path(xml).is_file():
            add_types(Path(xml))
        if conclusion.verdict is not None:
            if config.getoption("--hil-json"):
                write_json(config.getoption("--hil-json"), conclusion.verdict.as_json())
            if config.getoption("--hil-html"):
                title = f"{self.session.subject.path.name} on {self.session.board}"
                write_html(Path(config.getoption("--hil-html")), conclusion.verdict, title=title)
        return conclusion


def place_proof(config: pytest.Config) -> None:
    """Give a run that was not told where to leave its proof a place and a nonce of its own."""
    if config.option.hil_proof is None:
        folder = tempfile.TemporaryDirectory(prefix="nightjar-proof-")
        config.add_cleanup(folder.cleanup)
        config.option.hil_proof = str(Path(folder.name) / "proof")
        config.option.hil_nonce = secrets.token_hex(16)
