"""Epochs that nobody means well, for tests: each must end in an error that has a name.

As a program, with a library that watches over memory: `python -m host.npu.testing.hostile LIBRARY`.
"""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from host.npu.testing.units import (
    ACTIV,
    ARITH,
    BASE,
    CONV,
    DECUN,
    POOL,
    RECBUF,
    STREAM,
    Device,
    Refused,
    output,
)

Case = tuple[str, Callable[[Device], None], tuple[str, str]]


def copying(device: Device, **reader: Any) -> None:
    """An engine that reads into one that writes."""
    device.raw(0, **{"address": BASE, "elements": 16, **reader})
    device.raw(1, BASE + 1024, 16, writes=True)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))


def convolving(device: Device, **fields: Any) -> None:
    """A unit that adds four numbers of a frame."""
    device.raw(0, BASE, 16)
    device.raw(1, BASE + 64, 4)
    device.raw(2, BASE + 128, 4, 16, writes=True)
    sizes = {"width": 2, "height": 2, "depth": 4, "kernels": 1, "kernel_width": 1}
    sizes |= {"kernel_height": 1, "stride_x": 1, "stride_y": 1, "simd": 1, "feature__bytes": 1}
    sizes |= {"crop_right": 0xFFFF, "crop_bottom": 0xFFFF}
    device.unit(CONV, 0, **{**sizes, **output(2), **fields})
    device.link((CONV, 0, 0), (STREAM, 0, 0))
    device.link((CONV, 0, 1), (STREAM, 1, 0))
    device.link((STREAM, 2, 0), (CONV, 0, 0))


def raster(device: Device, **fields: Any) -> None:
    """A raster that is read."""
    copying(device)
    size = {"raw": False, "width": 2, "height": 2, "depth": 4, "depth_offset": 4, "line_offset": 8}
    device.unit(STREAM, 0, **{**size, **fields})


def without_links(device: Device) -> None:
    copying(device)
    device.epoch.links = 0


def sums_of_another_size(device: Device) -> None:
    convolving(device, accumulates=True, accumulates_first=True)
    device.raw(3, BASE + 512, 5, 24)
    device.link((CONV, 0, 2), (STREAM, 3, 0))


def too_many_links(device: Device) -> None:
    copying(device)
    device.epoch.links = 49


def source_asleep(device: Device) -> None:
    copying(device)
    device.epoch.enabled[STREAM] = 2


def destination_asleep(device: Device) -> None:
    copying(device)
    device.link((STREAM, 5, 0), (STREAM, 0, 0))


def nobody_takes(device: Device) -> None:
    copying(device)
    device.raw(4, BASE, 16)


def not_configured(device: Device) -> None:
    copying(device)
    device.epoch.configured[STREAM] = 1


def no_such_unit(device: Device) -> None:
    copying(device)
    device.epoch.enabled[CONV] = 1 << 9


def other_units(kind: int) -> Callable[[Device], None]:
    def build(device: Device) -> None:
        copying(device)
        device.epoch.enabled[kind] = 1

    return build


def pixels_counted(device: Device) -> None:
    copying(device)
    device.epoch.link[0].counts_pixels = True


def half_a_context(device: Device) -> None:
    copying(device)
    device.epoch.link[0].frames[0] = 3


def too_little(device: Device) -> None:
    copying(device)
    device.epoch.stream[1].elements = 17


def waits_for_itself(device: Device) -> None:
    convolving(device, accumulates=True, accumulates_first=True)
    device.link((CONV, 0, 2), (CONV, 0, 0))


def too_little_scratch(device: Device) -> None:
    copying(device)
    device.scratch = np.zeros(4096, np.uint8)


def no_scratch_for_frames(device: Device) -> None:
    convolving(device, width=4000, height=1000)
    device.epoch.stream[0].elements = 16000000


def wide_arithmetic(device: Device) -> None:
    """Every sum at its limit: 24 bits lifted by 24, kernels and features as large as they come."""
    convolving(device, accumulates=True, accumulates_first=True, shift_accumulator=24)
    device.memory[:] = 0x7F
    device.raw(3, BASE + 512, 4, 24)
    device.link((CONV, 0, 2), (STREAM, 3, 0))


