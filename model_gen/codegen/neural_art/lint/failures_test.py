"""The page of published failures: its numbers are computed, and the tests that it names exist."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from host.npu.compiler.dialect import DIALECTS
from host.npu.compiler.model import predict
from host.npu.compiler.saturation import sum_for_shift
from host.npu.compiler.testing_filterbank import FILTERS, TAPS, Filterbank, filters
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.testing import names, subject
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import q
from model_gen.codegen.tflite.graph import Array

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs/npu-failures.md").read_text()


def _cosine(a: Array, b: Array) -> float:
    a, b = a.astype(float).ravel(), b.astype(float).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@cache
def _banks() -> dict[str, Filterbank]:
    random = np.random.default_rng(7)
    cos = filters("cos")
    largest = np.abs(cos) >= np.quantile(np.abs(cos), 0.75, axis=1, keepdims=True)
    step = np.abs(cos).max(axis=1, keepdims=True) / 7
    shuffled = np.array([random.permutation(row) for row in cos])
    return {
        "whole": Filterbank(cos),
        "2 groups": Filterbank(cos, groups=2),
        "4 groups": Filterbank(cos, groups=4),
        "8 groups": Filterbank(cos, groups=8),
        "shuffled taps": Filterbank(shuffled),
        "a quarter of the taps, the largest": Filterbank(np.where(largest, cos, 0)),
        "weights of 4 bits": Filterbank(np.rint(cos / step) * step),
        "random weights": Filterbank(random.standard_normal((FILTERS, TAPS))),
        "input / 4": Filterbank(cos, gain=1 / 4),
        "input / 8": Filterbank(cos, gain=1 / 8),
        "input / 32": Filterbank(cos, gain=1 / 32),
        "whole, with one dummy kernel": Filterbank(cos, dummy_sum=sum_for_shift(4)),
    }


def test_the_filterbanks_of_the_page_are_those_computed() -> None:
    rows = re.findall(r"^\| ([^|]+?) \| (?:0\.\d+|-) \| (0\.\d+) \| [^|]*\|$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == list(_banks())
    for name, shown in rows:
        made = _banks()[name].cosine("2.2")
        assert made == pytest.approx(float(shown), abs=0.6 * 10.0 ** -len(shown.split(".")[1]))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_scales_of_the_published_add_do_no_harm(dialect: str) -> None:
    content = single(
        "ADD",
        [q((1, 4096), 0.052, 0), q((1, 4096), 0.099, 0)],
        q((1, 4096), 0.049, 0),
        {"AddOptions": {}},
    )
    random = np.random.default_rng(1)
    pair = [np.clip(np.rint(random.normal(0, 25, (1, 4096))), -128, 127) for _ in range(2)]
    real = np.clip((pair[0] * 0.052 + pair[1] * 0.099) / 0.049, -128, 127)
    made = predict(content, dialect, [value.astype(np.int8) for value in pair]).outputs[0]
    assert _cosine(made, real) > 0.9999
    assert np.abs(made - real).max() <= 1
    assert _cosine(np.clip(pair[0] * 0.052 / 0.049, -128, 127), real) < 0.7  # an operand lost
    checked = subject(content, [])
    assert "add-scales" not in names(judge(checked))


def test_abs_of_raw_steps_is_a_bias() -> None:
    random = np.random.default_rng(2)
    for zero, sound in ((0, True), (-28, False)):
        content = single(
            "ABS", [q((1, 512), 0.1, zero)], q((1, 512), 0.1, -128), {"AbsOptions": {}}
        )
        values = np.clip(np.rint(random.normal(zero, 40, (1, 512))), -128, 127).astype(np.int8)
        assert names(judge(subject(content, [values]))) == ([] if sound else ["abs-zero-point"])
        raw, right = np.abs(values.astype(float)), np.abs(values.astype(float) - zero)
        assert (_cosine(raw, right) > 0.9999) == sound
        assert _cosine(raw, right) > 0.8


def test_the_tests_that_the_page_names_exist() -> None:
    named = re.findall(r"`([\w/.]+_test\.py)::(\w+)`", PAGE)
    assert len(named) >= 8
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text(), (path, test)
