"""Layers and stages that run on the ARITH and POOL units, and copies."""

from collections.abc import Mapping

import numpy as np

from host.errors import BadInput
from host.npu.testing.builder import Builder, Frames
from host.npu.testing.layers import (
    BYTES,
    Add,
    Affine,
    Copy,
    Fused,
    Integers,
    Pool,
    Requantization,
    Streamed,
    Sums,
    Tensor,
    TwoSteps,
)
from host.npu.testing.place import shorts
from host.npu.testing.program import Address, Port, Value

MOST_CONSTANTS = 512  # constants that a unit can hold


def requantize(
    build: Builder,
    source: Port,
    node: str,
    target: Tensor,
    batch: int,
    how: Requantization,
    dropped: int,
) -> None:
    """Bring the 16-bit sums at `source` into `target`, frame by frame of `batch` channels.

    Of each dropped + 1 frames only the last is a result.
    """
    shape = _shape(target, batch)
    if isinstance(how, Sums):
        if dropped:
            raise BadInput(
                "partial sums cannot be a result",
                evidence=f"Received: {node} in {dropped + 1} passes.",
                next_step="requantize them",
            )
        build.keep(source, node, target, batch)
        return
    if isinstance(how, TwoSteps):
        first = _single(how.first, shape, build) | _wide(2, how.first_shift)
        source = _stage(build, source, f"{node}_mul_scale", "Mul", first, dropped)
        second = _single(how.offsets, shape, build, how.second) | _wide(1, how.shift)
        source = _stage(build, source, f"{node}_off_bias", "Add", second)
    elif isinstance(how, Fused):
        fused = _double(how.factors, how.offsets, shape, build) | _wide(1, how.shift)
        source = _stage(build, source, f"{node}_off_bias", "Add", fused, dropped)
    elif isinstance(how, Streamed):
        source = _streamed(build, source, node, target, batch, how, dropped)
    if target.kind == "u8":
        fields = {
            **shape,
            **_bytes(1, 1),
            "combinebc": 1,
            "round_mode_o": 1,
            "outbytes_o": 1,
            "shift_o": 14,
            "scalar": 1,
            "bcast": "ARITH_BCAST_SCALAR",
            "A_scalar": 16384,
            "B_scalar": 32,
            "vec_precision": (8, 8, 8),
        }
        source = _stage(build, source, f"{node}_suboff", "Sub", fields)
    build.keep(source, node, target, batch)


def _stage(
    build: Builder,
    source: Port,
    node: str,
    operation: str,
    fields: Mapping[str, Value],
    dropped: int = 0,
) -> Port:
    port = build.take("ARITH")
    build.unit(port, node, operation, {"operation": "ARITH_AFFINE", **fields})
    build.link(port, source, dropped)
    return port


def _streamed(
    build: Builder, source: Port, node: str, target: Tensor, batch: int, how: Streamed, dropped: int
) -> Port:
    shape = _shape(target, batch)
    dual: dict[str, Value] = {"scalar": 1, "dualinput": 1, "bcast": "ARITH_BCAST_NONE"}
    first: dict[str, Value] = {
        **shape,
        **_wide(2, how.first_shift),
        **dual,
        "operation": "ARITH_MUL",
        "A_scalar": 1,
        "B_scalar": 1,
        "C_scalar": 1,
        "vec_precision": (16, 16, 16),
    }
    port = _stage(build, source, f"{node}_mul_scale", "Mul", first, dropped)
    _vector(build, port, f"{node}_mul_scale", target, batch, how.factors)
    second: dict[str, Value] = {
        **shape,
        **_wide(1, how.shift),
        **dual,
        "C_shift": how.c_shift,
        "A_scalar": how.second,
        "B_scalar": how.second,
        "C_scalar": how.c,
        "vec_precision": (16, 16, 16),
    }
    port = _stage(build, port, f"{node}_off_bias", "Add", second)
    _vector(build, port, f"{node}_off_bias", target, batch, how.offsets)
    return port


def _vector(
    build: Builder, port: Port, node: str, target: Tensor, batch: int, values: Integers
) -> None:
    """Bring one value a channel to port Y: a frame of the stream is a line of the feature.

    It stands in memory once a group of channels.
    """
    groups = target.channels // batch
    lines = np.broadcast_to(values.reshape(groups, 1, batch), (groups, target.width, batch))
    place = build.image.put(shorts(lines))
    frame = target.width * batch * 2
    fields = {
        "raw": 1,
        "cacheable": 1,
        "cache_allocate": 1,
        "offset_start": 0,
        "offset_end": frame,
        "offset_limit": groups * frame + 64,
        "loop_offset": frame,
        "frame_loop_cnt": target.height,
        "frame_tot_cnt": groups * target.height,
        "nbits_in": 16,
        "nbits_out": 16,
    }
    engine = build.stream(node, 1, f"{node}_vector", place, False, fields)
    build.link(Port("ARITH", port.number, 1), engine)


