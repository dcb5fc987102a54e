"""The PSRAM behind XSPI1, access by access over qtest: what it does, keeps and loses; and a board that has none."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.boards.virtual_n6.build import find
from host.boards.virtual_n6.nor_test import image, run
from host.boards.virtual_n6.testing_psram import (
    ABORT,
    CR,
    DCR1,
    DCR3,
    EIGHT,
    INDIRECT_READ,
    KIND_EIGHT,
    KIND_SIXTEEN,
    LATENCY,
    MAPPED,
    PAGE,
    RCC,
    READ,
    SIXTEEN,
    SIZE,
    SR,
    SVMCR3,
    WINDOW,
    WRITE,
    XSPI1,
    connect,
    go_wide,
    map_window,
    mode_register,
    read,
    set_mode_register,
    start_over,
    word,
    write,
)
from host.boards.virtual_n6.trace_test import Chip

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

Start = Callable[[str], Chip]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Chip] = []

    def one(board: str) -> Chip:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Chip(folder, f",board={board}"))
        return made[-1]

    yield one
    for chip in made:
        chip.close()


@pytest.fixture
def chip(start: Start) -> Chip:
    return start("stm32n6570-dk")


def test_it_says_who_it_is(chip: Chip) -> None:
    connect(chip)
    assert mode_register(chip, 1) == bytes([0x8D, 0xDF])
    assert mode_register(chip, 0)[0] == 0x09
    assert mode_register(chip, 4) == bytes([0x40, 0x05])
    for dummy in (LATENCY - 2, LATENCY):
        assert mode_register(chip, 8, dummy)[0] == 0x05, "as other sources read them"


def test_it_is_driven_as_st_s_board_package_does(chip: Chip) -> None:
    connect(chip)
    go_wide(chip)
    assert [mode_register(chip, number, 6)[0] for number in (0, 4, 8)] == [0x30, 0x20, 0x40]
    assert mode_register(chip, 1, 5) == bytes([0x8D, 0xDF]), "with 6 for 7"
    write(chip, 0x1FFFFF8, b"in front", lines=SIXTEEN, dummy=6)
    assert read(chip, 0x1FFFFF8, 8, lines=SIXTEEN, dummy=6) == b"in front"
    assert read(chip, 0x1FFFFF8, 8, lines=SIXTEEN, dummy=13) == b"in front", "the fixed latency"
    map_window(chip, lines=SIXTEEN, dummy=6, dummy_written=6)
    assert chip.read(WINDOW + 0x1FFFFF8) == word(b"in f")
    chip.write(WINDOW + 0x123450, word(b"kept"))
    assert chip.read(WINDOW + 0x123450) == word(b"kept")
    assert chip.read(XSPI1 + SR) & 1 << 5, "BUSY, which ABORT ends"
    chip.write(XSPI1 + CR, MAPPED | ABORT)
    assert not chip.read(XSPI1 + SR) & 1 << 5
    assert read(chip, 0x123450, 4, lines=SIXTEEN, dummy=6) == b"kept"


def test_it_is_driven_on_eight_lines(chip: Chip) -> None:
    connect(chip)
    write(chip, 0x100, b"by command")
    assert read(chip, 0x100, 10) == b"by command"
    map_window(chip)
    assert chip.read(WINDOW + 0x100) == word(b"by c")
    chip.write(WINDOW + 0x104, word(b"CO--"))
    chip.write(XSPI1 + CR, MAPPED | ABORT)
    assert read(chip, 0x100, 8) == b"by cCO--"


def test_nothing_passes_a_window_that_is_not_mapped(chip: Chip) -> None:
    connect(chip)
    map_window(chip)
    chip.write(WINDOW, 1)
    chip.write(XSPI1 + CR, MAPPED | ABORT)
    chip.write(XSPI1 + CR, INDIRECT_READ)
    chip.write(WINDOW, 2)
    assert read(chip, 0, 4) == b"\x01\0\0\0"


@pytest.mark.parametrize(
    ("register", "value"), [(RCC + 0x1260, 1 << 5), (RCC + 0x1260, 1 << 13), (SVMCR3, 0)]
)
def test_a_window_closes_with_clock_and_supply(chip: Chip, register: int, value: int) -> None:
    connect(chip)
    map_window(chip)
    chip.write(WINDOW, 1)
    before = chip.read(register) if register == SVMCR3 else 0
    chip.write(register, value)
    chip.write(WINDOW, 2)
    if register == SVMCR3:
        chip.write(register, before)
    else:
        chip.write(RCC + 0xA60, value)
    assert chip.read(WINDOW) == 1


def test_a_reset_by_rcc_is_the_controller_s_alone(chip: Chip) -> None:
    connect(chip)
    set_mode_register(chip, 0, 0x08)
    map_window(chip, dummy=4)
    chip.write(WINDOW, 0x12345678)
    chip.write(RCC + 0xA20, 1 << 5)
    chip.write(RCC + 0x1220, 1 << 5)
    assert chip.read(XSPI1 + CR) == 0
    connect(chip)
    assert mode_register(chip, 0)[0] == 0x08
    assert read(chip, 0, 4) == b"\x78\x56\x34\x12"
    chip.write(RCC + 0xAA0, 1 << 5)
    assert chip.read(RCC + 0x2A0) == 1 << 5, "its clock while the core sleeps"
    chip.write(RCC + 0xA20, 1 << 5)
    with pytest.raises(RuntimeError, match=r"XSPI1 .*held in reset \(bit 5 of RCC_AHB5RSTR\)"):
        chip.write(XSPI1 + CR, 1)


def test_a_reset_of_the_chip_loses_nothing_and_a_new_start_everything(start: Start) -> None:
    chip = start("stm32n6570-dk")
    connect(chip)
    set_mode_register(chip, 0, 0x08)
    write(chip, 0x40, b"kept")
    chip.write(0xE000ED0C, 0x05FA0004)  # SYSRESETREQ
    chip.wait(1000)
    assert chip.read(RCC + 0x260) == 0, "it has been reset"
    connect(chip)
    assert mode_register(chip, 0)[0] == 0x08
    assert read(chip, 0x40, 4) == b"kept"
    anew = start("stm32n6570-dk")
    connect(anew)
    assert mode_register(anew, 0)[0] == 0x09
    assert read(anew, 0x40, 4) not in (b"kept", bytes(4), b"\xff" * 4), "rubbish"


def test_a_reset_of_its_own_loses_all_and_takes_its_time(chip: Chip) -> None:
    connect(chip)
    write(chip, 0x40, b"lost")
    set_mode_register(chip, 0, 0x08)
    start_over(chip)
    chip.wait(2000)
    assert mode_register(chip, 0)[0] == 0x09
    assert read(chip, 0x40, 4) != b"lost"
    start_over(chip)
    with pytest.raises(RuntimeError, match="before its reset was over"):
        mode_register(chip, 1)


@pytest.mark.parametrize("lines", [EIGHT, SIXTEEN])
@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_synchronous_burst_stays_in_its_length(
    chip: Chip, lines: int, hybrid: bool, code: int
) -> None:
    connect(chip)
    wide = lines == SIXTEEN
    chip.write(XSPI1 + DCR1, (KIND_SIXTEEN if wide else KIND_EIGHT) | SIZE)
    set_mode_register(chip, 8, wide << 6 | hybrid << 2 | code)
    length = (16, 32, 64)[code] * (2 if wide else 1)
    content = random.Random(length).randbytes(4 * length)
    write(chip, 0, content, lines=lines)
    begins = length + length // 2
    found = read(chip, begins, 2 * length, instruction=READ, lines=lines)
    once = content[begins : 2 * length] + content[length:begins]
    assert found == once + (content[2 * length : 3 * length] if hybrid else once)
    write(chip, begins, bytes(length), instruction=WRITE, lines=lines)
    expected = content[:length] + bytes(length) + content[2 * length :]
    assert read(chip, 0, 4 * length, lines=lines) == expected


def test_a_linear_burst_stays_in_its_row_unless_somebody_ends_it_there(chip: Chip) -> None:
    connect(chip)
    for at, text in ((0, b"-head--0"), (PAGE - 4, b"tail"), (PAGE, b"next---1")):
        write(chip, at, text)
    assert read(chip, PAGE - 4, 8) == b"tailnext", "CSBOUND"
    chip.write(XSPI1 + DCR3, 0)
    assert read(chip, PAGE - 4, 8) == b"tail-hea"
    set_mode_register(chip, 8, 0x0D)
    assert read(chip, PAGE - 4, 8) == b"tailnext", "RBX"
    write(chip, PAGE - 4, b"TAILHEAD")
    assert read(chip, PAGE - 4, 8) == b"TAILnext", "which is for reads alone"
    assert read(chip, 0, 8) == b"HEAD--0"[:4] + b"d--0"


def test_a_nucleo_has_none(start: Start) -> None:
    chip = start("nucleo-n657x0-q")
    connect(chip)
    assert mode_register(chip, 1) == b"\xff\xff"
    write(chip, 0, b"1234")
    assert read(chip, 0, 4) == b"\xff" * 4
    map_window(chip)
    chip.write(WINDOW + 0x10, 0x12345678)
    assert chip.read(WINDOW + 0x10) == 0xFFFFFFFF


@settings(max_examples=20, deadline=None)
@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 3 * PAGE // 4).map(lambda at: 4 * at), st.binary(min_size=1)),
        min_size=1,
        max_size=8,
    ),
    windowed=st.booleans(),
)
def test_what_is_written_either_way_is_read_either_way(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]], windowed: bool
) -> None:
    chip = Chip(tmp_path_factory.mktemp("q"), ",board=stm32n6570-dk")
    try:
        connect(chip)
        go_wide(chip)
        expected = bytearray(4 * PAGE)
        for at in range(0, len(expected), PAGE):
            write(chip, at, bytes(PAGE), lines=SIXTEEN, dummy=6)
        for at, data in pieces:
            whole = data + bytes(-len(data) % 4)
            expected[at : at + len(whole)] = whole
            if windowed:
                map_window(chip, lines=SIXTEEN, dummy=6, dummy_written=6)
                for k in range(0, len(whole), 4):
                    chip.write(WINDOW + at + k, word(whole[k : k + 4]))
                chip.write(XSPI1 + CR, MAPPED | ABORT)
            else:
                write(chip, at, whole, lines=SIXTEEN, dummy=6)
        assert read(chip, 0, len(expected), lines=SIXTEEN, dummy=6) == expected
        map_window(chip, lines=SIXTEEN, dummy=6, dummy_written=6)
        for at, _ in pieces:
            assert chip.read(WINDOW + at) == word(expected[at : at + 4])
    finally:
        chip.close()


@pytest.mark.parametrize("board", ["stm32n6570-dk", "nucleo-n657x0-q"])
@pytest.mark.parametrize("access", ["01 68", "01 60"], ids=["load", "store"])
def test_a_core_s_access_to_a_window_that_is_not_mapped_faults(
    tmp_path: Path, board: str, access: str
) -> None:
    # ldr r0, =0x90000000; movs r4, #1; ldr r1, [r0] or str r1, [r0]; dsb; movs r4, #2; b .; nop
    code = bytes.fromhex(f"03 48 01 24 {access} bf f3 4f 8f 02 24 fe e7 00 bf 00 00 00 90")
    (tmp_path / "nor").write_bytes(image(code))
    run(tmp_path, "exception 3 went to the boot ROM's vectors: VTOR was not set", board)
