"""How a batch becomes a loss, by name: the models that `keras.Model.fit` trains."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from model_gen.runtime import replicas
from model_gen.training.losses import Loss
from model_gen.training.optimizers import is_kernel
from model_gen.training.options import TrainOptions


class Supervised(keras.Model):  # type: ignore[misc]
    """A model that learns what its batches are labelled with. It shares all layers with `model`."""

    def __init__(
        self, model: Any, loss: Loss, positive: Any, l2: float, outputs: Sequence[Any] = ()
    ) -> None:
        """`positive`: the classes' weights float32 [labels], or None; `l2`: of all kernels;
        `outputs`: what else of the network the loss is of."""
        super().__init__(model.inputs, [*model.outputs, *outputs], name=model.name)
        self._judge, self._positive, self._l2 = loss, positive, l2

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean over rows and columns of a batch, as `Batch.for_keras` gives it, and L2."""
        logits = y_pred[0] if isinstance(y_pred, list) else y_pred
        values = self._judge.values(self.wanted(y), logits, self._positive)
        if sample_weight is not None:
            values = values * ops.reshape(sample_weight, (-1, *(1,) * (len(values.shape) - 1)))
        loss = ops.mean(values) + self.besides(y, y_pred)
        if self._l2:
            kernels = [v for v in self.trainable_variables if is_kernel(v)]
            loss = loss + self._l2 * sum(ops.sum(ops.square(v)) for v in kernels)
        count = replicas()  # whose gradients are added up
        return loss / count if count > 1 else loss

    def wanted(self, y: Any) -> Any:
        """What the logits are held against: [B, labels]."""
        return self._judge.smooth(y["targets"])

    def besides(self, y: Any, y_pred: Any) -> Any:
        """What is added to the mean of the losses of the logits."""
        return 0.0

    @property
    def own_variables(self) -> list[Any]:
        """What trains besides the network, and is not kept with it."""
        return []


def _distilled(
    model: Any, loss: Loss, positive: Any, options: TrainOptions, embedding: int
) -> Supervised:
    from model_gen.training.distilled import Distilled  # which is made of Supervised

    return Distilled(model, loss, positive, options, embedding)


# Name -> model, of (model, loss, positive, options, how many values a teacher's embedding has).
STEPS: dict[str, Callable[[Any, Loss, Any, TrainOptions, int], Supervised]] = {
    "supervised": lambda model, loss, positive, options, embedding: Supervised(
        model, loss, positive, options.l2
    ),
    "distilled": _distilled,
}


def step_of(options: TrainOptions) -> str:
    """The name of the step that the options ask for."""
    return "supervised" if options.teacher is None else "distilled"
