"""Words of registers written out, apart from the table: what they mean is a fact of the chip."""

from pathlib import Path
from typing import Any

import pytest

from host.npu.testing.native import RegisterFile
from host.npu.testing.records import NUMBERS, as_dict, structures

ALL_CLOCKS = 0xFFFFFFFF
UNITS: dict[str, tuple[int, int, dict[int, int], dict[str, Any]]] = {
    "conv": (
        0x10,  # CONV 1
        1,
        {
            **{0x00: 0x10D00331, 0x08: 0x08070605, 0x0C: 0x00005439, 0x10: 0x10614A09},
            **{0x14: 0x00320118, 0x18: 0x00D1000E, 0x1C: 0x002C0003, 0x20: 0x000F0818},
            **{0x24: 0x00040105, 0x28: 0x0504150E, 0x30: 0x00FFFFFD},
        },
        {
            "feature": {"bytes": 1},
            "out": {"rounds": True, "mode": 1, "bytes": 2, "shift": 10},
            "feature_unsigned": True,
            "accumulates": True,
            "deep": True,
            "kernel_set": 3,
            "simd": 1,
            "shift_accumulator": 9,
            **{"width": 40, "height": 50, "depth": 7},
            **{"kernel_width": 5, "kernel_height": 6, "kernels": 8, "stride_x": 4, "stride_y": 5},
            **{"pad_left": 1 + 2, "pad_right": 2 + 3, "pad_top": 3 + 4, "pad_bottom": 0 + 5},
            **{"crop_left": 2, "crop_right": 29, "crop_top": 3, "crop_bottom": 44},
            **{"filter": 3, "filter_total": 5, "filter_first": 1, "filter_last": 4},
            **{"set_total": 24, "set_first": 8, "set_last": 15, "subtract": -3},
        },
    ),
    "arith": (
        0x19,  # ARITH 2
        2,
        {
            **{0x00: 0x254001B5, 0x08: 0x00089CA3, 0x0C: 0x00000003, 0x10: 0x0000000B},
            **{0x14: 0x00000063, 0x18: 0x000004AF, 0x1C: 0x04D2FFFE, 0x20: 0x0000FDC9},
            **{0x24: 0x04E003FD, 0x28: 0x00000002, 0x30: 0x0000012C, 0x34: 0x10412042},
            **{0x38: 0xFF9B0064, 0x2C: 1, 0x400: 0x00020001, 0x404: 3, 0xFF8: 0x00050004, 0xFFC: 6},
        },
        {
            "x": {"bytes": 2, "bytes_out": 2},
            "y": {"bytes": 1, "bytes_out": 1},
            "out": {"rounds": True, "mode": 1, "bytes": 1, "shift": 17},
            "operation": NUMBERS["NJ_NPU_AFFINE"],
            **{"dual": True, "clips": True, "a_vector": True, "c_vector": True},
            **{"shift_ax": 3, "shift_by": 5, "shift_c": 7, "a": -2, "b": -567, "c": 1234},
            **{"clip_least": -101, "clip_most": 100, "first": 300},
            "step": [
                {"every": 4, "add": 2},
                {"every": 12, "add": -3},
                {},
                {"every": 1200, "add": -200},
            ],
            "as": {0: 1, 383: 4},
            "bs": {0: 2, 383: 5},
            "cs": {0: 3, 383: 6},
        },
    ),
    "pool": (
        0x1B,  # POOL 0
        0,
        {
            **{0x00: 0x004189E9, 0x08: 0x1A34551A, 0x0C: 0x001E0078, 0x10: 0x000C000B},
            **{0x14: 0x00005555, 0x18: 0x006B000C, 0x1C: 0x001B0003, 0x20: 0x00060001},
        },
        {
            "feature": {"bytes": 1, "bytes_out": 1},
            "out": {"rounds": True, "saturates": True, "mode": 1, "bytes": 2, "shift": 9},
            "pooling": NUMBERS["NJ_NPU_POOL_GLOBAL_AVERAGE"],
            "multiplier": 21845,
            **{"width": 20, "height": 30, "depth": 6, "out_width": 11, "out_height": 12},
            **{"window_width": 2, "window_height": 3, "stride_x": 4, "stride_y": 5},
            **{"pad_top": 1, "pad_bottom": 2, "pad_left": 3, "pad_right": 4},
            **{"crop_left": 2, "crop_right": 17, "crop_top": 3, "crop_bottom": 27},
        },
    ),
    "stream": (
        0x0E,  # STREAM 9
        9,
        {
            **{0x08: 0x34200040, 0x0C: 0x00310030, 0x10: 0x00400010, 0x14: 0x10080C00},
            **{0x18: 0xFFFFFFF0, 0x1C: 0x00000004, 0x20: 0x00000800, 0x28: 0x07800000},
            **{0x30: 0x00010007, 0x34: 0x0000000C, 0x38: 0x342FFFFF, 0x48: 0x00020008},
            0x00: 0x00884089,
        },
        {
            **{"writes": True, "continuous": True, "aligned_right": True, "synced": True},
            **{"sync_with": 7, "bits": 16, "gap_front": 8, "gap_back": 16},
            **{"address": 0x34200040, "limit": 0x34300000, "width": 48, "height": 49, "depth": 16},
            **{"depth_offset": 0x10040, "line_offset": 0x20C00, "frame_offset": 0xFFFFFFF0},
            **{"loop": 4, "loop_offset": 2048, "frames": 12},
        },
    ),
}
ROWS = {  # offset: word, destination, sources, enabled, frames
    0x8C: (0x011B0714, ("ARITH", 2, 1), (("CONV", 0), ("CONV", 3)), (False, True), (7, 1)),
    0x2C: (0x0000002F, ("STREAM", 9, 0), (("POOL", 1), ("NOTHING", 0)), (True, False), (0, 0)),
    0x5C: (0x00000013, ("CONV", 3, 2), (("STREAM", 9), ("NOTHING", 0)), (True, False), (0, 0)),
    0x9C: (0x00000025, ("POOL", 1, 0), (("ARITH", 0), ("NOTHING", 0)), (True, False), (0, 0)),
    0x08: (0xFF280129, ("STREAM", 0, 0), (("ARITH", 2), ("ARITH", 2)), (True, False), (1, 255)),
}


