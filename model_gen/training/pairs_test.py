"""Every pair of what decides a model builds and learns: 8 kHz, 32 frames, one process."""

import time
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from host.reference.frontend import features
from model_gen.frontends import FRONTENDS, frontend
from model_gen.frontends.magnitude import MAGNITUDE_SCALINGS
from model_gen.models.build import build_model
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.losses import loss_of
from model_gen.training.presets import options_of, table
from model_gen.training.testing_family import LABELS, small
from model_gen.training.testing_pairs import Choice, every_pair, goes
from model_gen.training.together import RULES

FACTORS: dict[str, tuple[Any, ...]] = {
    "audio_frontend": tuple(FRONTENDS),
    "input_compression": table()["input_compression"].declared.choices,
    "mag_scale": tuple(MAGNITUDE_SCALINGS),
    "normalization": table()["normalization"].declared.choices,
    "preset": ("release", "april"),
    "frontend_form": table()["frontend_form"].declared.choices,
    "frontend_trainable": (False, True),
    "window_dc": ("keep", "remove"),
    "se": (False, True),
    "inverted_residual": (False, True),
    "use_attention_pooling": (False, True),
    "depthwise_kernel": ((3,), (5,), (3, 5, 3, 5)),
    "depth_multiplier": (0.25, 1.0),
    "embeddings_size": (16, 64),  # 64 is as wide as the last stage: no convolution
    "class_activation": ("sigmoid", "softmax"),
}
MOST = 48  # models
SECONDS = 120  # of processor time, for all of them
CHOICES = every_pair(FACTORS)


def named(choice: Choice) -> str:
    return "-".join(str(value) for value in choice.values())


def test_every_pair_that_goes_together_is_among_the_choices() -> None:
    """What goes together, by trying all values of those that the rules are of."""
    assert len(CHOICES) <= MOST
    assert all(goes(choice) and set(choice) == set(FACTORS) for choice in CHOICES)
    there = {frozenset(two) for choice in CHOICES for two in combinations(choice.items(), 2)}
    ruled = {name for rule in RULES for name in (rule.option, rule.other)} & set(FACTORS)
    valid = [
        made
        for values in product(*(FACTORS[name] for name in ruled))
        if goes(made := dict(zip(ruled, values, strict=True)))
    ]
    for one, other in combinations(FACTORS, 2):
        for pair in product(((one, a) for a in FACTORS[one]), ((other, b) for b in FACTORS[other])):
            fits = any(all(made.get(k, v) == v for k, v in pair) for made in valid)
            assert (frozenset(pair) in there) == fits, pair


@pytest.fixture(scope="module")
def spent() -> list[float]:
    """Processor seconds of the models before."""
    tensorflow()
    return []


@pytest.mark.parametrize("choice", CHOICES, ids=named)
def test_it_builds_and_takes_a_step(choice: Choice, spent: list[float]) -> None:
    import tensorflow as tf

    from model_gen.training.optimizers import optimizer_of
    from model_gen.training.steps import Supervised

    began = time.process_time()
    told = small(choice)
    if told["se"]:
        told["se_reduction"] = 2  # of 8 channels four units are left, not one, which may be dead
    options = options_of(told.pop("preset"), told)
    config = configure(options, LABELS)
    model = build_model(config, seed=1)
    rng = np.random.default_rng(1)
    pcm = rng.integers(-8000, 8000, (4, options.contract.chunk_samples)).astype(np.int16)
    x = features(pcm, options.contract)
    frontend(config.audio_frontend).settle(model, config, x)
    learner = Supervised(model, loss_of(options, len(LABELS)), None, options.l2)
    learner.compile(optimizer=optimizer_of(options, model.trainable_variables), run_eagerly=True)
    targets = {"targets": np.eye(len(LABELS), dtype=np.float32)[[0, 1, 2, 0]]}
    before = [np.array(v) for v in model.trainable_variables]
    loss = learner.train_on_batch(tf.constant(x[..., None]), targets)
    assert np.isfinite(loss)
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, model.trainable_variables, strict=True)
    ]
    still = [v.path for v, m in zip(model.trainable_variables, moved, strict=True) if not m]
    one = options.use_attention_pooling and model.get_layer("pool_score").output.shape[1:3] == (
        1,
        1,
    )
    if one and "pool_score/kernel" in still:  # of one position, whose share is 1
        still.remove("pool_score/kernel")
    assert not still, still
    assert model.output_shape == (None, len(LABELS))
    spent.append(time.process_time() - began)
    assert sum(spent) <= SECONDS
