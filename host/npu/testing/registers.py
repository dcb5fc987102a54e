"""Register writes that tell the NPU an epoch: the inverse of decoding, written apart from it.

Positions of fields come from the one table, nj_npu_fields.h.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from host.npu.testing.records import DEVICE, NUMBERS

PAGES = {
    "CLOCKS": 0x00,
    "SWITCH": 0x04,
    "ROW": 0x04,
    "STREAM": 0x05,
    "CONV": 0x0F,
    "DECUN": 0x13,
    "ACTIV": 0x15,
    "ARITH": 0x17,
    "POOL": 0x1B,
    "RECBUF": 0x1D,
}
LAST_FRAME = 1 << 19  # of an engine's EVENT: it tells when it is done
CLOCKS_TOO = 0x200  # where programs gate the clocks of units, a bit each
_COUNTS = {"STREAM": 10, "CONV": 4, "DECUN": 2, "ACTIV": 2, "ARITH": 4, "POOL": 2, "RECBUF": 1}
_INPUTS = {"STREAM": 1, "CONV": 3, "DECUN": 2, "ACTIV": 1, "ARITH": 2, "POOL": 1, "RECBUF": 3}
_OUTPUTS = dict.fromkeys(_COUNTS, 1) | {"RECBUF": 3}
_OPERATIONS = (
    0x0,
    0x1,
    0x2,
    0x7,
    0xB,
    0xF,
    0x13,
    0x17,
    0x1B,
    0x1F,
    0x23,
    0x27,
    0x2B,
    0x2F,
    0x33,
    0x37,
)
_POOLINGS = (0x0, 0x1, 0x2, 0x8, 0x9, 0xA)


@dataclass(frozen=True)
class Field:
    """A line of the table."""

    unit: str
    name: str
    offset: int
    msb: int
    lsb: int
    reset: int
    use: str

    @property
    def width(self) -> int:
        return self.msb - self.lsb + 1


def read_fields() -> tuple[Field, ...]:
    """The table, in its order."""
    line = re.compile(r"X\((\w+), +(\w+), +(\w+), +(\d+), +(\d+), +(\w+), +(\w+)\)")
    return tuple(
        Field(m[1], m[2], int(m[3], 16), int(m[4]), int(m[5]), int(m[6], 0), m[7])
        for m in line.finditer((DEVICE / "nj_npu_fields.h").read_text())
    )


FIELDS = {(field.unit, field.name): field for field in read_fields()}


@dataclass(frozen=True)
class Write:
    """A word of the register file: its offset from the NPU's base and its value."""

    offset: int
    value: int


def kind_of(number: int) -> str:
    """The name in the table of a kind of nj_npu_units.h."""
    return next(kind for kind in _COUNTS if NUMBERS[f"NJ_NPU_{kind}"] == number)


def base(unit: str, index: int) -> int:
    """The offset of a unit's page."""
    return (PAGES[unit] + index) * 0x1000


def is_event(offset: int) -> bool:
    """Whether it is the EVENT of a stream engine."""
    engine, within = divmod(offset, 0x1000)
    return 0 <= engine - PAGES["STREAM"] < _COUNTS["STREAM"] and within == 0x28


def clock(unit: str, index: int) -> int:
    """The bit of a unit in CLOCKS.UNITS."""
    return _before(_COUNTS, unit) + index


def destination(kind: str, index: int, port: int) -> int:
    """The row of the switch that feeds an input port."""
    return (
        _before({unit: _COUNTS[unit] * _INPUTS[unit] for unit in _COUNTS}, kind)
        + _INPUTS[kind] * index
        + port
    )


def source(kind: str, index: int, port: int = 0) -> int:
    """The number of an output port in a row of the switch."""
    return (
        _before({unit: _COUNTS[unit] * _OUTPUTS[unit] for unit in _COUNTS}, kind)
        + _OUTPUTS[kind] * index
        + port
    )


def _before(counts: dict[str, int], unit: str) -> int:
    names = list(counts)
    return sum(counts[name] for name in names[: names.index(unit)])


def words(unit: str, start: int, **values: int) -> Iterator[Write]:
    """The words of a unit that hold `values`, their other fields as after reset.

    Raises:
        ValueError: a value does not fit its field.
    """
    held: dict[int, int] = {}
    for name, value in values.items():
        field = FIELDS[unit, name]
        least = -(1 << (field.width - 1))
        if not least <= value < 1 << field.width:
            raise ValueError(f"{unit}.{name} has {field.width} bits. Received: {value}")
        held[field.offset] = (
            held.get(field.offset, 0) | (value & ((1 << field.width) - 1)) << field.lsb
        )
    for field in FIELDS.values():
        if field.unit == unit and field.offset in held and field.name not in values:
            held[field.offset] |= (
                0 if field.use in ("FIXED", "CLEARS") else field.reset << field.lsb
            )
    for offset in sorted(held):
        yield Write(start + offset, held[offset])


