"""Convolutions on the CONVACC units: features, kernels as they are streamed, partial sums."""

from collections.abc import Iterator

import numpy as np

from host.errors import BadInput
from host.npu.testing.arith import requantize
from host.npu.testing.builder import Builder, Frames
from host.npu.testing.layers import Conv, Depthwise, Integers, sums_of
from host.npu.testing.program import Port, Value

_ROUNDED = {"rounding_o": 1, "saturation_o": 1, "round_mode_o": 1}


def lower_conv(build: Builder, layer: Conv) -> None:
    """`chain` units one after the other, and the stages behind them.

    Raises:
        BadInput: the layer asks for what the units cannot do.
    """
    _check(layer)
    passes, chain = layer.passes, layer.chain
    groups = len(layer.kernel) // layer.kernels
    frames = groups * passes
    units = [build.take("CONVACC") for _ in range(chain)]
    engine = _kernels(build, layer.name, _streamed(layer), layer.deep, layer.wide)
    for index, unit in enumerate(units):
        last = index == chain - 1
        node = layer.name if index == 0 else f"{layer.name}_ca_pipe_{index}"
        fields: dict[str, Value] = {
            **_geometry(layer),
            **_ROUNDED,
            "outbytes_o": 2 if last else 3,
            "raw_o": 0 if last else 1,
            "shift_o": layer.shift if last else 0,
            "shift_a": layer.shift if index == 0 else 0,
        }
        if chain > 1:
            fields |= {
                "kfilt_tot": chain * layer.kernels,
                "kfilt_first": index * layer.kernels,
                "kfilt_last": (index + 1) * layer.kernels - 1,
            }
        if index > 0:
            fields |= {"accumulate": 1, "accumulate_first": 1}
            build.link(Port("CONVACC", unit.number, 2), units[index - 1])
        elif passes > 1:
            fields |= {
                "accumulate": 1,
                "afilt_mode": "AFILT_MODE_FRAMEZERO",
                "afilt_tot": passes,
                "afilt_first": 1,
                "afilt_last": passes - 1,
            }
            if layer.partial == "feedback":
                fields |= {"accumulate_gen_first": 1, "accumulate_first": 1}
        build.unit(unit, node, "Conv", fields)
        _features(build, layer, node, unit, index, frames)
        build.link(Port("CONVACC", unit.number, 1), engine)
    if passes > 1:
        _sums(build, layer, units[0], units[-1], frames)
    requantize(
        build, units[-1], layer.name, layer.target, layer.kernels, layer.requantization, passes - 1
    )


def lower_depthwise(build: Builder, layer: Depthwise) -> None:
    """One unit with dense kernels; a frame is a group of channels."""
    batch = layer.batch
    groups = layer.source.channels // batch
    unit = build.take("CONVACC")
    top, bottom, left, right = layer.pads
    fields: dict[str, Value] = {
        **_format(layer),
        **_ROUNDED,
        "fsub": layer.zero,
        "shift_a": layer.shift,
        "outbytes_o": 2,
        "shift_o": layer.shift,
        "fWidth": layer.source.width,
        "fHeight": layer.source.height,
        "kernelWidth": layer.kernel.shape[2],
        "kernelHeight": layer.kernel.shape[1],
        "nKernels": batch,
        "batchDepth": batch,
        "hstride": layer.stride[1],
        "vstride": layer.stride[0],
        "top_padding": top,
        "bot_padding": bottom,
        "left_padding": left,
        "right_padding": right,
        "right_crop": layer.source.width - 1,
        "bot_crop": layer.source.height - 1,
        "dss2mode": int(layer.fast),
    }
    build.unit(unit, layer.name, "Conv", fields)
    frames = Frames(batch, groups, step=0, loop=1, advance=1, pairs=layer.pairs)
    build.feed(unit, layer.name, layer.source, frames, _transport(layer))
    dense = _inflated(layer.kernel, batch)
    engine = _kernels(build, layer.name, dense, False, layer.wide)
    build.link(Port("CONVACC", unit.number, 1), engine)
    requantize(build, unit, layer.name, layer.target, batch, layer.requantization, 0)


def _check(layer: Conv) -> None:
    channels, kernels = layer.source.channels, len(layer.kernel)
    wrong = ""
    if channels % (layer.channels * layer.chain) or kernels % layer.kernels:
        wrong = f"{channels} channels, {kernels} kernels"
    elif layer.deep and (layer.kernel.shape[1:3] != (1, 1) or layer.wide):
        wrong = "a deep convolution that is not one of bytes with one pixel"
    elif layer.packed and (layer.passes > 1 or layer.chain > 1):
        wrong = "a packed feature in several parts"
    elif layer.crop and (layer.crop[1] == 0 or layer.crop[3] == 0):
        wrong = "a crop that ends at 0, which the registers do not have"
    if wrong:
        raise BadInput(
            f"the convolution {layer.name} cannot be done in this way",
            evidence=f"Received: {wrong}.",
            next_step="see the fields of Conv",
        )


