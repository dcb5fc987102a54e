"""What TFLite's converter ties: tensors that share a scale, and scales that no range decides.

It goes through the ops from the last to the first. The result of an op of JOINED gives its range to all operands; the
operand of an op of PASSED gives its own to the result, unless a later op has decided it already. Where an op would need
two scales of one tensor, the converter puts a QUANTIZE between, and nothing is said here of the tensors around it.
"""

from collections.abc import Mapping

from model_gen.codegen.tflite.graph import Graph, Op
from model_gen.quantization.ranges.steps import Range, Steps, activation_steps

# Op -> scale and zero point of its result, whatever range was measured: what its kernels compute in.
FIXED: dict[str, Steps] = {
    "LOGISTIC": (1 / 256, -128),
    "SOFTMAX": (1 / 256, -128),
    "TANH": (1 / 128, 0),
}
# Ops whose operands are all given the range of the result.
JOINED = frozenset({"CONCATENATION", "MAXIMUM", "MINIMUM", "PADV2"})
# Ops that move or choose values of their first operand, with whose scale the result has.
PASSED = frozenset({
    *("RESHAPE", "TRANSPOSE", "PAD", "SLICE", "STRIDED_SLICE", "GATHER"),
    *("MAX_POOL_2D", "AVERAGE_POOL_2D"),
})  # fmt: skip


def expected_steps(calibrated: Graph, ranges: Mapping[int, Range]) -> dict[int, Steps]:
    """Tensor index -> scale and zero point that the converter gives each activation of a calibrated model.

    Tensors are left out that are tied to two scales.
    """
    tied = _tied(calibrated)
    made = {output: op for op in calibrated.ops for output in op.outputs}
    found: dict[int, Steps] = {}
    for members in tied:
        deciding = _deciding(members, made)
        if deciding is None:
            continue
        op = made.get(deciding)
        fixed = None if op is None else FIXED.get(op.name)
        steps = activation_steps(ranges[deciding]) if fixed is None else fixed
        found.update(dict.fromkeys(members, steps))
    return found


def operands(op: Op) -> tuple[int, ...]:
    """The tensors that an op of JOINED or PASSED ties to its result; none of another op."""
    if op.name in JOINED:
        return op.inputs
    return op.inputs[:1] if op.name in PASSED else ()


def _tied(graph: Graph) -> list[tuple[int, ...]]:
    """The activations in groups that share a scale, each in the order in which they are computed."""
    group: dict[int, int] = {}
    order = [*graph.inputs, *(output for op in graph.ops for output in op.outputs)]
    for index in order:
        group[index] = index
    for op in graph.ops:
        for source in operands(op):
            if source not in group:  # a constant
                continue
            old, new = group[source], group[op.outputs[0]]
            group.update({index: old for index, of in group.items() if of == new})
    members: dict[int, list[int]] = {}
    for index in order:
        members.setdefault(group[index], []).append(index)
    return [tuple(each) for each in members.values()]


def _deciding(members: tuple[int, ...], made: Mapping[int, Op]) -> int | None:
    """The tensor of a group whose range or op decides; None where two would."""
    joined = [index for index in members if index in made and made[index].name in JOINED]
    fixed = [index for index in members if index in made and made[index].name in FIXED]
    ends = [index for index in joined if not _joined_again(index, members, made)]
    if len(ends) > 1 or (fixed and len(members) > 1 and joined):
        return None
    return ends[0] if ends else members[0]


def _joined_again(index: int, members: tuple[int, ...], made: Mapping[int, Op]) -> bool:
    """Whether a later result of JOINED is computed of this one by ops that tie."""
    reached = {index}
    for member in members:
        op = made.get(member)
        if op is not None and reached & set(operands(op)):
            if op.name in JOINED:
                return True
            reached.add(member)
    return False
