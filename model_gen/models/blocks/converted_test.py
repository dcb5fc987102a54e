"""A network of every block, through the project's converter: the same function, byte for byte in the generated C."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.compare.layers import read_structure
from host.files import write_atomically
from host.frontend_contract import FrontendContract
from host.reference.frontend import quantize
from host.reference.model import stdout_to_stderr
from model_gen.codegen.cm55.exactness_test import check
from model_gen.codegen.testing.models import RULES
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, save_checkpoint
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options, blocks
from model_gen.quantization.convert import convert_checkpoint
from model_gen.quantization.gates import cosines
from model_gen.runtime import tensorflow

Floats = npt.NDArray[np.float32]
CONTRACT = FrontendContract(
    sample_rate=8000, chunk_samples=8000, fft_length=128, hop=62, frames=128, bins=64
)
OPTIONS = Options(
    stage_widths=(16, 16, 24, 32),
    stage_repeats=(1, 1, 1, 2),
    depthwise_kernel=(3, 5, 3, 5),
    embeddings_size=40,
    inverted_residual=True,
    expansion_factor=2,
    se=True,
    se_reduction=4,
    use_attention_pooling=True,
)
CONFIG = ModelConfig(CONTRACT, ("a", "b", "c"), num_mels=32, options=OPTIONS)
SHAPE = (CONTRACT.bins, CONTRACT.frames)


@pytest.fixture(scope="module")
def features() -> Floats:
    """Bands and pulses that differ from window to window."""
    rng = np.random.default_rng(1)
    bands, pulses = rng.uniform(0, 1, (12, SHAPE[0], 1)), rng.uniform(0, 1, (12, 1, SHAPE[1]))
    return (bands**4 * pulses).astype(np.float32)


@pytest.fixture(scope="module")
def network(features: Floats) -> Any:
    tensorflow()
    model = build_model(CONFIG, seed=3)
    for layer in model.layers:
        layer.momentum = (
            0.0  # of batch norms: one pass, and they hold the statistics of these windows
        )
    model(features[..., None], training=True)
    return model


@pytest.fixture(scope="module")
def tflite(network: Any, features: Floats, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("blocks") / "x.keras"
    save_checkpoint(network, path)
    for name, content in config_files(CONFIG, path).items():
        write_atomically(name, content)
    return convert_checkpoint(path, features)


def test_it_has_the_ops_that_the_blocks_become(tflite: bytes) -> None:
    """No SUM, no BATCH_MATMUL, no shape arithmetic; attention's factor lies in the kernel of the head."""
    ops = [layer.op for layer in read_structure(tflite).layers]
    assert set(ops) == {
        *("TRANSPOSE", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD"),
        *("MEAN", "FULLY_CONNECTED", "LOGISTIC", "MUL", "RESHAPE", "SOFTMAX"),
    }
    assert (
        ops.count("MUL") == sum(1 for _ in blocks(OPTIONS)) + 1
    )  # a gate a block, and the weights
    assert ops[-6:] == ["RESHAPE", "SOFTMAX", "RESHAPE", "MUL", "MEAN", "FULLY_CONNECTED"]


@pytest.mark.parametrize("rounding", RULES)
def test_the_generated_c_is_exact(tflite: bytes, rounding: str, tmp_path: Path) -> None:
    check(tflite, tmp_path, rounding=rounding)


def test_both_kinds_of_kernels_and_the_float_network_agree(
    tflite: bytes, network: Any, features: Floats
) -> None:
    """TFLite's reference kernels and its optimized ones without a delegate."""
    tf = tensorflow()
    want = np.asarray(network(features[..., None], training=False))
    logits = {}
    for kind in ("BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"):
        resolver = getattr(tf.lite.experimental.OpResolverType, kind)
        with stdout_to_stderr(), warnings.catch_warnings(action="ignore"):
            interpreter = tf.lite.Interpreter(
                model_content=tflite, experimental_op_resolver_type=resolver
            )
        interpreter.allocate_tensors()
        (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
        step, zero = taken["quantization"]
        rows = []
        for one in features:
            steps = quantize(one, *given["quantization"])
            interpreter.set_tensor(given["index"], steps.reshape(given["shape"]))
            interpreter.invoke()
            rows.append((interpreter.get_tensor(taken["index"])[0].astype(float) - zero) * step)
        logits[kind] = np.stack(rows)
    reference, optimized = (rows.astype(np.float32) for rows in logits.values())
    for one, other in ((want, reference), (want, optimized), (reference, optimized)):
        assert cosines(one, other).mean() > 0.98
        assert cosines(one, other).min() > 0.9
    assert cosines(want, np.roll(want, 1, axis=0)).min() < 0.5  # windows do differ
