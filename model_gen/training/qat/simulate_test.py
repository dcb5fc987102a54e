"""The simulation held against the int8 model that the converter makes, and its reference kernels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.reference.frontend import dequantize
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options
from model_gen.quantization.gates import cosines
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.ranges.own import Owned
from model_gen.runtime import tensorflow
from model_gen.training.presets import options_of
from model_gen.training.qat.agreement import by_layer, differing_kernels
from model_gen.training.qat.faithful import freeze
from model_gen.training.qat.shadow import shadowed
from model_gen.training.qat.simulate import Simulation
from model_gen.training.qat.teacher import Teacher
from model_gen.training.qat.testing import Floats, converted, network, saved, windows_for

tf = tensorflow()
PLAIN = {"stage_widths": (8, 8, 16, 16), "stage_repeats": (1, 1, 1, 2), "embeddings_size": 24}
WIDE = {**PLAIN, "inverted_residual": True, "se": True, "se_reduction": 4}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "hybrid, inverted residuals and attention": (
        "hybrid",
        {**WIDE, "use_attention_pooling": True},
    ),
    "raw, plain": ("raw", PLAIN),
    "mfcc, without a residual": ("mfcc", {**PLAIN, "stage_repeats": (1, 1, 1, 1)}),
}


def config_of(frontend: str, blocks: dict[str, Any]) -> ModelConfig:
    given = {"data_path_train": Path("x"), "audio_frontend": frontend, "sample_rate": 8000}
    shape = {
        "chunk_duration": 1.0,
        "fft_length": 128,
        "spec_width": 64,
        "num_mels": 16,
        "n_mfcc": 16,
    }
    if frontend != "mfcc":
        del shape["n_mfcc"]
    options = options_of("release", {**given, **shape})
    return ModelConfig(
        options.contract,
        ("a", "b", "c"),
        audio_frontend=frontend,
        spec_width=64,
        num_mels=16,
        mag_scale=options.mag_scale,
        options=Options(**blocks),
    )


@pytest.fixture(scope="module", params=CASES)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Floats, Owned]:
    config = config_of(*CASES[request.param])
    windows = windows_for(config)
    model = network(config, windows)
    path = saved(model, config, tmp_path_factory.mktemp("qat") / "m.keras")
    return model, windows, converted(path, windows)


def test_the_simulation_is_the_int8_model(case: tuple[Any, Floats, Owned]) -> None:
    model, windows, owned = case
    simulation = Simulation(model, owned)
    trained = {id(v): v.path for v in model.trainable_variables if "_bn" not in v.path}
    assert not {path for i, path in trained.items() if i not in simulation.reached}

    found = by_layer(simulation, owned, windows[:4])
    # What is left lies at a half, where float32 sums decide.
    assert found.unequal <= 0.001 * found.values, found
    int8 = Int8Model(owned.int8)
    steps = np.stack([int8.scores(int8.steps(window)) for window in windows[:4]])
    logits = dequantize(steps, int8.output.scale, int8.output.zero_point)
    # Of drawn weights a step at the beginning is many at the end; trained networks contract.
    whole = np.asarray(simulation(windows[:4, ..., None]))
    assert cosines(whole, logits).mean() > 0.99


def test_a_bias_of_0_which_the_converter_drops_is_trained(
    case: tuple[Any, Floats, Owned],
) -> None:
    model, windows, owned = case
    head = model.get_layer("logits")
    assert not np.any(head.bias)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(Simulation(model, owned)(windows[:2, ..., None]))
    assert np.any(tape.gradient(value, head.bias.value))


def test_what_the_simulation_does_not_reach_is_frozen_and_named(
    case: tuple[Any, Floats, Owned],
) -> None:
    model, _, owned = case
    simulation = Simulation(model, owned)
    biases = simulation.constants.biases
    (row,) = (i for i, layer in biases.items() if layer.layer == "logits")
    del biases[row]
    before = [(one, one.trainable) for one in (*model.layers, model.get_layer("logits").bias)]
    try:
        assert freeze(model, simulation) == ["bias of logits"]
        assert not model.get_layer("logits").bias.trainable
        assert freeze(model, Simulation(model, owned)) == []
    finally:
        for one, trainable in before:
            one.trainable = trainable


def test_shadow_training_rounds_kernels_behind_the_frontend_alone(
    case: tuple[Any, Floats, Owned],
) -> None:
    """A frontend lies in the networks of hybrid and raw."""
    kernels = {one.name: id(one.kernel) for one in case[0].layers if hasattr(one, "kernel")}
    behind = {name for name in kernels if not name.startswith(("frontend", "pwl"))}
    assert {id(kernel) for _, kernel in shadowed(case[0])} == {kernels[name] for name in behind}


def test_the_teacher_says_what_the_float_model_says(case: tuple[Any, Floats, Owned]) -> None:
    model, windows, owned = case
    wanted = np.asarray(model(windows[..., None], training=False))
    np.testing.assert_allclose(
        Teacher(owned.calibrated)(windows[..., None]), wanted, rtol=1e-3, atol=1e-3
    )


def test_kernels_and_biases_are_the_converters_bits(case: tuple[Any, Floats, Owned]) -> None:
    model, _, owned = case
    assert differing_kernels(Simulation(model, owned), owned) == []


def test_another_graph_is_not_taken(case: tuple[Any, Floats, Owned]) -> None:
    model, _, owned = case
    simulation = Simulation(model, owned)
    assert simulation.take(owned)
    assert not simulation.take(Owned(owned.int8, owned.int8, 0))
