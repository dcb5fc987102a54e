"""What is folded when the code is generated has the values that the reference computes when it runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.exactness_test import check
from model_gen.codegen.testing.models import builder, rewired
from model_gen.codegen.testing.single_ops import constant, q


def integers(shape: tuple[int, ...], dtype: str = "int32") -> Any:
    return builder().Tensor(shape, dtype=dtype)


MATRIX = np.arange(-5, 7).reshape(3, 4)
_NONE = {"fusedActivationFunction": 0}

# op, operands (None: the model's input, int8 [1, 4, 6]), outputs, options
FOLDED: dict[str, tuple[str, list[Any], list[Any], dict[str, Any] | None]] = {
    "shape": ("SHAPE", [None], [integers((3,))], {"ShapeOptions": {"outType": 2}}),
    "shape_long": ("SHAPE", [None], [integers((3,), "int64")], {"ShapeOptions": {"outType": 4}}),
    "add": (
        "ADD",
        [constant(MATRIX), constant([1, 2, 3, 4])],
        [integers((3, 4))],
        {"AddOptions": _NONE},
    ),
    "sub": ("SUB", [constant(7), constant(MATRIX)], [integers((3, 4))], {"SubOptions": _NONE}),
    "mul": (
        "MUL",
        [constant(MATRIX), constant([[2], [-3], [0]])],
        [integers((3, 4))],
        {"MulOptions": _NONE},
    ),
    "mul_long": (
        "MUL",
        [constant(MATRIX, "int64"), constant(MATRIX, "int64")],
        [integers((3, 4), "int64")],
        {"MulOptions": _NONE},
    ),
    "cast": (
        "CAST",
        [constant(MATRIX)],
        [integers((3, 4), "int64")],
        {"CastOptions": {"inDataType": 2, "outDataType": 4}},
    ),
    "product": (
        "REDUCE_PROD",
        [constant(MATRIX), constant([-1])],
        [integers((3,))],
        {"ReducerOptions": {}},
    ),
    "product_kept": (
        "REDUCE_PROD",
        [constant(MATRIX), constant([0, 1])],
        [integers((1, 1))],
        {"ReducerOptions": {"keepDims": True}},
    ),
    "range": (
        "RANGE",
        [constant(-3), constant(9), constant(5)],
        [integers((3,))],
        {"RangeOptions": {}},
    ),
    "range_down": (
        "RANGE",
        [constant(4), constant(-4), constant(-3)],
        [integers((3,))],
        {"RangeOptions": {}},
    ),
    "fill": ("FILL", [constant([2, 3]), constant(-8)], [integers((2, 3))], {"FillOptions": {}}),
    "fill_scalar": (
        "FILL",
        [constant(np.zeros(0)), constant(5, "int64")],
        [integers((), "int64")],
        {"FillOptions": {}},
    ),
    "pack": (
        "PACK",
        [constant([1, 2]), constant([3, 4])],
        [integers((2, 2))],
        {"PackOptions": {"valuesCount": 2, "axis": -1}},
    ),
    "unpack": (
        "UNPACK",
        [constant(MATRIX)],
        [integers((4,))] * 3,
        {"UnpackOptions": {"num": 3, "axis": 0}},
    ),
    "split": (
        "SPLIT",
        [constant(-1), constant(MATRIX)],
        [integers((3, 2))] * 2,
        {"SplitOptions": {"numSplits": 2}},
    ),
    "gather": (
        "GATHER",
        [constant(MATRIX), constant([3, 0, 3])],
        [integers((3, 3))],
        {"GatherOptions": {"axis": -1}},
    ),
    "gather_one": (
        "GATHER",
        [constant([4, 5, 6]), constant(2)],
        [integers(())],
        {"GatherOptions": {"axis": 0}},
    ),
    "concatenation": (
        "CONCATENATION",
        [constant(MATRIX), constant(MATRIX[:1])],
        [integers((4, 4))],
        {"ConcatenationOptions": {"axis": -2}},
    ),
    "transpose": (
        "TRANSPOSE",
        [constant(MATRIX), constant([1, 0])],
        [integers((4, 3))],
        {"TransposeOptions": {}},
    ),
    "reshape": (
        "RESHAPE",
        [constant(MATRIX), constant([2, -1])],
        [integers((2, 6))],
        {"ReshapeOptions": {}},
    ),
    "squeeze": ("SQUEEZE", [constant([[7]])], [integers(())], {"SqueezeOptions": {}}),
    "expand_dims": (
        "EXPAND_DIMS",
        [constant(3), constant(0)],
        [integers((1,))],
        {"ExpandDimsOptions": {}},
    ),
    "slice": (
        "SLICE",
        [constant(MATRIX), constant([1, 0]), constant([-1, 3])],
        [integers((2, 3))],
        {"SliceOptions": {}},
    ),
    "one_of_a_shape": (
        "STRIDED_SLICE",
        [constant([4, 5, 6]), constant([-1]), constant([0]), constant([1])],
        [integers(())],
        {"StridedSliceOptions": {"shrinkAxisMask": 1, "endMask": 1}},
    ),
    "backwards": (
        "STRIDED_SLICE",
        [constant(MATRIX), constant([0, 9]), constant([0, -9]), constant([1, -2])],
        [integers((3, 2))],
        {"StridedSliceOptions": {"beginMask": 1, "endMask": 1}},
    ),
    "broadcast_to": (
        "BROADCAST_TO",
        [constant([1, 2]), constant([3, 2])],
        [integers((3, 2))],
        None,
    ),
}


def model_of(name: str) -> bytes:
    """The folded op beside a RELU of the model's input, which is what the model returns."""
    op, operands, outputs, options = FOLDED[name]
    tensors = [q((1, 4, 6)), q((1, 4, 6)), *(t for t in operands if t is not None)]
    places = iter(range(2, len(tensors)))
    read = [0 if t is None else next(places) for t in operands]
    written = list(range(len(tensors), len(tensors) + len(outputs)))
    ops: list[Any] = [
        (op, read, written, options, 2 if op == "BROADCAST_TO" else 1),
        ("RELU", [0], [1], None, 1),
    ]
    return rewired(builder().model(ops, [*tensors, *outputs]), outputs=[1])


