"""Ops with drawn shapes, attributes and quantizations, on drawn and saturating inputs, against both judges.

The cases of an op are built and run as one model. Where that differs, hypothesis draws the same cases again one by
one, shrinks the first that fails, and it is printed as a test.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given

from host.compare.layers import read_structure
from host.errors import BadInput
from host.reference.micro import MicroModel
from host.reference.model import ReferenceModel
from host.testing_counterexample import carried, runnable
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing import drawn_movement as movement
from model_gen.codegen.testing.drawn import Case, model_of
from model_gen.codegen.testing.drawn_families import (
    CASES,
    DRAWS,
    IDS,
    Family,
    cases_of,
    drawn,
    examples,
    taken,
)
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import RULES, builder, judge, single
from model_gen.codegen.tflite.graph import Array

# What is taken and tflite-micro cannot run, as it says itself.
MICRO_REFUSES = {
    "QUANTIZE": "Input FLOAT32, output UINT8 not supported",
    "RELU_N1_TO_1": "builtin opcode 'RELU_N1_TO_1'",
    "RELU_0_TO_1": "builtin opcode 'RELU_0_TO_1'",
    "GELU": "builtin opcode 'GELU'",
    "LOG": "Node LOG",  # of floats alone
    "EXP": "Node EXP",
    "SQRT": "Node SQRT",
    "NEG": "Node NEG",  # of steps
    "SELECT": "builtin opcode 'SELECT'",
    "ARG_MAX": "Only int32_t are supported",
    "ARG_MIN": "Only int32_t are supported",
    "TILE": "builtin opcode 'TILE'",
    "PAD": "output_dim != expected_dim",  # it reads 64-bit pads as twice as many of 32
    "PADV2": "output_dim != expected_dim",
    "TRANSPOSE": "permutations array is out of bounds|only supports 1D-5D",  # negative axes, 6 of them
    "EXPAND_DIMS": "not supported by Expand_Dims",  # a 64-bit axis
    # New axes, an ellipsis, fewer numbers than axes.
    "STRIDED_SLICE": "!= dim_shape|output_shape->size != shape_size",
    "GATHER": "INT64' are not supported by gather",
}
MICRO_LACKS = ("RELU_N1_TO_1", "RELU_0_TO_1", "GELU", "LOG", "EXP", "SQRT", "NEG", "TILE")
MICRO_ALONE = ("ELU", "SUM")  # what BUILTIN_REF lacks, or computes wrongly


def inputs_of(reference: ReferenceModel | MicroModel, number: int) -> list[list[Array]]:
    """The lowest and the highest step everywhere, a checkerboard of both, and drawn ones; the same of floats."""
    rng = np.random.default_rng(number)

    def flat(step: int) -> list[Array]:
        return [cast(np.full(t.shape, step), t.dtype) for t in reference.inputs]

    def cast(steps: Array, dtype: np.dtype[Any]) -> Array:
        """Of uint8 those that lie 128 higher."""
        return (steps + 128 * (dtype == np.uint8)).astype(dtype)

    def board(shape: tuple[int, ...]) -> Array:
        return np.where(np.indices(shape).sum(0) % 2, 127, -128) if shape else np.array(-128)

    drawn = [
        rng.standard_normal(t.shape, np.float32)
        if t.dtype == np.float32
        else cast(rng.integers(-128, 128, t.shape), t.dtype)
        for t in reference.inputs
    ]
    return [
        flat(-128),
        flat(127),
        [cast(board(t.shape), t.dtype) for t in reference.inputs],
        drawn,
    ]


def _rules_of(case: Case) -> str:
    """Rules under which the generator takes the op."""
    return "tflm" if case.op in MICRO_ALONE else "tflite"


def _may_be_refused(case: Case) -> bool:
    """Whether tflite-micro may refuse it: of QUANTIZE one kind alone."""
    source, (target, *_) = case.operands[0], case.outputs
    quantizes = case.op != "QUANTIZE" or (source.dtype, target.dtype) == ("float32", "uint8")
    return case.op in MICRO_REFUSES and quantizes


def judged_by_micro(case: Case) -> bool:
    """Whether it is taken and tflite-micro runs it; what that refuses it refuses for a reason that is known, too."""
    if not taken(case, _rules_of(case)):
        return False
    why = None
    try:
        MicroModel(model_of([case]))
    except BadInput as error:
        why = error.evidence
    assert why is None or re.search(MICRO_REFUSES.get(case.op, "nothing"), why), why
    return why is None


def check_exact(cases: list[Case], tmp_path: Path, rounding: str = "tflite") -> None:
    """All that are taken give the judge's bytes and shapes, in one model; the judge takes them too."""
    wanted = taken if rounding == "tflite" else judged_by_micro
    cases = [case for case in cases if wanted(case)]
    if not cases:
        return
    model = model_of(cases)
    reference, host = judge(model, rounding), HostModel(model, tmp_path, rounding=rounding)
    writers = {layer.tensor: layer.index for layer in read_structure(model).layers}
    for inputs in inputs_of(reference, len(cases)):
        want, got = reference.run(inputs), host.run(inputs)
        for port, value in zip(reference.outputs, got.outputs, strict=True):
            case = cases[writers[port.tensor]]
            assert value.shape == want[port.tensor].shape, case
            np.testing.assert_array_equal(value, want[port.tensor], err_msg=str(case))


