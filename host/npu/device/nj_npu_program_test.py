"""Programs of the epoch controller: what they do in order; a damaged one ends by name."""

import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from host.npu.testing import blob, registers
from host.npu.testing.blob import Assembler
from host.npu.testing.epochs import differences, epochs
from host.npu.testing.native import RegisterFile, build
from host.npu.testing.records import NUMBERS, structures
from host.npu.testing.registers import base

STREAM_0, ARITH_1 = base("STREAM", 0), base("ARITH", 1)
FUZZ = Path(blob.__file__).with_name("nj_fuzz_programs.c")


def epoch_of_a_copy() -> Any:
    """Engine 0 reads sixteen bytes, engine 1 writes them."""
    epoch = structures()["epoch"]()
    for index, address in ((0, 0x34000000), (1, 0x34000010)):
        engine = epoch.stream[index]
        engine.writes, engine.raw, engine.bits, engine.frames = index == 1, True, 8, 1
        engine.address, engine.elements = address, 16
    for mask in (epoch.enabled, epoch.configured):
        mask[NUMBERS["NJ_NPU_STREAM"]] = 0b11
    link = epoch.link[0]
    link.destination.kind = link.source[0].kind = NUMBERS["NJ_NPU_STREAM"]
    link.destination.unit, link.enabled[0], epoch.links = 1, True, 1
    return epoch


def epoch_of_every_unit() -> Any:
    """Engines 0 and 1 feed CONV 0 with 8x8 and a kernel; ARITH 2, POOL 1, engine 4 follow."""
    epoch = epoch_of_a_copy()
    for index, address, elements, writes in (
        (0, 0, 64, False),
        (1, 0x100, 9, False),
        (4, 0x200, 9, True),
    ):
        engine = epoch.stream[index]
        engine.writes, engine.raw, engine.bits, engine.frames = writes, True, 8, 1
        engine.aligned_right = engine.sign_extends = not writes
        engine.address, engine.elements = 0x34000000 + address, elements
    conv, arith, pool = epoch.conv[0], epoch.arith[2], epoch.pool[1]
    conv.width = conv.height = 8
    conv.crop_right = conv.crop_bottom = 7
    conv.kernel_width = conv.kernel_height = 3
    conv.depth = conv.kernels = conv.stride_x = conv.stride_y = conv.simd = conv.feature.bytes = 1
    arith.operation, arith.a, arith.c, arith.x.bytes = NUMBERS["NJ_NPU_AFFINE"], 3, -5, 2
    arith.a_vector, arith.step[0].every, arith.step[0].add = True, 1, 1
    pool.pooling, pool.width, pool.height, pool.depth = NUMBERS["NJ_NPU_POOL_MAX"], 6, 6, 1
    pool.crop_right = pool.crop_bottom = 5
    pool.out_width = pool.out_height = 3
    pool.window_width = pool.window_height = pool.stride_x = pool.stride_y = 2
    pool.feature.bytes = 1
    for unit, size, shift in ((conv, 2, 3), (arith, 1, 2), (pool, 1, 0)):
        unit.out.bytes, unit.out.shift, unit.out.mode = size, shift, 1
        unit.out.rounds = unit.out.saturates = True
    rows = (("STREAM", 4, 0), ("CONV", 0, 0), ("CONV", 0, 1), ("ARITH", 2, 0), ("POOL", 1, 0))
    sources = (("POOL", 1), ("STREAM", 0), ("STREAM", 1), ("CONV", 0), ("ARITH", 2))
    for place, (row, (kind, unit)) in enumerate(zip(rows, sources, strict=True)):
        link, epoch.links = epoch.link[place], place + 1
        link.destination.kind, link.destination.unit, link.destination.port = _port(*row)
        link.source[0].kind, link.source[0].unit, _ = _port(kind, unit)
        link.enabled[0] = True
    for kind, mask in {"STREAM": 0b10011, "CONV": 1, "ARITH": 0b100, "POOL": 0b10}.items():
        epoch.enabled[NUMBERS[f"NJ_NPU_{kind}"]] = mask
        epoch.configured[NUMBERS[f"NJ_NPU_{kind}"]] = mask
    return epoch


def _port(kind: str, unit: int, port: int = 0) -> tuple[int, int, int]:
    return NUMBERS[f"NJ_NPU_{kind}"], unit, port


