"""The convolution accelerator against sums written out."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.network import TIES
from host.npu.testing.records import NUMBERS
from host.npu.testing.units import (
    BASE,
    CONV,
    STREAM,
    Device,
    Refused,
    output,
    rounded,
    saturated,
)

Ints = npt.NDArray[np.int64]


def naive(
    features: Ints,
    kernels: Ints,
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
    pad: int,
) -> Ints:
    """[h, w, c], [k, kh, kw, c] to [oh, ow, k]; pads left, right, top, bottom."""
    left, right, top, bottom = pads
    height, width, depth = features.shape
    padded = np.full((height + top + bottom, width + left + right, depth), pad, np.int64)
    padded[top : top + height, left : left + width] = features
    count, kh, kw, _ = kernels.shape
    rows = (padded.shape[0] - kh) // stride[1] + 1
    columns = (padded.shape[1] - kw) // stride[0] + 1
    sums = np.zeros((rows, columns, count), np.int64)
    for y in range(rows):
        for x in range(columns):
            window = padded[y * stride[1] :, x * stride[0] :][:kh, :kw]
            for k in range(count):
                sums[y, x, k] = int((window * kernels[k]).sum())
    return sums


def made(sums: Ints, size: int, shift: int, tie: str = TIES[0]) -> list[int]:
    return [saturated(rounded(int(v), shift, tie), size) for v in sums.ravel()]


def conv(device: Device, unit: int, features: Ints, kernels: Ints, **fields: Any) -> Any:
    """A unit with its sizes; crop rectangles stay wide open."""
    count, kh, kw, depth = kernels.shape
    sizes = {
        **{"simd": 1, "feature__bytes": 1, "kernels": count, "depth": depth},
        **{"kernel_width": kw, "kernel_height": kh, "stride_x": 1, "stride_y": 1},
        **{"width": features.shape[1], "height": features.shape[0]},
        **{"crop_right": 0xFFFF, "crop_bottom": 0xFFFF},
    }
    return device.unit(CONV, unit, **{**sizes, **fields})


def result(device: Device, address: int, count: int, size: int) -> list[int]:
    values: list[int] = device.read(address, f"<i{size}", count).tolist()
    return values


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Ints:
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape)


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, Any]:
    n = st.integers
    kw, kh = draw(n(1, 4)), draw(n(1, 4))
    width, height = draw(n(kw, 7)), draw(n(kh, 7))
    crop = (draw(n(0, width - kw)), draw(n(0, height - kh)))
    return {
        **{"kw": kw, "kh": kh, "width": width, "height": height, "depth": draw(n(1, 9))},
        **{"kernels": draw(n(1, 5)), "stride": (draw(n(1, 3)), draw(n(1, 3)))},
        **{"pads": (draw(n(0, 3)), draw(n(0, 3)), draw(n(0, 5)), draw(n(0, 5)))},
        **{"crop": crop, "keep": (draw(n(kw, width - crop[0])), draw(n(kh, height - crop[1])))},
        **{"dtype": draw(st.sampled_from(["int8", "uint8", "int16"]))},
        **{"subtract": draw(n(-128, 127)), "pad": draw(n(-300, 300)), "frames": draw(n(1, 3))},
        **{"shift": draw(n(0, 12)), "size": draw(st.sampled_from([1, 2, 3]))},
        **{"tie": draw(st.sampled_from(TIES)), "seed": draw(n(0, 2**32 - 1))},
        **{"kernel": draw(st.sampled_from(["int8", "uint8"])), "rounds": draw(st.booleans())},
        "pads_or_subtracts": draw(st.booleans()),
    }


@settings(max_examples=60, deadline=None)
@given(geometries())
def test_every_geometry_equals_the_sums(g: dict[str, Any]) -> None:
    rng = np.random.default_rng(g["seed"])
    features = numbers(rng, (g["frames"], g["height"], g["width"], g["depth"]), g["dtype"])
    kernels = numbers(rng, (g["frames"], g["kernels"], g["kh"], g["kw"], g["depth"]), g["kernel"])
    subtract = 0 if g["pads_or_subtracts"] else g["subtract"]
    pad = g["pad"] if g["pads_or_subtracts"] else 0
    (left, top), (keep_x, keep_y) = g["crop"], g["keep"]
    used = features[:, top : top + keep_y, left : left + keep_x] - subtract
    sums = [naive(u, k, g["stride"], g["pads"], pad) for u, k in zip(used, kernels, strict=True)]
    flat = [int(v) for v in np.array(sums).ravel()]
    free = [rounded(v, g["shift"], g["tie"]) if g["rounds"] else v >> g["shift"] for v in flat]
    want = [saturated(v, g["size"]) for v in free]
    device, wide = Device(), g["dtype"] == "int16"
    bits = 16 if wide else 8
    device.raw(0, device.put(features.astype(g["dtype"])), features[0].size, bits,
               frames=g["frames"], frame_offset=features[0].size * bits // 8)  # fmt: skip
    device.raw(1, device.put(kernels.astype(g["kernel"])), kernels.size)
    target = device.room(len(want) * g["size"])
    device.raw(2, target, len(want), 8 * g["size"], writes=True)
    conv(
        device, 1, features[0], kernels[0],
        **{"feature__bytes": bits // 8, "simd": 2 if wide else 1},
        feature_unsigned=g["dtype"] == "uint8",
        kernel_unsigned=g["kernel"] == "uint8", subtract=subtract, pad_value=pad,
        crop_left=left, crop_top=top,
        crop_right=left + keep_x - 1, crop_bottom=top + keep_y - 1,
        stride_x=g["stride"][0], stride_y=g["stride"][1],
        pad_left=g["pads"][0], pad_right=g["pads"][1],
        pad_top=g["pads"][2], pad_bottom=g["pads"][3],
        **output(g["size"], g["shift"], rounds=g["rounds"]),
    )  # fmt: skip
    device.link((CONV, 1, 0), (STREAM, 0, 0))
    device.link((CONV, 1, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (CONV, 1, 0))
    outcome = device.run(TIES.index(g["tie"]))
    got = device.read(target, "u1", len(want) * g["size"]).reshape(-1, g["size"])
    values = [int.from_bytes(row.tobytes(), "little", signed=True) for row in got]
    assert values == want
    seen = outcome.conv[1]
    assert (seen.results, seen.peak) == (len(flat), max(map(abs, flat)))
    assert seen.saturated == sum(v != w for v, w in zip(free, want, strict=True))


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("large", [False, True], ids=["in 32 bits", "in 64 bits"])
def test_ties_go_where_the_rule_says(tie: str, large: bool) -> None:
    """Every sum is half a step: odd, and halved. Large features with many taps leave 32 bits."""
    depth = 151 if large else 3
    features = np.full((2, 16, depth), 32766 if large else 0)
    features[..., 0] = [np.arange(-15, 17, 2), np.zeros(16)]
    kernels = np.ones((1, 2, 1, depth), np.int64)
    kernels[..., 2::2] = -1  # what is large cancels out
    sums = naive(features, kernels, (1, 1), (0, 0, 0, 0), 0)
    assert (sums % 2 == 1).all()
    assert sums.min() < 0 < sums.max()
    device = Device(1 << 17)
    device.raw(0, device.put(features.astype("<i2")), features.size, 16)
    device.raw(1, device.put(kernels.astype(np.int8)), kernels.size)
    target = device.room(32)
    device.raw(2, target, 16, 16, writes=True)
    conv(device, 0, features, kernels, simd=2, **output(2, 1))
    device.epoch.conv[0].feature.bytes = 2
    device.link((CONV, 0, 0), (STREAM, 0, 0))
    device.link((CONV, 0, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (CONV, 0, 0))
    outcome = device.run(TIES.index(tie))
    assert result(device, target, 16, 2) == made(sums, 2, 1, tie)
    assert outcome.conv[0].ties == 16


def deep_bytes(kernels: Ints) -> bytes:
    """[k, c] in groups of eight kernels, padded to whole beats."""
    groups = [kernels[at : at + 8].T.ravel() for at in range(0, len(kernels), 8)]
    raw = np.concatenate(groups).astype(np.int8).tobytes()
    return raw + bytes(-len(raw) % 3)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 21), st.integers(1, 140), st.integers(1, 4), st.integers(1, 3), st.booleans(),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_deep_mode_unpacks_beats_of_three_bytes(
    count: int, depth: int, width: int, height: int, packed: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 256, (height, width, depth))
    kernels = numbers(rng, (count, 1, 1, depth), "int8")
    want = made(naive(features, kernels, (1, 1), (0, 0, 0, 0), 0), 2, 6)
    device = Device(1 << 17)
    address = device.put(features.astype(np.uint8), spare=2)
    beats = -(-depth // 3)
    if packed:
        device.raw(0, address, -(-features.size // 3), 24)
    else:
        device.unit(STREAM, 0, bits=24, address=address, width=width, height=height, depth=beats,
                    depth_offset=depth, line_offset=depth * width, frames=1, raw_out=True)  # fmt: skip
    raw = np.frombuffer(deep_bytes(kernels[:, 0, 0]), np.uint8)
    device.raw(1, device.put(raw), raw.size // 3, 24)
    target = device.room(2 * len(want))
    device.raw(2, target, len(want), 16, writes=True)
    mode = {"deep": True, "kernel_set": 3, "feature_unsigned": True}
    conv(device, 0, features, kernels, **mode, **output(2, 6))
    device.epoch.conv[0].feature.bytes = 3 if packed else 1
    device.link((CONV, 0, 0), (STREAM, 0, 0))
    device.link((CONV, 0, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (CONV, 0, 0))
    device.run()
    assert result(device, target, len(want), 2) == want


def test_a_deep_block_of_each_unit_starts_a_beat() -> None:
    """Two units on one stream of kernels; a block of five times seven bytes is filled up to 36."""
    rng = np.random.default_rng(8)
    features = rng.integers(0, 256, (2, 1, 1, 7))
    kernels = numbers(rng, (2, 5, 1, 1, 7), "int8")
    device = Device()
    raw = b"".join(deep_bytes(block[:, 0, 0]) for block in kernels)
    device.raw(4, device.put(np.frombuffer(raw, np.uint8)), len(raw) // 3, 24)
    for unit in range(2):
        device.raw(unit, device.put(features[unit].astype(np.uint8), spare=2), 3, 24)
        device.raw(2 + unit, BASE + 4096 + 16 * unit, 5, 16, writes=True)
        part = {"set_total": 10, "set_first": 5 * unit, "set_last": 5 * unit + 4}
        mode = {"deep": True, "kernel_set": 3, "feature_unsigned": True, **part}
        conv(device, unit, features[0], kernels[0], **mode, **output(2, 3))
        device.link((CONV, unit, 0), (STREAM, unit, 0))
        device.link((CONV, unit, 1), (STREAM, 4, 0))
        device.link((STREAM, 2 + unit, 0), (CONV, unit, 0))
    device.run()
    for unit in range(2):
        sums = naive(features[unit], kernels[unit], (1, 1), (0, 0, 0, 0), 0)
        assert result(device, BASE + 4096 + 16 * unit, 5, 2) == made(sums, 2, 3)


def test_stride_two_mode_takes_two_bytes_a_beat() -> None:
    rng = np.random.default_rng(3)
    features = rng.integers(0, 256, (5, 6, 2))
    kernels = numbers(rng, (2, 3, 3, 2), "int8")
    want = made(naive(features, kernels, (2, 2), (1, 0, 1, 0), 0), 2, 2)
    device = Device()
    device.raw(0, device.put(features.astype(np.uint8)), 30, 16)
    device.raw(1, device.put(kernels.astype(np.int8)), kernels.size)
    target = device.room(2 * len(want))
    device.raw(2, target, len(want), 16, writes=True)
    steps = {"stride_x": 2, "stride_y": 2, "pad_left": 1, "pad_top": 1}
    conv(device, 3, features, kernels, dss2=True, feature_unsigned=True, **steps, **output(2, 2))
    device.link((CONV, 3, 0), (STREAM, 0, 0))
    device.link((CONV, 3, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (CONV, 3, 0))
    device.run()
    assert result(device, target, len(want), 2) == want


def chain(device: Device, passes: int, depth: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Two units that share each pass' channels: kernels come as one stream to both."""
    features = rng.integers(0, 256, (2 * passes, 2, 3, depth))
    kernels = numbers(rng, (2 * passes, 4, 1, 1, depth), "int8")
    size = features[0].size
    address = device.put(features.astype(np.uint8))
    for unit in range(2):
        device.raw(unit, address + unit * size, size, frames=passes, frame_offset=2 * size)
    device.raw(2, device.put(kernels.astype(np.int8)), kernels.size)
    for unit in range(2):
        part = {"set_total": 8, "set_first": 4 * unit, "set_last": 4 * unit + 3}
        conv(device, unit, features[0], kernels[0], feature_unsigned=True, **part)
        device.link((CONV, unit, 0), (STREAM, unit, 0))
        device.link((CONV, unit, 1), (STREAM, 2, 0))
    device.link((CONV, 1, 2), (CONV, 0, 0))
    return features, kernels


