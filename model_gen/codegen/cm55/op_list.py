"""The ops of backend cm55, from the table that the generator itself goes by."""

from dataclasses import dataclass

from model_gen.codegen.cm55.ops import RULES
from model_gen.codegen.tflite.variables import HANDLE, ONCE

COMPUTED, CONSTANT = "computed", "of constants"
# What a name alone does not say.
_NOTES = {
    "ARG_MAX": "to int32; to int64 under --rounding tflite",
    "ARG_MIN": "to int32; to int64 under --rounding tflite",
    "BATCH_TO_SPACE_ND": "behind a convolution, which becomes a dilated one",
    "DENSIFY": "of sparse constants, under --rounding tflite",
    "DEQUANTIZE": "of int8 or uint8, at the model's end",
    "DIV": "by what cannot be zero: constants, and sums with one; under --rounding tflite by no step 0 either",
    "ELU": "under --rounding tflm, in int8 or between DEQUANTIZE and QUANTIZE",
    "EXP": "under --rounding tflite",
    "GELU": "under --rounding tflite",
    "L2_NORMALIZATION": "over the last axis, of output scale 1/128 and zero point 0",
    "LOG": "under --rounding tflite",
    "LOGISTIC": "under --rounding tflite of output scale 1/256 and zero point -128",
    "LOG_SOFTMAX": "over the last axis, of output scale 1/16 and zero point 127",
    "NEG": "of floats between DEQUANTIZE and QUANTIZE; of int8 under --rounding tflite where zero points are opposite",
    "QUANTIZE": "from float32 or uint8, to uint8 or int8 (from float32 to uint8 under --rounding tflite)",
    "RELU_0_TO_1": "under --rounding tflite",
    "RELU_N1_TO_1": "under --rounding tflite",
    "RSQRT": "of an input whose zero point is -128",
    "SELECT": "under --rounding tflite",
    "SPACE_TO_BATCH_ND": "before a convolution, which becomes a dilated one",
    "SQRT": "under --rounding tflite, of an input whose zero point is -128",
    "SQUARE": "of floats between DEQUANTIZE and QUANTIZE",
    "SUM": "under --rounding tflm; under tflite only where no step can be negative: its judge reads them as uint8",
    "SVDF": "with RELU and a memory of int16",
    "TILE": "under --rounding tflite",
    "TRANSPOSE_CONV": "without dilation",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "as Keras has it: no projection, peepholes or layer normalization",
}


@dataclass(frozen=True)
class ListedOp:
    """An op by TFLite's name. how: COMPUTED on the board in int8, or folded where all is constant."""

    name: str
    how: str
    note: str


def listed_ops() -> tuple[ListedOp, ...]:
    """What is taken, by name."""
    taken = [
        ListedOp(name, COMPUTED if rule.runs else CONSTANT, _NOTES.get(name, ""))
        for name, rule in RULES.items()
    ] + [ListedOp(name, CONSTANT, "of a streaming model's variables") for name in (HANDLE, ONCE)]
    return tuple(sorted(taken, key=lambda op: op.name))


def page() -> str:
    """`docs/ops.md`."""
    rows = [f"| {one.name} | {one.how} | {one.note} |" for one in listed_ops()]
    return "\n".join([_TITLE, "| op | how | |", "|---|---|---|", *rows, ""])


_TITLE = """# Ops of backend cm55

From the generator's own table, by `python -m model_gen.codegen.cm55.op_list > docs/ops.md`; `nightjar inspect --ops`
prints the same. Computed: an int8 kernel on the board, exact under both rounding rules unless it says otherwise. Of
constants: folded where its inputs are known when the code is generated. Any other op is refused by its name.
"""

if __name__ == "__main__":
    print(page(), end="")
