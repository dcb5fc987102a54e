"""`python -m model_gen.training.qat.speed MODEL`: what steps of quantization-aware training cost, a float step being 1.

In processor time of all threads, of a checkpoint, on a batch of noise: a float step with batch normalization frozen, a
shadow and a faithful one, teacher included, in turn, the best of many rounds each, because other programs disturb.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from model_gen.models.checkpoint import load_checkpoint
from model_gen.runtime import tensorflow
from model_gen.training.allocator import keep_freed_memory
from model_gen.training.losses import loss_of
from model_gen.training.optimizers import optimizer_of
from model_gen.training.options import TrainOptions

_ROUNDS, _CALIBRATING = 40, 8


def costs(checkpoint: Path, batch_size: int = 32, rounds: int = _ROUNDS) -> dict[str, float]:
    """Seconds of processor time of a step: "float", "shadow" and "faithful".

    Raises:
        BadInput: there is no checkpoint.
        HostFailure: the converter failed.
    """
    tf = tensorflow()
    from model_gen.training.qat.conversion import Conversion
    from model_gen.training.qat.faithful import Faithful, freeze
    from model_gen.training.qat.shadow import Shadow
    from model_gen.training.qat.simulate import Simulation
    from model_gen.training.qat.teacher import Teacher
    from model_gen.training.steps import Supervised

    model, config = load_checkpoint(checkpoint)
    options = TrainOptions(Path(), class_activation=config.class_activation, learning_rate=1e-6)
    loss = loss_of(options, len(config.labels))
    rng = np.random.default_rng(0)
    shape = (batch_size, config.frontend.rows, config.frontend.frames)
    windows = rng.uniform(0, 1, shape).astype(np.float32)
    targets = np.eye(len(config.labels), dtype=np.float32)[
        rng.integers(0, len(config.labels), batch_size)
    ]
    owned = Conversion(config, windows[:_CALIBRATING]).of(model)
    simulation = Simulation(model, owned)
    freeze(model, simulation)
    learners: dict[str, Any] = {
        "float": Supervised(model, loss, None, 0.0),
        "shadow": Shadow(model, loss, bits=8, per_tensor=False),
        "faithful": Faithful(
            model, simulation, Teacher(owned.calibrated), loss, config.class_activation
        ),
    }
    for learner in learners.values():
        optimizer = optimizer_of(options, model.trainable_variables)
        learner.compile(optimizer=optimizer, jit_compile=False, auto_scale_loss=False)
    given, wanted = tf.constant(windows[..., None]), {"targets": tf.constant(targets)}
    keep_freed_memory()  # as training does
    found: dict[str, list[float]] = {name: [] for name in learners}
    for _ in range(rounds + 1):  # the first traces
        for name, learner in learners.items():
            begun = time.process_time()
            learner.train_on_batch(given, wanted)
            found[name].append(time.process_time() - begun)
    return {name: min(each[1:]) for name, each in found.items()}


if __name__ == "__main__":
    measured = costs(Path(sys.argv[1]))
    for name, seconds in measured.items():
        print(f"{name:8} {1000 * seconds:6.1f} ms a step, {seconds / measured['float']:.2f}")
