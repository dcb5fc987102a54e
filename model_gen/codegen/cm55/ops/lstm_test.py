"""An LSTM: at every step of a sequence its output, hidden state and cell equal the judge's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.reference.micro import MicroModel
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.ops.lstm import _table
from model_gen.codegen.testing.models import RULES, builder
from model_gen.codegen.testing.recurrent import lstm_net
from model_gen.codegen.tflite.variables_test import check_sequence

FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "wide": {"steps": 9, "inputs": 33, "units": 40},
    "time first": {"batches": 2, "time_major": True, "cell_exponent": -12},
    "clipped": {"clip": 2.0, "cell_exponent": -9, "units": 18},
    "fine cell": {"cell_exponent": -15, "units": 21},
    "two sequences": {"batches": 2, "steps": 1, "cell_exponent": -13},
    "one of one": {"steps": 1, "inputs": 1, "units": 1},
    "a unit of 17 inputs": {"batches": 3, "steps": 3, "inputs": 17, "units": 1},
    "three of three, time first": {
        **{"batches": 2, "steps": 3, "inputs": 3, "units": 3},
        **{"time_major": True, "cell_exponent": -10},
    },
    "one input of 17": {"inputs": 1, "units": 17, "cell_exponent": -14},
}


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("form", FORMS)
def test_lstm_is_exact(form: str, rounding: str, tmp_path: Path) -> None:
    host = check_sequence(lstm_net(**FORMS[form]), tmp_path, rounding, steps=20)
    assert len(host.generated.observed) == 3


def test_the_table_is_that_of_tflite_micro() -> None:
    """All int16 through its LOGISTIC, which interpolates in it."""
    pytest.importorskip("tflite_micro")
    every = np.arange(-(2**15), 2**15, dtype=np.int16).reshape(1, -1)
    ends = [builder().Tensor(every.shape, scale, dtype="int16") for scale in (2.0**-12, 2.0**-15)]
    want = MicroModel(builder().single_op("LOGISTIC", ends, [0], [1])).run([every])[1]
    x = np.abs(3 * every.astype(np.int64))
    table, place = np.append(_table(), 0).astype(np.int64), np.minimum(x >> 9, 255)
    value = (table[place] << 9) + (x & 511) * (table[place + 1] - table[place])
    value = np.where(x >> 9 >= 255, 0x7FFF << 10, value)
    value = np.where(every >= 0, value + 512, (1 << 25) - value + 511) >> 10
    np.testing.assert_array_equal(want, value.astype(np.int16))


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"activation": 1}, "an LSTM with the activation RELU"),
        ({"gates": 3}, "an LSTM with no input gate of its own"),
        ({"inside": (0.008, 3)}, "its output and its hidden state are quantized differently"),
        ({"cell_scale": 0.0005}, "is none of 2\\^-15 to 2\\^-9"),
        ({"cell_exponent": -8}, "is none of 2\\^-15 to 2\\^-9"),
    ],
)
def test_what_is_refused(form: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=f"op 0, UNIDIRECTIONAL_SEQUENCE_LSTM: .*{why}"):
        plan_model(lstm_net(**form))
