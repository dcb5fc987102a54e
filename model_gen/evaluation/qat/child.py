"""`python -m model_gen.evaluation.qat.child JOB SCORES`: one model, in a process with a TensorFlow of its own.

SCORES lies in the job's folder, and gets what the model says of the recordings that test. A float
model that lies there already is heard, and not trained again.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from host.typed import typed
from model_gen.evaluation.child import answer
from model_gen.evaluation.family.scores import Scores
from model_gen.evaluation.qat.base import copy_checkpoint
from model_gen.evaluation.qat.jobs import CONVERTER, FLOAT, LEARN, MODEL, WINDOWS, Job, options_for
from model_gen.evaluation.spent import Spent
from model_gen.runtime import tensorflow
from model_gen.training.options import TrainOptions

TAKEN = "taken.npz"  # what `bench family` measured of a float model that was taken from there


@dataclass(frozen=True)
class Trained:
    """A checkpoint; processor: seconds of training, NaN where there was none or nobody measured it."""

    checkpoint: Path
    epochs: int = 0
    best_epoch: int = 0
    processor: float = math.nan


def run(job: Job, folder: Path) -> Scores:
    """Train what is to be trained, quantize it, and hear the recordings that test.

    Raises:
        NightjarError: as training and quantization do.
    """
    from model_gen.evaluation.family.hear import Heard, bundle_of

    out = folder.parents[1]
    data, windows = Path(job.training.data_path), out / WINDOWS
    trained = _trained(job, folder)
    heard = Heard.of(trained.checkpoint, data, windows)
    if job.kind == FLOAT:
        scores = heard.by_float()
    else:
        bundle = folder / "bundle"
        ranges = "converter" if job.kind == CONVERTER else "own"
        bundle_of(
            trained.checkpoint, data, bundle, cache_dir=windows, seed=job.drawn, ranges=ranges
        )
        scores = heard.by_int8(bundle)
    return Scores(
        wanted=heard.wanted,
        kinds={job.kind: scores},
        epochs=trained.epochs,
        parameters=heard.model.count_params(),
        processor=trained.processor,
        best_epoch=trained.best_epoch,
    )


def _trained(job: Job, folder: Path) -> Trained:
    """What the job quantizes, or hears: trained here, or before."""
    if (folder / TAKEN).is_file():
        before = Scores.read(folder / TAKEN)
        return Trained(folder / MODEL, before.epochs, before.best_epoch, processor=before.processor)
    base = folder.with_name(FLOAT) / MODEL
    options = options_for(job, folder.parents[1])
    if options is None:
        return Trained(base)
    if job.kind in LEARN:
        copy_checkpoint(base, folder)
    return _train(options)


def _train(options: TrainOptions) -> Trained:
    from model_gen.training.run import train

    tensorflow()  # its import is no part of training
    spent = Spent()
    found = train(options)
    processor, _ = spent.taken()
    progress = found.progress
    return Trained(
        found.checkpoint, len(progress.history), progress.best_epoch, processor=processor
    )


if __name__ == "__main__":
    sys.exit(answer(lambda job, out: run(typed(Job, job), out.parent).to_npz(), *sys.argv[1:]))
