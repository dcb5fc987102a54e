"""The int8 model of changed weights without another conversion: the calibrated graph's constants are written anew.

Only numbers change from epoch to epoch, and the converter makes each of them of a layer's variables in a way that
`folded.py` repeats to the bit. So what is written is what it would give; whoever keeps a model holds it against that.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from model_gen.codegen.tflite.reader import read_tflite
from model_gen.quantization.convert import INT8
from model_gen.quantization.ranges.measure import measured_ranges
from model_gen.quantization.ranges.own import Owned, check_steps, quantized, require_finite
from model_gen.quantization.ranges.record import ranges_in, with_ranges
from model_gen.training.qat.constants import constants_of

Rewriting = dict[int, bytes]  # buffer of the .tflite -> content


class Rewritten:
    """Conversions of `model` with other weights, from the one, `owned`, of its present weights.

    `calibration` is float32 [n, rows, frames].
    """

    def __init__(self, model: Any, owned: Owned, calibration: npt.NDArray[np.float32]) -> None:
        self._calibrated, self._calibration = owned.calibrated, calibration
        self._graph = read_tflite(owned.calibrated)
        self._constants = constants_of(self._graph, model)
        self._written = self._constants.reached
        self._others = self._fixed(model)

    def of(self, model: Any) -> Owned | None:
        """The conversion of the model's present weights; None where it takes a real one.

        That is where something else than the constants that are known has changed, or where the converter has
        put two constants of equal content into one that are no longer equal.

        Raises:
            Endless: it does not compute finite numbers.
            HostFailure: the quantizer did something else than the ranges say.
        """
        buffers = self._buffers() if self._others == self._fixed(model) else None
        if buffers is None:
            return None
        calibrated = bytearray(self._calibrated)
        whole = tflite.Model.GetRootAs(calibrated, 0)
        for buffer, content in buffers.items():
            whole.Buffers(buffer).DataAsNumpy()[:] = np.frombuffer(content, np.uint8)  # a view
        written = bytes(calibrated)
        ranges = measured_ranges(written, self._calibration, ranges_in(written))
        require_finite(written, self._calibration, ranges)
        ranged = with_ranges(written, ranges)
        owned = Owned(quantized(ranged, INT8), ranged, 0)
        check_steps(owned)
        return owned

    def _fixed(self, model: Any) -> list[bytes]:
        """All that `of` does not write."""
        return [np.asarray(v).tobytes() for v in model.variables if id(v) not in self._written]

    def _buffers(self) -> Rewriting | None:
        subgraph = tflite.Model.GetRootAs(self._calibrated, 0).Subgraphs(0)
        found: Rewriting = {}
        for op in self._graph.ops:
            for position, layers in ((1, self._constants.kernels), (2, self._constants.biases)):
                if op.index not in layers:
                    continue
                layer = layers[op.index]
                value = layer.kernel() if position == 1 else layer.bias and layer.bias()
                if position >= len(op.inputs) or op.inputs[position] < 0:  # dropped, as it was 0
                    if np.any(value):
                        return None
                    continue
                content = np.asarray(value, np.float32).tobytes()
                buffer = subgraph.Tensors(op.inputs[position]).Buffer()
                if found.setdefault(buffer, content) != content:
                    return None
        return found
