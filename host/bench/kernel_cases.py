"""Single layers that `bench engine` counts beside other engines' kernels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

_SEED = 1


@dataclass(frozen=True)
class KernelCase:
    """One op. `name` is what the peers' runner (runner/peer_kernels.cc) prints of the same shape."""

    name: str
    op: str
    peer: str


CMSIS, TFLM = "CMSIS-NN", "tflite-micro's reference"
CASES = (
    KernelCase("transpose_conv_8x8x16_8_3_2", "TRANSPOSE_CONV", CMSIS),
    KernelCase("transpose_conv_6x10x32_16_2_2", "TRANSPOSE_CONV", CMSIS),
    KernelCase("transpose_conv_16x16x8_8_4_2", "TRANSPOSE_CONV", CMSIS),
    KernelCase("transpose_conv_5x5x64_32_3_1", "TRANSPOSE_CONV", CMSIS),
    KernelCase("batch_matmul_16x32_16x32", "BATCH_MATMUL", CMSIS),
    KernelCase("resize_bilinear_8x8x16", "RESIZE_BILINEAR", TFLM),
    KernelCase("reduce_max_8x8x64", "REDUCE_MAX", TFLM),
    KernelCase("reduce_min_8x8x64", "REDUCE_MIN", TFLM),
    KernelCase("squared_difference_1024", "SQUARED_DIFFERENCE", TFLM),
    KernelCase("log_softmax_16x64", "LOG_SOFTMAX", TFLM),
    KernelCase("div_1024", "DIV", TFLM),
    KernelCase("l2_normalization_16x64", "L2_NORMALIZATION", TFLM),
    KernelCase("logistic_1024", "LOGISTIC", TFLM),
    KernelCase("arg_max_16x64", "ARG_MAX", TFLM),
    KernelCase("space_to_depth_16x16x8", "SPACE_TO_DEPTH", TFLM),
    KernelCase("svdf_19_16_2_8", "SVDF", CMSIS),
    KernelCase("lstm_8x32_32", "UNIDIRECTIONAL_SEQUENCE_LSTM", CMSIS),
)


def models() -> tuple[bytes, ...]:
    """All cases in their order, an op a case, in three .tflite: the second and third keep a state."""
    from model_gen.codegen.testing.recurrent import lstm_net
    from model_gen.codegen.testing.streaming import svdf_net

    return _stateless(), svdf_net(units=16, memory=8), lstm_net(steps=8, inputs=32, units=32)


def _stateless() -> bytes:
    """All cases without a state side by side; weights are drawn."""
    from model_gen.codegen.testing.models import builder

    tensor, rng = builder().Tensor, np.random.default_rng(_SEED)
    tensors: list[Any] = []
    ops: list[Any] = []

    def weights(shape: tuple[int, ...], scale: Any, dtype: str = "int8") -> Any:
        limit = 127 if dtype == "int8" else 500
        data = rng.integers(-limit, limit + 1, shape).astype(dtype)
        return tensor(shape, scale, data=data, dtype=dtype)

    def known(values: Any) -> Any:
        data = np.array(values, np.int32)
        return tensor(data.shape, data=data, dtype="int32")

    def add(
        op: str, operands: list[Any], target: Any, options: Any = None, version: int = 1
    ) -> None:
        first = len(tensors)
        tensors.extend([*operands, target])
        given = list(range(first, first + len(operands)))
        ops.append((op, given, [first + len(operands)], options, version))

    for height, width, inputs, outputs, kernel, stride in (
        (8, 8, 16, 8, 3, 2),
        (6, 10, 32, 16, 2, 2),
        (16, 16, 8, 8, 4, 2),
        (5, 5, 64, 32, 3, 1),
    ):
        out = (1, height * stride, width * stride, outputs)
        add(
            "TRANSPOSE_CONV",
            [
                known(out),
                weights((outputs, kernel, kernel, inputs), 0.01),
                tensor((1, height, width, inputs), 0.05, 3),
                known(np.zeros(outputs)),
            ],
            tensor(out, 0.2, -7),
            {"TransposeConvOptions": {"padding": 0, "strideH": stride, "strideW": stride}},
            3,
        )
    add(
        "BATCH_MATMUL",
        [tensor((1, 16, 32), 0.05, 3), tensor((1, 16, 32), 0.05, 5)],
        tensor((1, 16, 16), 0.2, -7),
        {"BatchMatMulOptions": {"adjY": True}},
        2,
    )
    image = tensor((1, 8, 8, 16), 0.05, 3)
    add(
        "RESIZE_BILINEAR",
        [image, known([16, 16])],
        tensor((1, 16, 16, 16), 0.05, 3),
        {"ResizeBilinearOptions": {"halfPixelCenters": True}},
        3,
    )
    for reduction in ("REDUCE_MAX", "REDUCE_MIN"):
        add(
            reduction,
            [tensor((1, 8, 8, 64), 0.05, 3), known([1, 2])],
            tensor((1, 64), 0.05, 3),
            {"ReducerOptions": {}},
            2,
        )
    add(
        "SQUARED_DIFFERENCE",
        [tensor((1, 1024), 0.05, 3), tensor((1, 1024), 0.05, 5)],
        tensor((1, 1024), 0.6, -128),
        {"SquaredDifferenceOptions": {}},
        2,
    )
    add(
        "LOG_SOFTMAX",
        [tensor((16, 64), 0.05, 3)],
        tensor((16, 64), 16 / 256, 127),
        {"LogSoftmaxOptions": {}},
        2,
    )
    divisor = rng.integers(1, 128, 1024).astype(np.int8)
    add(
        "DIV",
        [tensor((1, 1024), 0.05, 3), tensor((1, 1024), 0.01, -128, data=divisor.reshape(1, -1))],
        tensor((1, 1024), 0.02, 0),
        {"DivOptions": {}},
        2,
    )
    add(
        "L2_NORMALIZATION",
        [tensor((16, 64), 0.05, 3)],
        tensor((16, 64), 1 / 128, 0),
        {"L2NormOptions": {}},
        2,
    )
    add("LOGISTIC", [tensor((1, 1024), 0.05, 3)], tensor((1, 1024), 1 / 256, -128))
    add(
        "ARG_MAX",
        [tensor((16, 64), 0.05, 3), known([1])],
        tensor((16,), dtype="int32"),
        {"ArgMaxOptions": {"outputType": 2}},
        2,
    )
    add(
        "SPACE_TO_DEPTH",
        [tensor((1, 16, 16, 8), 0.05, 3)],
        tensor((1, 8, 8, 32), 0.05, 3),
        {"SpaceToDepthOptions": {"blockSize": 2}},
        1,
    )
    return bytes(builder().model(ops, tensors))
