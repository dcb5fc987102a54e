"""The proof: what a run of the suite asked and was answered, in a file that only a whole run completes.

JSON lines, `nightjar/proof/1`. The first holds what was to be judged and the nonce of who started the run, the last the
SHA-256 of all before it. A verdict and an exit code are made from it, never from what a test runner says of its tests.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from host.compare.answers import Answer
from host.compare.judge import Answered
from host.compare.observation import Observation
from host.compare.questions import Plan
from host.compare.session import Session
from host.errors import BadInput, NightjarError, from_json
from host.files import sha256_file
from host.reading import read_file
from host.report.junit import CaseRecord
from host.report.verdict import MeasuredClock

SCHEMA = "nightjar/proof/1"
_MOST = 1 << 30  # bytes of a proof


@dataclass(frozen=True)
class Header:
    """What a run is about; equal in the proofs of all its processes."""

    nonce: str
    plan: str  # SHA-256 of its questions
    model_sha256: str
    contract_sha256: str
    elf_sha256: str
    board: str
    seed: int


def header(session: Session, plan: Plan, nonce: str) -> Header:
    """The header of a run that asks the questions of `plan` in `session`."""
    return Header(
        nonce=nonce,
        plan=plan.digest,
        model_sha256=session.subject.model_sha256,
        contract_sha256=session.subject.contract_sha256,
        elf_sha256=sha256_file(session.project.elf),
        board=session.board,
        seed=session.seed,
    )


@dataclass(frozen=True)
class Reply:
    """An answer as it was written down, by the question's id. A failure that follows from an earlier one names it."""

    question: str
    want: int | None
    got: int | None
    failure: NightjarError | None
    follows: str = ""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong: where two digests were compared they are there, and the same."""
        return self.failure is None and self.want == self.got


@dataclass
class Proof:
    """What was read of a run. `complete`: nothing is missing of the file, from its first line to its last."""

    header: Header
    complete: bool = False
    answered: Answered | None = None
    replies: dict[str, Reply] = field(default_factory=dict)
    observations: dict[int, Observation] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()  # bytes of each layer's tensor
    errors: list[NightjarError] = field(default_factory=list)
    cases: list[CaseRecord] = field(default_factory=list)
    exhibits: list[Path] = field(default_factory=list)
    folder: str = ""  # what reproduces the first difference


class ProofWriter:
    """Writes a proof, line by line, each at once: what was seen stays when the process is killed."""

    def __init__(self, path: Path, header: Header) -> None:
        path.unlink(missing_ok=True)
        self.path = path
        self._stream: IO[bytes] | None = path.open("xb", buffering=0)
        self._hash = hashlib.sha256()
        self._write({"schema": SCHEMA, "header": asdict(header)})

    def answered(self, answered: Answered) -> None:
        """Who answered, identity proved."""
        self._write({"answered": asdict(answered)})

    def observed(self, observation: Observation, sizes: tuple[int, ...]) -> None:
        """What a vector showed, and the bytes of each layer's tensor."""
        self._write({"observed": observation.as_json(), "sizes": sizes})

    def reply(self, answer: Answer, follows: str) -> None:
        """The answer to a question; `follows` is the id of the question whose failure explains this one, or ""."""
        failure = None if answer.failure is None else answer.failure.as_json()
        self._write(
            {
                "question": answer.question.id,
                "want": answer.want,
                "got": answer.got,
                "failure": failure,
                "follows": follows,
            }
        )

    def error(self, error: NightjarError) -> None:
        """What went wrong outside any question."""
        self._write({"error": error.as_json()})

    def case(self, record: CaseRecord) -> None:
        """How a test ended."""
        self._write({"case": asdict(record)})

    def exhibits(self, path: Path, folder: str) -> None:
        """Where the arrays of the report lie, and what reproduces the first difference."""
        self._write({"exhibits": str(path), "folder": folder})

    def take(self, part: Path) -> None:
        """The lines of another process's proof, without its first and last."""
        for line in _lines(_content(part))[1:]:
            if "end" not in line:
                self._write(line)

    def complete(self) -> None:
        """Nothing follows. Without this line a proof proves nothing."""
        self._write({"end": self._hash.hexdigest()})
        self.close()

    def close(self) -> None:
        """Give the file back; without `complete` it stays incomplete."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _write(self, content: dict[str, Any]) -> None:
        assert self._stream is not None
        line = json.dumps(content, allow_nan=False).encode() + b"\n"
        self._stream.write(line)
        self._hash.update(line)


def read_proof(path: Path, nonce: str) -> Proof | None:
    """The proof in a file; None when there is none, or it is not of the run with that nonce.

    A file that was cut off is read as far as it goes, and is not complete.
    """
    data = _content(path)
    lines = _lines(data)
    try:
        if not lines or lines[0]["schema"] != SCHEMA or lines[0]["header"]["nonce"] != nonce:
            return None
        proof = Proof(Header(**lines[0]["header"]))
        for line in lines[1:]:
            _take(proof, line)
    except (KeyError, TypeError, ValueError):
        return None
    proof.complete = _is_whole(data)
    return proof


def _take(proof: Proof, line: dict[str, Any]) -> None:
    if "answered" in line:
        said = line["answered"]
        lists = {name: tuple(said[name]) for name in ("recalled", "clocks", "npu_budget")}
        clock = said["measured_clock"]
        measured = None if clock is None else MeasuredClock(**clock)
        proof.answered = Answered(**{**said, **lists, "measured_clock": measured})
    elif "observed" in line:
        proof.sizes = tuple(line["sizes"])
        observation = Observation.from_json(line["observed"])
        known = proof.observations.get(observation.vector)
        # Two processes may have seen the same vector: what one of them saw wrong is wrong.
        if known is None or not known.findings:
            proof.observations[observation.vector] = observation
    elif "question" in line:
        failure = None if line["failure"] is None else from_json(line["failure"])
        reply = Reply(line["question"], line["want"], line["got"], failure, line["follows"])
        before = proof.replies.get(reply.question)
        if before is None or before.right:
            proof.replies[reply.question] = reply
    elif "error" in line:
        proof.errors.append(from_json(line["error"]))
    elif "case" in line:
        proof.cases.append(CaseRecord(**line["case"]))
    elif "exhibits" in line:
        proof.exhibits.append(Path(line["exhibits"]))
        proof.folder = proof.folder or line["folder"]


def _content(path: Path) -> bytes:
    """The bytes of a proof; none where there is no such file, or nothing that could be one."""
    try:
        return read_file(path, "a proof", _MOST)
    except (BadInput, OSError):
        return b""


def _lines(text: bytes) -> list[dict[str, Any]]:
    """The whole lines of a proof; what is behind the last newline was cut off."""
    found = []
    for line in text.split(b"\n")[:-1]:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    return found


def _is_whole(text: bytes) -> bool:
    body, _, last = text.rstrip(b"\n").rpartition(b"\n")
    try:
        end = json.loads(last).get("end")
    except (ValueError, RecursionError, AttributeError):
        return False
    return bool(end == hashlib.sha256(body + b"\n").hexdigest()) and text.endswith(b"\n")


def merge(paths: Iterable[Path], writer: ProofWriter, nonce: str) -> None:
    """Take the proofs of several processes into one. It stays incomplete where one of them is."""
    whole = True
    for path in paths:
        part = read_proof(path, nonce)
        whole = whole and part is not None and part.complete
        writer.take(path)
    if whole:
        writer.complete()
    else:
        writer.close()
