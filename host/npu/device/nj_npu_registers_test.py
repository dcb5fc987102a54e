"""The register file: writes come out as records, and what is not known is named."""

import ctypes
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.testing import registers
from host.npu.testing.blob import program
from host.npu.testing.epochs import differences, epochs
from host.npu.testing.native import RegisterFile, build
from host.npu.testing.records import NUMBERS, structures
from host.npu.testing.registers import FIELDS, base

CLEAR, CLEAR_SETTINGS, ENABLED = 1 << 1, 1 << 30, 1
STREAM_3 = base("STREAM", 3)


@settings(max_examples=80, deadline=None)
@given(epoch=epochs())
def test_every_record_comes_back_from_its_registers(library: Path, epoch: object) -> None:
    file = RegisterFile(library)
    assert file.program(program([epoch], [7])) is None
    ((number, got),) = file.runs
    assert number == 7
    assert differences(got, epoch) == []


@settings(max_examples=20, deadline=None)
@given(first=epochs(), second=epochs())
def test_nothing_of_an_epoch_is_left_for_the_next(
    library: Path, first: object, second: object
) -> None:
    file = RegisterFile(library)
    assert file.program(program([first, second])) is None
    assert [
        differences(got, want) for (_, got), want in zip(file.runs, (first, second), strict=True)
    ] == [
        [],
        [],
    ]


def test_the_table_gives_each_bit_once_and_resets_that_fit() -> None:
    for (unit, name), field in FIELDS.items():
        assert 0 <= field.lsb <= field.msb <= 31, name
        assert field.reset < 1 << field.width, name
        for other in FIELDS.values():
            if other is not field and (other.unit, other.offset) == (unit, field.offset):
                assert other.lsb > field.msb or other.msb < field.lsb, (name, other.name)


def test_registers_read_as_the_table_says_after_reset_and_after_clearing(library: Path) -> None:
    file = RegisterFile(library)
    for _ in range(2):
        for unit in ("CLOCKS", "SWITCH", "STREAM", "CONV", "ARITH", "POOL", "ACTIV", "DECUN"):
            for offset in {field.offset for field in FIELDS.values() if field.unit == unit}:
                same = [f for f in FIELDS.values() if (f.unit, f.offset) == (unit, offset)]
                want = sum(field.reset << field.lsb for field in same)
                assert file.read(base(unit, 0) + offset) == want, (unit, offset)
        assert file.write(base("CONV", 0) + 0x08, 0x01020304) is None
        assert file.write(base("CONV", 0), CLEAR_SETTINGS) is None


def test_the_layout_of_records_in_python_is_that_of_c(tmp_path: Path) -> None:
    source = tmp_path / "sizes.c"
    names = sorted(set(structures()) - {"step"})
    prints = "".join(f'printf("%zu ", sizeof(struct nj_npu_{name}));' for name in names)
    source.write_text(
        f'#include <stdio.h>\n#include "nj_npu_units.h"\nint main(void){{{prints}}}\n'
    )
    built = build(tmp_path / "sizes", extra=(source,))
    sizes = subprocess.run([built], capture_output=True, text=True, check=True, timeout=10).stdout
    assert [int(size) for size in sizes.split()] == [
        ctypes.sizeof(structures()[name]) for name in names
    ]


def test_actions_clear_themselves_and_version_and_running_cannot_be_written(library: Path) -> None:
    file = RegisterFile(library)
    assert file.write(STREAM_3, CLEAR | CLEAR_SETTINGS | 1 << 31) is None
    assert file.read(STREAM_3) == 0
    assert file.write(STREAM_3 + 4, 0) is None
    assert file.read(STREAM_3 + 4) == FIELDS["STREAM", "VERSION"].reset
    assert file.write(STREAM_3, CLEAR | 1 << 7) is None
    assert file.read(STREAM_3) == 1 << 7


def test_clearing_settings_empties_the_memory_of_an_arith_and_no_other(library: Path) -> None:
    file = RegisterFile(library)
    for index in (1, 2):
        assert file.write(base("ARITH", index) + 0x2C, 1) is None
        assert file.write(base("ARITH", index) + 0x408, 5) is None
    assert file.write(base("ARITH", 1), CLEAR_SETTINGS) is None
    assert [file.write(base("ARITH", index) + 0x2C, 1) for index in (1, 2)] == [None, None]
    assert [file.read(base("ARITH", index) + 0x408) for index in (1, 2)] == [0, 5]


