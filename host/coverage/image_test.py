"""Kinds and owners of bytes: by hand for a small firmware, and against binutils."""

import re
import subprocess
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from host.coverage.image import CODE, CONSTANT, NOTHING, Image, read_image
from host.coverage.steps import find_steps
from host.coverage.testing_firmware import assembled, needs_tools
from host.errors import BadInput, HostFailure

pytestmark = needs_tools

SOURCE = """
    .section .engine_text, "ax"
    function nj_step0
    movs r0, #1
    ldr r1, =0x12345678
    bx lr
    .ltorg
    end nj_step0
    .global exported
    .thumb_set exported, nj_step0
    .type exported, %function
    .size exported, . - nj_step0
    function odd
    bx lr
    end odd
    .balign 16
    function outer
    movs r0, #1
    .global inner
    .type inner, %function
inner:
    movs r0, #2
    bx lr
    .size inner, . - inner
    nop
    end outer
    .balign 4
    .thumb_func
label:
    movs r0, #3
    bx lr
    nop
    movs r0, #4

    .text
    function main
    bx lr
    end main

    .section .rodata
    .type first, %object
    .size first, 5
first: .byte 1, 2, 3, 4, 5
    .balign 4
    .asciz "no label"
text: .asciz "a text of some length"
    .balign 4
    .type last, %object
    .size last, 4
last: .word 7
    .byte 0, 0, 0
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assembled(tmp_path_factory.mktemp("image"), SOURCE)


@pytest.fixture(scope="module")
def image(elf: Path) -> Image:
    return read_image(elf)


def _runs(image: Image, name: str) -> list[tuple[str, str, int, int]]:
    """(piece, its kind, kind of the bytes, bytes), run by run in a section."""
    section = next(s for s in image.sections if s.name == name)
    pairs = zip(image.owners[section.place], image.kinds[section.place], strict=True)
    return [
        (image.pieces[owner].name, image.pieces[owner].kind, int(kind), len(list(run)))
        for (owner, kind), run in groupby(pairs)
    ]


def test_every_byte_has_an_owner_and_a_kind(image: Image) -> None:
    assert _runs(image, ".engine_text") == [
        ("exported", "function", CODE, 6),
        ("exported", "function", CONSTANT, 6),  # with what the assembler fills up before a pool
        ("odd", "function", CODE, 2),
        ("(padding)", "padding", CODE, 2),
        ("outer", "function", CODE, 2),
        ("inner", "function", CODE, 4),
        ("outer", "function", CODE, 2),
        ("label", "function", CODE, 8),
    ]


def test_constants_have_owners_too(image: Image) -> None:
    assert _runs(image, ".rodata")[1:] == [
        ("first", "object", CONSTANT, 5),
        ("(unnamed)", "unnamed", CONSTANT, 12),  # from one symbol to the next
        ("text", "object", CONSTANT, 23),
        ("last", "object", CONSTANT, 4),
        ("(padding)", "padding", CONSTANT, 3),
    ]


def test_instructions_have_the_lengths_that_objdump_says(elf: Path, image: Image) -> None:
    command = ["arm-none-eabi-objdump", "-d", "-j", ".engine_text", "-j", ".text", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = re.findall(r"^\s*([0-9a-f]+):\t([0-9a-f ]+?) *\t(\S+)", done.stdout, re.MULTILINE)
    code = [(int(at, 16), digits.replace(" ", "")) for at, digits, op in lines if op[0] != "."]
    begun, want = np.zeros(image.width, bool), np.zeros(image.width, bool)
    for at, digits in code:
        place = image.offset(at)
        assert place is not None
        begun[place] = True
        want[place : place + len(digits) // 2] = True
    assert np.array_equal(image.instructions(begun), want)
    assert np.array_equal(want, image.kinds == CODE)


def test_sections_do_not_touch_and_nothing_lies_between(image: Image) -> None:
    covered = np.zeros(image.width, int)
    for section in image.sections:
        assert section.offset % 8 == 0
        covered[section.place] += 1
    assert (covered <= 1).all()
    assert np.array_equal(covered == 0, image.kinds == NOTHING)
    assert np.array_equal(covered == 0, image.owners == -1)
    assert 2 * image.words == sum(-(-len(s.data) // 8) * 8 for s in image.sections if s.code)


def test_instructions_in_data_are_refused(image: Image) -> None:
    begun = np.zeros(image.width, bool)
    begun[np.flatnonzero(image.kinds == CONSTANT)[0]] = True
    with pytest.raises(HostFailure, match="the ELF calls data"):
        image.instructions(begun)


def test_no_elf_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\x7fELF", b"something else"):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(BadInput, match="ELF"):
            read_image(tmp_path / "x")
    with pytest.raises(BadInput, match="ELF"):
        read_image(tmp_path / "absent")


STEPS = """
    .section .engine_text, "ax"
    function nj_step0
    push {lr}
    bl near
    ldr r0, =pointed + 1
    blx r0
    pop {pc}
    .ltorg
    end nj_step0
    function nj_step1
    b.w far
    end nj_step1
    .text
    function near
    bl deeper
    bx lr
    end near
    function apart
    bl near
    end apart
    function deeper
    bl near
    bx lr
    end deeper
    function pointed
    bx lr
    end pointed
    function main
    bl nj_step0
    end main
    .space 4096
    function far
    bx lr
    end far
"""


def test_steps_run_what_the_engine_calls_however_deep(tmp_path: Path) -> None:
    image = read_image(assembled(tmp_path, STEPS))
    steps = find_steps(image, 2)
    assert steps.entries == (image.symbols["nj_step0"], image.symbols["nj_step1"])
    engine, *called = steps.ranges
    assert engine == (
        image.sections[0].address,
        image.sections[0].address + len(image.sections[0].data),
    )
    names = {name for name, at in image.symbols.items() for span in called if span[0] == at}
    assert names == {"near", "deeper", "pointed", "far"}
    assert {end - begin for begin, end in called} == {2, 6}


def test_another_number_of_steps_is_refused(tmp_path: Path) -> None:
    image = read_image(assembled(tmp_path, STEPS))
    for count in (1, 3):
        with pytest.raises(HostFailure, match="told apart"):
            find_steps(image, count)
