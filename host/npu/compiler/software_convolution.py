"""A convolution that the NPU's units cannot divide, and that the processor computes instead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from host.npu.compiler.accumulators import Part, accumulate
from host.npu.compiler.constant import Constant
from host.npu.compiler.convolution import Convolution
from host.npu.compiler.layer import SOFTWARE
from model_gen.codegen.tflite.graph import Array, Op

_DOUBT = (
    "that the compiler leaves it to the processor is fitted: seen where the channels are a prime"
)


@dataclass(frozen=True, eq=False)
class SoftwareConvolutionLayer:
    """y = S8(rint((acc + bias) * scale + zero)) in double precision, as ST's library has it."""

    op: Op
    convolution: Convolution
    limits: tuple[int, int]
    shape: tuple[int, ...]
    constants: tuple[Constant, ...] = ()

    @property
    def how(self) -> str:
        return SOFTWARE

    @property
    def doubts(self) -> tuple[str, ...]:
        return (_DOUBT,)

    def compute(self, inputs: Sequence[Array], rule: str) -> tuple[Array, ...]:
        layer = self.convolution
        rows, columns = layer.weights.shape[1:3]
        scales = layer.input_scale * np.array(layer.weight_scales) / layer.output_scale
        done = []
        for image in layer.images(inputs[0]):
            features = image - layer.input_zero
            whole = Part(range(rows), range(columns))
            sums = accumulate(
                features, layer.weights, layer.window, whole, depthwise=layer.depthwise
            )
            done.append(np.rint((sums + layer.bias) * scales + layer.output_zero))
        made = np.clip(np.array(done), *self.limits)
        return (made.astype(np.int8).reshape(self.shape),)
