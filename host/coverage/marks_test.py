"""What the plugin marks: every byte that is read or executed, no other, by step.

The firmware is assembly, so that what each instruction reads is known; QEMU's own log, one
instruction at a time, says what is executed.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from host.coverage.image import CONSTANT, FUNCTION, Image, Mask
from host.coverage.marks import Marks
from host.coverage.tally import reached
from host.coverage.testing_firmware import TABLE, assembled, emulated, marked, needs_tools

pytestmark = needs_tools

# Instructions, with r6 at `table` and r7 at memory that is written, and the bytes that they read.
LOADS: dict[str, tuple[str, list[range]]] = {
    "ldrb": ("ldrb r1, [r6, #5]", [range(5, 6)]),
    "ldrsb": ("ldrsb r1, [r6, #7]", [range(7, 8)]),
    "ldrh": ("ldrh r1, [r6, #10]", [range(10, 12)]),
    "ldrsh unaligned": ("ldrsh r1, [r6, #13]", [range(13, 15)]),
    "ldr": ("ldr r1, [r6, #16]", [range(16, 20)]),
    "ldr unaligned": ("ldr r1, [r6, #21]", [range(21, 25)]),
    "ldr over the end of a page": ("addw r2, r6, #4093\n ldr r1, [r2]", [range(4093, 4097)]),
    "ldr before what is marked": ("sub r2, r6, #2\n ldr r1, [r2]", [range(0, 2)]),
    "ldr over its end": ("add r2, r6, #8128\n ldr r1, [r2, #61]", [range(8189, 8192)]),
    "ldr over the end of the code": ("ldr r2, =nj_text_end - 1\n ldr r1, [r2]", []),
    "ldr behind it": ("add r2, r6, #8192\n ldr r1, [r2]", []),
    "ldr with writeback": ("mov r2, r6\n ldr r1, [r2, #32]!\n ldr r1, [r2], #4", [range(32, 36)]),
    "ldr of a register": ("mov r2, #9\n ldr r1, [r6, r2, lsl #2]", [range(36, 40)]),
    "ldrd": ("ldrd r1, r2, [r6, #40]", [range(40, 48)]),
    "ldm": ("add r2, r6, #48\n ldm r2, {r1, r3, r4}", [range(48, 60)]),
    "ldmdb": ("add r2, r6, #72\n ldmdb r2!, {r1, r3}", [range(64, 72)]),
    "ldrex": ("ldrex r1, [r6, #76]\n clrex", [range(76, 80)]),
    "lda": ("add r2, r6, #80\n lda r1, [r2]", [range(80, 84)]),
    "vldr single": ("vldr s0, [r6, #84]", [range(84, 88)]),
    "vldr double": ("vldr d0, [r6, #88]", [range(88, 96)]),
    "vldm": ("add r2, r6, #96\n vldm r2, {s4-s6}", [range(96, 108)]),
    "vldrb": ("vldrb.u8 q0, [r6, #16]", [range(16, 32)]),
    "vldrh": ("vldrh.u16 q0, [r6, #32]", [range(32, 48)]),
    "vldrw": ("vldrw.u32 q0, [r6, #48]", [range(48, 64)]),
    "vldrb, widening to 16 bits": ("vldrb.s16 q0, [r6, #64]", [range(64, 72)]),
    "vldrb, widening to 32 bits": ("vldrb.u32 q0, [r6, #72]", [range(72, 76)]),
    "vldrh, widening": ("vldrh.s32 q0, [r6, #80]", [range(80, 88)]),
    "vldrw over a page": ("addw r2, r6, #4088\n vldrw.u32 q0, [r2]", [range(4088, 4104)]),
    "five lanes of bytes": (
        "mov r1, #5\n vctp.8 r1\n vpst\n vldrbt.u8 q0, [r6]", [range(0, 5)]
    ),
    "the other lanes": (
        "mov r1, #5\n vctp.8 r1\n vpste\n vmovt q1, q1\n vldrbe.u8 q0, [r6]", [range(5, 16)]
    ),
    "three lanes of words": (
        "mov r1, #3\n vctp.32 r1\n vpst\n vldrwt.u32 q0, [r6, #32]", [range(32, 44)]
    ),
    "no lane": ("mov r1, #0\n vctp.16 r1\n vpst\n vldrht.u16 q0, [r6]", []),
    "a tail of 20 bytes": (
        "mov r1, #20\n mov r2, r6\n dlstp.8 lr, r1\n 1: vldrb.u8 q0, [r2], #16\n letp lr, 1b",
        [range(0, 20)],
    ),
    "gather of words, by bytes": (
        "mov r2, #0\n vidup.u32 q1, r2, #8\n vldrw.u32 q0, [r6, q1]",
        [range(8 * i, 8 * i + 4) for i in range(4)],
    ),
    "gather of words, scaled": (
        "mov r2, #0\n vidup.u32 q1, r2, #8\n vldrw.u32 q0, [r6, q1, uxtw #2]",
        [range(32 * i, 32 * i + 4) for i in range(4)],
    ),
    "gather of bytes": (
        "mov r2, #0\n vidup.u8 q1, r2, #4\n vldrb.u8 q0, [r6, q1]",
        [range(4 * i, 4 * i + 1) for i in range(16)],
    ),
    "gather of bytes, widening": (
        "mov r2, #0\n vidup.u16 q1, r2, #8\n vldrb.u16 q0, [r6, q1]",
        [range(8 * i, 8 * i + 1) for i in range(8)],
    ),
    "gather of halves, in two lanes": (
        "mov r1, #2\n vctp.16 r1\n mov r2, #0\n vidup.u16 q1, r2, #8\n vpst\n"
        " vldrht.u16 q0, [r6, q1]",
        [range(0, 2), range(8, 10)],
    ),
    "gather from addresses": (
        "add r1, r6, #4\n add r2, r6, #512\n vmov q1[2], q1[0], r1, r2\n"
        " vmov q1[3], q1[1], r2, r1\n vldrw.u32 q0, [q1, #8]",
        [range(12, 16), range(520, 524)],
    ),
    "vld20, vld21": (
        "vld20.8 {q0, q1}, [r6]\n vld21.8 {q0, q1}, [r6]", [range(0, 32)]
    ),
    "vld40 to vld43": (
        "\n".join(f"vld4{i}.32 {{q0, q1, q2, q3}}, [r6]" for i in range(4)), [range(0, 64)]
    ),
    "a condition that holds": ("cmp r6, r6\n it eq\n ldreq r1, [r6]", [range(0, 4)]),
    "a condition that does not": ("cmp r6, r6\n it ne\n ldrne r1, [r6]", []),
    "an address alone": ("add r1, r6, #4", []),
    "stores": (
        "str r6, [r7]\n strd r1, r2, [r7, #8]\n vstrb.8 q0, [r7]\n push {r1}\n pop {r1}", []
    ),
    "loads of other memory": ("ldr r1, [r7]\n vldrb.u8 q0, [r7]", []),
    "what was written": ("str r1, [r6, #4]\n vstrb.8 q0, [r6, #16]\n stm r6, {r1, r2}", []),
    "a table of branches": ("mov r1, #1\n tbb [pc, r1]\n 1: .byte 1, 1\n nop", []),
}  # fmt: skip


def _steps(bodies: list[str]) -> str:
    """A firmware that runs each body as a step."""
    text = '    .section .engine_text, "ax"\n'
    for number, body in enumerate(bodies):
        name = f"nj_step{number}"
        text += f"    function {name}\n    push {{r4-r7, lr}}\n    ldr r6, =table\n"
        text += (
            f"    ldr r7, =buffer\n    {body}\n    pop {{r4-r7, pc}}\n    .ltorg\n    end {name}\n"
        )
    calls = "\n".join(f"    bl nj_step{number}" for number in range(len(bodies)))
    text += f"    .text\n    function main\n    push {{lr}}\n    bl nj_dispatch\n{calls}\n"
    return text + "    pop {pc}\n    end main\n"


def _table(image: Image, row: tuple[Mask, Mask]) -> set[int]:
    """Offsets in `table` that were read."""
    begin = image.offset(TABLE)
    assert begin is not None
    return {int(i) for i in np.flatnonzero(row[1][begin:])}


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, Marks]:
    folder = tmp_path_factory.mktemp("loads")
    elf = assembled(folder, _steps([body for body, _ in LOADS.values()]))
    return marked(elf, len(LOADS))


@pytest.mark.parametrize("name", LOADS)
def test_every_load_marks_the_bytes_that_it_reads(name: str, loads: tuple[Image, Marks]) -> None:
    image, marks = loads
    number = 1 + list(LOADS).index(name)
    assert _table(image, marks.row(number)) == {i for part in LOADS[name][1] for i in part}


def test_literal_pools_and_branch_tables_are_constants(loads: tuple[Image, Marks]) -> None:
    image, marks = loads
    number = list(LOADS).index("a table of branches")
    found = reached(marks, (1 + number,)) & (image.kinds == CONSTANT)
    owners = [image.pieces[i].name for i in image.owners[found]]
    # Two addresses, and one byte of two of the table.
    assert owners == [f"nj_step{number}"] * 9


SOURCE = """
    .section .engine_text, "ax"
    function nj_step0
    push {r4, lr}
    mov r4, #3
