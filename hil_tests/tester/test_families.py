"""Families of models with every kind of block, on every tier: what the host's harness proves, the target proves too."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from host.compare.macs import count_macs
from host.compare.prove import prove
from host.compare.session import Session
from host.frontend_contract import FrontendContract
from host.report.verdict import Verdict
from model_gen.codegen.testing.families import mobilenet_v2
from model_gen.codegen.testing.keras_models import convert
from model_gen.models.build import build_model
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options

pytestmark = pytest.mark.slow

MOST = 0.40  # instructions a multiply-accumulate, from alpha 1.0 on


def judged(model: bytes, made: Any, tmp_path: Path, tier: str, boards: Path) -> Verdict:
    path = tmp_path / "model.tflite"
    path.write_bytes(model)
    subject, project = made(path, tier)
    verdict = prove(Session(project, subject, tier, vectors=2, seed=5, root=boards))
    assert verdict.exact, verdict.headline
    return verdict


def test_mobilenet_v2_is_exact(made: Any, tmp_path: Path, tier: str, boards: Path) -> None:
    verdict = judged(convert(mobilenet_v2), made, tmp_path, tier, boards)
    assert all(layer.observed for layer in verdict.layers)


def test_our_blocks_are_exact(made: Any, tmp_path: Path, tier: str, boards: Path) -> None:
    """Inverted residuals, gates inside them, both sizes of kernels, an embedding, attention."""
    options = Options(
        stage_widths=(8, 16, 24, 40),
        stage_repeats=(1, 1, 2, 1),
        depthwise_kernel=(3, 5, 3, 5),
        embeddings_size=56,
        se=True,
        inverted_residual=True,
        expansion_factor=3,
        use_attention_pooling=True,
    )
    contract = FrontendContract(
        sample_rate=8000, chunk_samples=8000, fft_length=128, hop=62, frames=128, bins=64
    )
    config = ModelConfig(contract, ("a", "b", "c"), num_mels=32, options=options)
    verdict = judged(_network(config), made, tmp_path, tier, boards)
    assert {layer.op for layer in verdict.layers} >= {"MUL", "LOGISTIC", "SOFTMAX", "MEAN"}


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5])
def test_our_network_at_every_width(
    alpha: float, made: Any, tmp_path: Path, tier: str, boards: Path
) -> None:
    """With 256 frames, as `nightjar train` makes it; random weights."""
    config = ModelConfig(FrontendContract(), ("a", "b", "c"), options=Options(alpha=alpha))
    model = _network(config)
    verdict = judged(model, made, tmp_path, tier, boards)
    macs = sum(count_macs(model, [layer.bytes for layer in verdict.layers]))
    if verdict.cost.model is not None and alpha >= 1:
        assert verdict.cost.model <= MOST * macs


@cache
def _network(config: ModelConfig) -> bytes:
    """The .tflite of a configuration's network, the same for all tiers."""

    def build(layers: Any) -> tuple[Any, Any]:
        network = build_model(config, batch_size=1)
        return network.input, network.output

    return convert(build)
