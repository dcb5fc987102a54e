import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.models.backbones import remarks
from model_gen.models.blocks.channels import make_divisible
from model_gen.models.build import build_model
from model_gen.models.config import ModelConfig, load_config
from model_gen.models.dscnn import Options
from model_gen.runtime import tensorflow

OPTIONS = Options(alpha=0.5, depth_multiplier=1.0, embeddings_size=32)
CONFIG = ModelConfig(
    FrontendContract(
        sample_rate=8000, chunk_samples=4000, fft_length=128, hop=62, frames=64, bins=64
    ),
    ("a", "b", "c"),
    num_mels=16,
    options=OPTIONS,
)


def test_widths_repeats_and_strides_are_those_of_the_definition() -> None:
    tensorflow()
    model = build_model(CONFIG)
    shapes = {layer.name: tuple(layer.output.shape) for layer in model.layers}
    assert shapes["stem_relu"] == (None, 16, 32, 8)
    for stage, (width, repeats) in enumerate([(16, 2), (32, 3), (64, 4), (128, 2)], start=1):
        last = shapes[f"stage{stage}_block{repeats}_relu"]
        assert last == (None, max(1, 16 >> stage), 32 >> stage, width)
        assert f"stage{stage}_block{repeats + 1}_relu" not in shapes
        for block in range(1, repeats + 1):
            assert (f"stage{stage}_block{block}_add" in shapes) == (block > 1)
    assert shapes["embedding_relu"][-1] == 32
    assert shapes["logits"] == (None, 3)


def test_the_embedding_is_left_out_where_the_last_stage_is_as_wide() -> None:
    model = build_model(
        replace(CONFIG, options=replace(OPTIONS, embeddings_size=128, depth_multiplier=0.25))
    )
    names = [layer.name for layer in model.layers]
    assert not any(name.startswith("embedding") for name in names)
    assert [f"stage3_block{b}_dw" in names for b in (1, 2)] == [True, False]


def test_the_default_is_the_network_that_it_always_was() -> None:
    """Names, so that older checkpoints' weights find their layers, and parameters."""
    model = build_model(ModelConfig(FrontendContract(), ("a", "b", "c")))
    names = " ".join(layer.name for layer in model.layers)
    assert hashlib.sha256(names.encode()).hexdigest()[:16] == "93e177db5fd17bd0"
    assert model.count_params() == 204_323


def test_squeeze_and_excitation_lies_inside_one_block_and_behind_the_other() -> None:
    for inverted in (False, True):
        options = replace(OPTIONS, se=True, inverted_residual=inverted, se_reduction=4)
        names = [layer.name for layer in build_model(replace(CONFIG, options=options)).layers]
        at = names.index("stage1_block2_se_scale")
        before, behind = ("dw_relu", "project") if inverted else ("relu", None)
        assert names[at - 5] == f"stage1_block2_{before}"
        assert names[at + 1] == (f"stage1_block2_{behind}" if behind else "stage2_block1_dw")


def test_attention_over_many_places_is_told_before_training() -> None:
    for frames, told in ((256, False), (1024, True)):
        wide = replace(CONFIG.frontend, chunk_samples=62 * frames, frames=frames, bins=64)
        options = replace(OPTIONS, use_attention_pooling=True)
        config = replace(CONFIG, frontend=wide, num_mels=64, options=options)
        said = remarks("dscnn", build_model(config))
        assert [text.startswith("attention pooling over 128 places") for text in said] == [
            True
        ] * told
    assert remarks("dscnn", build_model(CONFIG)) == []


def test_under_mixed_precision_every_block_learns_and_the_softmax_is_in_float32() -> None:
    tf = tensorflow()
    options = replace(OPTIONS, se=True, inverted_residual=True, use_attention_pooling=True)
    model = build_model(replace(CONFIG, options=options), mixed=True)
    whole = {layer.name for layer in model.layers if layer.compute_dtype == "float32"}
    assert whole >= {"pool_softmax", "logits"}
    assert not any(name.startswith("stage") for name in whole)
    shape = (4, CONFIG.frontend.bins, CONFIG.frontend.frames, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.random.stateless_uniform(shape, (1, 2)), training=True) ** 2)
    for variable, slope in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert np.isfinite(slope).all(), variable.path
        assert np.any(slope), variable.path


@pytest.mark.parametrize(("value", "want"), [(1, 8), (11.9, 8), (12, 16), (20, 24), (64, 64)])
def test_make_divisible(value: float, want: int) -> None:
    assert make_divisible(value) == want


def test_a_configuration_round_trips_and_foreign_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x_model_config.json"
    path.write_text(CONFIG.to_json())
    assert ModelConfig.read(path) == CONFIG
    whole = CONFIG.to_json()
    many = whole.replace('"alpha": ', '"alpha": 9')
    for text in (
        "",
        "{",
        "[]",
        "{}",
        whole.replace("/2", "/9"),
        whole.replace(": 64", ': "x"'),
        many,
    ):
        path.write_text(text)
        with pytest.raises(BadInput, match="model configuration must") as caught:
            ModelConfig.read(path)
        assert str(path) in caught.value.evidence
        assert "--overwrite" in caught.value.next_step
    with pytest.raises(BadInput, match="checkpoint"):
        load_config(tmp_path / "none.keras")


def test_a_configuration_of_the_schema_before_loads(tmp_path: Path) -> None:
    flat = json.loads(CONFIG.to_json())
    options = flat.pop("options")
    of_then = ("alpha", "depth_multiplier", "embeddings_size", "dropout", "spatial_dropout")
    flat |= {name: options[name] for name in of_then}
    for name in ("audio_frontend", "spec_width", "frontend_form"):
        del flat[name]
    path = tmp_path / "x_model_config.json"
    path.write_text(json.dumps({**flat, "schema": "nightjar/model-config/1"}))
    assert ModelConfig.read(path) == CONFIG


@pytest.mark.parametrize("wrong", [{"alpha": 0}, {"embeddings_size": 12}, {"dropout": 1.0}])
def test_values_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="Received") as caught:
        replace(CONFIG, options=replace(OPTIONS, **wrong))  # type: ignore[arg-type]
    assert next(iter(wrong)).replace("_", "-") in str(caught.value)