def raise_smallest(op: str, family: Family, number: int, folder: Path, rounding: str) -> None:
    """Of the same cases, one by one, the smallest that fails."""

    @examples(number, Phase.generate, Phase.shrink)
    @given(cases_of(op, family))
    def exact(case: Case) -> None:
        with runnable(check_exact, cases=[case], tmp_path=folder, rounding=rounding):
            check_exact([case], folder, rounding)

    exact()


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize(("op", "family"), CASES, ids=IDS)
def test_drawn_op_is_exact(op: str, family: Family, rounding: str, tmp_path: Path) -> None:
    number = CASES.index((op, family))
    cases = drawn(op, family, number)
    took = [case for case in cases if taken(case, _rules_of(case))]
    assert len(took) > DRAWS // 4
    if rounding == "tflm":
        ran = sum(judged_by_micro(case) for case in cases)
        names = {case.op for case in cases}
        refusing = any(_may_be_refused(case) for case in cases)
        assert refusing or ran == len(took)
        assert len(names) > 1 or not refusing or ran < len(took)
        assert (ran == 0) == names.issubset(MICRO_LACKS)
        assert len(names) > 1 or ran == 0 or ran > DRAWS // 4
    try:
        check_exact(cases, tmp_path / "all", rounding)
    except (AssertionError, BadInput):
        raise_smallest(op, family, number, tmp_path / "one", rounding)
        raise  # it takes several ops to fail


def test_planted_fault_is_shrunk_and_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is wrong where a step of a PAD's output is 127: one element is enough to show it."""
    right = HostModel.run

    def wrong(host: HostModel, inputs: list[Array]) -> object:
        found = right(host, inputs)
        found.outputs[:] = [np.where(v == 127, 126, v).astype(v.dtype) for v in found.outputs]
        return found

    monkeypatch.setattr(HostModel, "run", wrong)
    with pytest.raises(AssertionError) as caught:
        raise_smallest("PAD", movement.pad, 3, tmp_path / "one", "tflite")
    (text,) = carried(caught.value)
    assert "def test_counterexample(tmp_path):" in text
    space: dict[str, Callable[[Path], None]] = {}
    exec(text, space)
    assert "op='PAD'" in text
    assert "shape=(1,)" in text
    with pytest.raises(AssertionError, match="126"):
        space["test_counterexample"](tmp_path / "again")
    monkeypatch.undo()
    space["test_counterexample"](tmp_path / "right")


@pytest.mark.parametrize("rounding", RULES)
def test_hard_swish_to_a_much_coarser_scale_is_exact(rounding: str, tmp_path: Path) -> None:
    """The reference's 16-bit mask wraps where it divides by 2^16 and more."""
    operands = [builder().Tensor((1, 256), 0.0008, 0)]
    model = single("HARD_SWISH", operands, builder().Tensor((1, 256), 20.0, -128))
    steps = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    want = judge(model, rounding).run([steps])[1]
    got = HostModel(model, tmp_path, rounding=rounding).run([steps]).outputs[0]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("op", ["ADD", "SUB"])
def test_sums_that_the_reference_cannot_scale_are_refused(op: str) -> None:
    """TFLite's ADD ends the process on such a model."""
    operands = [builder().Tensor((1, 4), 1.0, 0), builder().Tensor((1, 4), 0.5, 3)]
    model = single(op, operands, builder().Tensor((1, 4), 1e-6, 0), {f"{op.title()}Options": {}})
    with pytest.raises(BadInput, match="too small"):
        plan_model(model)
