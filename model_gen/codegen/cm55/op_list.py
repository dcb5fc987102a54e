"""The ops of backend cm55, from the table that the generator itself goes by."""

from dataclasses import dataclass

from model_gen.codegen.cm55.ops import RULES
from model_gen.codegen.tflite.advice import PLANNED
from model_gen.codegen.tflite.variables import HANDLE, ONCE

COMPUTED, CONSTANT, TO_COME = "computed", "of constants", "planned"
# What a name alone does not say.
_NOTES = {
    "BATCH_TO_SPACE_ND": "behind a convolution, which becomes a dilated one",
    "DEQUANTIZE": "at the model's end",
    "ELU": "under --rounding tflm",
    "LOGISTIC": "under --rounding tflite of output scale 1/256 and zero point -128",
    "SVDF": "with RELU and a memory of int16",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "as Keras has it: no projection, peepholes or layer normalization",
    "QUANTIZE": "from float32 or uint8 at the model's beginning, to uint8 at its end, or from int8 to int8",
    "SPACE_TO_BATCH_ND": "before a convolution, which becomes a dilated one",
    "SUM": "under --rounding tflm; under tflite only where no step can be negative: its judge reads them as uint8",
}


@dataclass(frozen=True)
class ListedOp:
    """An op by TFLite's name. how: COMPUTED on the board in int8, folded where all is constant, or TO_COME."""

    name: str
    how: str
    note: str


def listed_ops() -> tuple[ListedOp, ...]:
    """What is taken, by name, and then what is planned, with what does the same today."""
    taken = [
        ListedOp(name, COMPUTED if rule.runs else CONSTANT, _NOTES.get(name, ""))
        for name, rule in RULES.items()
    ] + [ListedOp(name, CONSTANT, "of a streaming model's variables") for name in (HANDLE, ONCE)]
    planned = [
        ListedOp(name, TO_COME, instead)
        for name, instead in sorted(PLANNED.items())
        if name not in RULES
    ]
    return (*sorted(taken, key=lambda op: op.name), *planned)


def page() -> str:
    """`docs/ops.md`."""
    rows = [f"| {one.name} | {one.how} | {one.note} |" for one in listed_ops()]
    return "\n".join([_TITLE, "| op | how | |", "|---|---|---|", *rows, ""])


_TITLE = """# Ops of backend cm55

From the generator's own table, by `python -m model_gen.codegen.cm55.op_list > docs/ops.md`; `nightjar inspect --ops`
prints the same. Computed: an int8 kernel on the board, exact under both rounding rules unless it says otherwise. Of
constants: folded where its inputs are known when the code is generated. Planned: refused, with what does the same
today.
"""

if __name__ == "__main__":
    print(page(), end="")
