"""Epochs that registers can tell, by hypothesis: every field in its range, most senseless."""

import ctypes
from typing import Any

from hypothesis import strategies as st

from host.npu.testing.records import NUMBERS, structures

_COUNTS = {"STREAM": 10, "CONV": 4, "ARITH": 4, "POOL": 2}
_INPUTS = {"STREAM": 1, "CONV": 3, "ARITH": 2, "POOL": 1}
_flag = st.booleans()
_short = st.integers(-32768, 32767)
_word = st.integers(0, 2**32 - 1)


def _upto(most: int, least: int = 0) -> st.SearchStrategy[int]:
    return st.integers(least, most)


def _fill(record: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        if isinstance(value, dict):
            _fill(getattr(record, name), value)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                _fill(getattr(record, name)[i], item) if isinstance(item, dict) else _put(
                    getattr(record, name), i, item
                )
        else:
            setattr(record, name, value)
    return record


def _put(array: Any, index: int, value: Any) -> None:
    array[index] = value


def _made(name: str, values: dict[str, Any]) -> Any:
    return _fill(structures()[name](), values)


def _output() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "rounds": _flag,
            "saturates": _flag,
            "mode": _upto(3),
            "bytes": _upto(3),
            "shift": _upto(31),
        }
    )


def _input(bytes_out: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "rounds": _flag,
            "saturates": _flag,
            "mode": _upto(3),
            "bytes": _upto(3),
            "bytes_out": _upto(bytes_out),
            "shift": st.integers(-16, 47),
        }
    )


@st.composite
def streams(draw: st.DrawFn) -> Any:
    """A stream engine, raw or raster."""
    aligned = draw(_flag)
    lanes = draw(_upto(3, 1))
    values: dict[str, Any] = {
        name: draw(_flag)
        for name in (
            "writes",
            "raw_out",
            "continuous",
            "no_increment",
            "sign_extends",
            "enciphered",
        )
    }
    values |= {
        "aligned_right": aligned,
        "bits": 8 * lanes,
        "lift": 0 if aligned else 8 * draw(_upto(3 - lanes)),
        "gap_front": draw(_upto(63)),
        "gap_back": draw(_upto(63)),
        "frames": draw(_upto(2**32 - 1, 1)),
        "synced": draw(_flag),
        "raw": draw(_flag),
    }
    values["sync_with"] = draw(_upto(31)) if values["synced"] else 0
    for name in ("address", "limit", "frame_offset", "loop_offset", "loop"):
        values[name] = draw(_word)
    if values["raw"]:
        values["elements"] = draw(_word)
    else:
        for name in ("width", "height", "depth"):
            values[name] = draw(_upto(65535))
        for name in ("depth_offset", "line_offset"):
            values[name] = draw(_word)
    return _made("stream", values)


def _edges(draw: st.DrawFn, width: int, height: int) -> dict[str, int]:
    left, top = draw(_upto(width - 1)), draw(_upto(height - 1))
    right, bottom = draw(_upto(width - 1, left)), draw(_upto(height - 1, top))
    return {"crop_left": left, "crop_right": right, "crop_top": top, "crop_bottom": bottom}


