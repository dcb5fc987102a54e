"""Why the core has a part in an epoch, by the kinds of its operations."""

from collections.abc import Sequence

from model_gen.codegen.neural_art.compilation import HARDWARE, HYBRID

_FLOAT = "float at the network's ends or inside: give it int8 inputs and outputs"
_LAYOUT = "the layout of a tensor changes: the core, or its DMA, copies it"
_TABLE = "a function of floats, which the core computes"
_REASONS = {
    "QuantizeLinear": _FLOAT,
    "DequantizeLinear": _FLOAT,
    "Cast": _FLOAT,
    "Transpose": _LAYOUT,
    "Concat": _LAYOUT,
    "SpaceToDepth": _LAYOUT,
    "DepthToSpace": _LAYOUT,
    "Split": _LAYOUT,
    "Slice": _LAYOUT,
    "Identity": _LAYOUT,
    "Pad": _LAYOUT,
    "Softmax": _TABLE,
    "LogSoftmax": _TABLE,
    "Sigmoid": _TABLE,
    "Tanh": _TABLE,
    "Exp": _TABLE,
    "Log": _TABLE,
}


def reason(kind: str, ops: Sequence[str], *, npu: bool) -> str:
    """Why an epoch of a kind with these operations needs the core; "" for hardware.

    Args:
        kind: HARDWARE, HYBRID or SOFTWARE.
        ops: kinds of operations.
        npu: whether the NPU's compiler took part at all.
    """
    if kind == HARDWARE:
        return ""
    if not npu:
        return "compiled without the NPU"
    known = dict.fromkeys(_REASONS[op] for op in ops if op in _REASONS)
    if known:
        return "; ".join(known)
    if kind == HYBRID:
        return "the core steers what the NPU computes"
    return f"the compiler has no form of {', '.join(ops) or 'it'} for the NPU"