1:  subs r4, r4, #1
    bne 1b
    bl helper
    pop {r4, pc}
    end nj_step0
    function nj_step1
    cmp r0, r0
    beq 2f
    movw r1, #1234 @ never
2:  ite ne
    movne r2, #1
    moveq r2, #2
    b nj_step1_tail
    end nj_step1
    function nj_step1_tail
    ldr r3, =table
    ldrb r3, [r3, #100]
    bx lr
    .ltorg
    end nj_step1_tail
    function nj_step2
    b.w nj_step0
    end nj_step2
    .text
    function helper
    ldr r3, =table
    ldrb r3, [r3, #200]
    b.w helped
    .ltorg
    end helper
    function helped
    bx lr
    end helped
    function outside
    ldr r3, =table
    ldrb r3, [r3, #300]
    bx lr
    .ltorg
    end outside
    function never
    mov r3, #0x10000
    bx lr
    end never
    function main
    push {r4, lr}
    ldr r4, =table
    ldrb r3, [r4, #400] @ before the first request
    bl nj_dispatch
    bl nj_step0
    bl outside
    bl helper
    bl nj_step1
    bl outside
    bl nj_step2
    ldrb r3, [r4, #500]
    pop {r4, pc}
    .ltorg
    end main
"""


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, Marks, Path]:
    elf = assembled(tmp_path_factory.mktemp("stepped"), SOURCE)
    return *marked(elf, 3), elf


def test_reads_belong_to_the_step_that_runs(stepped: tuple[Image, Marks, Path]) -> None:
    """With what it calls outside of the engine, until its end; none before the first request."""
    image, marks, _ = stepped
    found = [_table(image, marks.row(i)) for i in range(4)]
    assert found == [{200, 300, 500}, {200}, {100}, {200}]


def test_code_belongs_to_the_step_that_runs(stepped: tuple[Image, Marks, Path]) -> None:
    image, marks, _ = stepped

    def functions(row: int) -> set[str]:
        begun, _ = marks.row(row)
        return {image.pieces[i].name for i in image.owners[image.instructions(begun)]}

    assert functions(1) == {"nj_step0", "helper", "helped"}
    assert functions(2) == {"nj_step1", "nj_step1_tail"}
    # A step that is another one's beginning is still itself.
    assert functions(3) == {"nj_step2", "nj_step0", "helper", "helped"}
    assert functions(0) == {"nj_reset", "main", "nj_dispatch", "outside", "helper", "helped"}


def test_executed_bytes_are_those_of_qemus_own_log(stepped: tuple[Image, Marks, Path]) -> None:
    """The naive way: QEMU runs one instruction at a time, and logs each."""
    image, marks, elf = stepped
    emulated(elf, "-singlestep", "-d", "exec,nochain", "-D", "log.txt")
    log = (elf.parent / "log.txt").read_text()
    places = {int(at, 16) for at in re.findall(r"^Trace \d+: \S+ \[\w+/(\w+)/", log, re.MULTILINE)}
    want = np.zeros(image.width, bool)
    for at in places:
        for section in image.sections:
            if section.address <= at < section.address + len(section.data):
                first = int.from_bytes(section.data[at - section.address :][:2], "little")
                begin = section.offset + at - section.address
                want[begin : begin + (4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2)] = (
                    True
                )
    got = np.zeros(image.width, bool)
    for number in range(marks.rows):
        got |= image.instructions(marks.row(number)[0])
    assert want.sum() > 60
    assert np.array_equal(got, want)
    names = {image.pieces[i].name for i in image.owners[got] if image.pieces[i].kind == FUNCTION}
    assert "never" not in names


def test_without_steps_all_is_one_row_that_can_be_cleared(
    stepped: tuple[Image, Marks, Path], tmp_path: Path
) -> None:
    _, marks, _ = stepped
    _, whole = marked(assembled(tmp_path, SOURCE), None)
    assert whole.rows == 1
    assert np.array_equal(reached(whole, (0,)), reached(marks, range(4)))
    whole.clear()
    assert not reached(whole, (0,)).any()
    assert reached(marks, (0,)).any()


def test_commas_in_paths_reach_the_plugin(tmp_path: Path) -> None:
    folder = tmp_path / "a,b,,c=d"
    folder.mkdir()
    _, marks = marked(assembled(folder, SOURCE), 3)
    assert reached(marks, (1,)).any()
