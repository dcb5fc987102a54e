"""The log of a soak: JSON lines, one a stint, each on the disk before the next begins.

What was counted outlives whatever ends the process; a stint that was cut off counts for nothing.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from host.deadline import Deadline
from host.errors import BadInput
from host.exit_codes import Exit, first, name_of
from host.locks import take
from host.reading import read_file
from host.typed import typed

SCHEMA = "nightjar/soak/1"
_MOST = 1 << 28  # bytes of a log


@dataclass(frozen=True)
class Subject:
    """What a soak is of; one log holds the stints of one."""

    model: str
    model_sha256: str
    contract_sha256: str
    elf_sha256: str
    board: str
    rounding: str
    vectors: int
    seed: int
    inferences: int


@dataclass(frozen=True)
class Stint:
    """One session of the soak.

    began: ISO 8601, UTC. seconds: it took, whatever came of it. seed: of its random vectors. inferences: outputs that
    were held against the reference, tapped and untapped. tensors: digests that were compared. code: its exit code;
    failure: what decided it, "" where all is right.
    """

    number: int
    began: str
    seconds: float
    seed: int
    inferences: int = 0
    tensors: int = 0
    retries: int = 0
    crc_errors: int = 0
    gaps: int = 0
    frames: int = 0
    code: int = 0
    failure: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it is a verdict against the firmware."""
        return self.code in (Exit.FIRMWARE, Exit.IDENTITY)

    @property
    def lost(self) -> bool:
        """Whether the board or the link ended it."""
        return self.code != Exit.OK and not self.wrong


@dataclass(frozen=True)
class Totals:
    """Over all stints; `wrong` and `lost` count stints."""

    stints: int
    seconds: float
    inferences: int
    tensors: int
    retries: int
    crc_errors: int
    gaps: int
    frames: int
    wrong: int
    lost: int

    @classmethod
    def of(cls, stints: Sequence[Stint]) -> "Totals":
        def over(name: str) -> Any:
            return sum(getattr(stint, name) for stint in stints)

        return cls(len(stints), **{name: over(name) for name in _SUMMED})

    @property
    def headline(self) -> str:
        return (
            f"{self.inferences:,} inferences in {self.seconds / 3600:.2f} hours and {self.stints:,} sessions:"
            f" {self.wrong} wrong, {self.lost} lost, {self.retries:,} retries"
        )


_SUMMED = tuple(field.name for field in fields(Totals) if field.name != "stints")


class Log:
    """The log in a folder, held by one process at a time.

    Raises:
        BadInput: it is another soak's, or somebody writes it.
    """

    def __init__(self, path: Path, subject: Subject) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.subject = path, subject
        handle = take(path, Deadline.after(0))
        if handle is None:
            raise BadInput(
                "a soak is counted by one process at a time",
                evidence=f"Received: {path}, which another one holds",
                next_step="wait until it ends, or give another --out",
            )
        self._file = os.fdopen(handle, "r+b")
        try:
            self.stints = self._resume()
        except BaseException:
            self.close()
            raise

    def append(self, stint: Stint) -> None:
        """Count a stint; it is on the disk when this returns."""
        self._write(asdict(stint))
        self.stints.append(stint)

    @property
    def totals(self) -> Totals:
        return Totals.of(self.stints)

    def ended(self, hours: float) -> bool:
        """Whether no further stint is due: the hours are over, or one was wrong."""
        totals = self.totals
        return bool(totals.wrong) or totals.seconds >= 3600 * hours

    def code(self, allowed: int) -> Exit:
        """The exit code of a soak that has ended, where `allowed` stints may be lost."""
        wrong = [stint.code for stint in self.stints if stint.wrong]
        lost = [stint.code for stint in self.stints if stint.lost]
        if wrong or len(lost) == len(self.stints):
            return first([*wrong, *lost])
        return Exit.FLAKY if len(lost) > allowed else Exit.OK

    def as_json(self, code: Exit) -> dict[str, Any]:
        """The counts as `nightjar/soak/1`; the failures of stints, each by its number."""
        return {
            "schema": SCHEMA,
            "subject": asdict(self.subject),
            **asdict(self.totals),
            "exit_code": int(code),
            "failures": [asdict(stint) for stint in self.stints if stint.code],
        }

    def close(self) -> None:
        self._file.close()

    def _resume(self) -> list[Stint]:
        """The stints that are there; a line that was cut off is taken away."""
        whole = len(_whole(self._file.read()))
        self._file.truncate(whole)
        self._file.seek(whole)
        if not whole:
            self._write({"schema": SCHEMA, "subject": asdict(self.subject)})
            return []
        subject, stints = read_log(self.path)
        for name, value in asdict(self.subject).items():
            before = getattr(subject, name)
            if before != value and name != "model":
                raise BadInput(
                    f"a soak that goes on must be of the same {name}",
                    evidence=f"Received: {value}; {self.path} is of {before}",
                    next_step="give another --out, or remove the folder to begin anew",
                )
        return stints

    def _write(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content, allow_nan=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_log(path: Path) -> tuple[Subject, list[Stint]]:
    """What a log holds, whoever writes it.

    Raises:
        BadInput: it is none.
    """
    data = _whole(read_file(path, "the log of a soak", _MOST))
    try:
        head, *lines = (json.loads(line) for line in data.splitlines())
        if head["schema"] != SCHEMA:
            raise ValueError(f"the schema {str(head['schema'])[:80]!r}")
        return typed(Subject, head["subject"]), [typed(Stint, line) for line in lines]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"the log of a soak must follow the schema {SCHEMA}",
            evidence=f"Received: {path}: {error}"[:300],
            next_step="give another --out, or remove the folder to begin anew",
        ) from error


def _whole(data: bytes) -> bytes:
    """Its lines but for one that was cut off."""
    return data[: data.rfind(b"\n") + 1]


def said(stint: Stint) -> str:
    """A stint that is not right, in one line."""
    return f"session {stint.number}: {name_of(stint.code)}: {stint.failure}"
