"""Models of the later ops that would fill the memory, read outside or overflow: refused by name."""

from collections.abc import Callable

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import constant, q, weights


def _transpose_conv(stride: int) -> bytes:
    options = {"padding": 0, "strideH": stride, "strideW": stride}
    operands = [constant([1, 8, 8, 4]), weights((4, 3, 3, 4), 0), q((1, 1, 1, 4))]
    return single("TRANSPOSE_CONV", operands, q((1, 8, 8, 4)), {"TransposeConvOptions": options})


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: _transpose_conv(8000), "strides of .* are too far for the window"),
        (lambda: single("TILE", [q((2,)), constant([0])], q((0,))), "multiples .* are not one"),
        (lambda: single("TILE", [q((2,)), constant([1, 2])], q((2,))), "multiples .* are not one"),
        (
            lambda: single("LOG_SOFTMAX", [q((1, 4096))], q((1, 4096), 1 / 16, 127)),
            "a last axis of 4096, of which 1 to 4095",
        ),
        (lambda: single("LOG_SOFTMAX", [q((1, 4))], q((1, 4), 1 / 16, 0)), "both references want"),
        (
            lambda: single("L2_NORMALIZATION", [q((1, 4))], q((1, 4), 1 / 64, 0)),
            "both references want",
        ),
        (lambda: single("RSQRT", [q((1, 4))], q((1, 4))), "below its input's zero point, 3, are"),
        (
            lambda: single("ADD", [q((4,), 3e38, 0)] * 2, q((4,), 3e38, 0), {"AddOptions": {}}),
            "the scale 3e[+]38, with which the reference's float32 overflows",
        ),
        (lambda: single("SQUARE", [q((1, 4))], q((1, 4))), "computed in float32 only"),
        (
            lambda: single(
                "BATCH_MATMUL",
                [q((2, 3, 4)), q((2, 5, 4))],
                q((2, 3, 4)),
                {"BatchMatMulOptions": {}},
            ),
            "do not multiply",
        ),
        (
            lambda: single(
                "DEPTH_TO_SPACE", [q((1, 2, 2, 6))], q((1, 4, 4, 1)),
                {"DepthToSpaceOptions": {"blockSize": 2}},
            ),
            "6 channels are not blocks of 2 x 2",
        ),
        (
            lambda: single(
                "RESIZE_BILINEAR", [q((1, 4, 4, 1)), constant([5000, 4])], q((1, 5000, 4, 1)),
                {"ResizeBilinearOptions": {}},
            ),
            "the reference reads behind the 4 places",
        ),
    ],
)  # fmt: skip
def test_refused_by_name(build: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        plan_model(build())


def test_transposed_weights_by_phase_are_those_of_the_scatter() -> None:
    """A window of 3 and strides of 2: outputs of even places meet taps 0 and 2, of odd places tap 1."""
    from model_gen.codegen.cm55.ops.transpose_conv import by_phase

    window = np.arange(1, 10, dtype=np.int8).reshape(1, 3, 3, 1)
    phases = by_phase(window, (2, 2))[:, 0, :, 0]
    np.testing.assert_array_equal(phases, [[1, 3, 7, 9], [2, 0, 8, 0], [4, 6, 0, 0], [5, 0, 0, 0]])
