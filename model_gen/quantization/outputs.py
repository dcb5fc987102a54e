"""What a converted TFLite model says of features, whatever types it has at its ends."""

import numpy as np
import numpy.typing as npt

from host.reference.frontend import dequantize, quantize
from host.reference.model import ReferenceModel
from model_gen.quantization.form import Form

Array = npt.NDArray[np.generic]


class Converted:
    """A .tflite of one input and one output, run by `BUILTIN_REF`.

    Raises:
        BadInput: TFLite refuses it.
    """

    def __init__(self, tflite: bytes, form: Form) -> None:
        self.reference = ReferenceModel(tflite)
        (self.input,), (self.output,) = self.reference.inputs, self.reference.outputs
        wanted = np.int8 if form.ends == "int8" else np.float32
        assert self.input.dtype == self.output.dtype == wanted

    def inputs(self, features: npt.NDArray[np.float32]) -> Array:
        """Features [n, rows, frames] as the model takes them: [n, rows, frames, 1]."""
        if self.input.dtype == np.int8:
            features = quantize(features, self.input.scale, self.input.zero_point)  # type: ignore[assignment]
        return features[..., None]

    def run(self, inputs: Array) -> Array:
        """Outputs of its own type, [n, labels]."""
        rows = [self.reference.run([x[None]])[self.output.tensor][0] for x in inputs]
        return np.stack(rows)

    def real(self, outputs: Array) -> npt.NDArray[np.float32]:
        """What outputs stand for: float32 [n, labels]."""
        if outputs.dtype == np.int8:
            return dequantize(outputs.astype(np.int8), self.output.scale, self.output.zero_point)
        return outputs.astype(np.float32)
