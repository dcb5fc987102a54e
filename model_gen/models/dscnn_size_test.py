"""Parameters and multiply-accumulates, counted by hand, against those that the field's documentation is known for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.frontend_contract import FrontendContract
from model_gen.models.build import build_model
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options
from model_gen.runtime import tensorflow

LABELS = tuple(f"{number:03d}" for number in range(100))
CONFIG = ModelConfig(FrontendContract(), LABELS)  # 64 mels x 256 frames behind the frontend


def built(options: Options, labels: tuple[str, ...] = LABELS) -> Any:
    tensorflow()
    return build_model(replace(CONFIG, options=options, labels=labels))


def counted(model: Any, kinds: tuple[str, ...]) -> list[Any]:
    return [
        layer
        for layer in model.layers
        if type(layer).__name__ in kinds and not layer.name.startswith(("frontend_", "pwl_"))
    ]


def size(model: Any) -> tuple[int, int]:
    """Parameters without batch norms and frontend, and multiply-accumulates of one inference."""
    parameters = macs = 0
    for layer in counted(model, ("Conv2D", "DepthwiseConv2D", "Dense")):
        kernel = layer.kernel.shape
        parameters += int(np.prod(kernel)) + (kernel[-1] if layer.use_bias else 0)
        places = int(np.prod(layer.output.shape[1:-1]))  # 1 of a dense layer
        macs += places * int(np.prod(kernel))
    return parameters, macs


@pytest.mark.parametrize(
    ("options", "parameters", "macs"),
    [
        (Options(), "202.6 k", "22.3 M"),
        (Options(inverted_residual=True, se=True), "816 k", "89.7 M"),
        (
            Options(inverted_residual=True, expansion_factor=6, se=True, se_reduction=4),
            "4.58 M",
            "269 M",
        ),
    ],
)
def test_sizes_are_those_of_the_definitions(options: Options, parameters: str, macs: str) -> None:
    found = size(built(options))
    for value, text in zip(found, (parameters, macs), strict=True):
        number, unit = text.split()
        decimals = len(number.partition(".")[2])
        assert f"{value / {'k': 1e3, 'M': 1e6}[unit]:.{decimals}f}" == number, found


def test_a_published_network_has_the_parameters_that_it_is_published_with() -> None:
    """Upstream's 1.4 to 1.6: wide, of larger kernels in all stages but the first, with an embedding convolution."""
    options = Options(alpha=1.5, depthwise_kernel=(3, 5, 5, 5), embeddings_size=1024)
    model = built(options)
    norms = sum(layer.count_params() for layer in counted(model, ("BatchNormalization",)))
    assert (size(model)[0], norms) == (910_484, 18_112)


def test_alpha_depth_widths_and_repeats() -> None:
    """make_divisible of every width, the ceiling of every number of repeats."""
    options = Options(
        alpha=0.6,
        depth_multiplier=0.6,
        stage_widths=(8, 48, 24, 40),
        stage_repeats=(1, 3, 2, 5),
        depthwise_kernel=(5, 3, 3, 5),
    )
    model = built(options)
    depthwise = {layer.name: layer for layer in counted(model, ("DepthwiseConv2D",))}
    wanted = {1: (8, 1, 5), 2: (32, 2, 3), 3: (16, 2, 3), 4: (24, 3, 5)}
    assert sorted(depthwise) == [
        f"stage{stage}_block{number}_dw"
        for stage, (_, repeats, _) in wanted.items()
        for number in range(1, repeats + 1)
    ]
    for stage, (width, repeats, kernel) in wanted.items():
        for number in range(1, repeats + 1):
            assert depthwise[f"stage{stage}_block{number}_dw"].kernel_size == (kernel, kernel)
            block = model.get_layer(f"stage{stage}_block{number}_pw")
            assert block.output.shape[-1] == width
