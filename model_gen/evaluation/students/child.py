"""`python -m model_gen.evaluation.students.child JOB OUT`: one lesson, in a process with a TensorFlow of its own."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from host.reference.frontend import features
from host.typed import typed
from model_gen.evaluation.child import answer
from model_gen.evaluation.learning.conditions import window_of
from model_gen.evaluation.learning.recipes import options_for, version_of
from model_gen.evaluation.learning.speakers import Clip, digest_of, fold_of, read_clips, speakers_of
from model_gen.evaluation.metrics import evaluate_scores
from model_gen.evaluation.pooling import activate
from model_gen.evaluation.spent import Spent
from model_gen.evaluation.students.lesson import DISTILLED, KINDS, STUDENT, TEACHER, Job, Lesson
from model_gen.models.checkpoint import load_checkpoint
from model_gen.runtime import tensorflow
from model_gen.training.options import TrainOptions
from model_gen.training.run import train

RECIPE = "release"


def run(job: Job) -> Lesson:
    """Train all three by the preset's recipe, and judge them.

    Raises:
        NightjarError: as training does.
    """
    clips = read_clips(Path(job.data_path))
    fold = fold_of(speakers_of(clips), job.test)
    tested = [clip for clip in clips if clip.speaker == fold.test]
    tensorflow()  # its import is no part of training
    top1, ap, processor = {}, {}, {}
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        folder = Path(name)
        common = options_for(RECIPE, fold, job.seed, Path(job.data_path), folder, job.epochs)
        for kind, options in _three(common, folder, job).items():
            spent = Spent()
            train(options)
            processor[kind] = round(spent.taken()[0], 2)
            top1[kind], ap[kind] = judge(options.checkpoint_path, tested)
    return Lesson(
        data=digest_of(clips),
        version=version_of(RECIPE, job.epochs),
        test=fold.test,
        seed=job.seed,
        teacher_alpha=job.teacher_alpha,
        student_alpha=job.student_alpha,
        top1=top1,
        ap=ap,
        processor=processor,
    )


def _three(common: TrainOptions, folder: Path, job: Job) -> dict[str, TrainOptions]:
    """Kind -> its options; the student's own are the same with and without the teacher."""
    places = {kind: folder / kind / "model.keras" for kind in KINDS}
    student = replace(common, alpha=job.student_alpha, checkpoint_path=places[STUDENT])
    return {
        TEACHER: replace(common, alpha=job.teacher_alpha, checkpoint_path=places[TEACHER]),
        STUDENT: student,
        DISTILLED: replace(student, checkpoint_path=places[DISTILLED], teacher=places[TEACHER]),
    }


def judge(checkpoint: Path, clips: Sequence[Clip]) -> tuple[float, float]:
    """Top-1 and macro average precision over clips, each in the middle of its window."""
    model, config = load_checkpoint(checkpoint)
    windows = np.stack([window_of(clip.pcm, "clean", clip.relative) for clip in clips])
    x = features(windows, config.frontend)[..., None]
    scores = activate(model.predict(x, batch_size=32, verbose=0), config.class_activation)
    wanted = np.array(
        [[clip.label == label for label in config.labels] for clip in clips], np.float32
    )
    found = evaluate_scores(wanted, scores, config.labels)
    assert found.top1 is not None
    assert found.average_precision is not None
    return float(found.top1), float(found.average_precision)


if __name__ == "__main__":
    sys.exit(
        answer(lambda job, _: json.dumps(asdict(run(typed(Job, job)))).encode(), *sys.argv[1:])
    )
