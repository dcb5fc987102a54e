"""UNIDIRECTIONAL_SEQUENCE_LSTM with int8 ends: a hidden state of int8 and a cell of int16, both kept.

TFLite squashes by gemmlowp's fixed point, tflite-micro by a table. What Keras's LSTM never has (a projection,
peepholes, layer normalization, no input gate) is refused.
"""

import math

import numpy as np

from model_gen.codegen.cm55.ops import packing
from model_gen.codegen.cm55.ops.common import requant_of, requant_struct
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    Field,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    ScratchPointer,
    register,
)
from model_gen.codegen.tflite.graph import Array, Shape, Tensor
from model_gen.codegen.tflite.options import LstmOptions
from model_gen.codegen.tflite.view import View

_INPUT, _HIDDEN, _CELL = 0, 18, 19
# Of the gates input, forget, cell, output: weights of the inputs, weights of the hidden state, biases.
_WEIGHTS, _RECURRENT, _BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
_ABSENT = {9: "peepholes", 10: "peepholes", 11: "peepholes", 16: "a projection", 17: "a projection"}
_NORMALIZED = (20, 21, 22, 23)
_HIDDEN_INSIDE = 4  # among the intermediate tensors
_GATE_SCALE = 2.0**-12  # of a gate before its activation
_FORM = "use the LSTM layer of Keras with its default activations, and convert again to full int8"


def _shape(view: View) -> Shape:
    given, units = view.input(_INPUT).shape, view.input(_WEIGHTS[1]).shape[0]
    if len(given) != 3:
        raise view.refuse(f"its input is {list(given)} and not [batch, time, features]")
    return (*given[:2], units)


def _check_form(view: View) -> None:
    options = view.options(LstmOptions)
    wrong = [what for place, what in _ABSENT.items() if view.optional(place) is not None]
    if any(view.optional(place) is not None for place in _NORMALIZED):
        wrong.append("layer normalization")
    if view.optional(_WEIGHTS[0]) is None or view.optional(_RECURRENT[0]) is None:
        wrong.append("no input gate of its own")
    if options.activation != "TANH":
        wrong.append(f"the activation {options.activation}")
    if options.diagonal:
        wrong.append("diagonal recurrent weights")
    if wrong:
        raise view.refuse(f"an LSTM with {', '.join(dict.fromkeys(wrong))}", next_step=_FORM)
    for place in (_HIDDEN, _CELL):
        if view.input(place).index not in view.graph.kept:
            raise view.refuse(f"{view.input(place).describe()} is no memory of its own")


def _check_hidden(view: View) -> tuple[float, int]:
    """Scale and zero point of the hidden state, in which the output and all inside are quantized, too."""
    hidden = view.scale_and_zero(view.input(_HIDDEN))
    alike = [view.output]
    if view.rounding == "tflite":
        inside = view.op.intermediates
        if len(inside) <= _HIDDEN_INSIDE:
            raise view.refuse("the file does not say how what is inside of it is quantized")
        alike.append(view.graph.tensors[inside[_HIDDEN_INSIDE]])
    if any(view.scale_and_zero(tensor) != hidden for tensor in alike):
        raise view.refuse("its output and its hidden state are quantized differently")
    return hidden


def _cell_bits(view: View, cell: Tensor) -> int:
    """Integer bits of the cell, whose scale is a power of two."""
    quantization = cell.quantization
    if cell.dtype != "int16" or quantization is None or quantization.zero_points != (0,):
        raise view.refuse(f"{cell.describe()} is not int16 around 0")
    fraction, exponent = math.frexp(quantization.scales[0])
    bits = 15 + exponent - 1
    if fraction != 0.5 or not 0 <= bits <= 6:
        raise view.refuse(f"the cell's scale {quantization.scales[0]:g} is none of 2^-15 to 2^-9")
    return bits


def _stacked(view: View, places: tuple[int, ...], columns: int) -> tuple[Array, list[np.float32]]:
    """Weights int8 [units, 4, columns], and the scale of each gate's."""
    units, scales = view.output.shape[2], []
    for place in places:
        tensor, value = view.input(place), view.constant(place)
        scale, zero_point = view.scale_and_zero(tensor)
        if value.shape != (units, columns) or zero_point != 0:
            raise view.refuse(f"{tensor.describe()} are no weights [{units}, {columns}] around 0")
        scales.append(np.float32(scale))
    return np.stack([view.constant(place) for place in places], 1), scales


