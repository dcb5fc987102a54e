"""Ranges by a float forward pass: the least and most that each tensor of a calibrated model reaches over windows.

The pass is of the very graph that is quantized, with unquantized weights, by TFLite's own float kernels in one thread.
Every tensor is kept, so that none lies in the memory of another: the converter's calibrator lets a sum be written over
its first operand, and gives that operand the range of the sum. Keras computes the same function in another order, and
is some last bits off.
"""

import warnings
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from host.reference.model import stdout_to_stderr
from model_gen.quantization.ranges.steps import Range


def measured_ranges(
    calibrated: bytes, features: npt.NDArray[np.float32], tensors: Iterable[int]
) -> dict[int, Range]:
    """Tensor index -> absolute extremes over `features` float32 [n, rows, frames], of `tensors`.

    NaN where a tensor holds one.
    """
    import tensorflow as tf

    with stdout_to_stderr(), warnings.catch_warnings(action="ignore"):
        interpreter = tf.lite.Interpreter(
            model_content=calibrated,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
    interpreter.allocate_tensors()
    (end,) = interpreter.get_input_details()
    found = dict.fromkeys(tensors, (np.inf, -np.inf))
    for window in features:
        interpreter.set_tensor(end["index"], window[None, ..., None])
        interpreter.invoke()
        for index, (low, high) in found.items():
            value = interpreter.get_tensor(index)
            found[index] = (
                float(np.minimum(low, value.min())),
                float(np.maximum(high, value.max())),
            )
    return found
