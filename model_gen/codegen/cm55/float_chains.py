"""DEQUANTIZE, an op of floats, QUANTIZE: a function of one byte, and so a table.

What converters leave in float because the quantizer does not know the op: Keras's ELU. The tensors between never exist.
"""

from dataclasses import dataclass, replace

from model_gen.codegen.tflite.view import View

TABLED = ("ELU",)


@dataclass(frozen=True)
class FloatChain:
    """`view`: the QUANTIZE, reading what the DEQUANTIZE read; `inside`: the tensors between."""

    view: View
    inside: tuple[int, ...]


def float_chains(
    views: tuple[View, ...], readers: dict[int, int], kept: tuple[int, ...]
) -> list[FloatChain]:
    """Every such chain whose tensors nothing else reads; arguments as of `dilated`."""
    writers = {view.output.index: view for view in views}

    def alone(view: View) -> View | None:
        """The op that writes input 0 for this view alone."""
        index = view.input(0).index
        return writers.get(index) if readers.get(index) == 1 and index not in kept else None

    found = []
    for last in views:
        middle = alone(last) if last.op.name == "QUANTIZE" else None
        first = alone(middle) if middle is not None and middle.op.name in TABLED else None
        if middle is None or first is None or first.op.name != "DEQUANTIZE":
            continue
        if first.input(0).dtype != "int8" or first.input(0).value is not None:
            continue
        view = replace(last, inputs=first.inputs, between=middle.op.name)
        found.append(FloatChain(view, (first.output.index, middle.output.index)))
    return found