@pytest.mark.parametrize("name", FOLDED)
def test_folded_values_are_the_references(name: str, tmp_path: Path) -> None:
    host = check(model_of(name), tmp_path, runs=1)
    assert [step.view.op.name for step in host.generated.program.steps] == ["RELU"]


def test_shape_taken_apart_and_put_together_is_a_constant(tmp_path: Path) -> None:
    """Of the input's shape, its rows are counted, and each second of them is taken."""
    tensors = [
        q((1, 4, 6)),  # 0
        integers((3,)),
        constant([1]),
        constant([2]),
        constant([1]),
        integers(()),  # 5: 4 rows
        constant(0),
        constant(2),
        integers((2,)),  # 8: 0, 2
        q((1, 2, 6)),  # 9
    ]
    ops: list[Any] = [
        ("SHAPE", [0], [1], {"ShapeOptions": {"outType": 2}}, 1),
        ("STRIDED_SLICE", [1, 2, 3, 4], [5], {"StridedSliceOptions": {"shrinkAxisMask": 1}}, 1),
        ("RANGE", [6, 5, 7], [8], {"RangeOptions": {}}, 1),
        ("GATHER", [0, 8], [9], {"GatherOptions": {"axis": 1}}, 1),
    ]
    host = check(builder().model(ops, tensors), tmp_path)
    assert [step.view.op.name for step in host.generated.program.steps] == ["GATHER"]


def test_range_that_never_ends_is_refused() -> None:
    tensors = [q((1, 4)), constant(0), constant(4), constant(0), integers((4,)), q((1, 4))]
    ops: list[Any] = [
        ("RANGE", [1, 2, 3], [4], {"RangeOptions": {}}, 1),
        ("RELU", [0], [5], None, 1),
    ]
    with pytest.raises(BadInput, match=r"op 0, RANGE: .* delta not 0"):
        plan_model(builder().model(ops, tensors))