def test_a_unit_that_was_cleared_is_not_configured_until_it_is_again(library: Path) -> None:
    file = RegisterFile(library)
    kind, control = NUMBERS["NJ_NPU_ARITH"], base("ARITH", 3)
    plain = FIELDS["ARITH", "OUT_BYTES"].reset << 26
    assert file.write(0x10, 0xFFFFFFFF) is None
    configured = []
    for settings_of in (
        [],
        [(0x08, 0)],
        [(0x00, plain | CLEAR_SETTINGS)],
        [(0x00, plain | 1 << 5)],
    ):
        for offset, value in settings_of:
            assert file.write(control + offset, value) is None
        assert file.write(control, file.read(control) | ENABLED) is None
        epoch, error = file.decode()
        assert error is None
        assert epoch.enabled[kind] == 1 << 3
        configured.append(epoch.configured[kind])
    assert configured == [0, 1 << 3, 0, 1 << 3]


def test_an_engine_runs_from_its_enabling_until_the_epoch_was_run(library: Path) -> None:
    file = RegisterFile(library)
    assert file.write(STREAM_3 + 8, 0x34000000) is None
    assert file.write(STREAM_3, ENABLED | 1 << 3) is None
    assert file.running == 1 << 3
    assert file.read(STREAM_3) == 1 << 31 | 1 << 3 | 1
    for offset, value in ((8, 0), (0, 0), (0, CLEAR), (0, CLEAR_SETTINGS)):
        refused = file.write(STREAM_3 + offset, value)
        assert refused is not None
        assert refused["field"] == "a register of a running engine"
    file.finish()
    assert (file.running, file.read(STREAM_3)) == (0, 1 << 3 | 1)
    assert file.write(STREAM_3, ENABLED | 1 << 3) is None
    assert file.running == 0  # it was enabled: nothing starts
    assert file.write(STREAM_3, 1 << 3) is None
    assert file.write(STREAM_3, ENABLED | 1 << 3) is None
    assert file.running == 1 << 3


def test_an_epoch_is_complete_when_both_ends_of_every_link_are_enabled(library: Path) -> None:
    file = RegisterFile(library)
    link = registers.destination("STREAM", 3, 0)
    assert (
        file.write(base("SWITCH", 0) + 8 + 4 * link, 1 | registers.source("ARITH", 2) << 1) is None
    )
    assert not file.complete
    assert file.write(STREAM_3, ENABLED) is None
    assert not file.complete
    assert file.write(base("ARITH", 2), FIELDS["ARITH", "OUT_BYTES"].reset << 26 | ENABLED) is None
    assert file.complete


REFUSED = [
    (f"{field.unit}.{field.name}", base(field.unit, 1) + field.offset, field)
    for field in FIELDS.values()
    if field.use == "REFUSED"
]


@pytest.mark.parametrize(("name", "offset", "field"), REFUSED, ids=[name for name, *_ in REFUSED])
def test_a_mode_of_unknown_effect_is_named_and_not_written(
    library: Path, name: str, offset: int, field: registers.Field
) -> None:
    file = RegisterFile(library)
    before = file.read(offset)
    flipped = before ^ 1 << field.lsb
    error = file.write(offset, flipped)
    assert error == {
        "status": "REGISTER",
        "kind": NUMBERS[f"NJ_NPU_{field.unit}"],
        "unit": 1,
        "field": name,
        "value": field.reset ^ 1,
        "address": offset,
    }
    assert file.read(offset) == before