def _geometry(layer: Conv) -> dict[str, Value]:
    _, _, height, width = layer.window or (0, 0, *layer.source.shape[:2])
    top, bottom, left, right = layer.pads
    crop = layer.crop or (0, height - 1, 0, width - 1)
    return {
        **_format(layer),
        "fsub": layer.zero,
        "k_unsigned": int(layer.kernel_unsigned),
        "deepmode": int(layer.deep),
        "kseten": 3 if layer.deep else 0,
        "zfbias": layer.pad_value,
        "fWidth": width,
        "fHeight": height,
        "kernelWidth": layer.kernel.shape[2],
        "kernelHeight": layer.kernel.shape[1],
        "nKernels": layer.kernels,
        "batchDepth": layer.channels,
        "hstride": layer.stride[1],
        "vstride": layer.stride[0],
        "top_padding": top,
        "bot_padding": bottom,
        "left_padding": left,
        "right_padding": right,
        "top_crop": crop[0],
        "bot_crop": crop[1],
        "left_crop": crop[2],
        "right_crop": crop[3],
    } | ({"inbytes_f": 3} if layer.packed else {})


def _format(layer: Conv | Depthwise) -> dict[str, Value]:
    wide = layer.wide or layer.source.kind == "i16"
    return {
        "simd": 2 if wide else 1,
        "inbytes_f": 2 if wide else 1,
        "f_unsigned": int(layer.source.kind == "u8" and not wide),
    }


def _transport(layer: Conv | Depthwise) -> dict[str, int]:
    """What a stream of features has beside its addresses."""
    if layer.source.kind == "i16":
        return {"align_right": 1}
    if layer.wide:
        return {"align_right": 1, "nbits_out": 16}
    if isinstance(layer, Depthwise) and layer.pairs:
        return {"raw_out": 1}
    return {}


def _features(build: Builder, layer: Conv, node: str, unit: Port, index: int, frames: int) -> None:
    passes, chain = layer.passes, layer.chain
    walk = Frames(layer.channels, frames, index, chain, passes, 0, layer.window)
    fields = _transport(layer)
    if layer.deep:
        fields = {"raw_out": 1, "nbits_in": 24, "nbits_out": 24, "nbits_unsigned": 1}
        if layer.packed:
            size = layer.source.size
            fields |= {
                "raw": 1,
                "offset_start": 0,
                "offset_end": -(-size // 3) * 3,
                "frame_offset": 0,
                "loop_offset": size,
                "frame_loop_cnt": frames,
            }
        else:
            fields |= _beats(layer)
    build.feed(unit, node, layer.source, walk, fields, physical=index > 0)


def _beats(layer: Conv) -> dict[str, int]:
    """Pixels in whole beats of three bytes: a raster, whatever the feature is."""
    _, _, rows, columns = layer.window or (0, 0, *layer.source.shape[:2])
    return {
        "raw": 0,
        "fwidth": columns,
        "fheight": rows,
        "batch_depth": -(-layer.channels // 3),
        "batch_offset": layer.source.together,
    }


def _sums(build: Builder, layer: Conv, first: Port, last: Port, frames: int) -> None:
    """Where the sums of one frame wait for the next."""
    back = Port("CONVACC", first.number, 2)
    if layer.partial == "feedback":
        build.link(back, last)
        return
    tensor = sums_of(layer)
    assert tensor is not None  # there are several passes
    place = build.places[tensor.name]
    fields = {
        "raw": 1,
        "offset_start": 0,
        "offset_end": tensor.size,
        "offset_limit": tensor.size + 64,
        "frame_tot_cnt": frames,
        "nbits_in": 16,
        "nbits_out": 16,
    }
    writer = build.stream(f"{layer.name}_sums", 0, tensor.name, place, True, fields)
    build.link(writer, last)
    fields["align_right"] = 1
    if layer.partial == "memory":
        fields |= {"sync_with_other": 1, "sync_dma": writer.number}
    reader = build.stream(layer.name, 2, tensor.name, place, False, fields)
    build.link(back, reader)


def _kernels(build: Builder, node: str, order: bytes | Integers, deep: bool, wide: bool) -> Port:
    data = order if isinstance(order, bytes) else order.astype(np.uint8).tobytes()
    place = build.image.put(data)
    bits = 24 if deep else 8
    fields = {
        "raw": 1,
        "continuous": 1,
        "cacheable": 1,
        "align_right": int(wide),
        "offset_start": 0,
        "offset_end": len(data),
        "offset_limit": len(data) + 64,
        "frame_tot_cnt": 1,
        "nbits_in": bits,
        "nbits_out": bits,
    }
    return build.stream(node, 1, f"{node}_weights", place, False, fields)


def _streamed(layer: Conv) -> bytes:
    """The kernels as the units take them: frame by frame, unit by unit."""
    blocks = bytearray()
    for kernels in _parts(layer):
        if not layer.deep:
            blocks += kernels.astype(np.uint8).tobytes()
            continue
        flat = kernels.reshape(len(kernels), -1)
        for start in range(0, len(flat), 8):
            blocks += flat[start : start + 8].T.astype(np.uint8).tobytes()
        blocks += bytes(-flat.size % 3)
    return bytes(blocks)


def _parts(layer: Conv) -> Iterator[Integers]:
    for start in range(0, len(layer.kernel), layer.kernels):
        for part in range(layer.passes * layer.chain):
            channels = slice(part * layer.channels, (part + 1) * layer.channels)
            yield layer.kernel[start : start + layer.kernels, :, :, channels]


def _inflated(kernel: Integers, batch: int) -> Integers:
    """Dense [channels, kh, kw, batch] kernels whose zeros make them depthwise."""
    channels, height, width = kernel.shape
    dense = np.zeros((channels, height, width, batch), np.int64)
    for channel in range(channels):
        dense[channel, :, :, channel % batch] = kernel[channel]
    return dense
