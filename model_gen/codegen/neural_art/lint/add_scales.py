"""R3: the multipliers of a sum of two tensors, held against the scales of its buffers."""

import re
from collections.abc import Iterator

from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.network_constants import UnitRecord
from model_gen.codegen.neural_art.lint.finding import BOTH, MEASURED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.network import Code
from model_gen.codegen.neural_art.lint.subject import Subject, where
from model_gen.codegen.neural_art.network_source import SourceBuffer
from model_gen.codegen.tflite.graph import Op

_STEPS = 255


@rule(
    "R3",
    "add-scales",
    "warning",
    reads=BOTH,
    limit=1e-4,
    says="A sum of two tensors is not computed with the ratio of their scales to the output's: "
    "the relative difference is above the limit.",
    mend="hold the buffers of this epoch against the model, tensor by tensor (`nightjar npu`); "
    "where an operand is lost or read from another buffer, generate with another version",
)
def add_scales(subject: Subject, limit: float) -> Iterator[Hit]:
    if subject.code is not None and subject.code.constants is not None:
        for record in _sums(subject.code):
            yield from _written(subject, record, limit)
        return
    for layer in () if subject.model is None else subject.model.layers:
        if isinstance(layer, AdditionLayer):
            got = [
                multiplier * 2.0 ** -(down + layer.shift)
                for multiplier, down in zip(layer.multipliers, layer.downs, strict=True)
            ]
            wanted = _of_model(subject, layer.op)
            yield from _differ(where(layer), subject.source, got, wanted, limit)


def unjudged_sums(subject: Subject) -> tuple[int, int]:
    """How many sums of network.c have a tensor whose scale is not known; of how many."""
    records = () if subject.code is None else _sums(subject.code)
    return sum(not _ratios(subject, record) for record in records), len(records)


def _sums(code: Code) -> tuple[UnitRecord, ...]:
    """The sums of two tensors: not those that add a streamed bias, or the parts of a kernel."""
    return tuple(
        record
        for record in code.records("arith")
        if record.role == "Add"
        and record.integer("dualinput")
        and not re.search(r"_off_bias(_\d+)?$|_add_\d+$", record.node)
    )


def _of_model(subject: Subject, op: Op) -> list[float]:
    """The ratios of the scales of both operands to the sum's, as the model has them."""
    assert subject.model is not None
    tensors = subject.model.graph.tensors
    pair = (op.inputs[0], op.inputs[-1])
    quantizations = [tensors[i].quantization for i in (*pair, op.outputs[0])]
    scales = [one.scales[0] for one in quantizations if one is not None]
    return [scale / scales[2] for scale in scales[:2]]


def _ratios(subject: Subject, record: UnitRecord) -> list[list[float]]:
    """What both operands may be multiplied by: by the listed buffers, else by the model, of which
    the order of operands is not known; none where neither tells."""
    code = subject.code
    assert code is not None
    buffers = [_buffer(code, record, role) for role in ("input 0", "input 1", "output 0")]
    found = [one.scales[0] for one in buffers if one is not None and len(one.scales) == 1]
    if len(found) == len(buffers):
        return [[scale / found[2] for scale in found[:2]]]
    layers = () if subject.model is None else subject.model.layers
    for layer in layers:
        if isinstance(layer, AdditionLayer) and subject.nodes.get(layer.op.index) == record.node:
            ratios = _of_model(subject, layer.op)
            return [ratios, ratios[::-1]]
    return []


def _written(subject: Subject, record: UnitRecord, limit: float) -> Iterator[Hit]:
    shift = record.integer("shift_o")
    got = [
        record.integer(f"{letter}_scalar") * 2.0 ** -(record.integer(down) + shift)
        for letter, down in (("A", "Ax_shift"), ("B", "By_shift"))
    ]
    place = f"{record.node}, epoch {record.epoch}, line {record.line}"
    source = "network.c, and the scales of its buffers or of the model"
    told = [list(_differ(place, source, got, wanted, limit)) for wanted in _ratios(subject, record)]
    yield from min(told, key=len, default=[])


def _buffer(code: Code, record: UnitRecord, role: str) -> SourceBuffer | None:
    """The int8 buffer that a stream of the node reads or writes."""
    for stream in code.records("stream"):
        if (stream.epoch, stream.node, stream.role) != (record.epoch, record.node, role):
            continue
        at = stream.integer("addr_base") + stream.integer("offset_start")
        written = role.startswith("output")
        before = [
            buffer
            for buffer in (*code.source.inputs, *code.source.internals, *code.source.outputs)
            if buffer.address == at
            and not buffer.constant
            and (buffer.epoch == record.epoch if written else buffer.epoch < record.epoch)
        ]
        if before:
            last = max(before, key=lambda buffer: buffer.epoch)
            return last if last.is_int8 else None
    return None


def _differ(
    place: str, source: str, got: list[float], wanted: list[float], limit: float
) -> Iterator[Hit]:
    for name, made, real in zip(("first", "second"), got, wanted, strict=True):
        if abs(made / real - 1) > limit:
            yield Hit(
                place,
                f"the {name} operand is multiplied by {made:.6g}, its scales say {real:.6g}",
                MEASURED,
                source,
                min(float(_STEPS), abs(made - real) * _STEPS),
                (Remedy(add_scales.mend),),
            )
