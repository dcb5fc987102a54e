import json
from dataclasses import replace
from pathlib import Path

import pytest

from host.errors import BadInput
from host.frontend_contract import FrontendContract
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