COPY = blob.program([epoch_of_a_copy()], [5])
EVERY = blob.program([epoch_of_every_unit()])


def test_epochs_run_in_order_each_at_its_poll_and_once(library: Path) -> None:
    file = RegisterFile(library)
    assert file.program(blob.program([epoch_of_a_copy()] * 3, [4, 9, 10])) is None
    assert [number for number, _ in file.runs] == [4, 9, 10]
    assert file.running == 0


def test_an_epoch_that_fails_ends_the_program_there(library: Path) -> None:
    file = RegisterFile(library)
    words = blob.program([epoch_of_a_copy()] * 2)
    file.program(words, run=lambda number, _: 7 if number == 2 else 0)
    assert [number for number, _ in file.runs] == [1, 2]
    assert file.word < len(words) - 1
    assert file.number == 2
    assert file.running == 0b11  # it was not run


def _accesses(words: list[int]) -> Iterator[tuple[int, int, int]]:
    """The writes of a program one by one, as a processor would do them: offset, mask, value."""
    at = 2
    while words[at] != blob.END:
        word, offset, count = words[at], (words[at] >> 16) * 4, words[at] >> 5 & 0x7FF
        opcode, at = word & 31, at + 1
        if opcode == blob.BIT:
            yield offset, 1 << (word >> 5 & 31), (word >> 13 & 1) << (word >> 5 & 31)
        elif opcode == blob.WRITE:
            yield offset, 0xFFFFFFFF, words[at]
            at += 1
        elif opcode == blob.POLL:
            at += 2
        elif opcode != blob.MARK:
            step = 4 if opcode == blob.INCREASING else 0
            yield from ((offset + step * i, 0xFFFFFFFF, words[at + i]) for i in range(count))
            at += count


def test_a_bus_without_a_program_sees_when_an_epoch_is_whole(library: Path) -> None:
    epoch = epoch_of_every_unit()
    file = RegisterFile(library)
    enables = [
        base(*unit)
        for unit in (
            ("STREAM", 4),
            ("STREAM", 1),
            ("STREAM", 0),
            ("CONV", 0),
            ("ARITH", 2),
            ("POOL", 1),
        )
    ]
    whole = []
    for offset, mask, value in _accesses(EVERY):
        kept = file.read(offset) & ~mask if mask != 0xFFFFFFFF else 0
        if file.complete:
            break
        assert file.write(offset, kept | value) is None
        if (offset, value, mask) in {(start, 1, 1) for start in enables}:
            whole.append(file.complete)
    assert whole == [False] * 5 + [True]
    got, error = file.decode()
    assert error is None
    assert sorted(differences(got, epoch)) == sorted(differences(file_of(EVERY, library), epoch))
    file.finish()
    assert not file.complete


def file_of(words: list[int], library: Path) -> Any:
    """The epoch that a program of one runs."""
    file = RegisterFile(library)
    assert file.program(words) is None
    return file.runs[0][1]


def test_a_second_poll_of_the_same_epoch_runs_nothing(library: Path) -> None:
    assembler = Assembler()
    assembler.bit(registers.CLOCKS_TOO, 0, 1)
    assembler.write(STREAM_0, 1 | 1 << 2 | 8 << 16)
    for _ in range(3):
        assembler.poll(STREAM_0, 31)
    file = RegisterFile(library)
    assert file.program(assembler.program()) is None
    assert len(file.runs) == 1


def test_bursts_go_into_one_register_or_run_over_many(library: Path) -> None:
    assembler = Assembler()
    assembler.write(STREAM_0 + 0x30, 6, 7, same=True)
    assembler.write(STREAM_0 + 0x08, 1, 2, 3)
    assembler.write(ARITH_1 + 0x2C, 1)
    assembler.write(ARITH_1 + 0x400, *range(600))
    assembler.bit(STREAM_0 + 0x28, 20, 1)
    assembler.bit(STREAM_0 + 0x28, 23, 1)
    assembler.bit(STREAM_0 + 0x28, 20, 0)
    file = RegisterFile(library)
    assert file.program(assembler.program()) is None
    assert [file.read(STREAM_0 + offset) for offset in (0x30, 0x08, 0x0C, 0x10)] == [7, 1, 2, 3]
    assert [file.read(ARITH_1 + 0x400 + 4 * i) for i in range(600)] == list(range(600))
    assert file.read(STREAM_0 + 0x28) == 1 << 23


