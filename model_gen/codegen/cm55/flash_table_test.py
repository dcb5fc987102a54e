"""The table of packed weights, of models whose answer is known, and the models that stand for clustered ones."""

from pathlib import Path
from typing import Any

import numpy as np

from model_gen.codegen.cm55.flash_table import row, table
from model_gen.codegen.cm55.ops.row_packing import BEHIND
from model_gen.codegen.testing.compressed import compressed
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import q
from model_gen.codegen.tflite.reader import read_tflite

SHAPE = (16, 256)


def _model(data: "np.typing.NDArray[np.int8]") -> bytes:
    weights = builder().Tensor(SHAPE, np.full(16, 0.004), data=data, axis=0)
    options: dict[str, Any] = {"FullyConnectedOptions": {}}
    return single("FULLY_CONNECTED", [q((1, 256)), weights, None], q((1, 16)), options, version=9)


def _row(model: bytes, path: Path) -> dict[str, int]:
    path.write_bytes(model)
    found = row(path)
    assert len(table([found])) == 3
    return {name: value for name, value in vars(found).items() if name != "name"}


def test_shares_of_known_weights(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    size = SHAPE[0] * SHAPE[1]
    # Each of 4 values equally often: 2 bits, in any code of single bytes.
    four = np.resize(np.array([-100, -1, 5, 90], np.int8), SHAPE)
    found = _row(_model(four), tmp_path / "four.tflite")
    assert found["weights"] == found["macs"] == size
    assert found["entropy"] == size // 4
    assert found["huffman"] == size // 4 + 16 + 4
    assert found["tables"] == size // 2 + 16 * 16
    assert found["widths"] == size  # the range takes all 8 bits
    assert found["nonzeros"] == size
    assert found["packed"] == size // 4 + size // 32 + 16 * 16 + BEHIND
    assert found["arena_packed"] == found["arena"] + size
    plain = _row(_model(random.integers(-128, 128, SHAPE).astype(np.int8)), tmp_path / "p.tflite")
    assert plain["packed"] == size
    assert plain["instructions"] == 0
    assert plain["arena_packed"] == plain["arena"]


def test_clustered_and_pruned_models_are_what_they_say(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    model = _model(np.clip(random.normal(0, 40, SHAPE), -127, 127).astype(np.int8))
    before = read_tflite(model)
    few = read_tflite(compressed(model, values=16, zeros=None))
    value, old = few.tensors[1].value, before.tensors[1].value
    assert value is not None
    assert old is not None
    assert len(np.unique(value)) <= 16
    assert np.abs(value.astype(int) - old).mean() < 5  # of weights that spread over 40 steps
    sparse = read_tflite(compressed(model, values=None, zeros=0.8)).tensors[1].value
    assert sparse is not None
    assert 0.78 < (sparse == 0).mean() < 0.83
    assert np.array_equal(sparse[sparse != 0], old[sparse != 0])
    assert _row(compressed(model, values=16, zeros=None), tmp_path / "m")["packed"] < 0.65 * 4096
