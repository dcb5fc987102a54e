"""For tests: one LSTM, quantized as the converter does."""

from typing import Any

import numpy as np

from model_gen.codegen.testing.models import builder, edited

OUTPUT, HIDDEN, CELL = 15, 13, 14  # tensors of lstm_net
_INSIDE = (16, 17, 18, 19, 20)


def lstm_net(
    *,
    batches: int = 1,
    steps: int = 5,
    inputs: int = 6,
    units: int = 7,
    cell_exponent: int = -11,
    time_major: bool = False,
    clip: float = 0.0,
    activation: int = 4,
    gates: int = 4,
    inside: tuple[float, int] = (0.0077, 3),
    cell_scale: float | None = None,
) -> bytes:
    """int8 [batches, steps, inputs] to int8 [batches, steps, units]; the first two turned with `time_major`.

    gates: 3, where there is no input gate of its own. inside: how the file says that the hidden state is quantized.
    """
    generator, tensor = np.random.default_rng(units), builder().Tensor
    hidden = (0.0077, 3)
    rows = (steps, batches) if time_major else (batches, steps)

    def weights(columns: int) -> Any:
        data = generator.integers(-127, 128, (units, columns)).astype(np.int8)
        return tensor((units, columns), 10 ** generator.uniform(-2.6, -1.9), data=data)

    def bias() -> Any:
        data = generator.integers(-3000, 3000, units).astype(np.int32)
        return tensor((units,), 1e-4, data=data, dtype="int32")

    tensors = [
        tensor((*rows, inputs), 0.031, -5),
        *(weights(inputs) for _ in range(4)),
        *(weights(units) for _ in range(4)),
        *(bias() for _ in range(4)),
        tensor((batches, units), *hidden),
        tensor((batches, units), cell_scale or 2.0**cell_exponent, dtype="int16"),
        tensor((*rows, units), *hidden),
        *(tensor((0,), 2.0**-12, dtype="int16") for _ in range(4)),
        tensor((0,), *inside),
    ]
    places = [0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, HIDDEN, CELL, -1, -1, -1, -1]
    if gates == 3:
        places[1] = places[5] = places[12] = -1
    options = {"fusedActivationFunction": activation, "timeMajor": time_major, "cellClip": clip}
    table = {"UnidirectionalSequenceLSTMOptions": options}
    op: Any = ("UNIDIRECTIONAL_SEQUENCE_LSTM", places, [OUTPUT], table, 1)

    def keep(model: Any, _: Any) -> None:
        graph = model.subgraphs[0]
        for place in (HIDDEN, CELL):
            graph.tensors[place].isVariable = True
        graph.inputs, graph.outputs = np.array([0], np.int32), np.array([OUTPUT], np.int32)
        graph.operators[0].intermediates = np.array(_INSIDE, np.int32)

    return edited(bytes(builder().model([op], tensors)), keep)