def _set(record: Any, values: dict[Any, Any]) -> None:
    for name, value in values.items():
        nested = record[name] if isinstance(record, list) else record.get(name)
        if isinstance(value, dict):
            _set(nested, value)
        elif isinstance(value, list):
            for item, each in zip(nested, value, strict=True):
                _set(item, each)
        else:
            record[name] = value


@pytest.mark.parametrize("kind", UNITS)
def test_words_of_a_unit(library: Path, kind: str) -> None:
    page, index, words, values = UNITS[kind]
    file = RegisterFile(library)
    assert file.write(0x10, ALL_CLOCKS) is None
    for offset, value in words.items():
        assert file.write(page * 0x1000 + offset, value) is None
    epoch, error = file.decode()
    assert error is None
    want = as_dict(structures()[kind]())
    _set(want, values)
    assert as_dict(getattr(epoch, kind)[index]) == want
    number = NUMBERS[f"NJ_NPU_{kind.upper()}"]
    assert (epoch.enabled[number], epoch.configured[number]) == (1 << index, 1 << index)
    assert sum(epoch.enabled) == 1 << index


def test_words_of_the_switch(library: Path) -> None:
    file = RegisterFile(library)
    assert file.write(0x4000, 1) is None
    for offset, (word, *_) in ROWS.items():
        assert file.write(0x4000 + offset, word) is None
    epoch, error = file.decode()
    assert error is None
    assert epoch.links == len(ROWS)
    for link, offset in zip(epoch.link, sorted(ROWS), strict=False):
        _, destination, sources, enabled, frames = ROWS[offset]
        end = link.destination
        assert (end.kind, end.unit, end.port) == (_kind(destination[0]), *destination[1:])
        assert [(each.kind, each.unit) for each in link.source] == [
            (_kind(kind), unit) for kind, unit in sources
        ]
        assert (tuple(link.enabled), tuple(link.frames)) == (enabled, frames)


def _kind(name: str) -> int:
    return NUMBERS[f"NJ_NPU_{name}"]


def test_the_memory_of_an_arith_beyond_its_page(library: Path) -> None:
    """Entry i lies at 0x400 + 8 i where addresses are translated, at 8 i where not."""
    file = RegisterFile(library)
    for translated, offset, value in (
        (1, 0x400, 10),
        (0, 0xC00, 11),
        (0, 0xFF8, 12),
        (0, 0x400, 13),
    ):
        assert file.write(0x1702C, translated) is None
        assert file.write(0x17000 + offset, value) is None
    assert file.write(0x10, ALL_CLOCKS) is None
    assert file.write(0x17000, 0x08000001) is None
    epoch, error = file.decode()
    assert error is None
    memory = getattr(epoch.arith[0], "as")
    assert {i: value for i, value in enumerate(memory) if value} == {
        0: 10,
        384: 11,
        511: 12,
        128: 13,
    }
