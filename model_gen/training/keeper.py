"""What is kept of a run when an epoch ends."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from host.files import write_atomically
from model_gen.models.checkpoint import beside, checkpoint_bytes, save_checkpoint, weights_sha256
from model_gen.progress import line
from model_gen.training.curves import curves_png
from model_gen.training.judge import Judge, require_finite, unjudged
from model_gen.training.options import TrainOptions
from model_gen.training.resume import files_of, state_path
from model_gen.training.schedule import Schedule
from model_gen.training.selection import better, is_judged
from model_gen.training.state import EpochResult, Head, history_csv, save_state
from model_gen.training.stopping import ended


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Judges each epoch, keeps the best as the checkpoint, and writes history and state.

    Args:
        head: where the run stands when it begins; the present one later.
        variables: what the state holds of model and optimizer.
        companions: files that are written with the first checkpoint, and again by `mend`.
        kept: the model that is judged and saved; where it is another than `trained`, it takes
            that one's weights.
        trained: the network that is trained.
        stop_after: leave after that epoch, as an interruption would.
    """

    def __init__(
        self,
        judge: Judge,
        schedule: Schedule,
        options: TrainOptions,
        head: Head,
        variables: list[Any],
        companions: dict[Path, bytes],
        kept: Any,
        trained: Any,
        stop_after: int | None = None,
    ) -> None:
        super().__init__()
        self._judge, self._schedule, self._options = judge, schedule, options
        self.head, self._variables = head, variables
        self._companions, self._stop_after = companions, stop_after
        self._kept, self._trained = kept, trained
        self._steps = 0  # of the epoch

    def mend(self) -> None:
        """Write again what a resumed run has beside its state, all of which follows from that."""
        progress = self.head.progress
        self._write_companions()
        self._write_history()
        if progress.best_epoch == len(progress.history):
            self._take_weights()
            save_checkpoint(self._kept, self._options.checkpoint_path)
        self._write_curves()

    def begin(self) -> None:
        """Keep epoch 0, of a model that was trained before: nothing is worse than what is there."""
        self._begin_files()
        self.head = replace(self.head, weights=weights_sha256(self._kept))
        self._write_history()
        save_state(state_path(self._options.checkpoint_path), self.head, self._variables)
        save_checkpoint(self._kept, self._options.checkpoint_path)
        assert self.head.progress.before is not None
        line(f"epoch 0: {_scores(self.head.progress.before)} *")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._steps = batch + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """`epoch` counts from 0. Adds what was measured to `logs`, for callbacks that follow.

        An epoch that a callback ended before its last batch is not kept, as one that was interrupted.
        """
        if self._steps < self.params["steps"]:
            require_finite(epoch + 1, float(logs["loss"]))
            return
        options, progress, checkpoint = (
            self._options,
            self.head.progress,
            self._options.checkpoint_path,
        )
        self._take_weights()
        judge = self._judge.result if is_judged(options, epoch + 1) else unjudged
        result = judge(
            self._kept, epoch=epoch + 1, learning_rate=self._schedule.rate, loss=float(logs["loss"])
        )
        better_one = better(options.select, result, progress.best)
        best = better_one and self._judge.may_replace_what_was_there()
        if best:
            if progress.best is None:
                self._begin_files()
            self.head = replace(
                self.head, weights=weights_sha256(self._kept), replaces=self.head.weights
            )
        best_epoch = result.epoch if best else progress.best_epoch
        progress = replace(
            progress,
            history=(*progress.history, result),
            best_epoch=best_epoch,
            finished=ended(options, result.epoch, best_epoch),
        )
        self.head = replace(self.head, progress=progress)
        self._write_history()
        # The state first: a checkpoint that is older than it can be made from it, not the other way.
        # Both are made before, so that there is hardly time to be killed between the two.
        content = checkpoint_bytes(self._kept) if best else b""
        save_state(state_path(checkpoint), self.head, self._variables)
        if best:
            write_atomically(checkpoint, content)
        line(
            f"epoch {result.epoch}/{options.epochs}: loss {result.loss:.4f}, "
            + (f"{_scores(result)}, " if result.judged else "")
            + f"learning rate {result.learning_rate:.2e}"
            + (" *" if best else ", not surely better than epoch 0" if better_one else "")
        )
        if result.judged:
            names = ("val_loss", "val_ap", "val_roc_auc", "val_top1")
            logs.update({name: getattr(result, name) for name in names})
        if progress.finished or result.epoch == self._stop_after:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        self._write_curves()

    def _begin_files(self) -> None:
        """Of a run that is overwritten, nothing may go on beside this one's: its checkpoint would be
        judged by this one's split."""
        for path in files_of(self._options.checkpoint_path):
            path.unlink(missing_ok=True)
        self._write_companions()

    def _take_weights(self) -> None:
        if self._options.mixed_precision:
            self._kept.set_weights(self._trained.get_weights())

    def _write_companions(self) -> None:
        for path, content in self._companions.items():
            write_atomically(path, content)

    def _write_history(self) -> None:
        path = beside(self._options.checkpoint_path, "history.csv")
        write_atomically(path, history_csv(self.head.progress.rows).encode())

    def _write_curves(self) -> None:
        progress = self.head.progress
        if progress.history:
            picture = curves_png(progress.history, progress.best_epoch)
            write_atomically(beside(self._options.checkpoint_path, "curves.png"), picture)


def _scores(result: EpochResult) -> str:
    """Of an epoch that was judged, for people."""
    return (
        f"validation loss {result.val_loss:.4f}, AP {result.val_ap:.4f}, "
        f"ROC-AUC {result.val_roc_auc:.4f}, top-1 {result.val_top1:.4f}"
    )
