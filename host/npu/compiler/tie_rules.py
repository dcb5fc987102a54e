"""How many bytes of a board each tie rule gets wrong: the table that chose the default."""

from collections.abc import Sequence

import numpy as np

from host.errors import BadInput
from host.npu.arithmetic import TIE_RULES
from host.npu.compiler.model import compile_model, predict
from model_gen.codegen.tflite.graph import Array


def bytes_wrong(
    model: bytes, dialect: str, inputs: Sequence[Array], outputs: Sequence[Array]
) -> dict[str, int]:
    """By tie rule, how many bytes of the outputs differ from what a board returned.

    Args:
        model: a .tflite of one input and one output.
        dialect: of the compiler whose code ran on the board.
        inputs: one int8 tensor a sample, of the input's shape.
        outputs: what the board returned for each, of as many elements as the output.

    Raises:
        BadInput: see `predict`; or a board's output of another size or type.
    """
    compiled = compile_model(model, dialect)
    wrong = dict.fromkeys(TIE_RULES, 0)
    for rule in TIE_RULES:
        for given, returned in zip(inputs, outputs, strict=True):
            made = predict(compiled, dialect, [given], rule).outputs[0]
            if made.size != returned.size or made.dtype != returned.dtype:
                raise BadInput(
                    f"the board's output must be {made.dtype} {list(made.shape)}",
                    evidence=f"Received: {returned.dtype} {list(returned.shape)}",
                )
            wrong[rule] += int(np.count_nonzero(made.ravel() != returned.ravel()))
    return wrong
