"""The learning curves as a picture."""

import io

from model_gen.training.state import EpochResult


def curves_png(history: tuple[EpochResult, ...], best_epoch: int) -> bytes:
    """Loss, validation scores and learning rate over epochs; the same history gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    FigureCanvasAgg(figure)
    loss, score, rate = figure.subplots(1, 3)
    epochs = [row.epoch for row in history]
    loss.plot(epochs, [row.loss for row in history], label="train")
    judged = [row for row in history if row.judged]
    when = [row.epoch for row in judged]
    loss.plot(when, [row.val_loss for row in judged], label="validation")
    loss.legend()
    score.plot(when, [row.val_ap for row in judged], label="average precision")
    score.plot(when, [row.val_roc_auc for row in judged], label="ROC-AUC")
    score.plot(when, [row.val_top1 for row in judged], label="top-1")
    score.legend()
    rate.plot(epochs, [row.learning_rate for row in history])
    titles = ("Loss", "Validation by recordings", "Learning rate")
    for axis, title in zip((loss, score, rate), titles, strict=True):
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("epoch")
        axis.axvline(best_epoch, color="grey", linewidth=0.8, linestyle=":")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()
