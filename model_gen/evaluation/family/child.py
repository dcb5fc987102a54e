"""`python -m model_gen.evaluation.family.child JOB SCORES`: one training, in a process with a TensorFlow of its own.

It leaves checkpoint and bundle beside SCORES: what the float and the int8 model say of the recordings that test.
"""

import sys
from pathlib import Path

import numpy as np

from host.errors import BadInput
from host.typed import typed
from model_gen.data.dataset import targets
from model_gen.data.features import extract
from model_gen.data.reopen import EVALUATION_OVERLAP, recordings_of
from model_gen.data.selection import Selection
from model_gen.data.split import read_split
from model_gen.evaluation.child import answer
from model_gen.evaluation.family.jobs import SEED, Job, options_for
from model_gen.evaluation.family.scores import Scores
from model_gen.evaluation.pooling import activate, pool
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.models.predict import predict_logits
from model_gen.training.options import TrainOptions

POOLING = "lme"


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
    from host.bundle import load_subject
    from model_gen.quantization.int8 import Int8Model
    from model_gen.quantization.run import QuantizeOptions, quantize
    from model_gen.training.run import train

    trained = train(options)
    bundle = options.checkpoint_path.with_name("bundle")
    quantized = quantize(
        QuantizeOptions(
            checkpoint=options.checkpoint_path,
            data_path=options.data_path_train,
            out=bundle,
            max_drop=1.0,
            seed=SEED,
            cache_dir=options.cache_dir,
            force=True,
        )
    )
    if quantized.contract is None:
        raise BadInput(
            "the int8 model is refused",
            evidence="; ".join(quantized.gates.refused),
            next_step="look at the features: `nightjar frontend check`",
        )
    model, config = load_checkpoint(options.checkpoint_path)
    split = read_split(beside(options.checkpoint_path, "split.csv"))
    chunks = extract(
        recordings_of(options.data_path_train, config.labels, split, "test"),
        config.frontend,
        Selection(config.max_duration, overlap=EVALUATION_OVERLAP),
        cache_dir=options.cache_dir,
        num_workers=2,
    )
    logits = {
        "float": predict_logits(model, chunks),
        "int8": Int8Model(load_subject(bundle).model).logits(chunks),
    }
    count = len(chunks.recordings)
    scores = {
        kind: pool(activate(values, config.class_activation), chunks.owner, count, POOLING)
        for kind, values in logits.items()
    }
    return Scores(
        wanted=targets(chunks.recordings, config.labels).astype(np.int8),
        kinds=scores,
        epochs=len(trained.progress.history),
        parameters=trained.parameters,
    )


if __name__ == "__main__":
    sys.exit(answer(lambda job, out: run(typed(Job, job), out.parent).to_npz(), *sys.argv[1:]))
