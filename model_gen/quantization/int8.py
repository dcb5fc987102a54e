"""Logits of an int8 model, by TFLite's reference kernels."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from host.errors import BadInput, HostFailure
from host.frontend_contract import FrontendContract
from host.reference.frontend import dequantize, quantize
from host.reference.interpreter import ReferenceTensor
from host.reference.model import ReferenceModel
from model_gen.data.features import Chunks


class Int8Model:
    """A .tflite with one int8 input [1, bins, frames, 1] and one int8 output [1, labels], run by `BUILTIN_REF`.

    Raises:
        BadInput: the model has another form.
    """

    def __init__(self, tflite: bytes) -> None:
        self._content = tflite
        self.reference = ReferenceModel(tflite)
        ends = [*self.reference.inputs, *self.reference.outputs]
        if len(ends) != 2 or any(end.dtype != np.int8 or not end.scale for end in ends):
            raise BadInput(
                "expected a full-int8 model with one input and one output",
                evidence=f"Received: {[(e.name, e.dtype.name, e.shape) for e in ends]}",
                next_step="make it with `nightjar quantize`",
            )
        self.input, self.output = ends

    def steps(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """The model's input for one spectrogram [bins, frames]: int8 [1, bins, frames, 1]."""
        given = quantize(features, self.input.scale, self.input.zero_point)
        return given.reshape(self.input.shape)

    def scores(self, steps: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """One inference: int8 [labels]."""
        out: npt.NDArray[np.int8] = self.reference.run_outputs([steps])[self.output.tensor]
        return out.reshape(-1)

    def logits(self, chunks: Chunks) -> npt.NDArray[np.float32]:
        """Dequantized logits of all chunks: float32 [chunks, labels]; each core has an interpreter."""
        count = min(os.cpu_count() or 1, len(chunks))
        models = [self, *(Int8Model(self._content) for _ in range(1, count))]
        shares = np.array_split(np.arange(len(chunks)), len(models))

        def rows(model: Int8Model, share: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int8]]:
            return [model.scores(model.steps(chunks.features([int(i)])[0])) for i in share]

        with ThreadPoolExecutor(len(models)) as pool:
            found = [row for part in pool.map(rows, models, shares) for row in part]
        return dequantize(np.stack(found), self.output.scale, self.output.zero_point)


def require_range(end: ReferenceTensor, contract: FrontendContract) -> None:
    """Hold an int8 input against what the contract's features can be, where they have bounds.

    Raises:
        HostFailure: it holds less than that.
    """
    if contract.range is None:
        return
    least, most = contract.range
    low, high = (end.scale * (step - end.zero_point) for step in (-128, 127))
    if low > least + end.scale or high < most - end.scale:
        raise HostFailure(
            f"the model's int8 input must hold the features' range, {least:g} to {most:g}",
            evidence=f"it holds {low:.4f} to {high:.4f}",
            next_step="calibrate on recordings that are not silent",
        )
