"""Whether the constants that a network's memory holds are those that a model's numbers ask for.

Weights are found wherever they lie; a bias says which calibration and which compiler its file is of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from host.errors import BadInput, IdentityFailure
from host.npu.compiler.constant import FORMULA
from host.npu.compiler.constants_table import (
    Compared,
    ConstantsTable,
    compare_constants,
    nodes_in_order,
    nodes_of_offsets,
    nodes_of_quantization_file,
)
from host.npu.compiler.model import CompiledModel, compile_model
from host.npu.compiler.network_constants import Memory, NetworkConstants, read_network_constants
from host.npu.compiler.single_op import computed_inputs
from model_gen.codegen.neural_art.network_source import NetworkSource
from model_gen.codegen.neural_art.output_folder import Output

# Of an output step. The compiler's own arithmetic is off by a 100,000th; other data move a bias by more.
_NOISE = 1 / 256
_SHIFT_MOST = 63  # that stands in a network.c; the hardware has fewer
_UNSEEN = "other constants were not looked at"


@dataclass(frozen=True)
class Tied:
    """How many of the constants of which a formula is known are equal.

    Attributes:
        equal, total: 0 of 0 where they were not looked at.
        statement: the same for people.
    """

    equal: int
    total: int
    statement: str


def tie(output: Output, model: bytes, *, reordered: bool = False) -> Tied:
    """Hold the constants of a folder's network against those predicted of `model`, a .tflite.

    Args:
        output: the folder, with a network.c of the NPU.
        model: what it is said to be compiled from.
        reordered: whether a layer's offsets may stand in another order: for who judges each layer.

    Raises:
        IdentityFailure: what is added in a layer is not what the model's bias, scales and zero point give.
    """
    network = output.network
    assert network is not None
    if any(epoch.is_blob for epoch in network.epochs):
        return Tied(0, 0, f"{_UNSEEN}: a program of the epoch controller holds them")
    try:
        table, shifts = _table(output, network, model)
    except BadInput as error:
        return Tied(0, 0, f"{_UNSEEN}: {error.what}")
    rows = [row for row in table.compared if row.op >= 0 and row.grade == FORMULA]
    if not rows:
        return Tied(0, 0, f"{_UNSEEN}: no formula is known for any")
    _check_offsets(table, shifts, reordered=reordered)
    equal, total = sum(row.equal for row in rows), sum(row.total for row in rows)
    said = f"{equal:,} of {total:,} constants that are formulas equal"
    if table.in_software:
        said += f", those of {len(table.in_software)} ops without units were not looked at"
    return Tied(equal, total, said)


_Shifts = Mapping[int, tuple[int, int]]


def _table(output: Output, network: NetworkSource, model: bytes) -> tuple[ConstantsTable, _Shifts]:
    """The table, and of each op the shifts of its offsets: predicted, found."""
    text = output.files[output.network_name].decode("utf-8", "replace")
    constants = read_network_constants(text)
    dialect = network.dialect
    if dialect is None or dialect.arithmetic is None:
        raise BadInput(f"compiler {network.compiler} has no known constants")
    compiled = compile_model(model, dialect.arithmetic)
    images = [(first, output.files[name]) for name, first in output.images.items()]
    memory = Memory(tuple(images))
    nodes = _nodes(output, text, compiled, constants, memory)
    table = compare_constants(constants, memory, compiled, nodes)
    shifts = {
        row.op: (int(row.predicted), int(row.found))
        for row in table.compared
        if row.kind in ("s", "s2") and row.found is not None
    }
    return table, shifts


def _nodes(
    output: Output,
    text: str,
    compiled: CompiledModel,
    constants: NetworkConstants,
    memory: Memory,
) -> Mapping[int, str]:
    """The node of each op: as a file tells, else in order, else, with branches, by the offsets."""
    told = nodes_of_quantization_file(output.quantization or {})
    if told:
        return told
    in_order = nodes_in_order(text, compiled)
    if _is_chain(compiled):
        return in_order
    return in_order | nodes_of_offsets(constants, memory, compiled, in_order)


def _is_chain(compiled: CompiledModel) -> bool:
    layers = compiled.layers
    return all(
        computed_inputs(compiled.graph, after.op) == tuple(before.op.outputs)
        for before, after in pairwise(layers)
    )


def _check_offsets(table: ConstantsTable, shifts: _Shifts, *, reordered: bool) -> None:
    dead = {row.op for row in table.compared if row.kind == "A_k" and row.grade != FORMULA}
    for row in table.compared:
        known = row.kind == "C_k" and row.grade == FORMULA and row.found is not None
        if not known or row.op not in shifts or row.op in dead:
            continue
        far = _far(row, shifts[row.op])
        if far and not (reordered and not _far(row, shifts[row.op], np.sort)):
            raise IdentityFailure(
                "the files hold the constants of another network",
                evidence=f"Received: op {row.op} ({row.node}), where {far} of {row.total} offsets "
                "are not what the model's bias, scales and zero point give",
                next_step="give the whole folder of one generation from this very model: its .raw "
                "files are of another calibration or version",
            )


def _far(row: Compared, shifts: tuple[int, int], order: Callable[[Any], Any] = np.ravel) -> int:
    """How many offsets are another number of output steps than predicted."""
    predicted, found = (
        order(np.ravel(values).astype(float) * 2.0 ** -min(max(shift, 0), _SHIFT_MOST))
        for values, shift in zip((row.predicted, row.found), shifts, strict=True)
    )
    return int((np.abs(predicted - found) > _NOISE).sum())
