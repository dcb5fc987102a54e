"""`python -m model_gen.evaluation.family.child JOB SCORES`: one training, in a process with a TensorFlow of its own.

It leaves checkpoint and bundle beside SCORES: what the float and the int8 model say of the recordings that test.
"""

import sys
from pathlib import Path

from host.typed import typed
from model_gen.evaluation.child import answer
from model_gen.evaluation.family.jobs import SEED, Job, options_for
from model_gen.evaluation.family.scores import Scores
from model_gen.evaluation.spent import Spent
from model_gen.runtime import tensorflow
from model_gen.training.options import TrainOptions


def run(job: Job, folder: Path) -> Scores:
    """What the models of a job say, which are left in a folder.

    Raises:
        NightjarError: as training and quantization do.
    """
    return scores_of(options_for(job, folder))


def scores_of(options: TrainOptions) -> Scores:
    """Train, quantize, and hear the recordings that test.

    Raises:
        NightjarError: as training and quantization do.
    """
    from model_gen.evaluation.family.hear import Heard, bundle_of
    from model_gen.training.run import train

    tensorflow()  # its import is no part of training
    spent = Spent()
    trained = train(options)
    processor, _ = spent.taken()
    checkpoint, data = options.checkpoint_path, options.data_path_train
    bundle = checkpoint.with_name("bundle")
    bundle_of(checkpoint, data, bundle, cache_dir=options.cache_dir, seed=SEED)
    heard = Heard.of(checkpoint, data, options.cache_dir)
    return Scores(
        wanted=heard.wanted,
        kinds={"float": heard.by_float(), "int8": heard.by_int8(bundle)},
        epochs=len(trained.progress.history),
        parameters=trained.parameters,
        processor=processor,
        best_epoch=trained.progress.best_epoch,
    )


if __name__ == "__main__":
    sys.exit(answer(lambda job, out: run(typed(Job, job), out.parent).to_npz(), *sys.argv[1:]))
