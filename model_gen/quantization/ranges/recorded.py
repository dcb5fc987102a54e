"""Ranges as a file of the bundle, and taken again from one.

A range belongs to what is computed, not to a name: each activation of a calibrated model has a digest over the ops,
options and constants that lead to it. A model that shares a backbone with another shares those digests, and so may take
its ranges; what it computes otherwise has another digest, and is measured.
"""

import csv
import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from host.bundle import load_subject
from host.errors import BadInput
from model_gen.codegen.tflite.graph import Graph, Tensor
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.ranges.record import ranges_in
from model_gen.quantization.ranges.steps import Range
from model_gen.quantization.ranges.ties import PASSED

RANGES = "ranges.csv"
_COLUMNS = ("tensor", "computation", "least", "most")


@dataclass(frozen=True)
class Recorded:
    """Ranges by the SHA-256 of the computation, and the SHA-256 of the model that they were measured for."""

    of: Mapping[str, Range]
    model_sha256: str


def computations(graph: Graph) -> dict[int, str]:
    """Tensor index -> SHA-256 over everything that computes it from the model's input, for each activation."""
    found = {
        index: hashlib.sha256(f"input {graph.tensors[index].shape}".encode()).hexdigest()
        for index in graph.inputs
    }
    for op in graph.ops:
        read = [
            _constant(graph.tensors[i]) if i not in found and i >= 0 else found.get(i)
            for i in op.inputs
        ]
        for position, output in enumerate(op.outputs):
            told = f"{op.name} {op.options!r} {position} {read}"
            found[output] = hashlib.sha256(told.encode()).hexdigest()
    return found


def shares(calibrated: bytes, recorded: Mapping[str, Range]) -> bool:
    """Whether a model computes anything of its input that has a recorded range, besides what only moves values."""
    graph = read_tflite(calibrated)
    digests = computations(graph)
    return any(
        digests[output] in recorded
        for op in graph.ops
        if op.name not in PASSED
        for output in op.outputs
    )


def _constant(tensor: Tensor) -> str:
    content = b"" if tensor.value is None else tensor.value.tobytes()
    return f"{tensor.dtype} {tensor.shape} {hashlib.sha256(content).hexdigest()}"


def ranges_csv(calibrated: bytes) -> str:
    """The text of ranges.csv: name, digest of the computation, least and most of each activation."""
    graph = read_tflite(calibrated)
    digests = computations(graph)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for index, (low, high) in sorted(ranges_in(calibrated).items()):
        if index in digests:
            writer.writerow((graph.tensors[index].name, digests[index], repr(low), repr(high)))
    return stream.getvalue()


def read_ranges(text: str) -> dict[str, Range]:
    """Digest of a computation -> range, of the text of ranges.csv.

    Raises:
        ValueError: it is no such text.
    """
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise ValueError(f"the columns are not {', '.join(_COLUMNS)}")
    found = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS):
            raise ValueError(f"line {number} has {len(row)} values")
        low, high = float(row[2]), float(row[3])
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"line {number} has the range {row[2]} to {row[3]}")
        found[row[1]] = (low, high)
    return found


def recorded_in(bundle: Path) -> Recorded:
    """The ranges that a bundle was made with.

    Raises:
        BadInput: it is no bundle, or has none.
        IdentityFailure: a file of it is not the one that it was made with.
    """
    subject = load_subject(bundle)
    try:
        text = subject.files[RANGES].decode()
        return Recorded(read_ranges(text), subject.model_sha256)
    except KeyError:
        why = f"without {RANGES}"
    except ValueError as error:
        why = f"whose {RANGES} cannot be read: {error}"
    raise BadInput(
        "--ranges-from needs a bundle that has its ranges",
        evidence=f"Received: {bundle}, {why}",
        next_step="make that bundle again with `nightjar quantize`, and without --ranges converter",
    )