@given(offset=st.integers(0, 2**32 - 1), value=st.integers(1, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_any_write_anywhere_is_kept_or_named(library: Path, offset: int, value: int) -> None:
    file = RegisterFile(library)
    for at in (offset, offset % 0x20000, offset % 0x20000 & ~3):
        error = file.write(at, value)
        if error is None:
            continue
        assert error["address"] == at
        assert error["field"] in {
            "an unknown register",
            "bits of no known field",
            "a register of a running engine",
            *(f"{field.unit}.{field.name}" for field in FIELDS.values()),
        }


def test_a_unit_without_its_clock_is_named(library: Path) -> None:
    file = RegisterFile(library)
    assert file.write(STREAM_3, ENABLED | 8 << 16 | 1 << 2) is None
    _, error = file.decode()
    assert error is not None
    assert (error["kind"], error["unit"], error["field"]) == (1, 3, "CLOCKS.UNITS")
    assert file.write(registers.CLOCKS_TOO, 1 << 3) is None
    assert file.read(0x10) == 1 << 3
    _, error = file.decode()
    assert error is None


def _conv(**values: int) -> list[tuple[int, int]]:
    start = base("CONV", 0)
    unit = {"DEPTH": 4, "LINE": 16, "HEIGHT": 4, "KERNEL_WIDTH": 1, "KERNEL_HEIGHT": 1}
    writes = registers.words("CONV", start, **(unit | values), ENABLED=1)
    return [(write.offset, write.value) for write in writes]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"LINE": 17}, "CONV.LINE"),
        ({"DEPTH": 0}, "CONV.LINE"),
        ({"CROP_LEFT": 2}, "CONV.CROP_LEFT"),
        ({"CROP_RIGHT": 13}, "CONV.CROP_RIGHT"),
        ({"FRAME_LEFT": 3}, "CONV.FRAME_LEFT"),
        ({"FRAME_VALUE": -128, "PAD_TOP": 1}, "CONV.FRAME_VALUE"),
        ({"OUT_SHIFT": -1}, "CONV.OUT_SHIFT"),
        ({"SHIFT_ACCUMULATOR": -1}, "CONV.SHIFT_ACCUMULATOR"),
    ],
)
def test_what_no_record_can_hold_is_named(
    library: Path, values: dict[str, int], field: str
) -> None:
    file = RegisterFile(library)
    assert file.write(0x10, 0xFFFFFFFF) is None
    for offset, value in _conv(**values):
        assert file.write(offset, value) is None
    _, error = file.decode()
    assert error is not None
    assert error["field"] == field


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "STREAM.LANE_0"),
        ({"LANE_0": 9}, "STREAM.LANE_0"),
        ({"LANE_0": 8, "LANE_2": 8}, "STREAM.LANE_2"),
        ({"LANE_1": 8, "ALIGNED_RIGHT": 1}, "STREAM.LANE_0"),
        ({"LANE_0": 8, "FRAMES": 0}, "STREAM.FRAMES"),
        ({"LANE_0": 8, "SINGLE": 1}, "STREAM.FRAMES"),
        ({"LANE_0": 8, "FRAMES_ON": 0}, "STREAM.FRAMES"),
    ],
)
def test_an_engine_that_moves_nothing_known_is_named(
    library: Path, values: dict[str, int], field: str
) -> None:
    file = RegisterFile(library)
    assert file.write(0x10, 0xFFFFFFFF) is None
    settings_of = {"FRAMES": 2, "FRAMES_ON": 1} | values
    for write in reversed(list(registers.words("STREAM", STREAM_3, **settings_of, ENABLED=1))):
        assert file.write(write.offset, write.value) is None
    _, error = file.decode()
    assert error is not None
    assert error["field"] == field


def test_a_single_frame_needs_no_other_limit_and_a_pool_without_crop_takes_all(
    library: Path,
) -> None:
    file = RegisterFile(library)
    assert file.write(0x10, 0xFFFFFFFF) is None
    unit = {"DEPTH": 2, "LINE": 12, "HEIGHT": 5, "CROP_LEFT": 2, "CROP_TOP": 1, "CROP_RIGHT": 3}
    writes = [
        *registers.words("STREAM", STREAM_3, LANE_0=8, SINGLE=1, ENABLED=1),
        *registers.words("POOL", base("POOL", 1), **unit, ENABLED=1),
    ]
    for write in writes:
        assert file.write(write.offset, write.value) is None
    epoch, error = file.decode()
    assert error is None
    assert epoch.stream[3].frames == 1
    pool = epoch.pool[1]
    edges = (pool.crop_left, pool.crop_right, pool.crop_top, pool.crop_bottom)
    assert edges == (0, 5, 0, 4)


def test_a_link_from_nowhere_and_a_switch_that_is_off_are_named(library: Path) -> None:
    file = RegisterFile(library)
    assert file.write(base("SWITCH", 0) + 8, 1 | 27 << 1) is None
    _, error = file.decode()
    assert error is not None
    assert (error["field"], error["value"]) == ("ROW.SOURCE_0", 27)
    assert file.write(base("SWITCH", 0) + 8, 1) is None
    _, error = file.decode()
    assert error is not None
    assert error["field"] == "SWITCH.ENABLED"
