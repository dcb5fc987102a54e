"""How good the converted int8 model is after an epoch: what chooses the epoch that is kept."""

from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.data.features import Chunks
from model_gen.quantization.int8 import Int8Model
from model_gen.training.judge import Judge
from model_gen.training.losses import Loss
from model_gen.training.options import TrainOptions
from model_gen.training.qat.conversion import Conversion


class ConvertedJudge(Judge):
    """Scores the int8 model, by TFLite's reference kernels; its loss is that of its dequantized logits."""

    def __init__(
        self,
        val: Chunks,
        labels: tuple[str, ...],
        loss: Loss,
        options: TrainOptions,
        conversion: Conversion,
    ) -> None:
        super().__init__(val, labels, loss, options)
        self._conversion = conversion

    def logits(self, model: Any, val: Chunks) -> npt.NDArray[np.float32]:
        """As `Judge` has them; NaN where weights are not finite, of which there is no conversion."""
        if not all(np.isfinite(weight).all() for weight in model.get_weights()):
            return np.full((len(val), model.output_shape[-1]), np.nan, np.float32)
        return Int8Model(self._conversion.of(model).int8).logits(val)
