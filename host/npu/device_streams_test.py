"""Stream engines and the switch, against every address computed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.testing.units import ARITH, BASE, STREAM, Device, Refused, output


def address_of(s: dict[str, int], frame: int, y: int, x: int, b: int) -> int:
    """As the header says it."""
    at = s["address"] + y * s["line_offset"] + x * s["depth_offset"] + b * s["bits"] // 8
    if s["loop"] == 0:
        return at + frame * s["frame_offset"]
    at += frame % s["loop"] * s["frame_offset"]
    turn = frame // s["loop"]
    return at + turn * s["loop_offset"]


@st.composite
def rasters(draw: st.DrawFn) -> dict[str, int]:
    number = st.integers
    bits = draw(st.sampled_from([8, 16, 24]))
    depth = draw(number(1, 5))
    width = draw(number(1, 5))
    pixel = depth * bits // 8 + draw(number(0, 4))
    line = width * pixel + draw(number(0, 9))
    return {
        "bits": bits,
        "depth": depth,
        "width": width,
        "height": draw(number(1, 4)),
        "depth_offset": pixel,
        "line_offset": line,
        "frame_offset": draw(number(-40, 40)),
        "loop": draw(number(0, 3)),
        "loop_offset": draw(number(-60, 60)),
        "frames": draw(number(1, 9)),
        "address": BASE + 4096,
    }


def places(s: dict[str, int]) -> list[int]:
    return [
        address_of(s, f, y, x, b) - BASE
        for f in range(s["frames"])
        for y in range(s["height"])
        for x in range(s["width"])
        for b in range(s["depth"])
    ]


def fields(s: dict[str, int]) -> dict[str, int]:
    return {name: value & 0xFFFFFFFF if value < 0 else value for name, value in s.items()}


def extended(raw: int, bits: int, sign: bool) -> int:
    return raw - (1 << bits) if sign and raw >> (bits - 1) else raw


@settings(max_examples=80, deadline=None)
@given(rasters(), st.booleans(), st.integers(0, 2**32 - 1))
def test_reading_follows_every_address(s: dict[str, int], sign: bool, seed: int) -> None:
    device = Device()
    device.memory[:] = np.random.default_rng(seed).integers(0, 256, device.memory.size)
    device.unit(STREAM, 3, **fields(s), aligned_right=sign, sign_extends=sign)
    count = s["frames"] * s["height"] * s["width"] * s["depth"]
    device.raw(5, BASE + 40000, count, 24, writes=True)
    if (
        s["bits"] < 24 and not sign
    ):  # raw bits are no 24 bits: the engine that takes them has as many
        device.epoch.stream[5].bits = s["bits"]
    device.link((STREAM, 5, 0), (STREAM, 3, 0))
    before = device.memory.copy()
    device.run()
    size, taken = s["bits"] // 8, device.epoch.stream[5].bits // 8
    for n, place in enumerate(places(s)):
        raw = int.from_bytes(before[place : place + size].tobytes(), "little")
        at = 40000 + n * taken
        got = int.from_bytes(device.memory[at : at + taken].tobytes(), "little")
        want = extended(raw, s["bits"], sign) & ((1 << (8 * taken)) - 1)
        assert got == want, (n, place)


@settings(max_examples=80, deadline=None)
@given(rasters(), st.integers(0, 2**32 - 1))
def test_writing_follows_every_address(s: dict[str, int], seed: int) -> None:
    device = Device()
    count = s["frames"] * s["height"] * s["width"] * s["depth"]
    size = s["bits"] // 8
    values = np.random.default_rng(seed).integers(0, 256, count * size).astype(np.uint8)
    device.raw(0, BASE + 40000, count, s["bits"])
    device.memory[40000 : 40000 + values.size] = values
    device.unit(STREAM, 1, **fields(s), writes=True)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    want = device.memory.copy()
    for n, place in enumerate(places(s)):
        want[place : place + size] = values[n * size : (n + 1) * size]
    device.run()
    assert np.array_equal(device.memory, want)


def test_a_continuous_stream_runs_on_over_its_frames() -> None:
    device = Device()
    source = device.put(np.arange(12, dtype=np.uint8))
    target = device.room(12)
    device.raw(0, source, 4, continuous=True, frames=3, frame_offset=100)
    device.raw(1, target, 12, writes=True)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    device.run()
    assert device.read(target, "u1", 12).tolist() == list(range(12))


def test_a_source_feeds_several_destinations() -> None:
    device = Device(1 << 18)
    data = np.random.default_rng(1).integers(0, 256, 30000).astype(np.uint8)
    source, first, second = device.put(data), device.room(30000), device.room(30000)
    device.raw(0, source, 30000)
    device.raw(1, first, 30000, writes=True)
    device.raw(2, second, 100, writes=True, frames=300, frame_offset=100)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    device.link((STREAM, 2, 0), (STREAM, 0, 0))
    device.run()
    assert np.array_equal(device.read(first, "u1", 30000), data)
    assert np.array_equal(device.read(second, "u1", 30000), data)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans(), st.integers(1, 5))
def test_the_switch_passes_and_drops_frames_in_turn(
    first: int, second: int, one: bool, two: bool, elements: int
) -> None:
    """As contexts say; through a unit, which hands on where frames end."""
    if not (one or two):
        return
    frames = 3 * (first + second)
    data = np.arange(frames * elements, dtype=np.int8)
    passed = [f for f in range(frames) if (one if f % (first + second) < first else two)]
    want = data.reshape(frames, elements)[passed].ravel()
    device = Device()
    source, target = device.put(data), device.room(want.size)
    device.raw(0, source, elements, frames=frames, frame_offset=elements)
    device.raw(1, target, want.size, writes=True)
    device.unit(ARITH, 2, x__bytes=1, operation=1, a=1, **output(1))
    device.link((ARITH, 2, 0), (STREAM, 0, 0))
    end = (ARITH, 2, 0)
    device.link((STREAM, 1, 0), end, frames=(first, second), enabled=(one, two), other=end)
    device.run()
    assert np.array_equal(device.read(target, "i1", want.size), want)


def test_two_sources_take_turns() -> None:
    device = Device()
    a, b = device.put(np.arange(8, dtype=np.uint8)), device.put(np.arange(100, 104, dtype=np.uint8))
    target = device.room(12)
    device.raw(0, a, 2, frames=4, frame_offset=2)
    device.raw(1, b, 2, frames=2, frame_offset=2)
    device.raw(2, target, 12, writes=True)
    two = (STREAM, 1, 0)
    device.link((STREAM, 2, 0), (STREAM, 0, 0), frames=(2, 1), enabled=(True, True), other=two)
    device.run()
    assert device.read(target, "u1", 12).tolist() == [0, 1, 2, 3, 100, 101, 4, 5, 6, 7, 102, 103]


def test_a_synchronized_engine_reads_what_the_other_has_written() -> None:
    device = Device()
    source = device.put(np.arange(1, 13, dtype=np.uint8))
    middle, target = device.room(3), device.room(12)
    device.raw(0, source, 3, frames=4, frame_offset=3)
    device.raw(1, middle, 3, writes=True, frames=4)
    device.raw(2, middle, 3, frames=4, synced=True, sync_with=1)
    device.raw(3, target, 3, writes=True, frames=4, frame_offset=3)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    device.link((STREAM, 3, 0), (STREAM, 2, 0))
    device.run()
    # frame n is read after it was written; what follows it may already have been
    assert device.read(target, "u1", 3).tolist()[0] in (1, 4, 7, 10)
    assert device.read(target, "u1", 12)[9:].tolist() == [10, 11, 12]


@pytest.mark.parametrize("field", ["width", "height", "depth"])
def test_a_size_that_the_register_cannot_hold_is_refused(field: str) -> None:
    device = Device()
    sizes = {"width": 1, "height": 1, "depth": 1, field: 65536}
    device.unit(STREAM, 0, bits=8, address=BASE, frames=1, **sizes)
    device.raw(1, BASE, 4, writes=True)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    with pytest.raises(Refused) as refused:
        device.run()
    assert refused.value.args == ("RANGE", STREAM, 0, field, 65536)


def test_a_stream_that_waits_for_no_writer_is_refused() -> None:
    device = Device()
    source, target = device.put(np.zeros(4, np.uint8)), device.room(4)
    device.raw(0, source, 4, synced=True, sync_with=7)
    device.raw(1, target, 4, writes=True)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    with pytest.raises(Refused) as refused:
        device.run()
    assert refused.value.args == ("RANGE", STREAM, 0, "sync_with", 7)