def stream(record: Any, index: int) -> Iterator[Write]:
    """The settings of a stream engine, not yet enabled."""
    lanes = [8 if 8 * i in range(record.lift, record.lift + record.bits) else 0 for i in range(3)]
    if record.bits % 8 or record.lift % 8:
        raise ValueError(f"this chip has no such engine. Received: {record.lift=} {record.bits=}")
    if record.raw:
        shape = {"WIDTH": record.elements & 0xFFFF, "HEIGHT": record.elements >> 16}
    else:
        shape = {
            "WIDTH": record.width,
            "HEIGHT": record.height,
            "DEPTH": record.depth,
            "DEPTH_OFFSET": record.depth_offset & 0xFFFF,
            "DEPTH_OFFSET_HIGH": record.depth_offset >> 16,
            "LINE_OFFSET": record.line_offset & 0xFFFF,
            "LINE_OFFSET_HIGH": record.line_offset >> 16,
        }
    yield from words(
        "STREAM",
        base("STREAM", index),
        SINGLE=record.frames == 1,
        WRITES=record.writes,
        NO_INCREMENT=record.no_increment,
        CONTINUOUS=record.continuous,
        RAW=record.raw,
        RAW_OUT=record.raw_out,
        ALIGNED_RIGHT=record.aligned_right,
        SIGN_EXTENDS=record.sign_extends,
        LANE_0=lanes[0],
        LANE_1=lanes[1],
        LANE_2=lanes[2],
        ADDRESS=record.address,
        GAP_FRONT=record.gap_front,
        GAP_BACK=record.gap_back,
        FRAME_OFFSET=record.frame_offset,
        LOOP=record.loop,
        LOOP_OFFSET=record.loop_offset,
        LINE_GAP=0,
        SYNCED=record.synced,
        SYNC_WITH=record.sync_with,
        FRAMES_ON=1,
        FRAMES=record.frames,
        LIMIT_ON=record.limit != 0,
        LIMIT=record.limit - 1 if record.limit else 0,
        ENCIPHERED=record.enciphered,
        **shape,
    )


def _input(record: Any, prefix: str) -> dict[str, int]:
    return {
        f"{prefix}_BYTES": record.bytes,
        f"{prefix}_SHIFT": record.shift + 16,
        f"{prefix}_ROUNDS": record.rounds,
        f"{prefix}_SATURATES": record.saturates,
        f"{prefix}_MODE": record.mode,
    }


def _output(record: Any) -> dict[str, int]:
    return {
        "OUT_BYTES": record.bytes,
        "OUT_SHIFT": record.shift,
        "OUT_ROUNDS": record.rounds,
        "OUT_SATURATES": record.saturates,
        "OUT_MODE": record.mode,
    }


def _pads(record: Any) -> dict[str, int]:
    """Two rows and columns of zero pads are the unit's own, the rest the frame around."""
    plain = not (record.pad_value or record.deep or record.dss2)
    kernel = {"X": record.kernel_width, "Y": record.kernel_height}
    values = {"FRAME_VALUE": record.pad_value}
    for side, axis in {"LEFT": "X", "RIGHT": "X", "TOP": "Y", "BOTTOM": "Y"}.items():
        pad = getattr(record, f"pad_{side.lower()}")
        inner = min(pad, 2, kernel[axis] - 1) if plain else 0
        values[f"PAD_{side}"] = inner
        values[f"FRAME_{side}"] = (pad - inner) * (record.depth if axis == "X" else 1)
    return values


def conv(record: Any, index: int) -> Iterator[Write]:
    """The settings of a convolution accelerator, not yet enabled."""
    if record.variable_shift or record.feature.bytes_out:
        raise ValueError(f"this chip has no such unit. Received: {record.variable_shift=}")
    filters = (
        {
            "FILTER_TOTAL": record.filter_total,
            "FILTER_FIRST": record.filter_first,
            "FILTER_LAST": record.filter_last,
        }
        if record.filter
        else {}
    )
    yield from words(
        "CONV",
        base("CONV", index),
        NO_SUM=not record.accumulates,
        NO_FIRST_SUM=not record.accumulates_first,
        GENERATES_FIRST=record.generates_first,
        KERNEL_BUFFER=record.kernel_buffer,
        SIMD=record.simd,
        FILTER=record.filter,
        FEATURE_UNSIGNED=record.feature_unsigned,
        KERNEL_UNSIGNED=record.kernel_unsigned,
        KERNEL_SET=record.kernel_set,
        STATIONARY=record.stationary,
        DEEP=record.deep,
        DSS2=record.dss2,
        RAW=record.raw,
        KERNEL_WIDTH=record.kernel_width,
        KERNEL_HEIGHT=record.kernel_height,
        DEPTH=record.depth,
        KERNELS=record.kernels,
        STRIDE_X=record.stride_x,
        STRIDE_Y=record.stride_y,
        SHIFT_ACCUMULATOR=record.shift_accumulator,
        LINE=record.width * record.depth,
        HEIGHT=record.height,
        CROP_LEFT=record.crop_left * record.depth,
        CROP_RIGHT=(min(record.crop_right, record.width - 1) + 1) * record.depth - 1,
        CROP_TOP=record.crop_top,
        CROP_BOTTOM=min(record.crop_bottom, record.height - 1),
        SET_TOTAL=record.set_total or 1,
        SET_FIRST=record.set_first,
        SET_LAST=record.set_last,
        SUBTRACT=record.subtract,
        **filters,
        **_pads(record),
        **_input(record.feature, "FEATURE"),
        **_output(record.out),
    )


