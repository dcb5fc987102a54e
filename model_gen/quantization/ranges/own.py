"""A checkpoint to int8 with ranges of our own, as a program: `python -m model_gen.quantization.ranges.own FOLDER`.

The converter makes the calibrated model, whose ranges are written over; its own quantizer (`mlir_quantize`) does the
rest. What it makes of each range is held against the formula and the table of ties, so that the scales of an int8 model
are those of its ranges.csv by proof and not by trust.
"""

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput, HostFailure
from host.reference.said import Said, said_by_libraries
from model_gen.codegen.tflite.graph import Graph, Op, Tensor
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.apart import ARRAY, JOB, RESULT, run_apart
from model_gen.quantization.convert import INT8, converter_of, exported, job_of, loaded
from model_gen.quantization.form import Form
from model_gen.quantization.ranges.kernels import check_kernels
from model_gen.quantization.ranges.measure import measured_ranges
from model_gen.quantization.ranges.record import ranges_in, with_ranges
from model_gen.quantization.ranges.recorded import computations
from model_gen.quantization.ranges.steps import Range
from model_gen.quantization.ranges.ties import expected_steps

_INT8, _CALIBRATED, _ENDLESS = "int8.tflite", "calibrated.tflite", "endless.txt"
_MOST = float(np.finfo(np.float32).max)
_BETWEEN = frozenset({"QUANTIZE", "DEQUANTIZE"})  # what the quantizer puts between ops


class Endless(BadInput):
    """A model that computes what is not finite has no ranges."""


@dataclass(frozen=True)
class Owned:
    """An int8 model, and the float graph that it was made of, whose records hold the ranges.

    taken: how many of the ranges were recorded ones.
    """

    int8: bytes
    calibrated: bytes
    taken: int


def owned_checkpoint(
    checkpoint: Path,
    calibration: npt.NDArray[np.float32],
    form: Form = INT8,
    *,
    recorded: Mapping[str, Range] | None = None,
) -> Owned:
    """The int8 model of a checkpoint with ranges of our own, made in a fresh process; the same bytes each time.

    Args:
        checkpoint: a `.keras` file with its configuration beside it.
        calibration: features float32 [n, rows, frames] of the manifest.
        form: of int8.
        recorded: ranges by digests of computations, which come before measured ones.

    Raises:
        Endless: it does not compute finite numbers of them.
        HostFailure: the converter failed, or gave a tensor other steps than its range has.
    """
    job = {**job_of(checkpoint, form), "recorded": dict(recorded or {})}
    made = zipfile.ZipFile(io.BytesIO(run_apart(__spec__.name, job, calibration)))
    if _ENDLESS in made.namelist():
        raise _endless(made.read(_ENDLESS).decode())
    owned = Owned(made.read(_INT8), made.read(_CALIBRATED), int(made.comment))
    check_steps(owned)
    return owned


def check_steps(owned: Owned) -> int:
    """Hold every activation's scale and zero point against what its range and the ties make of it, and every kernel's
    scales against its weights; how many activations were held.

    Raises:
        HostFailure: the converter did something else, or its model has no such tensor.
    """
    graph, made = read_tflite(owned.calibrated), read_tflite(owned.int8)
    try:
        expected = expected_steps(graph, ranges_in(owned.calibrated))
    except KeyError as error:
        raise HostFailure(
            "TensorFlow's converter must make a record for the range of every activation",
            evidence=f"{graph.tensors[error.args[0]].name} has none",
            next_step="use --ranges converter, and report it with the version of TensorFlow",
        ) from error
    became = became_of(graph, made)
    for index, steps in expected.items():
        tensor = became.get(index)
        found = None if tensor is None else tensor.quantization
        if found is None or (found.scales, found.zero_points) != ((steps[0],), (steps[1],)):
            told = (
                "none" if found is None else f"scale {found.scales}, zero point {found.zero_points}"
            )
            raise HostFailure(
                "TensorFlow's converter gave a tensor other steps than its range has",
                evidence=f"{graph.tensors[index].name}: {told}; expected {steps}",
                next_step="use --ranges converter, and report it with the version of TensorFlow",
            )
    check_kernels(paired(graph, made), graph, made)
    return len(expected)


def paired(graph: Graph, made: Graph) -> list[tuple[Op, Op]]:
    """Each op of a calibrated graph with the one of the int8 graph that became of it; empty where ops differ."""
    others = [op for op in made.ops if op.name not in _BETWEEN]
    same = [op.name for op in graph.ops] == [op.name for op in others]
    return list(zip(graph.ops, others, strict=True)) if same else []


