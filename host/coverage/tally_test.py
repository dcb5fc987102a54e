"""Numbers that are known by hand, for a firmware of two steps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.coverage.coverage import Layer, Share, Unreached
from host.coverage.marks import Marks
from host.coverage.tally import tally
from host.coverage.testing_firmware import assembled, emulated, marked, needs_tools
from host.errors import HostFailure

pytestmark = needs_tools

SOURCE = """
    .section .engine_text, "ax"
    function nj_step0
    ldr r3, =nj_op0_weights @ 2 bytes, as most here
    ldr r1, [r3, #4]
    b.w shared @ 4 bytes
    .ltorg @ 4 bytes
    end nj_step0
    function nj_step1
    push {lr}
    bl shared @ 4 bytes
    pop {pc}
    ldr r0, =0x87654321 @ never
    .ltorg @ 6 bytes: filled up to a multiple of 4
    end nj_step1
    function shared
    cmp r0, r0
    it ne
    ldrne r3, =never_loaded @ executed, and loads nothing
    ldr r3, =table
    ldrb r3, [r3, #9]
    bx lr
    .ltorg @ 8 bytes
    end shared
    .text
    function main
    push {lr}
    bl nj_dispatch
    bl nj_step0
    bl nj_step1
    pop {pc}
    end main
    .section .rodata
    .balign 4
    .type nj_op0_weights, %object
    .size nj_op0_weights, 10
nj_op0_weights: .space 10, 1
    .balign 4
    .type nj_op0_bias, %object
    .size nj_op0_bias, 4
nj_op0_bias: .space 4, 1
    .type nj_op10_bias, %object
    .size nj_op10_bias, 100
nj_op10_bias: .space 100, 1
    .set never_loaded, 0x12345678
"""
# Steps 0 and 1 are those of ops 0 and 10; op 5 was folded away.
POOL = 6  # bytes, of the second step
LAYERS = {10: (1,), 0: (0,), 5: ()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Marks, Path]:
    elf = assembled(tmp_path_factory.mktemp("tally"), SOURCE)
    return marked(elf, 2)[1], elf


def test_layers_have_the_functions_and_objects_that_they_touch(run: tuple[Marks, Path]) -> None:
    coverage = tally(run[0], LAYERS, run[1])
    shared = 12
    assert coverage.layers == (
        # Two pools, weights, biases and table; 4 of each pool are read, 4 weights, 1 of the table.
        Layer(0, Share(8 + shared, 8 + shared), Share(4 + 8 + 10 + 4 + 8192, 4 + 4 + 4 + 1)),
        Layer(5, Share(0, 0), Share(0, 0)),
        Layer(10, Share(10 + shared, 8 + shared), Share(POOL + 8 + 100 + 8192, 4 + 1)),
    )


def test_a_step_of_no_layer_counts_in_the_whole(run: tuple[Marks, Path]) -> None:
    whole, part = tally(run[0], LAYERS, run[1]), tally(run[0], {0: (0,)}, run[1])
    assert (part.code, part.constants) == (whole.code, whole.constants)
    assert len(part.layers) == 1


def test_what_is_not_reached_is_named(run: tuple[Marks, Path]) -> None:
    coverage = tally(run[0], LAYERS, run[1])
    assert coverage.unreached[:2] == (
        Unreached("table", ".rodata", "constants", 8191, 8192, ""),
        Unreached("nj_op10_bias", ".rodata", "constants", 100, 100, ""),
    )
    found = {(u.symbol, u.kind): (u.bytes, u.total) for u in coverage.unreached}
    assert found["nj_step1", "code"] == (2, 10)
    assert found["nj_step1", "constants"] == (POOL, POOL)
    assert found["shared", "constants"] == (4, 8)
    assert found["nj_op0_weights", "constants"] == (6, 10)
    assert found["nj_op0_bias", "constants"] == (4, 4)
    assert found["(padding)", "padding"][0] > 0
    assert not {("shared", "code"), ("nj_step0", "code"), ("main", "code")} & found.keys()


def test_code_of_the_engine_outside_of_steps_is_a_defect(run: tuple[Marks, Path]) -> None:
    """Were a step's end not seen, or its begin, layers would be told wrong numbers."""
    marks, elf = run
    assert marks.steps is not None
    late = replace(marks.steps, entries=(marks.steps.entries[0] + 2, marks.steps.entries[1]))
    again = marked_with(replace(marks, steps=late), elf)
    with pytest.raises(HostFailure, match="outside of its steps") as failure:
        tally(again, LAYERS, elf)
    assert "nj_step0" in failure.value.evidence


def marked_with(marks: Marks, elf: Path) -> Marks:
    emulated(elf, *marks.arguments())
    return marks


def test_marks_of_nothing_are_refused(run: tuple[Marks, Path], tmp_path: Path) -> None:
    marks, elf = run
    with pytest.raises(HostFailure, match="marked nothing"):
        tally(replace(marks, folder=tmp_path), LAYERS, elf)
    (tmp_path / "marks.bin").write_bytes(np.zeros(100, np.uint8).tobytes())
    with pytest.raises(HostFailure, match="marked nothing"):
        tally(replace(marks, folder=tmp_path), LAYERS, elf)
