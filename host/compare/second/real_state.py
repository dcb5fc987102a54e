"""What ops with a memory of their own compute in float64, from what lay in it before: SVDF and LSTM.

A memory is shown as the inference leaves it. That of SVDF then holds all that its output is made of: the columns of
earlier steps, and behind them the newest, which float64 makes of the input. Of an LSTM the memory before is needed, and
between the steps of one sequence the hidden state is the side's own output, while the cell goes on in float64.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from host.compare.second.call import Real
from host.compare.second.steps import real_of
from model_gen.codegen.tflite.graph import Array, Op, Tensor
from model_gen.codegen.tflite.options import LstmOptions, SvdfOptions

Values = Mapping[int, Array]
_SVDF_MEMORY = 4
_HIDDEN, _CELL = 18, 19
# Of the gates input, forget, cell, output: weights of the inputs, of the hidden state, biases.
_WEIGHTS, _RECURRENT, _BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
_GATES = (-8.0, 8.0 - 2.0**-12)  # what a gate before its activation can be: int16 of scale 2^-12


def evaluate_state(
    op: Op, tensors: Sequence[Tensor], side: Values, before: Values | None
) -> Real | None:
    """float64 of the op's output, whole; None where a tensor that it needs is not known.

    Args:
        side: the tensors of this inference, by index; an op's memory as the inference left it.
        before: those of the inference before; None at the start of a sequence, where a memory holds 0.
    """
    try:
        return STATEFUL[op.name](op, tensors, side, before)
    except KeyError:
        return None


def _real(tensors: Sequence[Tensor], index: int, values: Values) -> Real:
    value = tensors[index].value
    return real_of(tensors[index], values[index] if value is None else value)


def _scale(tensor: Tensor) -> float:
    if tensor.quantization is None:
        raise KeyError(tensor.index)
    return tensor.quantization.scales[0]


def _bias(tensors: Sequence[Tensor], index: int, scale: float) -> Real | float:
    """Its scale is the product of what it is added to, whatever the file says."""
    if index == -1:
        return 0.0
    value = tensors[index].value
    if value is None:
        raise KeyError(index)
    return np.asarray(value * scale)


def _svdf(op: Op, tensors: Sequence[Tensor], side: Values, _: Values | None) -> Real:
    """Each filter's newest column is features times input; an output adds its `rank` filters, columns times time."""
    assert isinstance(op.options, SvdfOptions)
    source, features, time = (_real(tensors, index, side) for index in op.inputs[:3])
    memory = tensors[op.inputs[_SVDF_MEMORY]]
    columns = _real(tensors, memory.index, side).reshape(source.shape[0], *time.shape).copy()
    newest = source @ features.T
    if memory.dtype != "float32":
        limits = np.iinfo(memory.dtype)
        newest = np.clip(newest, limits.min * _scale(memory), limits.max * _scale(memory))
    columns[..., -1] = newest
    filters = (columns * time).sum(-1)
    sums = filters.reshape(len(source), -1, op.options.rank).sum(-1)
    bias = _bias(tensors, op.inputs[3], _scale(memory) * _scale(tensors[op.inputs[2]]))
    return np.asarray(
        np.maximum(sums + bias, 0.0) if op.options.activation == "RELU" else sums + bias
    )


def _lstm(op: Op, tensors: Sequence[Tensor], side: Values, before: Values | None) -> Real:
    options = op.options
    assert isinstance(options, LstmOptions)
    source, output = (_real(tensors, index, side) for index in (op.inputs[0], op.outputs[0]))
    if not options.time_major:
        source, output = source.swapaxes(0, 1), output.swapaxes(0, 1)
    hidden, cell = (
        np.zeros(output.shape[1:]) if before is None else _real(tensors, op.inputs[place], before)
        for place in (_HIDDEN, _CELL)
    )
    ceiling = 2.0**15 * _scale(tensors[op.inputs[_CELL]])
    if options.cell_clip > 0:
        ceiling = min(ceiling, options.cell_clip)
    gates = [
        (
            _real(tensors, op.inputs[weights], side).T,
            _real(tensors, op.inputs[recurrent], side).T,
            _bias(
                tensors,
                op.inputs[bias],
                _scale(tensors[op.inputs[0]]) * _scale(tensors[op.inputs[weights]]),
            ),
        )
        for weights, recurrent, bias in zip(_WEIGHTS, _RECURRENT, _BIASES, strict=True)
    ]
    found = []
    for given, own in zip(source, output, strict=True):
        into, kept, made, out = (np.clip(given @ w + hidden @ r + b, *_GATES) for w, r, b in gates)
        cell = np.clip(_sigmoid(kept) * cell + _sigmoid(into) * np.tanh(made), -ceiling, ceiling)
        found.append(_sigmoid(out) * np.tanh(cell))
        hidden = own
    sequence = np.stack(found)
    return sequence if options.time_major else sequence.swapaxes(0, 1)


def _sigmoid(x: Real) -> Real:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


STATEFUL: dict[str, Callable[[Op, Sequence[Tensor], Values, Values | None], Real]] = {
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
