"""What a validation measured, read by the headers of its tables."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from host.errors import BadInput
from model_gen.codegen.neural_art.testing.damage import damaged, mutations, read_or_refused
from model_gen.codegen.neural_art.testing.reports import validation
from model_gen.codegen.neural_art.testing.shared import DATA, found, needs_data
from model_gen.codegen.neural_art.testing.written import Small, validation_c_info
from model_gen.codegen.neural_art.validation import (
    Measured,
    parse_c_info,
    parse_validation,
    read_validation,
)

MODEL = b"any .tflite"


def test_a_column_more_moves_nothing() -> None:
    old, new = (parse_validation(validation(Small(version, MODEL))) for version in ("2.2", "4.0"))
    assert old.metrics[0].values == {"acc": None, "rmse": 0.125, "mae": 0.0625, "cos": 1.0}
    assert new.metrics[0].values == {**old.metrics[0].values, "snr": math.inf}
    assert (new.metrics[0].name, new.metrics[0].tensor) == ("X-cross #1", "'pool_1', 10 x int8(3)")
    assert new.epochs == (
        Measured("EpochBlock_2", 0.018, (1921, 11843, 794)),
        Measured("EpochBlock_3", 0.024, (5689, 11210, 2527)),
    )
    assert (new.samples, new.milliseconds) == (10, 0.042)
    assert "STM32N6xx" in new.device
    assert new.tensors[0].values == {"min": -128, "max": 127, "mean": -0.623, "std": 73.567}


def test_empty_lines_inside_tables_do_no_harm() -> None:
    plain = validation(Small("4.0", MODEL))
    assert parse_validation(plain.replace("\n", "\n\n")) == parse_validation(plain)


def test_its_c_info_says_the_same_in_json() -> None:
    made = parse_c_info(validation_c_info(Small("2.2", MODEL)))
    assert made.metrics[0].values == {"acc": None, "rmse": 0.125, "cos": 1.0}
    assert made.epochs == (Measured("", 0.25, (10, 20, 3)),)
    assert made.models[0].md5 == Small("2.2", MODEL).md5.removeprefix("0x")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Evaluation report (summary)", "", "`Evaluation report"),
        ("0.125000000   ", "", "a cell under each of Output, acc, rmse"),
        ("0.125000000", "fast", "numbers in its evaluation"),
        ("total                             0.042", "total                  0.052", "add up"),
        ("v4.0.1", "v0.1.0", "a known version"),
    ],
)
def test_what_cannot_be_is_refused(old: str, new: str, said: str) -> None:
    text = validation(Small("4.0", MODEL))
    assert old in text
    with pytest.raises(BadInput, match=said):
        parse_validation(text.replace(old, new))


@settings(max_examples=120, deadline=None)
@given(damaged(validation(Small("4.0", MODEL))))
def test_any_damaged_report_is_read_or_refused(text: str) -> None:
    read_or_refused(parse_validation, text)


@settings(max_examples=80, deadline=None)
@given(mutations(validation_c_info(Small("2.2", MODEL))))
def test_any_changed_c_info_is_read_or_refused(raw: object) -> None:
    read_or_refused(parse_c_info, raw)


@needs_data
@pytest.mark.parametrize(
    "path",
    found("*validate_report.txt", "*_valid.json", "4.0.0_*.txt"),
    ids=lambda path: str(path.relative_to(DATA)),
)
def test_real_validations_are_read(path: Path) -> None:
    made = read_validation(path)
    (metric,) = made.metrics
    assert metric.name == "X-cross #1"
    assert made.milliseconds is not None
    assert len(made.tensors) == (0 if path.suffix == ".json" else 2)
    assert sum(e.milliseconds for e in made.epochs) == pytest.approx(made.milliseconds, abs=2e-3)
    if path.name == "network_validate_report.txt":
        twin = read_validation(path.with_name("network_c_info_valid.json"))
        for name, value in metric.values.items():
            other = twin.metrics[0].values[name]
            assert (value is None) == (other is None)
            assert value is None or value == pytest.approx(other, abs=1e-6)
        # What the report says of the outputs is what the board's bytes are.
        board = np.load(path.with_name("board_outputs.npy"))
        told = made.tensors[1].values
        assert (told["min"], told["max"]) == (board.min(), board.max())
        assert told["mean"] == pytest.approx(board.mean(dtype=np.float64), abs=6e-4)
