"""The usual families, end to end: every tensor of every op equals the judge's of its rounding rules, byte for byte."""

from functools import cache
from pathlib import Path

import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.exactness_test import check
from model_gen.codegen.testing.families import FAMILIES
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.keras_models import convert
from model_gen.codegen.testing.models import RULES
from model_gen.codegen.tflite.options import WindowOptions

# What makes the family what it is, and must not be lost in conversion.
_OPS = {
    "mobilenet_v1": {"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "SOFTMAX"},
    "mobilenet_v2": {"HARD_SWISH", "DEPTHWISE_CONV_2D", "MEAN", "MUL", "ADD"},
    "resnet8": {"CONV_2D", "ADD", "AVERAGE_POOL_2D", "SOFTMAX"},
    "autoencoder": {"FULLY_CONNECTED"},
    "temporal": {"CONV_2D", "ADD", "MEAN", "LOGISTIC"},
    "temporal_open": {"SPACE_TO_BATCH_ND", "CONV_2D", "BATCH_TO_SPACE_ND", "MEAN", "LOGISTIC"},
    "ds_cnn": {"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "SOFTMAX"},
}


@cache
def converted(name: str) -> bytes:
    """The .tflite of a family, the same all through a session."""
    return convert(FAMILIES[name])


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("name", FAMILIES)
def test_family_is_exact(name: str, rounding: str, tmp_path: Path) -> None:
    if (name, rounding) == ("temporal_open", "tflm"):
        # Its file holds shapes of half the batch that there is: tflite-micro writes beyond the tensors.
        with pytest.raises(BadInput, match=r"SPACE_TO_BATCH_ND: it gives .* tflite-micro would go"):
            check(converted(name), tmp_path, rounding=rounding)
        return
    host = check(converted(name), tmp_path, rounding=rounding)
    assert {view.op.name for view in host.generated.program.resolved.views} >= _OPS[name]
    if name.startswith("temporal"):
        assert _dilations(host) >= {(1, 2), (1, 4), (1, 8)}


def _dilations(host: HostModel) -> set[tuple[int, int]]:
    options = (step.view.op.options for step in host.generated.program.steps)
    return {o.dilation for o in options if isinstance(o, WindowOptions)}