@st.composite
def convs(draw: st.DrawFn) -> Any:
    """A convolution accelerator."""
    depth = draw(_upto(255, 1))
    width, height = draw(_upto(65535 // depth, 1)), draw(_upto(65535, 1))
    names = "feature_unsigned kernel_unsigned accumulates accumulates_first generates_first raw"
    values: dict[str, Any] = {
        name: draw(_flag)
        for name in (*names.split(), "deep", "dss2", "stationary", "kernel_buffer")
    }
    values |= {
        "feature": draw(_input(bytes_out=0)),
        "out": draw(_output()),
        "kernel_set": draw(_upto(3)),
        "simd": draw(_upto(3)),
        "shift_accumulator": draw(_upto(31)),
        "width": width,
        "height": height,
        "depth": depth,
        "kernel_width": draw(_upto(255, 1)),
        "kernel_height": draw(_upto(255, 1)),
        "kernels": draw(_upto(255)),
        "stride_x": draw(_upto(7)),
        "stride_y": draw(_upto(7)),
        "pad_left": draw(_upto(255 // depth)),
        "pad_right": draw(_upto(255 // depth)),
        "pad_top": draw(_upto(255)),
        "pad_bottom": draw(_upto(255)),
        "filter": draw(_upto(3)),
        "set_total": draw(st.sampled_from((0, *range(2, 256)))),
        "subtract": draw(st.integers(-(2**23), 2**23 - 1)),
        "pad_value": draw(st.sampled_from((0, 0, -32768, -128, 1, 32767))),
    }
    if values["set_total"]:
        values |= {"set_first": draw(_upto(255)), "set_last": draw(_upto(255))}
    if values["filter"]:
        values |= {f"filter_{name}": draw(_upto(255)) for name in ("total", "first", "last")}
    return _made("conv", values | _edges(draw, width, height))


@st.composite
def ariths(draw: st.DrawFn) -> Any:
    """An arithmetic unit; its memory is often filled past the 384th entry."""
    names = "dual combined clips logical a_vector b_vector c_vector"
    values: dict[str, Any] = {name: draw(_flag) for name in names.split()}
    values |= {name: draw(_upto(31)) for name in ("shift_ax", "shift_by", "shift_c")}
    values |= {name: draw(_short) for name in ("a", "b", "c", "clip_least", "clip_most")}
    step = [{"every": draw(_upto(2**27, 1)), "add": draw(st.integers(-256, 255))} for _ in range(4)]
    for i, off in enumerate(draw(st.tuples(_flag, _flag, _flag, _flag))):
        if off or (i == 0 and step[i]["add"] == 0):
            step[i] = {"every": 0, "add": 0}
    values |= {
        "x": draw(_input()),
        "y": draw(_input()),
        "out": draw(_output()),
        "operation": draw(_upto(16, 1)),
        "first": draw(_upto(511)),
        "step": step,
    }
    used = draw(st.sampled_from((0, 1, 8, 383, 384, 385, 512)))
    fill = draw(st.randoms(use_true_random=False))
    for name in ("as", "bs", "cs"):
        values[name] = [fill.randint(-32768, 32767) for _ in range(used)]
    return _made("arith", values)


@st.composite
def pools(draw: st.DrawFn) -> Any:
    """A pooling unit."""
    depth = draw(_upto(15, 1))
    width, height = draw(_upto(4095 // depth, 1)), draw(_upto(4095, 1))
    values: dict[str, Any] = {
        "feature": draw(_input()),
        "out": draw(_output()),
        "pooling": draw(_upto(6, 1)),
        "dual_line": draw(_flag),
        "multiplier": draw(_short),
        "width": width,
        "height": height,
        "depth": depth,
        "out_width": draw(_upto(4095)),
        "out_height": draw(_upto(4095)),
        "stride_x": draw(_upto(15)),
        "stride_y": draw(_upto(15)),
    }
    for name in ("window_width", "window_height", "pad_left", "pad_right", "pad_top", "pad_bottom"):
        values[name] = draw(_upto(7))
    return _made("pool", values | _edges(draw, width, height))


_RECORDS = {"STREAM": streams, "CONV": convs, "ARITH": ariths, "POOL": pools}


@st.composite
def epochs(draw: st.DrawFn) -> Any:
    """Units with their settings, all enabled, one of them a writing engine; any links between."""
    writer = draw(streams())
    writer.writes = True
    units = {("STREAM", draw(_upto(9))): writer}
    for kind, count in _COUNTS.items():
        for index in draw(st.sets(_upto(count - 1), max_size=2)):
            units.setdefault((kind, index), draw(_RECORDS[kind]()))
    epoch = structures()["epoch"]()
    for (kind, index), record in units.items():
        getattr(epoch, kind.lower())[index] = record
        for mask in (epoch.enabled, epoch.configured):
            mask[NUMBERS[f"NJ_NPU_{kind}"]] |= 1 << index
    ports = [(k, i, port) for k, i in sorted(units) for port in range(_INPUTS[k])]
    for place, row in enumerate(sorted(draw(st.sets(st.sampled_from(ports))), key=_row)):
        _link(draw, epoch.link[place], row, sorted(units))
        epoch.links = place + 1
    return epoch


def _row(port: tuple[str, int, int]) -> tuple[int, int, int]:
    return NUMBERS[f"NJ_NPU_{port[0]}"], port[1], port[2]


def _link(
    draw: st.DrawFn, link: Any, row: tuple[str, int, int], units: list[tuple[str, int]]
) -> None:
    link.destination.kind, link.destination.unit, link.destination.port = _row(row)
    first = draw(_flag)
    for i, enabled in enumerate((first, draw(_flag) if first else True)):
        link.enabled[i] = enabled
        link.frames[i] = draw(_upto(255))
        if enabled or link.frames[i]:
            kind, index = draw(st.sampled_from(units))
            link.source[i].kind, link.source[i].unit = NUMBERS[f"NJ_NPU_{kind}"], index
    link.counts_pixels = draw(_flag)


def differences(got: Any, want: Any, at: str = "") -> list[str]:
    """Where two records differ, one line a field."""
    if isinstance(want, ctypes.Structure):
        pairs = [
            (field[0], getattr(got, field[0]), getattr(want, field[0])) for field in want._fields_
        ]
        return [line for name, a, b in pairs for line in differences(a, b, f"{at}.{name}")]
    if isinstance(want, ctypes.Array):
        return [
            line
            for i, (a, b) in enumerate(zip(got, want, strict=True))
            for line in differences(a, b, f"{at}[{i}]")
        ]
    return [] if got == want else [f"{at}: got {got}, want {want}"]
