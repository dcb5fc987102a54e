"""R3: the multipliers of a sum of two tensors, held against the scales of its buffers."""

from collections.abc import Iterator

from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.network_constants import UnitRecord
from model_gen.codegen.neural_art.lint.finding import BOTH, MEASURED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.network import Code
from model_gen.codegen.neural_art.lint.subject import Subject, where
from model_gen.codegen.neural_art.network_source import SourceBuffer

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
        for record in subject.code.records("arith"):
            if record.role == "Add" and record.integer("dualinput"):
                yield from _written(subject.code, record, limit)
        return
    for layer in () if subject.model is None else subject.model.layers:
        if not isinstance(layer, AdditionLayer):
            continue
        tensors = subject.model.graph.tensors if subject.model else ()
        quantizations = [tensors[i].quantization for i in (*layer.op.inputs, *layer.op.outputs)]
        scales = [one.scales[0] for one in quantizations if one is not None]
        got = [
            multiplier * 2.0 ** -(down + layer.shift)
            for multiplier, down in zip(layer.multipliers, layer.downs, strict=True)
        ]
        wanted = [scale / scales[2] for scale in scales[:2]]
        yield from _differ(where(layer), subject.source, got, wanted, limit)


def _written(code: Code, record: UnitRecord, limit: float) -> Iterator[Hit]:
    """An Add whose three buffers are listed; one whose tensors stay in the NPU cannot be judged."""
    buffers = [_buffer(code, record, role) for role in ("input 0", "input 1", "output 0")]
    found = [one.scales[0] for one in buffers if one is not None and len(one.scales) == 1]
    if len(found) < len(buffers):
        return
    shift = record.integer("shift_o")
    got = [
        record.integer(f"{letter}_scalar") * 2.0 ** -(record.integer(down) + shift)
        for letter, down in (("A", "Ax_shift"), ("B", "By_shift"))
    ]
    place = f"{record.node}, epoch {record.epoch}, line {record.line}"
    wanted = [scale / found[2] for scale in found[:2]]
    yield from _differ(place, "network.c and its list of buffers", got, wanted, limit)


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