def arith(record: Any, index: int) -> Iterator[Write]:
    """The settings of an arithmetic unit with its memory as far as it is not 0, not yet enabled."""
    start = base("ARITH", index)
    steps: dict[str, int] = {}
    for i, each in enumerate(record.step):
        add = (each.add + 256) % 512 - 256  # an index into 512 entries
        steps |= {f"COUNT_{i}": each.every - 1 if each.every else 0, f"ADD_{i}": add}
        if i:
            steps[f"COUNTS_{i}"] = each.every != 0
        elif each.add and not each.every:
            raise ValueError("the increment cannot be off. Received: every=0")
    yield from words(
        "ARITH",
        start,
        OPERATION=_OPERATIONS[record.operation - NUMBERS["NJ_NPU_AFFINE"]],
        DUAL=record.dual,
        COMBINED=record.combined,
        CLIPS=record.clips,
        LOGICAL=record.logical,
        A_VECTOR=record.a_vector,
        B_VECTOR=record.b_vector,
        C_VECTOR=record.c_vector,
        SHIFT_AX=record.shift_ax,
        SHIFT_BY=record.shift_by,
        SHIFT_C=record.shift_c,
        A=record.a,
        B=record.b,
        C=record.c,
        CLIP_LEAST=record.clip_least,
        CLIP_MOST=record.clip_most,
        FIRST=record.first,
        X_BYTES_OUT=record.x.bytes_out,
        Y_BYTES_OUT=record.y.bytes_out,
        **steps,
        **_input(record.x, "X"),
        **_input(record.y, "Y"),
        **_output(record.out),
    )
    triples = list(zip(getattr(record, "as"), record.bs, record.cs, strict=True))  # a keyword here
    used = max((i + 1 for i, triple in enumerate(triples) if any(triple)), default=0)
    translated = FIELDS["ARITH", "TRANSLATES"].offset
    for first, last, offset in ((0, 384, 0x400), (384, 512, 0xC00)):
        if used <= first:
            break
        yield Write(start + translated, int(first == 0))
        for i, (a, b, c) in enumerate(triples[first : min(last, used)]):
            yield Write(start + offset + 8 * i, (a & 0xFFFF) | (b & 0xFFFF) << 16)
            yield Write(start + offset + 8 * i + 4, c & 0xFFFF)


def pool(record: Any, index: int) -> Iterator[Write]:
    """The settings of a pooling unit, not yet enabled."""
    yield from words(
        "POOL",
        base("POOL", index),
        POOLING=_POOLINGS[record.pooling - NUMBERS["NJ_NPU_POOL_MAX"]],
        DUAL_LINE=record.dual_line,
        CROPS=1,
        WINDOW_WIDTH=record.window_width,
        WINDOW_HEIGHT=record.window_height,
        STRIDE_X=record.stride_x,
        STRIDE_Y=record.stride_y,
        PAD_TOP=record.pad_top,
        PAD_BOTTOM=record.pad_bottom,
        PAD_LEFT=record.pad_left,
        PAD_RIGHT=record.pad_right,
        DEPTH=record.depth,
        LINE=record.width * record.depth,
        HEIGHT=record.height,
        OUT_WIDTH=record.out_width,
        OUT_HEIGHT=record.out_height,
        MULTIPLIER=record.multiplier,
        CROP_LEFT=record.crop_left * record.depth,
        CROP_RIGHT=(min(record.crop_right, record.width - 1) + 1) * record.depth - 1,
        CROP_TOP=record.crop_top,
        CROP_BOTTOM=min(record.crop_bottom, record.height - 1),
        FEATURE_BYTES_OUT=record.feature.bytes_out,
        **_input(record.feature, "FEATURE"),
        **_output(record.out),
    )


def row(link: Any) -> Write:
    """The row of the switch for a link."""
    at = destination(kind_of(link.destination.kind), link.destination.unit, link.destination.port)
    sources = [
        source(kind_of(end.kind), end.unit, end.port) if end.kind else 0 for end in link.source
    ]
    (write,) = words(
        "ROW",
        base("SWITCH", 0) + 8 + 4 * at,
        ENABLED_0=link.enabled[0],
        SOURCE_0=sources[0],
        TICKS_0=link.frames[0],
        ENABLED_1=link.enabled[1],
        SOURCE_1=sources[1],
        TICKS_1=link.frames[1],
        COUNTS_PIXELS=link.counts_pixels,
    )
    return write
