"""The pooling unit, window by window."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.network import TIES
from host.npu.testing.records import NUMBERS
from host.npu.testing.units import (
    POOL,
    STREAM,
    Device,
    Refused,
    output,
    rounded,
    saturated,
)


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    n = st.integers
    wx, wy = draw(n(1, 4)), draw(n(1, 4))
    width, height = draw(n(wx, 7)), draw(n(wy, 7))
    left, top = draw(n(0, width - wx)), draw(n(0, height - wy))
    return {
        **{"wx": wx, "wy": wy, "width": width, "height": height},
        **{
            "crop": (
                left,
                draw(n(left + wx - 1, width - 1)),
                top,
                draw(n(top + wy - 1, height - 1)),
            )
        },
        **{"stride": (draw(n(1, 3)), draw(n(1, 3))), "depth": draw(n(1, 4))},
        "seed": draw(n(0, 2**32 - 1)),
        **{"kind": draw(st.sampled_from(["MAX", "MIN", "AVERAGE"])), "bytes": draw(n(1, 2))},
        **{"multiplier": draw(n(-(2**15), 2**15 - 1) | st.just(1)), "shift": draw(n(0, 20))},
        "tie": draw(st.sampled_from(TIES)),
    }


@settings(max_examples=80, deadline=None)
@given(windows())
def test_every_window(g: dict[str, Any]) -> None:
    rng = np.random.default_rng(g["seed"])
    most = 1 << (8 * g["bytes"] - 1)
    x = rng.integers(-most, most, (g["height"], g["width"], g["depth"]))
    first, last, top, bottom = g["crop"]
    used = x[top : bottom + 1, first : last + 1].astype(object)
    average = g["kind"] == "AVERAGE"
    (sx, sy), (wx, wy) = g["stride"], (g["wx"], g["wy"])
    rows, columns = (used.shape[0] - wy) // sy + 1, (used.shape[1] - wx) // sx + 1
    shift = g["shift"] if average else 0
    want = []
    for y in range(rows):
        for c in range(columns):
            for d in range(g["depth"]):
                values = [int(v) for v in used[y * sy : y * sy + wy, c * sx : c * sx + wx, d].flat]
                if average:
                    exact = rounded(sum(values) * g["multiplier"], shift, g["tie"])
                else:
                    exact = max(values) if g["kind"] == "MAX" else min(values)
                want.append(saturated(exact, 2))
    device = Device()
    device.raw(0, device.put(x.astype(f"<i{g['bytes']}")), x.size, 8 * g["bytes"])
    target = device.room(2 * len(want))
    device.raw(1, target, len(want), 16, writes=True)
    device.unit(
        POOL, 1, pooling=NUMBERS[f"NJ_NPU_POOL_{g['kind']}"], feature__bytes=g["bytes"],
        width=g["width"], height=g["height"], depth=g["depth"],
        window_width=wx, window_height=wy, stride_x=sx, stride_y=sy,
        out_width=columns, out_height=rows, multiplier=g["multiplier"],
        crop_left=first, crop_right=last, crop_top=top, crop_bottom=bottom,
        **output(2, shift),
    )  # fmt: skip
    device.link((POOL, 1, 0), (STREAM, 0, 0))
    device.link((STREAM, 1, 0), (POOL, 1, 0))
    device.run(TIES.index(g["tie"]))
    assert device.read(target, "<i2", len(want)).tolist() == want


@pytest.mark.parametrize("tie", TIES)
def test_ties_go_where_the_rule_says(tie: str) -> None:
    x = np.arange(-15, 17, 2)
    device = Device()
    device.raw(0, device.put(x.astype("i1")), 16)
    target = device.room(16)
    device.raw(1, target, 16, writes=True)
    device.unit(
        POOL, 0, pooling=NUMBERS["NJ_NPU_POOL_AVERAGE"], feature__bytes=1, multiplier=1,
        width=16, height=1, depth=1, crop_right=15, window_width=1, window_height=1,
        stride_x=1, stride_y=1, out_width=16, out_height=1, **output(1, 1),
    )  # fmt: skip
    device.link((POOL, 0, 0), (STREAM, 0, 0))
    device.link((STREAM, 1, 0), (POOL, 0, 0))
    assert device.run(TIES.index(tie)).pool[0].ties == 16
    assert device.read(target, "i1", 16).tolist() == [rounded(int(v), 1, tie) for v in x]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3),
    st.sampled_from(["MAX", "MIN", "AVERAGE"]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_whole_features(
    width: int, height: int, depth: int, frames: int, kind: str, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(-128, 128, (frames, height, width, depth))
    multiplier, shift = 21845, 9
    device = Device()
    address = device.put(x.astype("i1"))
    device.raw(0, address, x[0].size, frames=frames, frame_offset=x[0].size)
    target = device.room(2 * frames * depth)
    device.raw(1, target, depth, 16, writes=True, frames=frames, frame_offset=2 * depth)
    average = kind == "AVERAGE"
    device.unit(
        POOL, 0, pooling=NUMBERS[f"NJ_NPU_POOL_GLOBAL_{kind}"], feature__bytes=1,
        width=width, height=height, depth=depth, multiplier=multiplier,
        crop_right=width - 1, crop_bottom=height - 1, **output(2, shift if average else 0),
    )  # fmt: skip
    device.link((POOL, 0, 0), (STREAM, 0, 0))
    device.link((STREAM, 1, 0), (POOL, 0, 0))
    device.run()
    flat = x.reshape(frames, -1, depth)
    if average:
        sums = flat.sum(1).ravel()
        want = [saturated(rounded(int(v) * multiplier, shift), 2) for v in sums]
    else:
        want = (flat.max(1) if kind == "MAX" else flat.min(1)).ravel().tolist()
    assert device.read(target, "<i2", frames * depth).tolist() == want


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"pooling": 0}, "UNDEFINED", "pooling"),
        ({"pooling": 7}, "UNDEFINED", "pooling"),
        ({"pad_top": 1}, "UNDEFINED", "pad_top"),
        ({"pooling": 2, "pad_right": 1}, "UNDEFINED", "pad_right"),
        ({"pooling": 3, "pad_bottom": 1}, "UNDEFINED", "pad_bottom"),
        ({"pooling": 6, "pad_left": 1}, "UNDEFINED", "pad_left"),
        ({"out__shift": 1}, "UNDEFINED", "out.shift"),
        ({"feature__saturates": True}, "UNDEFINED", "saturates"),
        ({"out_width": 3}, "RANGE", "out_width"),
        ({"stride_y": 0}, "RANGE", "out_height"),
        ({"crop_top": 2}, "RANGE", "crop_top"),
        ({"depth": 0}, "RANGE", "depth"),
        ({"depth": 16}, "RANGE", "depth"),
        ({"width": 2048, "depth": 2}, "RANGE", "depth"),
        ({"height": 4096}, "RANGE", "height"),
        ({"window_width": 8, "width": 9, "crop_right": 8, "out_width": 2}, "RANGE", "window_width"),
        ({"stride_y": 16}, "RANGE", "stride_y"),
        ({"pooling": 3, "out__shift": 32}, "RANGE", "out.shift"),
        ({"width": 1 << 31, "height": 1 << 31}, "RANGE", "width"),
    ],
)
def test_what_is_not_known_is_named(fields: dict[str, Any], status: str, field: str) -> None:
    device = Device()
    device.raw(0, device.put(np.zeros(4, np.int8)), 4)
    device.raw(1, device.room(4), 4, writes=True)
    sizes = {"width": 2, "height": 2, "depth": 1, "crop_right": 1, "crop_bottom": 1}
    sizes |= {"window_width": 1, "window_height": 1, "stride_x": 1, "stride_y": 1}
    sizes |= {"out_width": 2, "out_height": 2, "pooling": 1, "feature__bytes": 1}
    device.unit(POOL, 0, **{**sizes, **output(1), **fields})
    device.link((POOL, 0, 0), (STREAM, 0, 0))
    device.link((STREAM, 1, 0), (POOL, 0, 0))
    with pytest.raises(Refused) as refused:
        device.run()
    assert refused.value.args[:4] == (status, POOL, 0, field)
