"""How a student learns from a teacher beside its labels."""

from typing import Any

import keras
from keras import ops

from model_gen.models.embedding import embedding_of
from model_gen.training.losses import Loss
from model_gen.training.options import TrainOptions
from model_gen.training.steps import Supervised


class Distilled(Supervised):
    """A model whose targets are blended with a teacher's scores, and its embedding drawn to the
    teacher's.

    A target is (1 - w) y + w t where the teacher says t, w being `options.teacher_weight`, and the
    label y where it says nothing; labels are smoothed before, scores are not. To the loss comes
    v mean(1 - cos(P g, e)) over the rows that have an embedding e [E], v being
    `options.embedding_weight`, g the student's own [G] and P [E, G] a linear layer that training
    alone has.
    """

    def __init__(
        self, model: Any, loss: Loss, positive: Any, options: TrainOptions, embedding: int
    ) -> None:
        """`embedding`: values of the teacher's; 0 for none."""
        own = [embedding_of(model)] if embedding else []
        super().__init__(model, loss, positive, options.l2, own)
        self._weight, self._pull = options.teacher_weight, options.embedding_weight
        self._projector = None
        if embedding:
            start = keras.initializers.GlorotUniform(seed=options.seed)
            self._projector = keras.layers.Dense(
                embedding,
                use_bias=False,
                kernel_initializer=start,
                dtype="float32",
                name="projector",
            )
            self._projector.build(own[0].shape)

    @property
    def own_variables(self) -> list[Any]:
        return [] if self._projector is None else list(self._projector.trainable_variables)

    def wanted(self, y: Any) -> Any:
        labels, said = super().wanted(y), y["teacher"]
        known = ops.logical_not(ops.isnan(said))
        blended = (1 - self._weight) * labels + self._weight * ops.where(known, said, 0.0)
        return ops.where(known, blended, labels)

    def besides(self, y: Any, y_pred: Any) -> Any:
        if self._projector is None:
            return 0.0
        known = ops.all(ops.isfinite(y["embedding"]), axis=-1)
        aim = ops.where(known[:, None], y["embedding"], 1.0)
        cosine = ops.sum(
            ops.normalize(self._projector(ops.cast(y_pred[1], "float32"))) * ops.normalize(aim),
            axis=-1,
        )
        count = ops.maximum(ops.sum(ops.cast(known, "float32")), 1.0)
        return self._pull * ops.sum(ops.where(known, 1 - cosine, 0.0)) / count
