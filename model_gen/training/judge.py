"""How good a model is after an epoch, on validation recordings."""

from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.data.places import at_every_place
from model_gen.evaluation.metrics import evaluate_scores
from model_gen.evaluation.pooling import activate, pool
from model_gen.models.predict import predict_logits
from model_gen.progress import bar
from model_gen.training.losses import Loss
from model_gen.training.options import TrainOptions
from model_gen.training.state import EpochResult


class NotFinite(BadInput):
    """A loss is not finite: what the options of the run made of its data, not a fault of either."""


class Judge:
    """Scores a model on validation chunks, and on the recordings that they are from.

    A recording that is shorter than a chunk is judged at start, middle and end of the window, each
    time as a recording of its own.
    """

    def __init__(
        self, val: Chunks, labels: tuple[str, ...], loss: Loss, options: TrainOptions
    ) -> None:
        self._val = at_every_place(val)
        self._labels, self._loss, self._options = labels, loss, options
        self._wanted = targets(self._val.recordings, labels)

    def result(self, model: Any, *, epoch: int, learning_rate: float, loss: float) -> EpochResult:
        """The row of an epoch. Recordings are scored by the log-mean-exp of their chunks.

        Raises:
            NotFinite: the validation loss is not finite.
        """
        val, options = self._val, self._options
        logits = self.logits(model, val)
        losses = self._losses(logits)
        val_loss = float(np.mean(losses))
        require_finite(epoch, loss, val_loss)
        scores = activate(logits, options.class_activation)
        pooled = pool(scores, val.owner, len(val.recordings), "lme")
        self._heard(losses, pooled)
        metrics = evaluate_scores(self._wanted, pooled, self._labels)
        return EpochResult(
            epoch=epoch,
            learning_rate=learning_rate,
            loss=loss,
            val_loss=val_loss,
            val_ap=_number(metrics.average_precision),
            val_roc_auc=_number(metrics.roc_auc),
            val_top1=_number(metrics.top1),
        )

    def may_replace_what_was_there(self) -> bool:
        """Whether what was judged last may take the place of a model that was trained before."""
        return True

    def _heard(
        self, losses: npt.NDArray[np.float64], pooled: npt.NDArray[np.floating[Any]]
    ) -> None:
        """Told what a model makes of validation: the losses of chunks, and the scores of recordings."""

    def logits(self, model: Any, val: Chunks) -> npt.NDArray[np.float32]:
        """What is judged: float32 [chunks, labels]."""
        with bar("validation", len(val), plain=False) as show:
            size = self._options.batch_size
            return predict_logits(model, val, batch_size=size, on_progress=show)

    def _losses(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """[chunks] in float64, of hard labels and without the classes' weights."""
        wanted = self._wanted[self._val.owner].astype(np.float64)
        values = np.asarray(self._loss.values(wanted, logits.astype(np.float64), None), np.float64)
        mean: npt.NDArray[np.float64] = values.reshape(len(values), -1).mean(axis=1)
        return mean


def unjudged(model: Any, *, epoch: int, learning_rate: float, loss: float) -> EpochResult:
    """The row of an epoch that no validation follows.

    Raises:
        NotFinite: the training loss is not finite.
    """
    require_finite(epoch, loss)
    none = float("nan")
    return EpochResult(epoch, learning_rate, loss, none, none, none, none)


def require_finite(epoch: int, loss: float, val_loss: float | None = None) -> None:
    """Refuse to go on with numbers that are none; what counts is `val_loss`, where it is known.

    Raises:
        NotFinite: they are not finite.
    """
    if not np.isfinite(loss if val_loss is None else val_loss):
        known = "" if val_loss is None else f", validation loss {val_loss}"
        raise NotFinite(
            "training must keep its numbers finite",
            evidence=f"Received: epoch {epoch}: loss {loss}{known}",
            next_step="lower --learning-rate, or leave --mixed-precision out",
        )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
