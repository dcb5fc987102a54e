"""R6: ABS of a tensor whose zero point is not zero."""

from collections.abc import Iterator

import numpy as np

from host.npu.compiler.layer import Layer
from model_gen.codegen.neural_art.lint.finding import BOTH, INFERRED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.subject import Subject, where
from model_gen.codegen.tflite.graph import Quantization

_ENDS = (-128, 127)


@rule(
    "R6",
    "abs-zero-point",
    "error",
    reads=BOTH,
    says="ABS of a tensor whose zero point is not 0: the NPU takes the size of the step itself, as "
    "boards showed, not that of its distance from the zero point.",
    mend="give its input a zero point of 0 (a range that is as large below zero as above), or "
    "write ABS as the larger of x and -x",
)
def abs_zero_point(subject: Subject, _: None) -> Iterator[Hit]:
    for layer in () if subject.model is None else subject.model.layers:
        if layer.op.name == "ABS":
            yield from _predicted(subject, layer)
    if subject.model is not None or subject.code is None:
        return
    for record in subject.code.records("arith"):
        if str(record.fields.get("operation", "")).startswith("ARITH_ABS"):
            yield from _written(subject, record.node, record.epoch, record.line)


def _predicted(subject: Subject, layer: Layer) -> Iterator[Hit]:
    assert subject.model is not None
    tensors = subject.model.graph.tensors
    source, target = (tensors[i].quantization for i in (layer.op.inputs[0], layer.op.outputs[0]))
    if source is None or target is None or source.zero_points[0] == 0:
        return
    values = np.concatenate([read[0].ravel() for read in subject.read_by(layer)])
    steps = _steps(values.astype(np.float64), source, target)
    low, high = (source.scales[0] * (end - source.zero_points[0]) for end in _ENDS)
    scale = max(-low, high) / 127
    centred = Quantization((scale,), (0,), 0)
    moved = np.rint(source.scales[0] * (values.astype(float) - source.zero_points[0]) / scale)
    after = _steps(moved, centred, target)
    yield Hit(
        where(layer),
        f"its input has the zero point {source.zero_points[0]}",
        INFERRED,
        subject.source,
        steps,
        (
            Remedy(
                f"give its input the scale {scale:.6g} and the zero point 0",
                f"the size of the step is then that of the value: off by {after:.2f} steps on "
                "these inputs",
                after,
            ),
        ),
    )


def _steps(values: np.ndarray, source: Quantization, target: Quantization) -> float:
    """The most output steps between |x| of the raw steps and of what they stand for."""
    ratio = source.scales[0] / target.scales[0]
    ends = np.array(_ENDS) - target.zero_points[0]
    raw, right = np.abs(values), np.abs(values - source.zero_points[0])
    return float(np.abs(np.clip(raw * ratio, *ends) - np.clip(right * ratio, *ends)).max())


def _written(subject: Subject, node: str, epoch: int, line: int) -> Iterator[Hit]:
    """Of network.c alone: what the unit reads, where its buffer is listed with its zero point."""
    code = subject.code
    assert code is not None
    streams = [s for s in code.records("stream") if (s.epoch, s.node) == (epoch, node)]
    at = {
        s.integer("addr_base") + s.integer("offset_start") for s in streams if s.role == "input 0"
    }
    buffers = (*code.source.inputs, *code.source.internals)
    read = [b for b in buffers if b.address in at and b.epoch < epoch and not b.constant]
    if not read:
        return
    zeros = max(read, key=lambda buffer: buffer.epoch).zero_points
    if any(zeros):
        yield Hit(
            f"{node}, epoch {epoch}, line {line}",
            f"its input has the zero point {zeros[0]}",
            INFERRED,
            "network.c and its list of buffers",
            None,
            (Remedy(abs_zero_point.mend),),
        )
