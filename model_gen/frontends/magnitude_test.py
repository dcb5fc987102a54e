from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.errors import BadInput
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import judge
from model_gen.frontends.magnitude import MAGNITUDE_SCALINGS, magnitude_scaling
from model_gen.runtime import tensorflow

FRAMES, CHANNELS = 24, 8
Array = npt.NDArray[np.float64]
Weights = dict[str, list[Array]]


def _model(name: str, *, trainable: bool = True) -> Any:
    tensorflow()
    import keras

    x = keras.Input((1, FRAMES, CHANNELS))
    return keras.Model(x, magnitude_scaling(name)(x, trainable=trainable))


def _weights(model: Any) -> Weights:
    return {
        layer.name: [np.asarray(w, np.float64).reshape(CHANNELS) for w in layer.get_weights()]
        for layer in model.layers
    }


def _naive_pwl(x: float, c: int, w: Weights) -> float:
    y = w["pwl_k0"][0][c] * x
    for i in (1, 2, 3):
        slope, offset = w[f"pwl_a{i}"]
        y += w[f"pwl_k{i}"][0][c] * max(slope[c] * x + offset[c], 0)
    return float(y)


def _naive_pcen(x: Array, t: int, c: int, w: Weights) -> float:
    """One value of one channel, from all frames x[t] of it."""
    m = list(x)
    for _ in range(8):
        m = [float(np.mean(m[max(0, i - 1) : i + 2])) for i in range(len(m))]
    y0 = max(x[t] + w["pcen_level"][0][c] * m[t], 0)
    knee_weight, knee_offset = w["pcen_knee"]
    knee = max(knee_weight[c] * y0 + knee_offset[c], 0)
    return float(max(w["pcen_slope"][0][c] * y0 + w["pcen_knee_slope"][0][c] * knee, 0))


NAIVE: dict[str, Callable[[Array, int, int, Weights], float]] = {
    "pwl": lambda x, t, c, w: _naive_pwl(x[t], c, w),
    "pcen": _naive_pcen,
    "db": lambda x, t, c, w: float(w["db_factor"][0][c] * np.log(max(x[t], 1e-6))),
    "none": lambda x, t, c, w: float(x[t]),
}
PUBLISHED = {  # of a weight as built
    "pcen": {"pcen_level": [-0.6], "pcen_knee": [1, -0.2], "pcen_slope": [0.15], "pcen_knee_slope": [0.45]},
    "db": {"db_factor": [10 / np.log(10)]},
}  # fmt: skip


@pytest.mark.parametrize("name", MAGNITUDE_SCALINGS)
def test_the_layers_compute_the_definition(name: str) -> None:
    rng = np.random.default_rng(4)
    model = _model(name)
    for layer, values in PUBLISHED.get(name, {}).items():
        for got, want in zip(_weights(model)[layer], values, strict=True):
            assert (got == np.float32(want)).all()
    for weight in model.weights:
        sign = -1 if "level" in weight.path or "bias" in weight.path else 1
        weight.assign(sign * rng.uniform(0.1, 1.2, weight.shape))
    weights = _weights(model)
    x = rng.random((2, 1, FRAMES, CHANNELS)).astype(np.float32)
    x[0, 0, :5] = 0
    want = [
        [
            [NAIVE[name](part[0, :, c], t, c, weights) for c in range(CHANNELS)]
            for t in range(FRAMES)
        ]
        for part in x.astype(np.float64)
    ]
    np.testing.assert_allclose(np.asarray(model(x))[:, 0], want, rtol=1e-5, atol=1e-5)


def test_pcen_depends_on_the_past() -> None:
    model = _model("pcen")
    x = np.full((1, 1, FRAMES, CHANNELS), 0.5, np.float32)
    louder = x.copy()
    louder[0, 0, 8] = 1.0
    changed = (np.asarray(model(x)) != np.asarray(model(louder)))[0, 0, :, 0]
    assert np.flatnonzero(changed).tolist() == list(range(17))  # 8 frames after it, and before


@pytest.mark.parametrize("trainable", [False, True])
@pytest.mark.parametrize("name", [n for n in MAGNITUDE_SCALINGS if n != "none"])
def test_a_scaling_trains_when_told(name: str, trainable: bool) -> None:
    model = _model(name, trainable=trainable)
    assert len(model.trainable_weights) == (len(model.weights) if trainable else 0)


def test_the_same_scaling_has_the_same_names_each_time() -> None:
    first, second = ([one.name for one in _model("db").operations[1:]] for _ in range(2))
    assert first == second == ["db_floor", "db_log", "db_factor"]


@pytest.mark.parametrize("name", ["pcen", "db"])
def test_the_converted_scaling_is_all_int8_and_exact(name: str, tmp_path: Path) -> None:
    def build(layers: Any) -> tuple[Any, Any]:
        x = layers.Input((1, FRAMES, CHANNELS))
        return x, magnitude_scaling(name)(layers.ReLU()(x), trainable=True)

    content = keras_models.convert(build)
    reference, host = judge(content, "tflite"), HostModel(content, tmp_path)
    ops = {step.view.op.name for step in host.generated.program.steps}
    if name == "db":
        assert ops == {"RELU", "MAXIMUM", "LOG", "DEPTHWISE_CONV_2D"}
    else:
        assert ops == {"RELU", "AVERAGE_POOL_2D", "DEPTHWISE_CONV_2D", "ADD"}
    rng = np.random.default_rng(1)
    for _ in range(3):
        steps = rng.integers(-128, 128, (1, 1, FRAMES, CHANNELS), np.int8)
        want, got = reference.run([steps]), host.run([steps])
        for tensor, value in got.taps.items():
            np.testing.assert_array_equal(value, want[tensor], err_msg=str(tensor))


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="pwl, pcen, db, none"):
        magnitude_scaling("log")
