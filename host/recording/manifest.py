"""What a recording says of its session: `manifest.json`, the schema `nightjar/session/1`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from host.compare.quarantine import NOTHING, Quarantine
from host.errors import NightjarError, from_json
from host.schema import load_of_schema

SCHEMA = "nightjar/session/1"
NEXT = "give a file that `nightjar verify --record` or `nightjar hil --record` wrote"
Stated = dict[str, Any]  # an error as `nightjar/error/1`


@dataclass(frozen=True)
class Member:
    """Another file of the recording."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Test:
    """Which test of the suite asked."""

    classname: str
    name: str
    file: str
    line: int


@dataclass(frozen=True)
class Asked:
    """What was asked: the id of a question of the suite, or a vector of `nightjar verify`.

    answered: whether it was, well or not; else the session was cut off there, by `broken` where that is known.
    """

    what: str
    answered: bool = False
    broken: Stated | None = None
    test: Test | None = None


@dataclass(frozen=True)
class SuiteRun:
    """How the process of the suite ended, as `conclude` wants it. proof: whether it left any."""

    soak: int
    proof: bool = True
    ended: str = ""
    orderly: bool = True
    late: bool = False


@dataclass(frozen=True)
class Manifest:
    """Everything about a session that is not in another member.

    line: its command. versions: of what recorded it. board, vectors, given, seed, repeats: as in `Session`. faults:
    with which its link was damaged on purpose. generator: seeds the request ids and nonces. origin: microseconds of
    the clock when it began; limit: seconds of that clock. model, project: where they lay. bundle: whether the model
    came in one. flashes: whether firmware was written first. asked: in the order of asking. errors: what went wrong
    outside any question. ended: what ended the command from outside the session, if anything did. exit_code: of its
    conclusion; None where the suite was called without `nightjar hil`. suite: None for `nightjar verify`.
    min_coverage: percent. baseline: where it lay. coverage_reason: why there is no coverage. npu_library: of ST's,
    which computed for the processor of a network on the NPU, and is in no recording; "" where none did.
    quarantine: what was not judged. gates: that the verdict was held against; no_baseline: why relative ones were
    held against none.
    """

    line: str
    versions: dict[str, str]
    board: str
    vectors: int
    given: int
    seed: int
    repeats: int
    generator: str
    origin: int
    model: str
    project: str
    bundle: bool
    flashes: bool = True
    limit: float | None = None
    faults: str = ""
    asked: tuple[Asked, ...] = ()
    errors: tuple[Stated, ...] = ()
    ended: Stated | None = None
    exit_code: int | None = None
    suite: SuiteRun | None = None
    min_coverage: float | None = None
    baseline: str = ""
    coverage_reason: str = ""
    npu_library: str = ""
    quarantine: Quarantine = NOTHING
    gates: tuple[str, ...] = ()
    no_baseline: str = ""
    members: dict[str, Member] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The bytes of manifest.json; the same manifest always gives the same bytes."""
        content = {"schema": SCHEMA, **asdict(self)}
        return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Parse manifest.json.

        Raises:
            BadInput: it is not of this schema, or says what no session can be.
        """
        return load_of_schema(
            data,
            cls,
            SCHEMA,
            _check,
            file="manifest.json of a recording",
            what="a recording",
            next_step=NEXT,
        )


EXPLAINED = "explained"  # the note of what others than the session's line said of an error


def stated(error: NightjarError) -> Stated:
    """An error as a recording holds it."""
    return error.as_json()


def restated(raw: Mapping[str, Any]) -> NightjarError:
    """The error that `stated` gave, of its class.

    Raises:
        ValueError: it is none.
    """
    try:
        texts = [raw[name] for name in ("what", "evidence", "next_step")]
        if all(isinstance(text, str) for text in texts):
            return from_json(raw)
    except (KeyError, TypeError):
        pass
    raise ValueError(f"{str(raw)[:80]!r} is no error of nightjar")


def _check(manifest: Manifest) -> None:
    """Raise ValueError for what has the right types, and is of no session."""
    numbers = (manifest.vectors, manifest.given, manifest.seed, manifest.origin)
    if min(numbers) < 0 or not 1 <= manifest.repeats < 1 << 16 or max(numbers) >= 1 << 63:
        raise ValueError(f"numbers of no session: {numbers}, {manifest.repeats}")
    if manifest.suite is not None and not 1 <= manifest.suite.soak < 1 << 31:
        raise ValueError(f"a soak of {manifest.suite.soak} inferences")
    errors = [*manifest.errors, manifest.ended, *(asked.broken for asked in manifest.asked)]
    for error in errors:
        if error is not None:
            restated(error)
