"""A generated network on the virtual NPU: open it, run it, see every tensor that it computes."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.deadline import Deadline
from host.errors import BadInput
from host.npu.child import Place, Tell, this_computer
from host.npu.generated import GeneratedCode, names_of_streams, read_generated
from host.npu.memory import Image, images_of, regions_of

TIES = ("half-away", "half-up", "half-even", "half-down", "half-to-zero")  # as enum nj_npu_tie
_LAYOUTS = ("flat", "first", "last", "mixed")
_LISTS = ("input", "internal", "output")
_SEEN = struct.Struct("<QQQq")
_KINDS = ("", "STRENG", "CONVACC", "DECUN", "ACTIV", "ARITH", "POOL", "RECBUF")
_TYPES = {1: "float32", 6: "uint8", 7: "int8", 8: "uint16", 9: "int16", 10: "int32"}
_FIXED_POINT = 100


@dataclass(frozen=True)
class Buffer:
    """A buffer as the network's lists have it.

    Attributes:
        name: of the buffer.
        role: "input", "internal" or "output".
        address: first byte.
        size: bytes.
        epoch: number of the epoch that writes it.
        shape: batch, height, width, channels.
        layout: "last" (the shape), "first" (batch, channels, height, width), "mixed" (batch, groups
            of channels, height, width, channels of a group) or "flat".
        memory_shape: as it lies in memory.
        dtype: of an element, as NumPy names it.
        scale: real value of a step, or None.
        offset: the step that stands for 0.0, or None.
        parameter: whether it is a constant.
    """

    name: str
    role: str
    address: int
    size: int
    epoch: int
    shape: tuple[int, ...]
    layout: str
    memory_shape: tuple[int, ...]
    dtype: str
    scale: float | None
    offset: int | None
    parameter: bool


@dataclass(frozen=True)
class Tensor:
    """What a buffer held right behind the epoch that wrote it.

    Attributes:
        name, epoch, shape, layout, dtype, scale, offset: of the buffer.
        role: "input", "internal", "output", or "stream" for what an engine wrote in a network that
            does not list its internal buffers: numbers as they lie in memory, without a shape or a
            scale, under the name that the compiler wrote beside them.
        array: batch first, as it lies in memory.
    """

    name: str
    role: str
    epoch: int
    shape: tuple[int, ...]
    layout: str
    dtype: str
    scale: float | None
    offset: int | None
    array: npt.NDArray[Any]


@dataclass(frozen=True)
class Seen:
    """What a unit did with its results in an epoch.

    Attributes:
        epoch: its number.
        unit: as "CONVACC 2".
        results: how many it made.
        ties: exactly half a step before rounding.
        saturated: outside of the range of the output.
        peak: the largest size of one before shift, rounding and saturation.
    """

    epoch: int
    unit: str
    results: int
    ties: int
    saturated: int
    peak: int


@dataclass(frozen=True)
class Run:
    """What one run computed.

    Attributes:
        tensors: inputs, then every buffer in the order of computation, outputs last.
        seen: what the units did, in that order.
        tie: the rule for ties of a rounding.
        processor_seconds: what the run took, without starting it.
    """

    tensors: tuple[Tensor, ...]
    seen: tuple[Seen, ...]
    tie: str
    processor_seconds: float

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.tensors if tensor.role == "output")


class Network:
    """A generated network with its memory; a context manager, since it holds a process.

    Args:
        code: its network.c.
        images: what its memory holds; None for the files beside it.
        seconds: after which a run has failed.
        on: where it runs: `this_computer`, or a `VirtualBoard`.

    Raises:
        BadInput: it does not compile, its memory is not complete, or it uses what is not known.
        HostFailure: gcc is missing.
    """

    def __init__(
        self,
        code: GeneratedCode,
        images: Sequence[Image] | None = None,
        seconds: float = 600,
        on: Place = this_computer,
    ) -> None:
        self.code = code
        self.images = tuple(images_of(code) if images is None else images)
        self.seconds = seconds
        self._child = on(code)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls, path: Path, images: Sequence[Image] | None = None, on: Place = this_computer
    ) -> "Network":
        """The network of a folder with one network.c, or of such a file."""
        return cls(read_generated(find_code(path)), images, on=on)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its process."""
        self._child.close()

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        return tuple(buffer for buffer in self.buffers["input"] if not buffer.parameter)

    @property
    def outputs(self) -> tuple[Buffer, ...]:
        return self.buffers["output"]

    def run(
        self,
        inputs: Mapping[str, npt.NDArray[Any]] | Sequence[npt.NDArray[Any]],
        tie: str = TIES[0],
    ) -> Run:
        """Compute.

        Args:
            inputs: an array for each input, by name or in the network's order; of the input's
                dtype, in its memory shape or flat.
            tie: one of TIES.

        Raises:
            BadInput: an input does not fit, or the network does what is not known.
        """
        if tie not in TIES:
            raise BadInput(
                "no such tie rule", evidence=f"Received: {tie}", next_step=f"one of {TIES}"
            )
        given = inputs if isinstance(inputs, Mapping) else self._named(inputs)
        if set(given) != {buffer.name for buffer in self.inputs}:
            raise BadInput(
                f"the network has the inputs {[buffer.name for buffer in self.inputs]}",
                evidence=f"Received: {list(given)}",
                next_step="give an array for each",
            )
        for buffer in self.inputs:
            self._child.write(buffer.address, _bytes_of(buffer, given[buffer.name]))
        self._child.run(TIES.index(tie))
        return self._hear(tie)

    def _start(self) -> None:
        for region in regions_of(self.code.pools):
            self._child.region(region.address, region.size, region.writable)
        for image in self.images:
            self._child.write(image.address, image.content)
        self._child.describe()
        _, _, _, content = next(self._child.answers(Deadline.after(self.seconds)))
        lists = json.loads(content)
        self.lists_internals = lists["internal"] is not None
        self._streams = {} if self.lists_internals else names_of_streams(self.code.text)
        self.buffers = {
            role: tuple(_buffer(role, raw) for raw in lists[role] or ()) for role in _LISTS
        }

    def _named(self, arrays: Sequence[npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        if len(arrays) != len(self.inputs):
            raise BadInput(
                f"the network has {len(self.inputs)} inputs",
                evidence=f"Received: {len(arrays)}",
                next_step="give an array for each",
            )
        return {buffer.name: array for buffer, array in zip(self.inputs, arrays, strict=True)}

    def _hear(self, tie: str) -> Run:
        tensors: list[Tensor] = []
        seen: list[Seen] = []
        for what, a, b, content in self._child.answers(Deadline.after(self.seconds)):
            if what == Tell.BUFFER:
                buffer = self.buffers[_LISTS[a >> 16]][a & 0xFFFF]
                tensors.append(tensor_of(buffer, content))
            elif what == Tell.STREAM:
                tensors.append(_stream(self._streams.get((b, a)), a, b, content))
            elif what == Tell.SEEN:
                unit = f"{_KINDS[a >> 8]} {a & 0xFF}"
                seen.append(Seen(b, unit, *_SEEN.unpack(content)))
            elif what == Tell.DONE:
                break
        return Run(tuple(tensors), tuple(seen), tie, struct.unpack("<d", content)[0])


def find_code(path: Path) -> Path:
    """The network.c of a folder, or the file itself.

    Raises:
        BadInput: there is none, or more than one.
    """
    if not path.is_dir():
        return path
    found = [
        file
        for file in sorted(path.glob("*.c"))
        if b"LL_ATON_EpochBlockItems_" in file.read_bytes() and not file.name.startswith("stai_")
    ]
    if len(found) != 1:
        raise BadInput(
            f"{path} must hold one generated network",
            evidence=f"Received: {[file.name for file in found] or 'none'}",
            next_step="name the network.c",
        )
    return found[0]


def _buffer(role: str, raw: dict[str, Any]) -> Buffer:
    dtype = _TYPES.get(raw["type"], "uint8")
    if raw["type"] == _FIXED_POINT and raw["bits"] in (8, 16, 32):
        dtype = f"{'u' if raw['unsigned'] else ''}int{raw['bits']}"
    return Buffer(
        name=raw["name"],
        role=role,
        address=raw["address"],
        size=raw["size"],
        epoch=raw["epoch"],
        shape=tuple(raw["shape"]),
        layout=_LAYOUTS[raw["position"]],
        memory_shape=tuple(raw["memory_shape"]),
        dtype=dtype,
        scale=raw.get("scale"),
        offset=raw.get("offset"),
        parameter=raw["parameter"],
    )


def _bytes_of(buffer: Buffer, array: npt.NDArray[Any]) -> bytes:
    array = np.asarray(array)
    shapes = (buffer.memory_shape, (array.size,))
    if array.dtype != buffer.dtype or array.nbytes != buffer.size or array.shape not in shapes:
        raise BadInput(
            f"input {buffer.name} is {buffer.dtype} {list(buffer.memory_shape)}",
            evidence=f"Received: {array.dtype} {list(array.shape)}",
            next_step="give it so, or flat",
        )
    return np.ascontiguousarray(array).tobytes()


def array_shape(buffer: Buffer) -> tuple[int, ...]:
    """The shape of the array that a buffer is in a run: as it lies in memory, batch first."""
    elements, shape = buffer.size // np.dtype(buffer.dtype).itemsize, buffer.memory_shape
    if int(np.prod(shape)) != elements:
        return (1, elements)
    if not shape or (buffer.layout == "flat" and shape[0] != 1):
        return (1, *shape)
    return shape


def tensor_of(buffer: Buffer, content: bytes) -> Tensor:
    """The tensor of a run whose bytes these are."""
    return Tensor(
        name=buffer.name,
        role=buffer.role,
        epoch=buffer.epoch,
        shape=buffer.shape,
        layout=buffer.layout,
        dtype=buffer.dtype,
        scale=buffer.scale,
        offset=buffer.offset,
        array=np.frombuffer(content, buffer.dtype).reshape(array_shape(buffer)),
    )


def _stream(name: str | None, engine: int, epoch: int, content: bytes) -> Tensor:
    address, bits = struct.unpack_from("<2I", content)
    dtype = {8: "int8", 16: "int16"}.get(bits, "uint8")
    if (len(content) - 8) * 8 % bits:
        dtype = "uint8"
    array = np.frombuffer(content, dtype, offset=8).reshape(1, -1)
    name = name or f"STRENG {engine} 0x{address:08x}"
    return Tensor(name, "stream", epoch, (), "flat", dtype, None, None, array)
