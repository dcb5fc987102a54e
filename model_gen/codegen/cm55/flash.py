"""`--optimize flash`: weights that lie packed in flash, and are unpacked to scratch memory before their layer runs.

The kernels and their bytes stay the same: they read weights from RAM. What it costs is that RAM, and instructions.
"""

from dataclasses import replace

import numpy as np

from host.errors import BadInput
from model_gen.codegen.cm55.lower import Program, Step
from model_gen.codegen.cm55.ops.packing import BLOCK
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    Kernel,
    Parameters,
    Unpacked,
    Unpacking,
)
from model_gen.codegen.cm55.ops.row_packing import BEHIND, PLAIN, SPARSE, Packed, pack, unpack
from model_gen.codegen.cm55.plan import aligned
from model_gen.codegen.tflite.graph import Array

OPTIMIZES = ("speed", "flash")  # for what
# The structures whose weights are rows of 16, and what a layer must save at least: below, RAM and time are lost for
# nothing.
_STRUCTS = ("nj_packed_convolution", "nj_packed_fully_connected")
_LEAST = 1 / 8
# Instructions of nj_unpack_s8 on a Cortex-M55: a row, one of planes or of single weights besides, a plane, a weight.
_ROW, _MADE, _PLANE, _ONE = 16, 14, 5, 9


def check_optimize(optimize: str) -> None:
    """Refuse what nothing can be optimized for."""
    if optimize not in OPTIMIZES:
        raise BadInput(
            f"a model is optimized for one of {', '.join(OPTIMIZES)}",
            evidence=f"Received: {optimize!r}",
        )


def in_less_flash(program: Program) -> Program:
    """The program with the weights of each layer packed that saves an eighth of them by it."""
    return replace(program, steps=tuple(_packed(step) for step in program.steps))


def weights_of(kernel: Kernel) -> Array | None:
    """The weights that may be packed, int8 [group][block][4][16]; None where there are none."""
    if kernel.parameters is None or kernel.parameters.struct not in _STRUCTS:
        return None
    weights = dict(kernel.parameters.fields)["weights"]
    return weights.values if isinstance(weights, Constants) else None


def _packed(step: Step) -> Step:
    parameters, weights = step.kernel.parameters, weights_of(step.kernel)
    if parameters is None or weights is None:
        return step
    packed = pack(weights)
    if packed.bytes > (1 - _LEAST) * packed.unpacked:
        return step
    assert np.array_equal(unpack(packed), weights.ravel()), "packing lost weights"
    return replace(step, kernel=_unpacking(step.kernel, parameters, packed))


def _unpacking(kernel: Kernel, parameters: Parameters, packed: Packed) -> Kernel:
    place = Unpacked(aligned(kernel.scratch))
    fields = tuple(
        (name, place if name == "weights" else value) for name, value in parameters.fields
    )
    tables = "0" if packed.tables is None else Constants("int8_t", packed.tables)
    unpacking = Unpacking(
        Parameters(
            "nj_packed_weights",
            (
                ("rows", packed.rows),
                ("group_rows", packed.group_rows),
                ("bytes", len(packed.data)),
                ("kinds", Constants("uint8_t", packed.kinds)),
                ("data", Constants("uint8_t", np.append(packed.data, np.zeros(BEHIND, np.uint8)))),
                ("tables", tables),
            ),
        ),
        place,
        packed=packed.bytes,
        unpacked=packed.unpacked,
        instructions=instructions(packed),
    )
    return replace(
        kernel,
        parameters=replace(parameters, fields=fields),
        scratch=place.offset + packed.unpacked,
        unpacking=unpacking,
    )


def instructions(packed: Packed) -> int:
    """About how many a Cortex-M55 takes to unpack it."""
    planes = sum(bits * packed.count(bits) for bits in range(PLAIN))
    ones = len(packed.data) - 2 * planes - BLOCK * packed.count(PLAIN) - 2 * packed.count(SPARSE)
    made = packed.rows - packed.count(0) - packed.count(PLAIN)
    return _ROW * packed.rows + _MADE * made + _PLANE * planes + _ONE * ones
