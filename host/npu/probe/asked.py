"""What was asked, as it is printed, written and judged: `nightjar/npu-probes/1`."""

import json
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from host.files import sha256_bytes
from host.npu.compiler.dialect import dialect_named
from host.npu.probe.catalog import UNDECIDED, Undecided
from host.npu.probe.probe import Probe, telling
from host.schema import load_of_schema

SCHEMA = "nightjar/npu-probes/1"
NEXT = "write the probes again with `nightjar npu --probe --out DIR`"
_NAME = "[a-z0-9-]{1,64}"  # of a probe and its folder
_MOST = 1 << 20  # elements of an output


@dataclass(frozen=True)
class Foretold:
    """A hypothesis and its output, flat; crc32: of the output's bytes."""

    name: str
    crc32: int
    output: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """A probe without its arrays.

    Attributes:
        name, question, unit, decides, known, rests_on: as of `Probe`.
        model_sha256: of its .tflite.
        inputs: the CRC-32 of each input's bytes.
        shape: of the output.
        telling: places in the flat output in which any two hypotheses differ.
        hypotheses: what the output is under each.
    """

    name: str
    question: str
    unit: str
    decides: str
    known: str
    rests_on: str
    model_sha256: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    telling: tuple[int, ...]
    hypotheses: tuple[Foretold, ...]


@dataclass(frozen=True)
class Questions:
    """The probes of one dialect, and what none of them decides."""

    dialect: str
    probes: tuple[Asked, ...]
    undecided: tuple[Undecided, ...] = UNDECIDED

    def to_json(self) -> bytes:
        """The bytes of probes.json; the same questions always give the same bytes."""
        content = {"schema": SCHEMA, **asdict(self)}
        return (json.dumps(content, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Questions":
        """Parse probes.json.

        Raises:
            BadInput: it is not of this schema, or contradicts itself.
        """
        made = load_of_schema(
            data,
            cls,
            SCHEMA,
            _check_all,
            file="probes.json",
            what="probes.json",
            next_step=NEXT,
        )
        dialect_named(made.dialect)
        return made


def ask(dialect: str, probes: Sequence[Probe]) -> Questions:
    """The questions of these probes."""
    return Questions(dialect, tuple(map(_asked, probes)))


def _asked(probe: Probe) -> Asked:
    outputs = [one.output for one in probe.hypotheses]
    return Asked(
        probe.name,
        probe.question,
        probe.unit,
        probe.decides,
        probe.known,
        probe.rests_on,
        sha256_bytes(probe.model),
        tuple(zlib.crc32(given.tobytes()) for given in probe.inputs),
        outputs[0].shape,
        telling(outputs),
        tuple(
            Foretold(one.name, one.crc, tuple(one.output.ravel().tolist()))
            for one in probe.hypotheses
        ),
    )


def _check_all(questions: Questions) -> None:
    for probe in questions.probes:
        _check(probe)


def _check(probe: Asked) -> None:
    """Raise ValueError for what no probe of ours says."""
    if not re.fullmatch(_NAME, probe.name):
        raise ValueError(f"a probe of the name {probe.name[:80]!r}")
    size = math.prod(probe.shape)
    if min(probe.shape, default=0) < 1 or not 1 <= size <= _MOST:
        raise ValueError(f"an output of the shape {probe.shape}")
    if not all(0 <= place < size for place in probe.telling):
        raise ValueError(f"places {probe.telling} in an output of {size}")
    for one in probe.hypotheses:
        fits = len(one.output) == size and all(-128 <= value <= 127 for value in one.output)
        if not fits or zlib.crc32(np.array(one.output, np.int8).tobytes()) != one.crc32:
            raise ValueError(f"another output of {one.name[:80]!r} than its CRC-32 says")
    names = [one.name for one in probe.hypotheses]
    if len({one.output for one in probe.hypotheses}) < len(names) or len(set(names)) < len(names):
        raise ValueError(f"two hypotheses of {probe.name[:80]!r} that are the same")
    if probe.known not in names:
        raise ValueError(f"{probe.known[:80]!r} is none of the hypotheses of {probe.name[:80]!r}")
