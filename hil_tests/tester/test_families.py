"""A family of models with every kind of block, on every tier: what the host's harness proves, the target proves too."""

from pathlib import Path
from typing import Any

from host.compare.session import Bench
from model_gen.codegen.testing_families import mobilenet_v2
from model_gen.codegen.testing_keras import convert


def test_mobilenet_v2_is_exact(made: Any, tmp_path: Path, tier: str, boards: Path) -> None:
    path = tmp_path / "mobilenet_v2.tflite"
    path.write_bytes(convert(mobilenet_v2))
    subject, project = made(path, tier)
    with Bench(project, subject, tier, vectors=2, seed=5, root=boards) as bench:
        for vector in range(2):
            assert not bench.observation(vector).findings
        verdict = bench.verdict()
    assert verdict.exact
    assert all(layer.observed for layer in verdict.layers)
