"""The arithmetic unit, element by element."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.network import TIES
from host.npu.testing.records import NUMBERS, structures
from host.npu.testing.units import (
    ARITH,
    STREAM,
    Device,
    Refused,
    output,
    rounded,
    saturated,
)

INT16 = st.integers(-(2**15), 2**15 - 1)


def low(value: int, size: int) -> int:
    """The low bytes of a number, signed."""
    return int.from_bytes(
        (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"), "little", signed=True
    )


def run(device: Device, x: Any, y: Any = None, tie: str = TIES[0], **fields: Any) -> list[int]:
    """Stream x, and y where there is one, through a unit; what comes out."""
    x = np.asarray(x)
    bits = x.dtype.itemsize * 8
    device.raw(0, device.put(x), x.size, bits)
    device.link((ARITH, 1, 0), (STREAM, 0, 0))
    given = {"operation": 1, "x__bytes": bits // 8, "frame": x.size}
    if y is not None:
        y = np.asarray(y)
        device.raw(1, device.put(y), y.size, y.dtype.itemsize * 8)
        device.link((ARITH, 1, 1), (STREAM, 1, 0))
        given |= {"dual": True, "y__bytes": y.dtype.itemsize}
    record = device.unit(ARITH, 1, **{**given, **fields})
    size = record.out.bytes
    target = device.room(x.size * size)
    device.raw(2, target, x.size, 8 * size, writes=True)
    device.link((STREAM, 2, 0), (ARITH, 1, 0))
    device.run(TIES.index(tie))
    values: list[int] = device.read(target, f"<i{size}", x.size).tolist()
    return values


@settings(max_examples=60, deadline=None)
@given(
    st.lists(INT16, min_size=1, max_size=40), INT16, INT16, INT16, st.integers(0, 24),
    st.integers(0, 12), st.integers(0, 9), st.booleans(), st.booleans(), st.sampled_from([1, 2]),
    st.sampled_from(TIES),
)  # fmt: skip
def test_affine_of_one_stream(
    x: list[int], a: int, b: int, c: int, shift: int, shift_a: int, shift_c: int,
    combined: bool, saturates: bool, size: int, tie: str,
) -> None:  # fmt: skip
    constant = (b << 16 | c & 0xFFFF) if combined else c
    want = []
    for value in x:
        exact = rounded((a * value >> shift_a) + (constant << shift_c), shift, tie)
        want.append(saturated(exact, size) if saturates else low(exact, size))
    made = output(size, shift, saturates=saturates)
    fields: dict[str, Any] = {"a": a, "b": b, "c": c, "shift_ax": shift_a, "shift_c": shift_c}
    got = run(Device(), np.array(x, "<i2"), tie=tie, combined=combined, **fields, **made)
    assert got == want


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(INT16, st.integers(-128, 127)), min_size=1, max_size=40),
    INT16, INT16, INT16, st.integers(0, 20), st.integers(0, 9), st.integers(0, 9),
    st.sampled_from(["AFFINE", "MULTIPLY", "MINIMUM", "MAXIMUM"]),
)  # fmt: skip
def test_two_streams(
    pairs: list[tuple[int, int]], a: int, b: int, c: int, shift: int, shift_a: int, shift_b: int,
    name: str,
) -> None:  # fmt: skip
    operations: dict[str, Callable[[int, int], int]] = {
        "AFFINE": lambda x, y: (a * x >> shift_a) + (b * y >> shift_b) + c,
        "MULTIPLY": lambda x, y: x * y,
        "MINIMUM": min,
        "MAXIMUM": max,
    }
    exact = operations[name]
    if name != "AFFINE":
        a, b, shift_a, shift_b = 1, 1, 0, 0
    want = [saturated(rounded(exact(x, y), shift), 2) for x, y in pairs]
    fields: dict[str, Any] = {"a": a, "b": b, "c": c, "shift_ax": shift_a, "shift_by": shift_b}
    fields["operation"] = NUMBERS[f"NJ_NPU_{name}"]
    x, y = np.array(pairs).T
    assert run(Device(), x.astype("<i2"), y.astype("i1"), **fields, **output(2, shift)) == want


STEPS: dict[
    str, tuple[Callable[..., list[tuple[int, int]]], Callable[..., int]]
] = {  # of the index, as an epoch sets them, and where element n looks
    "channel": (
        lambda w, h, c, d: [(1, 1), (d, 1 - d), (w * h * d, 1), (w * h * c, 1 - c)],
        lambda n, w, h, c, d: (n // (w * h * d) * d + n % d) % c,
    ),
    "height": (
        lambda w, h, c, d: [(w * d, 1), (w * h * d, 1 - h)],
        lambda n, w, h, c, d: n // (w * d) % h,
    ),
    "width": (
        lambda w, h, c, d: [(d, 1), (w * d, 1 - w)],
        lambda n, w, h, c, d: n // d % w,
    ),
    "both": (
        lambda w, h, c, d: [(d, 1), (w * h * d, 1 - w * h)],
        lambda n, w, h, c, d: n // d % (w * h),
    ),
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(STEPS)), st.integers(1, 6), st.integers(1, 5), st.integers(1, 4),
    st.integers(1, 6), st.booleans(), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_vectors_of_constants(
    way: str, width: int, height: int, groups: int, depth: int, combined: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = (width, height, groups * depth, depth)
    steps, place = STEPS[way]
    x = rng.integers(-(2**15), 2**15, 2 * width * height * groups * depth)
    a, b, c = rng.integers(-(2**15), 2**15, (3, 512))
    constant = b * 65536 + (c & 0xFFFF) if combined else c
    at = [place(n, *shape) for n in range(x.size)]
    want = [
        saturated(rounded(int(a[i] * v + constant[i]), 9), 2) for i, v in zip(at, x, strict=True)
    ]
    device = Device()
    every = steps(*shape)
    for i, pair in enumerate(every):
        device.epoch.arith[1].step[i] = structures()["step"](*pair)
    vectors: dict[str, Any] = {f"{name}_vector": True for name in "abc"}
    tables = {"as": a.tolist(), "bs": b.tolist(), "cs": c.tolist()}
    got = run(device, x.astype("<i2"), combined=combined, **vectors, **tables, **output(2, 9))
    assert got == want


def test_the_zero_point_is_taken_away_by_wrapping() -> None:
    """x + 128 in one byte, as it stands before convolutions: what is over is dropped."""
    x = np.arange(-128, 128).astype("i1")
    fields: dict[str, Any] = {"a": 16384, "b": 32, "combined": True}
    got = run(Device(), x, **fields, **output(1, 14, rounds=False, saturates=False))
    assert [value & 0xFF for value in got] == list(range(256))


def test_products_are_shifted_down_before_they_are_added() -> None:
    x = np.arange(-3, 4).astype("i1")
    floors = [-2, -1, -1, 0, 0, 1, 1]
    assert run(Device(), x, a=1, shift_ax=1, **output(1)) == floors
    assert run(Device(), x, 0 * x, a=1, b=1, shift_ax=1, **output(1)) == floors
    assert run(Device(), 0 * x, x, a=1, b=1, shift_by=1, **output(1)) == floors


def test_the_output_is_clipped_at_last() -> None:
    x = np.array([-300, -5, 0, 7, 300], "<i2")
    got = run(Device(), x, a=1, clips=True, clip_least=-10, clip_most=6, **output(2))
    assert got == [-10, -5, 0, 6, 6]


def test_the_size_of_a_step() -> None:
    x = np.array([-128, -1, 0, 127], "i1")
    assert run(Device(), x, operation=NUMBERS["NJ_NPU_ABSOLUTE"], a=1, **output(2)) == [
        128,
        1,
        0,
        127,
    ]


def test_frames_of_two_streams_need_not_agree() -> None:
    device = Device()
    x, y = np.arange(24, dtype="i1"), np.arange(0, 48, 2).astype("i1")
    device.raw(0, device.put(x), 4, frames=6, frame_offset=4)
    device.raw(1, device.put(y), 8, frames=3, frame_offset=8)
    target = device.room(24)
    device.raw(2, target, 24, writes=True)
    sizes = {"x__bytes": 1, "y__bytes": 1, "dual": True, "operation": 1, "a": 1, "b": 1}
    device.unit(ARITH, 0, **sizes, **output(1))
    device.link((ARITH, 0, 0), (STREAM, 0, 0))
    device.link((ARITH, 0, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (ARITH, 0, 0))
    device.run()
    assert device.read(target, "i1", 24).tolist() == (x + y).tolist()


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        *[({"operation": n}, "UNDEFINED", "operation") for n in (0, 5, 6, 7, 8, 9, 13, 15, 16, 99)],
        ({"operation": 4}, "UNDEFINED", "dual"),
        ({"operation": 14, "a": 2}, "UNDEFINED", "a"),
        ({"operation": 14, "a": 0}, "UNDEFINED", "a"),
        ({"operation": 4, "dual": True, "a": 1, "b": 0}, "UNDEFINED", "b"),
        ({"operation": 14, "a": 1, "shift_by": 1}, "UNDEFINED", "shift_by"),
        ({"operation": 14, "a": 1, "c_vector": True}, "UNDEFINED", "a_vector"),
        ({"logical": True}, "UNDEFINED", "logical"),
        ({"out__bytes": 3}, "UNDEFINED", "out.bytes"),
        ({"x__bytes": 3}, "UNDEFINED", "bytes"),
        ({"x__rounds": True}, "UNDEFINED", "rounds"),
        ({"x__shift": -1}, "UNDEFINED", "shift"),
        ({"shift_ax": 25}, "RANGE", "shift_ax"),
        ({"shift_c": 200}, "RANGE", "shift_c"),
        ({"clips": True, "clip_least": 1, "clip_most": 0}, "RANGE", "clip_least"),
    ],
)
def test_what_is_not_known_is_named(fields: dict[str, Any], status: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        run(Device(), np.zeros(3, "i1"), **{**output(1), **fields})
    assert refused.value.args[:4] == (status, ARITH, 1, field)