def _shape(target: Tensor, batch: int) -> dict[str, Value]:
    return {
        "fWidth": target.width,
        "fHeight": target.height,
        "fChannels": target.channels,
        "batchDepth": batch,
    }


def _bytes(inside: int, outside: int) -> dict[str, Value]:
    return {
        "inbytes_x": inside,
        "outbytes_x": outside,
        "inbytes_y": inside,
        "outbytes_y": outside,
    }


def _wide(outside: int, shift: int, inside: int = 2) -> dict[str, Value]:
    """A stage on signed values that rounds and saturates."""
    return {
        **_bytes(inside, inside),
        "rounding_o": 1,
        "saturation_o": 1,
        "round_mode_o": 1,
        "outbytes_o": outside,
        "shift_o": shift,
    }


def _halves(value: int) -> dict[str, Value]:
    """A 32-bit constant as the unit's two of 16 bits."""
    low = value & 0xFFFF
    return {"combinebc": 1, "B_scalar": value >> 16, "C_scalar": low - (low >> 15 << 16)}


def _single(
    values: Integers, shape: dict[str, Value], build: Builder, factor: int | None = None
) -> dict[str, Value]:
    """A stage with one varying constant: A, or with `factor` for A the 32-bit C."""
    if factor is not None:
        return _double(np.full(1, factor), values, shape, build)
    if len(values) == 1:
        scalar: dict[str, Value] = {"scalar": 1, "bcast": "ARITH_BCAST_SCALAR"}
        precision: dict[str, Value] = {"A_scalar": int(values[0]), "vec_precision": (16, 16, 16)}
        return {**shape, **scalar, **precision}
    place, bits = _vector_of(values, 16, build)
    vector: dict[str, Value] = {
        "A_scalar": 1,
        "A_vector": place,
        "vec_precision": (bits, 16, 16),
    }
    return {**shape, "bcast": "ARITH_BCAST_CHAN", **vector}


def _double(
    factors: Integers,
    offsets: Integers,
    shape: dict[str, Value],
    build: Builder,
    along: str = "CHAN",
) -> dict[str, Value]:
    """A stage with A and the 32-bit C for each index; either may be one for all."""
    if len(factors) == len(offsets) == 1:
        return {
            **shape,
            "scalar": 1,
            "bcast": "ARITH_BCAST_SCALAR",
            "A_scalar": int(factors[0]),
            **_halves(int(offsets[0])),
            "vec_precision": (16, 16, 16),
        }
    fields: dict[str, Value] = {**shape, "bcast": f"ARITH_BCAST_{along}", "combinebc": 1}
    a_bits, c_bits = 16, 32
    if len(factors) == 1:
        fields["A_scalar"] = int(factors[0])
    else:
        fields["A_vector"], a_bits = _vector_of(factors, 16, build)
    negative = build.rng.random() < 0.2  # then the constants are taken off
    fields["C_scalar"] = -1 if negative else 0
    fields["C_vector"], c_bits = _vector_of(-offsets if negative else offsets, 32, build)
    return fields | {"vec_precision": (a_bits, 16, c_bits)}