def became_of(graph: Graph, made: Graph) -> dict[int, Tensor]:
    """Tensor index of a calibrated graph -> the tensor of the int8 graph that became of it, of inputs and results.

    By the order of the ops, whatever names are; by names where the quantizer left out or replaced ops.
    """
    by_name = {tensor.name: tensor for tensor in made.tensors}
    found = {
        index: by_name[tensor.name]
        for index, tensor in enumerate(graph.tensors)
        if tensor.name in by_name
    }
    both = paired(graph, made)
    if not both:
        return found
    found |= dict(zip(graph.inputs, (made.tensors[i] for i in made.inputs), strict=True))
    for one, other in both:
        found |= dict(zip(one.outputs, (made.tensors[i] for i in other.outputs), strict=True))
    return found


def calibrated_model(saved: str, form: Form, features: npt.NDArray[np.float32]) -> bytes:
    """The float graph that the converter quantizes, with a record for a range at each activation."""
    converter = converter_of(saved, form, features[:1])  # its own ranges are written over
    converter._experimental_calibrate_only = True
    return bytes(converter.convert())


def own_ranges(
    calibrated: bytes, features: npt.NDArray[np.float32], recorded: Mapping[str, Any]
) -> tuple[dict[int, Range], int]:
    """Tensor index -> range, recorded where its computation is, else measured; and how many were recorded."""
    digests = computations(read_tflite(calibrated))
    records = ranges_in(calibrated)
    taken = {
        index: (recorded[digest][0], recorded[digest][1])
        for index, digest in digests.items()
        if index in records and digest in recorded
    }
    left = [index for index in records if index not in taken]
    return {**taken, **(measured_ranges(calibrated, features, left) if left else {})}, len(taken)


def require_finite(
    calibrated: bytes, features: npt.NDArray[np.float32], ranges: Mapping[int, Range]
) -> None:
    """Refuse a model of which an activation is not finite over `features`.

    The converter makes no record for what it saw to be infinite, of which there is no range in `ranges`; most of
    TFLite's kernels cut off at the largest float32.

    Raises:
        Endless: the first is named.
    """
    graph = read_tflite(calibrated)
    order = [*graph.inputs, *(output for op in graph.ops for output in op.outputs)]
    floats = [index for index in order if graph.tensors[index].dtype == "float32"]
    left = [index for index in floats if index not in ranges]
    found = {**ranges, **(measured_ranges(calibrated, features, left) if left else {})}
    for index in floats:
        low, high = found[index]
        if not (low > -_MOST and high < _MOST and high - low < _MOST):  # NaN is not, either
            raise _endless(f"Received: the range {low} to {high} of {graph.tensors[index].name}")


def _endless(evidence: str) -> Endless:
    return Endless(
        "int8 needs a model that computes finite numbers",
        evidence=evidence,
        next_step="train the model again, with a lower --learning-rate",
    )


def quantized(calibrated: bytes, form: Form) -> bytes:
    """What the converter's quantizer makes of a calibrated model; what it prints is told where it fails alone."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    end = getattr(tf, form.ends)
    said = Said()
    try:
        with said_by_libraries() as said:
            made = mlir_quantize(
                calibrated,
                disable_per_channel=form.per_tensor,
                input_data_type=end,
                output_data_type=end,
            )
    except Exception:
        sys.stderr.write(said.text)
        raise
    return bytes(made)


def main(folder: Path) -> None:
    """The program."""
    job = json.loads((folder / JOB).read_text())
    form, features = Form(**job["form"]), np.load(folder / ARRAY)
    saved = str(folder / "saved")
    exported(loaded(job, form), saved)
    calibrated = calibrated_model(saved, form, features)
    ranges, taken = own_ranges(calibrated, features, job["recorded"])
    try:
        require_finite(calibrated, features, ranges)
    except Endless as error:
        with zipfile.ZipFile(folder / RESULT, "w") as made:
            made.writestr(_ENDLESS, error.evidence)
        return
    calibrated = with_ranges(calibrated, ranges)
    with zipfile.ZipFile(folder / RESULT, "w") as made:
        made.writestr(_INT8, quantized(calibrated, form))
        made.writestr(_CALIBRATED, calibrated)
        made.comment = str(taken).encode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
