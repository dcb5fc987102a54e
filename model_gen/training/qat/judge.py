"""How good the converted int8 model is after an epoch: what chooses the epoch that is kept."""

from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.data.features import Chunks
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.ranges.own import Endless
from model_gen.training.judge import Judge, require_finite
from model_gen.training.losses import Loss
from model_gen.training.options import TrainOptions
from model_gen.training.qat.conversion import Conversion
from model_gen.training.qat.gain import Gain, Heard
from model_gen.training.state import EpochResult


class ConvertedJudge(Judge):
    """Scores the int8 model, by TFLite's reference kernels; its loss is that of its dequantized logits.

    An epoch takes the place of epoch 0, which must be judged first, only where it is better by more
    than which recordings validate explains (`Gain`): a model that lost nothing by quantization would
    else be moved by chance.
    """

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
        self._select = options.select
        self._gain: Gain | None = None  # over epoch 0
        self._now: Heard | None = None

    def may_replace_what_was_there(self) -> bool:
        assert self._gain is not None
        assert self._now is not None
        return self._gain.is_sure(self._now)

    def _heard(
        self, losses: npt.NDArray[np.float64], pooled: npt.NDArray[np.floating[Any]]
    ) -> None:
        owner, recordings = self._val.owner, len(self._val.recordings)
        sums = np.bincount(owner, losses, recordings)
        self._now = Heard(pooled, sums / np.bincount(owner, minlength=recordings))
        if self._gain is None:
            names = [str(name) for name in self._val.names]
            self._gain = Gain(self._select, self._wanted, names, self._now)

    def result(self, model: Any, *, epoch: int, learning_rate: float, loss: float) -> EpochResult:
        """As `Judge` has it; what was trained with a loss that is none is not converted.

        Raises:
            NotFinite: the loss, or that of validation, is not finite.
        """
        if epoch:  # 0 was not trained
            require_finite(epoch, loss)
        return super().result(model, epoch=epoch, learning_rate=learning_rate, loss=loss)

    def logits(self, model: Any, val: Chunks) -> npt.NDArray[np.float32]:
        """As `Judge` has them; NaN where weights, or what they compute, are not finite, and nothing is converted."""
        none = np.full((len(val), model.output_shape[-1]), np.nan, np.float32)
        if not all(np.isfinite(weight).all() for weight in model.get_weights()):
            return none
        try:
            content = self._conversion.of(model).int8
        except Endless:
            return none
        return Int8Model(content).logits(val)