def test_a_field_from_bit_0_is_written_alone(library: Path) -> None:
    words = [0x5C080000 >> 16 << 16 | 4 << 10 | blob.WRITE, 0x1F]
    assembler = Assembler()
    assembler.write(base("ARITH", 0) + 0x20, 0xABC0)
    assembler.words += words
    file = RegisterFile(library)
    assert file.program(assembler.program()) is None
    assert file.read(base("ARITH", 0) + 0x20) == 0xABDF


def _with(*words: int) -> list[int]:
    return [blob.MAGIC, len(words) + 1, *words, blob.END]


AT_STREAM = STREAM_0 // 4 << 16
DAMAGED: list[tuple[str, list[int], str, str]] = [
    ("empty", [], "PROGRAM", "room"),
    ("only-magic", [blob.MAGIC], "PROGRAM", "room"),
    ("magic", [0xECBF0020, 1, blob.END], "PROGRAM", "magic"),
    ("length", [blob.MAGIC, 3, blob.END], "PROGRAM", "length"),
    ("longest", [blob.MAGIC, 0xFFFFFFFF, blob.END], "PROGRAM", "length"),
    ("nothing", [blob.MAGIC, 0], "PROGRAM", "a program without an end"),
    ("no-end", [blob.MAGIC, 1, 1 << 5 | 29], "PROGRAM", "a program without an end"),
    ("behind", [blob.MAGIC, 2, blob.END, 0], "PROGRAM", "words behind the end"),
    ("odd-end", _with(1 << 5 | blob.END), "PROGRAM", "opcode"),
    *(
        (f"opcode-{i}", _with(i), "PROGRAM", "opcode")
        for i in range(32)
        if i not in (0, 1, 2, 3, 4, 12, 29)
    ),
    ("write-cut", [blob.MAGIC, 1, 31 << 10], "PROGRAM", "data past the end"),
    ("poll-cut", [blob.MAGIC, 2, 31 << 10 | 4, 0], "PROGRAM", "data past the end"),
    (
        "burst-cut",
        [blob.MAGIC, 3, AT_STREAM | 0x7FF << 5 | 3, 0, 0],
        "PROGRAM",
        "data past the end",
    ),
    ("burst-0", _with(AT_STREAM | 3), "PROGRAM", "an empty burst"),
    ("field-order", _with(AT_STREAM | 3 << 5, 0), "PROGRAM", "the form of a write"),
    ("field-bit-15", _with(AT_STREAM | 1 << 15 | 31 << 10, 0), "PROGRAM", "the form of a write"),
    (
        "shifted",
        _with(AT_STREAM | 3 << 10 | 3 << 5, 1),
        "PROGRAM",
        "the data of a write to a part of a register",
    ),
    (
        "too-wide",
        _with(AT_STREAM | 0 << 10, 2),
        "PROGRAM",
        "the data of a write to a part of a register",
    ),
    ("poll-order", _with(AT_STREAM | 3 << 5 | 4, 0, 0), "PROGRAM", "the form of a poll"),
    (
        "poll-1",
        _with(AT_STREAM | 31 << 10 | 31 << 5 | 4, 0, 1),
        "PROGRAM",
        "the value of a poll of a part of a register",
    ),
    ("bit-7", _with(AT_STREAM | 7 << 13 | 1), "PROGRAM", "the form of a bit"),
    ("bit-10", _with(AT_STREAM | 1 << 10 | 1), "PROGRAM", "the form of a bit"),
    (
        "never",
        _with(AT_STREAM | 0x4 << 16 | 31 << 10 | 4, 100, 5),
        "TIMEOUT",
        "the value of a poll",
    ),
    ("beyond", _with(0xFFFF << 16 | 31 << 10, 1), "REGISTER", "an unknown register"),
    ("interrupts", _with(0x1008 // 4 << 16 | 31 << 10, 1), "REGISTER", "an unknown register"),
    (
        "fully-connected",
        _with(base("CONV", 0) // 4 << 16 | 1 << 13 | 11 << 5 | 1),
        "REGISTER",
        "CONV.FULLY_CONNECTED",
    ),
    (
        "unknown-bits",
        _with(base("POOL", 0) // 4 << 16 | 31 << 10, 1 << 31),
        "REGISTER",
        "bits of no known field",
    ),
    (
        "no-clock",
        _with(AT_STREAM | 31 << 10, 5 | 8 << 16, AT_STREAM | 31 << 10 | 31 << 5 | 4, 100, 0),
        "CLOCK",
        "CLOCKS.UNITS",
    ),
]


@pytest.mark.parametrize(
    ("words", "status", "field"), [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED]
)
def test_what_is_damaged_or_unknown_ends_by_name(
    library: Path, words: list[int], status: str, field: str
) -> None:
    file = RegisterFile(library)
    error = file.program(words)
    assert error is not None
    assert (error["status"], error["field"]) == (status, field)
    assert file.runs == []


def test_an_epoch_that_nothing_waited_for_is_not_lost(library: Path) -> None:
    polls = [i for i, word in enumerate(COPY) if word == base("STREAM", 1) // 4 << 16 | 0x7FE4]
    assert len(polls) == 1
    without = [*COPY[: polls[0]], *COPY[polls[0] + 3 :]]
    file = RegisterFile(library)
    error = file.program([without[0], without[1] - 3, *without[2:]])
    assert error is not None
    assert (error["field"], file.runs) == ("a register of a running engine", [])
    before = COPY[: polls[0]]
    error = RegisterFile(library).program([before[0], len(before) - 1, *before[2:], blob.END])
    assert error is not None
    assert (error["field"], error["value"]) == ("engines that nothing waited for", 0b11)


def test_every_cut_of_a_program_ends_by_name(library: Path) -> None:
    for length in range(len(COPY)):
        error = RegisterFile(library).program(COPY[:length])
        assert error is not None
        assert error["field"] in {"room", "length"}
    for length in range(1, len(COPY) - 2):  # a length that agrees with what is there
        error = RegisterFile(library).program([COPY[0], length - 1, *COPY[2 : length + 1]])
        assert error is not None
        assert error["field"] in {"a program without an end", "data past the end"}


_SELDOM = ("LIMIT", "SCRATCH", "UNCONFIGURED")


def _damaged(source: random.Random) -> list[int]:
    """A program with a few bits, words or stretches changed."""
    words = list(source.choice((COPY, EVERY, EVERY)))
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        at = source.randrange(len(words))
        kind = source.randrange(5)
        if kind == 0:
            words[at] ^= 1 << source.randrange(32)
        elif kind == 1:
            words[at] = source.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, source.getrandbits(32)))
        elif kind == 2:
            del words[at : at + source.randrange(1, 4)]
        elif kind == 3:
            words[at:at] = [source.getrandbits(32) for _ in range(source.randrange(1, 4))]
        else:
            words[at : at + 1] = words[source.randrange(len(words)) :]
        if not words:
            return words
    if len(words) > 1 and source.random() < 0.8:
        words[:2] = [blob.MAGIC, len(words) - 2]
    return words


def test_hostile_programs_do_no_harm_under_sanitizers(tmp_path: Path) -> None:
    fuzz = build(
        tmp_path / "fuzz",
        "-O1",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        extra=(FUZZ,),
    )
    source = random.Random(20261127)
    sent = [COPY, EVERY, *(_damaged(source) for _ in range(8_000))]
    data = b"".join(struct.pack(f"<{len(words) + 1}I", len(words), *words) for words in sent)
    done = subprocess.run([fuzz], input=data, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    counts = dict(line.split() for line in done.stdout.decode().splitlines())
    assert int(counts.pop("EPOCHS")) > 1000
    assert sum(map(int, counts.values())) == len(sent)
    assert [
        status for status, count in counts.items() if count == "0" and status not in _SELDOM
    ] == []


@settings(max_examples=20, deadline=None)
@given(epoch=epochs())
def test_a_program_prints_as_the_words_that_it_is(epoch: Any) -> None:
    words = blob.program([epoch])
    text = blob.text("_ec_blob_1", words)
    values = [
        int(part, 16)
        for part in text.replace("UL", "").replace(",", " ").split()
        if part[:2] == "0x"
    ]
    assert struct.unpack(
        f"<{len(words)}I", struct.pack(f"<{len(values)}Q", *values)[: 4 * len(words)]
    ) == tuple(words)
