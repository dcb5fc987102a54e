"""Sparse constants against TFLite's own DENSIFY."""

from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.reference.model import ReferenceModel
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing.models import builder, edited
from model_gen.codegen.testing.single_ops import q

# [4, 8] whose rows of 4 are blocks: row 0 has its first block, row 2 both, row 3 the second.
DENSE = np.zeros((4, 8), np.int8)
DENSE[0, :4], DENSE[2], DENSE[3, 4:] = [1, 2, 3, 4], np.arange(-4, 4), [9, 0, -9, 7]


def _levels(schema: Any, levels: list[Any]) -> list[Any]:
    found = []
    for level in levels:
        metadata = schema.DimensionMetadataT()
        if isinstance(level, int):
            metadata.format, metadata.denseSize = schema.DimensionType.DENSE, level
        else:
            metadata.format = schema.DimensionType.SPARSE_CSR
            for name, numbers in zip(("Segments", "Indices"), level, strict=True):
                vector = schema.Uint8VectorT()
                vector.values = np.array(numbers, np.uint8)
                setattr(metadata, f"array{name}Type", schema.SparseIndexVector.Uint8Vector)
                setattr(metadata, f"array{name}", vector)
        found.append(metadata)
    return found


def _model(order: list[int], blocks: list[int], levels: list[Any], values: Any) -> bytes:
    """FULLY_CONNECTED whose weights a DENSIFY makes of `values`."""
    weights = builder().Tensor((4, 8), 0.1, data=DENSE)
    tensors = [q((1, 8)), weights, builder().Tensor((4, 8), 0.1), q((1, 4), 2.0)]
    ops: list[Any] = [
        ("DENSIFY", [1], [2], {"DensifyOptions": {}}, 1),
        ("FULLY_CONNECTED", [0, 2, -1], [3], {"FullyConnectedOptions": {}}, 5),
    ]

    def change(model: Any, schema: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        tensor.sparsity = schema.SparsityParametersT()
        tensor.sparsity.traversalOrder = np.array(order, np.int32)
        tensor.sparsity.blockMap = np.array(blocks, np.int32)
        tensor.sparsity.dimMetadata = _levels(schema, levels)
        model.buffers[tensor.buffer].data = np.array(values, np.int8).view(np.uint8)

    return edited(builder().model(ops, tensors), change)


BLOCKS = [4, ([0, 1, 1, 3, 4], [0, 0, 1, 1]), 4]
ROWS = [4, ([0, 4, 4, 11, 14], [0, 1, 2, 3, 0, 1, 2, 3, 5, 6, 7, 4, 6, 7])]


@pytest.mark.parametrize(
    "sparse",
    [
        ([0, 1, 2], [1], BLOCKS, [*DENSE[0, :4], *DENSE[2], *DENSE[3, 4:]]),
        ([0, 1], [], ROWS, DENSE[DENSE != 0]),
    ],
    ids=["blocks", "rows"],
)
def test_densified_as_the_reference_does(sparse: Any) -> None:
    model = _model(*sparse)
    program, _ = plan_model(model)
    found = program.tensors[2].value
    np.testing.assert_array_equal(found, DENSE)
    reference = ReferenceModel(model)
    np.testing.assert_array_equal(reference.run([np.zeros((1, 8), np.int8)])[2], DENSE)


@pytest.mark.parametrize(
    ("order", "levels", "values"),
    [
        ([0, 1], [4, ([0, 1, 1, 3], [0, 0, 1])], [1, 2, 3]),  # a segment is missing
        ([0, 1], [4, ([0, 1, 1, 1, 1], [9])], [1]),  # an index outside
        ([0, 1], [4, ([0, 3, 1, 3, 4], [0, 1, 2, 3])], [1, 2, 3, 4]),  # backwards
        ([0, 1], [4, 1 << 30], [1]),
        ([0, 5], [4, 8], DENSE.ravel()),
        ([0, 1], [4, 8], [1, 2]),
    ],
)
def test_parameters_that_contradict_the_tensor_are_refused(
    order: list[int], levels: list[Any], values: Any
) -> None:
    with pytest.raises(BadInput, match="not a sparse constant that can be read"):
        plan_model(_model(order, [], levels, values))