def cases() -> Iterator[Case]:
    """Name, what sets it up, status and field of its end: status "" for a run that goes well."""
    huge = 0xFFFFFFFF
    yield "nothing", lambda device: None, ("", "")
    yield "wide arithmetic", wide_arithmetic, ("", "")
    yield "no links", without_links, ("UNCONNECTED", "port 0")
    yield "too many links", too_many_links, ("RANGE", "links")
    yield "source asleep", source_asleep, ("UNCONNECTED", "source")
    yield "destination asleep", destination_asleep, ("UNCONNECTED", "destination")
    yield "nobody takes", nobody_takes, ("UNCONNECTED", "output")
    yield "not configured", not_configured, ("UNCONFIGURED", "configured")
    yield "no such unit", no_such_unit, ("UNDEFINED", "enabled")
    for kind in (DECUN, ACTIV, RECBUF):
        yield f"kind {kind}", other_units(kind), ("UNDEFINED", "enabled")
    yield "pixels counted", pixels_counted, ("UNDEFINED", "counts_pixels")
    yield "half a context", half_a_context, ("UNDEFINED", "frames")
    yield "too little comes", too_little, ("STUCK", "frames")
    yield "waits for itself", waits_for_itself, ("STUCK", "frames")
    yield "too little scratch", too_little_scratch, ("SCRATCH", "scratch_bytes")
    yield "frames beyond scratch", no_scratch_for_frames, ("SCRATCH", "scratch_bytes")
    for field, value, status in (
        ("bits", 0, "UNDEFINED"),
        ("bits", 12, "UNDEFINED"),
        ("bits", 32, "UNDEFINED"),
        ("lift", 8, "UNDEFINED"),
        ("gap_front", 8, "UNDEFINED"),
        ("gap_back", 4, "UNDEFINED"),
        ("no_increment", True, "UNDEFINED"),
        ("enciphered", True, "UNDEFINED"),
        ("elements", 0, "RANGE"),
        ("elements", huge, "RANGE"),
        ("frames", huge, "RANGE"),
        ("sync_with", 200, "RANGE"),
    ):
        given = {field: value, **({"synced": True} if field == "sync_with" else {})}
        yield f"engine {field} {value}", _with(copying, given), (status, field)
    yield "no memory below", _with(copying, {"address": BASE - 1}), ("MEMORY", "address")
    yield "no memory above", _with(copying, {"address": BASE + 65530}), ("MEMORY", "address")
    yield "memory ends", _with(copying, {"address": huge - 3}), ("MEMORY", "address")
    yield "beyond the limit", _with(copying, {"limit": BASE + 15}), ("LIMIT", "limit")
    for field in ("width", "height", "depth"):
        yield f"raster {field} 0", _with(raster, {field: 0}), ("RANGE", field)
        yield f"raster {field} huge", _with(raster, {field: huge}), ("RANGE", field)
    yield "raster continuous", _with(raster, {"continuous": True}), ("UNDEFINED", "continuous")
    far = {"depth_offset": 0x7FFFFFFF, "line_offset": 0x7FFFFFFF}
    yield "raster far apart", _with(raster, far), ("MEMORY", "address")
    far = {"frame_offset": 0x80000000, "loop_offset": 0x80000000, "loop": 1, "frames": 9}
    yield "raster far below", _with(raster, far), ("", "")
    for field in ("width", "height", "depth", "kernels", "kernel_width", "stride_x"):
        yield f"conv {field} 0", _with(convolving, {field: 0}), ("RANGE", field)
        yield f"conv {field} huge", _with(convolving, {field: huge}), ("RANGE", field)
    for field in ("pad_left", "pad_bottom", "set_total"):
        yield f"conv {field} huge", _with(convolving, {field: huge}), ("RANGE", field)
    much = {"width": 65535, "height": 65535, "depth": 1}
    frames = {"width": 3}
    yield "frames of another size", _with(convolving, frames), ("RANGE", "port 0")
    yield "sums of another size", sums_of_another_size, ("RANGE", "port 2")
    yield "conv of everything", _with(convolving, much), ("RANGE", "kernels")
    yield (
        "conv frames of nothing",
        _with(convolving, {"filter": 3, "accumulates": True}),
        (
            "RANGE",
            "filter_total",
        ),
    )


def _with(build: Callable[..., None], fields: dict[str, Any]) -> Callable[[Device], None]:
    return lambda device: build(device, **fields)


def noise(device: Device, seed: int) -> None:
    """Any bits in the records of units that hang together: whatever it does, it must not crash."""
    rng = random.Random(seed)
    convolving(device)
    device.unit(ARITH, 0, operation=1, x__bytes=1, **output(1))
    device.unit(POOL, 0, pooling=1, feature__bytes=1, **output(1))
    units = (device.epoch.stream[0], device.epoch.conv[0], device.epoch.arith[0])
    for record in (*units, device.epoch.stream[2], device.epoch.pool[0]):
        for name, kind in record._fields_[:30]:
            if rng.random() < 0.15 and hasattr(kind(), "value"):
                setattr(record, name, rng.choice([0, 1, 2, 3, 255, 65535, rng.getrandbits(32)]))
    ends = [(STREAM, 0, 0), (STREAM, 1, 0), (CONV, 0, 0), (ARITH, 0, 0), (POOL, 0, 0)]
    for i in range(device.epoch.links):
        if rng.random() < 0.3:
            source = device.epoch.link[i].source[0]
            source.kind, source.unit, source.port = rng.choice(ends)
    device.link((ARITH, 0, 0), rng.choice(ends))
    device.link((POOL, 0, 0), rng.choice(ends))
    device.link((STREAM, 3, 0), (POOL, 0, 0))
    device.raw(3, BASE + 2048, 4, writes=True)
    for stream in device.epoch.stream:
        stream.frames %= 1000  # much work is no fault


def end_of(build: Callable[[Device], None], library: str | None = None) -> tuple[str, str]:
    """The status and the field that a case ends with; empty where it ends well."""
    device = Device(library=library)
    build(device)
    try:
        device.run()
    except Refused as refused:
        return (refused.status, refused.field)
    return ("", "")


def main() -> int:
    library = sys.argv[1]
    for name, build, (status, field) in cases():
        ended = end_of(build, library)
        if ended != (status, field):
            print(f"{name}: {ended}")
            return 1
    for seed in range(300):
        device = Device(library=library)
        noise(device, seed)
        with suppress(Refused):
            device.run()
    print("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