def _requants(view: View, source: float, scales: list[np.float32]) -> Constants:
    """TFLite multiplies the scales in float32, tflite-micro in double."""
    real = np.float64 if view.rounding == "tflm" else np.float32
    ratios = [float(real(source) * real(scale)) / _GATE_SCALE for scale in scales]
    return Constants("struct nj_requant", np.array([requant_of(view, r) for r in ratios], np.int32))


def _folded(weights: Array, zero_point: int, biases: Array) -> Constants:
    sums = weights.astype(np.int64).sum(2)
    folded = (biases.astype(np.int64) - zero_point * sums).astype(np.int32)
    return Constants("int32_t", np.pad(folded, ((0, len(folded) % 2), (0, 0))))


def _table() -> Array:
    """tflite-micro's: 2^16 times the logistic function of i / 24, and half of what a chord to the next place lacks."""
    value = 1.0 / (1.0 + np.exp(-np.arange(256) / 24.0))
    lacks = value * (1.0 - value) * (2.0 * value - 1.0) / (8 * 24 * 24)
    table = np.floor(65536.0 * (value + lacks / 2.0) + 0.5)
    table[-1] = 65535
    return table.astype(np.uint16)


def _hidden_real(view: View, scale: float) -> float:
    if view.rounding == "tflm":
        return 2.0**-30 / float(np.float32(scale))
    return float(np.float32(2.0**-15) / np.float32(scale) * np.float32(2.0**-15))


def _up(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _clip(options: LstmOptions, cell: Tensor) -> int:
    assert cell.quantization is not None
    return int(min(options.cell_clip / cell.quantization.scales[0], 32767.0))


def _lower(view: View) -> Kernel:
    _check_form(view)
    options, (rows, columns, units) = view.options(LstmOptions), view.output.shape
    batches, steps = (columns, rows) if options.time_major else (rows, columns)
    features = view.input(_INPUT).shape[2]
    hidden, cell = view.input(_HIDDEN), view.input(_CELL)
    if hidden.elements != batches * units or cell.elements != batches * units or steps < 1:
        raise view.refuse(f"its memory does not hold {units} units of {batches} sequences")
    scale, zero_point = _check_hidden(view)
    source, input_zero_point = view.scale_and_zero(view.input(_INPUT))
    weights, weight_scales = _stacked(view, _WEIGHTS, features)
    recurrent, recurrent_scales = _stacked(view, _RECURRENT, units)
    biases = np.stack([view.constant(place).ravel() for place in _BIASES], 1)
    if biases.dtype != np.int32 or biases.shape != (units, 4):
        raise view.refuse(f"its biases are not int32 [{units}]")
    bits = _cell_bits(view, cell)
    cell_scale = 2.0 ** (bits - 15)
    table: Field = 0
    if view.rounding == "tflm":
        table = Constants("uint16_t", _table())
    fields: tuple[tuple[str, Field], ...] = (
        ("batches", batches),
        ("steps", steps),
        ("inputs", features),
        ("units", units),
        ("batch_rows", 1 if options.time_major else steps),
        ("step_rows", batches if options.time_major else 1),
        ("output_zero_point", zero_point),
        ("cell_bits", bits),
        ("cell_clip", _clip(options, cell)),
        ("keep_requant", requant_struct(requant_of(view, 2.0**-15))),
        ("take_requant", requant_struct(requant_of(view, 2.0**-30 / cell_scale))),
        ("hidden_requant", requant_struct(requant_of(view, _hidden_real(view, scale)))),
        ("input_weights", packing.dense_weights(weights.reshape(-1, features))),
        ("input_bias", _folded(weights, input_zero_point, biases)),
        ("input_requant", _requants(view, source, weight_scales)),
        ("recurrent_weights", packing.dense_weights(recurrent.reshape(-1, units))),
        ("recurrent_bias", _folded(recurrent, zero_point, np.zeros_like(biases))),
        ("recurrent_requant", _requants(view, scale, recurrent_scales)),
        ("table", table),
    )
    return Kernel(
        "nj_unidirectional_sequence_lstm_s8",
        Parameters("nj_lstm", fields),
        (
            *(ParametersPointer(), InputPointer(_INPUT), InputPointer(_HIDDEN)),
            *(InputPointer(_CELL), OutputPointer(), ScratchPointer()),
        ),
        macs=batches * steps * 4 * units * (features + units),
        rule="double",
        scratch=8 * _up(units, 8) + _up(units, packing.BLOCK),
        reads_behind=packing.READS_BEHIND,
    )


register("UNIDIRECTIONAL_SEQUENCE_LSTM", Rule(_shape, _lower))