def partials(features: Ints, kernels: Ints) -> Ints:
    none = (0, 0, 0, 0)
    return np.array(
        [naive(f, k, (1, 1), none, 0).ravel() for f, k in zip(features, kernels, strict=True)]
    )


@pytest.mark.parametrize("said", [True, False], ids=["synchronized", "by address"])
@pytest.mark.parametrize("again", [False, True], ids=["one tensor", "next tensor"])
def test_partial_sums_go_through_sixteen_bits(said: bool, again: bool) -> None:
    """Chained in 24 bits within a pass; across passes written, read again and shifted back."""
    passes, shift = (6, 4) if again else (3, 4)
    total = 3
    device = Device()
    features, kernels = chain(device, passes, 5, np.random.default_rng(5))
    zero = {"filter": NUMBERS["NJ_NPU_FRAMEZERO"], "filter_total": total}
    zero |= {"filter_first": 1, "filter_last": total - 1}
    middle = device.room(48)
    target = device.room(48 * passes)
    device.unit(CONV, 0, accumulates=True, shift_accumulator=shift, **zero, **output(3))
    device.unit(CONV, 1, accumulates=True, accumulates_first=True, **output(2, shift))
    device.raw(3, middle, 24, 16, frames=passes, aligned_right=True, sign_extends=True,
               synced=said, sync_with=4)  # fmt: skip
    device.raw(4, middle, 24, 16, writes=True, frames=passes)
    device.raw(5, target, 24, 16, writes=True, frames=passes, frame_offset=48)
    device.link((CONV, 0, 2), (STREAM, 3, 0))
    device.link((STREAM, 4, 0), (CONV, 1, 0))
    device.link((STREAM, 5, 0), (CONV, 1, 0))
    device.run()
    sums = partials(features, kernels)
    kept = np.zeros(24, np.int64)
    for number in range(passes):
        carried = kept << shift if number % total else 0 * kept
        pair = sums[2 * number] + sums[2 * number + 1] + carried
        kept = np.array([saturated(rounded(int(v), shift), 2) for v in pair])
        got = result(device, target + 48 * number, 24, 2)
        assert got == kept.tolist(), number


