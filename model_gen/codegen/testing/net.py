"""For tests, and for the tester's test of itself: a small net whose every weight can be flipped in a linked ELF."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.compare.flip import find_symbol, flip_bit
from host.elf_record import write_record
from model_gen.codegen.cm55.ops import packing
from model_gen.codegen.testing.models import builder


@dataclass(frozen=True, eq=False)
class Net:
    """CONV_2D 3x3, DEPTHWISE_CONV_2D 3x3, CONV_2D 1x1, MEAN, FULLY_CONNECTED; weights by op index."""

    shape: tuple[int, int, int, int]
    weights: dict[int, npt.NDArray[np.int8]]
    biases: dict[int, npt.NDArray[np.int32]]
    zero_points: dict[int, int] = field(default_factory=lambda: {0: 3, 1: -128, 2: -128, 4: -20})

    def flipped(self, op: int, byte: int, bit: int) -> "Net":
        """The net whose reference computes what an ELF with that weight bit flipped computes.

        The firmware's bias has input zero point * sum(weights) folded in, which a flip does not reach.
        """
        weights = self.weights[op].copy()
        flat = weights.reshape(-1)
        before = int(flat[byte])
        flat.view(np.uint8)[byte] ^= 1 << bit
        change = int(flat[byte]) - before
        bias = self.biases[op].copy()
        channel = byte % bias.size if op == 1 else byte // (weights.size // bias.size)
        bias[channel] += self.zero_points[op] * change
        return Net(
            self.shape, {**self.weights, op: weights}, {**self.biases, op: bias}, self.zero_points
        )

    def flip(self, elf: Path, op: int, byte: int, bit: int) -> None:
        """Flip a bit of byte `byte` of an op's weights in a linked ELF, wherever it is packed.

        Recorded anew, so that the tensors must find it.
        """
        marked = np.zeros_like(self.weights[op])
        marked.reshape(-1)[byte] = 1
        if op == 1:
            channels = self.biases[op].size
            requant = np.zeros((channels, 2), np.int32)
            packed = packing.depthwise_groups(
                marked.reshape(-1, channels), np.zeros(channels, np.int32), requant
            )
        else:
            packed = packing.dense_weights(marked.reshape(len(marked), -1))
        symbol = find_symbol(elf, f"nj_op{op}_{'groups' if op == 1 else 'weights'}")
        # The lanes of a narrow layer hold a tap several times.
        for place in np.flatnonzero(packed.values):
            flip_bit(elf, symbol, int(place), bit)
        write_record(elf)

    def tflite(self) -> bytes:
        """The bytes of the model."""
        testing_models = builder()
        tensor = testing_models.Tensor
        _, rows, columns, _ = self.shape
        middle = (1, rows // 2, columns // 2, 8)
        scale = {0: 0.011, 1: 0.009, 2: 0.012, 4: 0.013}
        source = {0: 0.05, 1: 0.02, 2: 0.016, 4: 0.014}
        tensors = [tensor(self.shape, source[0], self.zero_points[0])]
        for op in (0, 1, 2, 4):
            weights, bias = self.weights[op], self.biases[op]
            scales = [scale[op] * (1 + 0.1 * c) for c in range(bias.size)]
            if op == 4:
                tensors.append(tensor(weights.shape, scale[op], 0, weights))
                tensors.append(tensor(bias.shape, scale[op] * source[op], 0, bias, "int32"))
                continue
            axis = 3 if op == 1 else 0
            tensors.append(tensor(weights.shape, scales, 0, weights, axis=axis))
            accumulators = [s * source[op] for s in scales]
            tensors.append(tensor(bias.shape, accumulators, 0, bias, "int32"))
        tensors += [
            tensor(middle, source[1], -128),
            tensor(middle, source[2], -128),
            tensor((1, rows // 2, columns // 2, 12), 0.014, -20),
            tensor((1, 12), source[4], -20),
            tensor((1, 6), 0.03, 5),
            tensor((2,), None, 0, np.array([1, 2]), "int32"),
        ]
        window = {"padding": 0, "strideH": 2, "strideW": 2, "fusedActivationFunction": 1}
        depthwise = {**window, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
        point = {**window, "strideH": 1, "strideW": 1, "fusedActivationFunction": 0}
        dilation = {"dilationHFactor": 1, "dilationWFactor": 1}
        model: bytes = testing_models.model(
            [
                ("CONV_2D", [0, 1, 2], [9], {"Conv2DOptions": window | dilation}, 3),
                (
                    "DEPTHWISE_CONV_2D",
                    [9, 3, 4],
                    [10],
                    {"DepthwiseConv2DOptions": depthwise | dilation},
                    3,
                ),
                ("CONV_2D", [10, 5, 6], [11], {"Conv2DOptions": point | dilation}, 3),
                ("MEAN", [11, 14], [12], {"ReducerOptions": {"keepDims": False}}, 2),
                ("FULLY_CONNECTED", [12, 7, 8], [13], {"FullyConnectedOptions": {}}, 4),
            ],
            tensors,
        )
        return model


def make_net(seed: int, shape: tuple[int, int, int, int] = (1, 10, 8, 3)) -> Net:
    """A net with random weights, the same for the same seed."""
    generator = np.random.default_rng(seed)
    shapes: dict[int, tuple[int, ...]] = {
        0: (8, 3, 3, shape[3]),
        1: (1, 3, 3, 8),
        2: (12, 1, 1, 8),
        4: (6, 12),
    }
    weights = {op: generator.integers(-80, 81, s, dtype=np.int8) for op, s in shapes.items()}
    outputs = {0: 8, 1: 8, 2: 12, 4: 6}
    biases = {op: generator.integers(-900, 900, n, dtype=np.int32) for op, n in outputs.items()}
    return Net(shape, weights, biases)