def _vector_of(values: Integers, most: int, build: Builder) -> tuple[Address, int]:
    """Constants in memory, and the bits of each: `most`, or now and then as few as hold them.

    Raises:
        BadInput: there are more than a unit can hold.
    """
    if len(values) > MOST_CONSTANTS:
        raise BadInput(
            "a unit cannot hold the constants",
            evidence=f"Received: {len(values)} of them; it has room for {MOST_CONSTANTS}.",
            next_step="stream them",
        )
    needed = 1 + max(int(value if value >= 0 else ~value).bit_length() for value in values)
    bits = needed if build.rng.random() < 0.3 else most
    packed = sum((int(value) & ((1 << bits) - 1)) << i * bits for i, value in enumerate(values))
    # The calls of generated code read whole words.
    return build.image.put(packed.to_bytes(-(-len(values) * bits // 32) * 4, "little")), bits


def lower_add(build: Builder, layer: Add) -> None:
    """Two streams into one ARITH."""
    batch = layer.batch or layer.target.channels
    fields: dict[str, Value] = {
        **_shape(layer.target, batch),
        **_wide(1, layer.shift, inside=1),
        "operation": f"ARITH_{layer.operation}",
        "scalar": 1,
        "dualinput": 1,
        "bcast": "ARITH_BCAST_NONE",
        "Ax_shift": layer.x_shift,
        "By_shift": layer.y_shift,
        "C_shift": layer.c_shift,
        "A_scalar": layer.a,
        "B_scalar": layer.b,
        "C_scalar": layer.c,
        "vec_precision": (8, 8, 8),
    }
    for side, tensor in zip("xy", layer.sources, strict=True):
        size = BYTES[tensor.kind]
        fields |= {f"inbytes_{side}": size, f"outbytes_{side}": size}
    unit = build.take("ARITH")
    build.unit(unit, layer.name, "Add", fields)
    for port, tensor in enumerate(layer.sources):
        _whole(build, Port("ARITH", unit.number, port), layer.name, tensor, batch)
    build.keep(unit, layer.name, layer.target, batch)


def lower_affine(build: Builder, layer: Affine) -> None:
    """One stream through one ARITH with a constant for each channel, line or column."""
    batch = layer.batch or layer.target.channels
    inside = 2 if layer.source.kind == "i16" else 1
    outside = 2 if layer.target.kind == "i16" else 1
    shape = _shape(layer.target, batch)
    fields: dict[str, Value]
    if layer.combined:
        fields = _double(layer.a, layer.c, shape, build, layer.along)
    else:
        fields = {**shape, "bcast": f"ARITH_BCAST_{layer.along}", "vec_precision": (16, 16, 16)}
        if len(layer.a) == 1:
            fields |= {"scalar": 1, "A_scalar": int(layer.a[0]), "C_scalar": int(layer.c[0])}
        else:
            fields["A_vector"], a_bits = _vector_of(layer.a, 16, build)
            fields["C_vector"], c_bits = _vector_of(layer.c, 16, build)
            fields["vec_precision"] = (a_bits, 16, c_bits)
    fields |= {**_wide(outside, layer.shift, inside), "operation": "ARITH_AFFINE"}
    fields |= {"Ax_shift": layer.x_shift, "C_shift": layer.c_shift}
    fields |= {"saturation_o": int(layer.saturate), "rounding_o": int(layer.rounding)}
    if layer.clip:
        fields |= {"clipout": 1, "clipmin": layer.clip[0], "clipmax": layer.clip[1]}
    unit = build.take("ARITH")
    build.unit(unit, layer.name, "Mul", fields)
    _whole(build, unit, layer.name, layer.source, batch)
    build.keep(unit, layer.name, layer.target, batch)


def lower_pool(build: Builder, layer: Pool) -> None:
    """One stream through a POOL, and an ARITH where the result is scaled."""
    batch = layer.batch or layer.target.channels
    source, target = layer.source, layer.target
    everything = layer.operation.startswith("G")
    average = layer.operation.endswith("AVG")
    outside = 2 if layer.scaling or target.kind == "i16" else 1
    crop = layer.crop or (0, source.height - 1, 0, source.width - 1)
    inside = BYTES[source.kind]
    fields: dict[str, Value] = {
        "operation": f"POOL_{layer.operation}",
        "inputX": source.width,
        "inputY": source.height,
        "outputX": source.width + 1 if everything else target.width,
        "outputY": source.height + 1 if everything else target.height,
        "poolWinX": layer.window[1],
        "poolWinY": layer.window[0],
        "strideX": layer.stride[1],
        "strideY": layer.stride[0],
        "topCrop": crop[0],
        "bottomCrop": crop[1],
        "leftCrop": crop[2],
        "rightCrop": crop[3],
        "batchSize": batch,
        "dualLine": int(inside == 1),
        "inbytes_f": inside,
        "outbytes_f": inside,
        "rounding_o": 1,
        "saturation_o": 1,
        "round_mode_o": 1,
        "outbytes_o": outside,
    }
    if average:
        fields |= {"mulval": layer.factor, "shift_o": layer.shift}
    unit = build.take("POOL")
    build.unit(unit, layer.name, "Pool", fields)
    _whole(build, unit, layer.name, source, batch)
    if layer.scaling:
        how = layer.scaling
        scaled: dict[str, Value] = {
            **_double(how.factors, how.offsets, _shape(target, batch), build),
            **_wide(1, how.shift),
            "Ax_shift": layer.x_shift,
        }
        unit = _stage(build, unit, f"{layer.name}_requantize", "RequantizeLinear", scaled)
    build.keep(unit, layer.name, target, batch)


def lower_copy(build: Builder, layer: Copy) -> None:
    """A stream engine that reads into one that writes."""
    batch = layer.batch or layer.target.channels
    groups = layer.target.channels // batch
    frames = Frames(batch, groups, loop=groups, advance=groups, pairs=layer.pairs)
    source = build.read(layer.name, layer.source, frames)
    build.keep(source, layer.name, layer.target, batch, layer.pairs)


def _whole(build: Builder, port: Port, node: str, tensor: Tensor, batch: int) -> None:
    groups = tensor.channels // batch
    frames = Frames(batch, groups, loop=groups, advance=groups)
    build.feed(port, node, tensor, frames)
