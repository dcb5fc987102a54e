"""`python -m model_gen.evaluation.learning.child JOB OUT`: one run, in a process with a TensorFlow of its own."""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.typed import typed
from model_gen.evaluation.child import answer
from model_gen.evaluation.learning.conditions import CONDITIONS, WINDOW, window_of
from model_gen.evaluation.learning.recipes import OURS, options_for, version_of
from model_gen.evaluation.learning.result import FLOAT, INT8, Run
from model_gen.evaluation.learning.speakers import (
    Clip,
    Fold,
    digest_of,
    fold_of,
    read_clips,
    speakers_of,
)
from model_gen.evaluation.spent import Spent
from model_gen.runtime import tensorflow

# From int16 [n, WINDOW] to logits [n, labels].
Model = Callable[[npt.NDArray[np.int16]], npt.NDArray[np.float32]]
_AT_ONCE = 250


@dataclass(frozen=True)
class Job:
    """What one run is of; `epochs` instead of the recipe's is for trials."""

    recipe: str
    data_path: str
    test: str
    seed: int
    int8: bool
    epochs: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Models by kind, the labels of their logits, and how they were made."""

    models: dict[str, Model]
    labels: tuple[str, ...]
    epochs: int
    best_epoch: int
    val_top1: float
    processor: float
    wall: float
    int8_refused: str = ""


def run(job: Job) -> Run:
    """Train and judge.

    Raises:
        NightjarError: as training and quantization do.
    """
    clips = read_clips(Path(job.data_path))
    fold = fold_of(speakers_of(clips), job.test)
    tensorflow()  # its import is no part of training
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        folder = Path(name)
        make = _ours if job.recipe in OURS else _reference
        outcome = make(clips, fold, job, folder)
        tested = [clip for clip in clips if clip.speaker == fold.test]
        top1 = {kind: judge(m, outcome.labels, tested) for kind, m in outcome.models.items()}
    return Run(
        recipe=job.recipe,
        version=version_of(job.recipe, job.epochs),
        data=digest_of(clips),
        test=fold.test,
        val=fold.val,
        seed=job.seed,
        processor=round(outcome.processor, 2),
        wall=round(outcome.wall, 2),
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch,
        val_top1=outcome.val_top1,
        top1=top1,
        int8_refused=outcome.int8_refused,
    )


def judge(model: Model, labels: Sequence[str], clips: Sequence[Clip]) -> dict[str, float]:
    """Top-1 of each condition over `clips`, 0 to 1; a class that the model lacks is never right."""
    found = {}
    for condition in CONDITIONS:
        right = 0
        for first in range(0, len(clips), _AT_ONCE):
            some = clips[first : first + _AT_ONCE]
            windows = np.stack([window_of(c.pcm, condition, c.relative) for c in some])
            guesses = model(windows).argmax(axis=1)
            right += sum(
                labels[guess] == clip.label for guess, clip in zip(guesses, some, strict=True)
            )
        found[condition] = right / len(clips)
    return found


def _reference(clips: Sequence[Clip], fold: Fold, job: Job, folder: Path) -> Outcome:
    from model_gen.evaluation.learning.reference import EPOCHS, log_mel, train_reference

    train = [clip for clip in clips if clip.speaker in fold.train]
    val = [clip for clip in clips if clip.speaker == fold.val]
    log_mel(np.zeros((1, WINDOW), np.int16))  # loads librosa, whose import is no part of it either
    spent = Spent()
    trained = train_reference(train, val, seed=job.seed, epochs=job.epochs or EPOCHS)
    processor, wall = spent.taken()
    return Outcome(
        models={FLOAT: trained.logits},
        labels=trained.labels,
        epochs=trained.epochs,
        best_epoch=trained.epochs,
        val_top1=trained.val_top1,
        processor=processor,
        wall=wall,
    )


def _ours(clips: Sequence[Clip], fold: Fold, job: Job, folder: Path) -> Outcome:
    from host.reference.frontend import features
    from model_gen.models.checkpoint import load_checkpoint
    from model_gen.training.run import train

    data = Path(job.data_path)
    options = options_for(job.recipe, fold, job.seed, data, folder, job.epochs)
    silence = np.zeros((1, options.contract.chunk_samples), np.int16)
    features(silence, options.contract)  # which compiles the frontend where nobody has
    spent = Spent()
    progress = train(options).progress
    processor, wall = spent.taken()
    keras_model, config = load_checkpoint(options.checkpoint_path)

    def by_float(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        x = features(windows, config.frontend)[..., None]
        return np.asarray(keras_model.predict(x, batch_size=32, verbose=0))

    models: dict[str, Model] = {FLOAT: by_float}
    refused = ""
    if job.int8:
        int8, refused = _int8(data, job, folder)
        models.update({} if int8 is None else {INT8: int8})
    return Outcome(
        models=models,
        labels=config.labels,
        epochs=len(progress.history),
        best_epoch=progress.best_epoch,
        val_top1=progress.history[progress.best_epoch - 1].val_top1,
        processor=processor,
        wall=wall,
        int8_refused=refused,
    )


def _int8(data: Path, job: Job, folder: Path) -> tuple[Model | None, str]:
    """The int8 model, or why there is none. Whatever accuracy it lost is what is to be measured."""
    from host.bundle import load_subject
    from host.reference.frontend import features
    from model_gen.quantization.int8 import Int8Model
    from model_gen.quantization.run import QuantizeOptions, quantize

    out = folder / "bundle"
    result = quantize(
        QuantizeOptions(
            checkpoint=folder / "model.keras",
            data_path=data,
            out=out,
            max_drop=1.0,
            seed=job.seed,
            cache_dir=folder / "windows",
        )
    )
    if result.contract is None:
        return None, "; ".join(result.gates.refused)
    contract = result.contract.frontend
    model = Int8Model(load_subject(out).model)

    def by_int8(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        rows = [model.scores(model.steps(one)) for one in features(windows, contract)]
        return np.stack(rows).astype(np.float32)

    return by_int8, ""


if __name__ == "__main__":
    sys.exit(
        answer(
            lambda job, _: json.dumps(asdict(run(typed(Job, job)))).encode(),
            *sys.argv[1:],
        )
    )