def test_a_unit_feeds_its_own_accumulator() -> None:
    rng = np.random.default_rng(9)
    features, kernels = rng.integers(0, 256, (4, 1, 1, 6)), numbers(rng, (4, 3, 1, 1, 6), "int8")
    device = Device()
    device.raw(0, device.put(features.astype(np.uint8)), 6, frames=4, frame_offset=6)
    device.raw(1, device.put(kernels.astype(np.int8)), kernels.size)
    target = device.room(6)
    device.raw(2, target, 3, 16, writes=True)
    conv(device, 3, features[0], kernels[0], feature_unsigned=True, accumulates=True,
         accumulates_first=True, generates_first=True, shift_accumulator=5, **output(2, 5))  # fmt: skip
    device.link((CONV, 3, 0), (STREAM, 0, 0))
    device.link((CONV, 3, 1), (STREAM, 1, 0))
    device.link((CONV, 3, 2), (CONV, 3, 0))
    end = (CONV, 3, 0)
    device.link((STREAM, 2, 0), end, frames=(3, 1), enabled=(False, True), other=end)
    device.run()
    kept = np.zeros(3, np.int64)
    for sums in partials(features, kernels):
        kept = np.array([saturated(rounded(int(v), 5), 2) for v in sums + (kept << 5)])
    assert result(device, target, 3, 2) == kept.tolist()


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"stationary": True}, "UNDEFINED", "stationary"),
        ({"kernel_buffer": True}, "UNDEFINED", "kernel_buffer"),
        ({"simd": 0}, "UNDEFINED", "simd"),
        ({"simd": 3}, "UNDEFINED", "simd"),
        ({"filter": 1}, "UNDEFINED", "filter"),
        ({"filter": 2}, "UNDEFINED", "filter"),
        ({"variable_shift": 1}, "UNDEFINED", "variable_shift"),
        ({"kernel_set": 1}, "UNDEFINED", "kernel_set"),
        ({"feature__bytes": 2}, "UNDEFINED", "feature.bytes"),
        ({"feature__shift": 1}, "UNDEFINED", "shift"),
        ({"out__mode": 3}, "UNDEFINED", "out.mode"),
        ({"out__mode": 0}, "UNDEFINED", "out.mode"),
        ({"out__bytes": 0}, "UNDEFINED", "out.bytes"),
        ({"pad_value": 1, "subtract": 1}, "UNDEFINED", "pad_value"),
        ({"depth": 0}, "RANGE", "depth"),
        ({"kernel_height": 200}, "RANGE", "kernel_height"),
        ({"width": 65536}, "RANGE", "width"),
        ({"crop_left": 7}, "RANGE", "crop_left"),
        ({"set_total": 3, "set_first": 1, "set_last": 3}, "RANGE", "set_last"),
        ({"out__shift": 32}, "RANGE", "out.shift"),
        ({"depth": 256}, "RANGE", "depth"),
        ({"width": 256, "depth": 257}, "RANGE", "depth"),
        ({"width": 65535, "depth": 2}, "RANGE", "depth"),
        ({"stride_x": 8}, "RANGE", "stride_x"),
        ({"stride_y": 8}, "RANGE", "stride_y"),
        ({"pad_left": 256}, "RANGE", "pad_left"),
        ({"pad_bottom": 256}, "RANGE", "pad_bottom"),
        ({"shift_accumulator": 25}, "RANGE", "shift_accumulator"),
    ],
)
def test_what_is_not_known_is_named(fields: dict[str, Any], status: str, field: str) -> None:
    device = Device()
    features, kernels = np.ones((2, 2, 1), np.int64), np.ones((1, 1, 1, 1), np.int64)
    device.raw(0, device.put(features.astype(np.int8)), 4)
    device.raw(1, device.put(kernels.astype(np.int8)), 1)
    device.raw(2, device.room(8), 4, 16, writes=True)
    conv(device, 2, features, kernels, **{**output(2, 1), **fields})
    device.link((CONV, 2, 0), (STREAM, 0, 0))
    device.link((CONV, 2, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (CONV, 2, 0))
    with pytest.raises(Refused) as refused:
        device.run()
    assert refused.value.args[:4] == (status, CONV, 2, field)
