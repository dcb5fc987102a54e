"""A network as layers becomes a program: epochs, buffers, and the image of its constants."""

from collections.abc import Mapping
from random import Random

import numpy as np

from host.errors import BadInput
from host.npu.testing.arith import lower_add, lower_affine, lower_copy, lower_pool
from host.npu.testing.builder import Builder
from host.npu.testing.convolve import lower_conv, lower_depthwise
from host.npu.testing.layers import (
    BYTES,
    Add,
    Affine,
    Conv,
    Copy,
    Depthwise,
    Dequantize,
    Epoch,
    HardwareLayer,
    Network,
    Pool,
    Quantize,
    SoftwareLayer,
    Tensor,
    Transpose,
    sums_of,
)
from host.npu.testing.place import Image, places
from host.npu.testing.program import Address, Buffer, Hardware, Program, Software, TensorView


def lower(network: Network) -> Program:
    """The program of `network`; the same network gives the same program.

    Raises:
        BadInput: the chip has too few units or too little memory, or a layer asks for what units
            cannot do.
    """
    rng = Random(network.seed)
    where = places(network, rng)
    image = Image()
    epochs: list[Hardware | Software] = []
    for number, epoch in enumerate(network.epochs, 1):
        layer = epoch.layers[0]
        if isinstance(layer, (Dequantize, Quantize, Transpose)):
            epochs.append(_software(epoch, layer, where, image))
        else:
            epochs.append(_hardware(number, epoch, where, image, rng))
    # What reads the last constants in beats of three bytes touches a few behind them.
    return Program(
        network.name, tuple(epochs), _buffers(network, where), bytes(image.content) + bytes(16)
    )


def _hardware(
    number: int, epoch: Epoch, where: Mapping[str, Address], image: Image, rng: Random
) -> Hardware:
    build = Builder(number, rng, where, image)
    for layer in epoch.layers:
        _layer(build, layer)
    written = [layer.target for layer in epoch.layers if layer.target.stored]
    tidy = rng.random() < 0.3
    return build.finish((where[written[0].name], written[0].size) if tidy and written else None)


def _layer(build: Builder, layer: HardwareLayer | SoftwareLayer) -> None:
    match layer:
        case Conv():
            lower_conv(build, layer)
        case Depthwise():
            lower_depthwise(build, layer)
        case Add():
            lower_add(build, layer)
        case Affine():
            lower_affine(build, layer)
        case Pool():
            lower_pool(build, layer)
        case Copy():
            lower_copy(build, layer)
        case _:
            raise BadInput(
                "a software layer shares an epoch with others",
                evidence=f"Received: {layer.name} in epoch {build.number}.",
                next_step="give it an epoch of its own",
            )


def _software(
    epoch: Epoch, layer: SoftwareLayer, where: Mapping[str, Address], image: Image
) -> Software:
    if len(epoch.layers) > 1:
        raise BadInput(
            "a software layer shares an epoch with others",
            evidence=f"Received: {len(epoch.layers)} layers beside {layer.name}.",
            next_step="give it an epoch of its own",
        )
    source, target = _view(layer.source, where), _view(layer.target, where)
    if isinstance(layer, Transpose):
        return Software("Transpose", layer.name, source, target, permutation=layer.permutation)
    quantized = layer.source if isinstance(layer, Dequantize) else layer.target
    kind = np.uint8 if quantized.kind == "u8" else np.int8
    return Software(
        type(layer).__name__,
        layer.name,
        source,
        target,
        scale=image.put(np.float32(quantized.scale).tobytes()),
        zero=image.put(np.array(quantized.zero, kind).tobytes()),
        zero_signed=quantized.kind != "u8",
    )


def _view(tensor: Tensor, where: Mapping[str, Address]) -> TensorView:
    """A tensor whose channels lie together, or each apart."""
    size = BYTES[tensor.kind]
    height, width, channels = tensor.shape
    if tensor.together == channels:
        strides = (width * channels * size, channels * size, size)
    else:
        strides = (width * size, size, height * width * size)
    return TensorView(
        where[tensor.name], tensor.shape, strides, 8 * size, tensor.kind in ("i8", "i16")
    )


def _buffers(network: Network, where: Mapping[str, Address]) -> tuple[Buffer, ...]:
    found = [_buffer(tensor, where, 0, "input") for tensor in network.inputs]
    outputs = {tensor.name for tensor in network.outputs}
    for number, epoch in enumerate(network.epochs, 1):
        for layer in epoch.layers:
            for tensor in (sums_of(layer), layer.target):
                if tensor is not None and tensor.stored:
                    role = "output" if tensor.name in outputs else "internal"
                    found.append(_buffer(tensor, where, number, role))
    return tuple(found)


def _buffer(tensor: Tensor, where: Mapping[str, Address], epoch: int, role: str) -> Buffer:
    return Buffer(
        tensor.name,
        where[tensor.name],
        tensor.size,
        epoch,
        tensor.shape,
        tensor.together,
        tensor.kind,
        tensor.scale,
        tensor.zero,
        role,
    )
