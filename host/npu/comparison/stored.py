"""What the NPU leaves in memory: its tensors with all that the compiler tells of them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from host.npu.comparison.layouts import FIRST, FLAT, LAST, MIXED, as_model
from host.npu.network import Tensor as Written
from model_gen.codegen.neural_art.compilation import Buffer
from model_gen.codegen.tflite.graph import Array, Shape, Tensor

_ROUNDED = 1e-5  # of a scale: both sides print it in decimal
_COPY = re.compile(r"(?:_inserted_out\d+|_cp_in_\d+)+$")
_NAME = re.compile(
    r"(?P<node>(?P<kind>[A-Za-z][A-Za-z0-9]*)_(?P<number>\d+))(?:_conv_\d+)?"
    r"_(?P<what>off_bias_out|zero_off_out|suboff_out|mul_scale_out|out)_\d+"
)
_READ = ("zero_off_out", "suboff_out")  # named after the node that reads them
_FORMATS = {("S8", 8): "int8", ("U8", 8): "uint8", ("FLOAT", 32): "float32", ("Q", 16): "int16"}


@dataclass(frozen=True)
class Named:
    """What the compiler's name of a tensor says.

    Attributes:
        node: e.g. "Conv2D_7", and its kind and number.
        reads: whether the node reads the tensor, rather than making it.
        inner: whether it is a step inside of the node, which the model does not have.
    """

    node: str
    kind: str
    number: int
    reads: bool
    inner: bool


def named(name: str) -> Named | None:
    """What a name says; None for one that follows no such rule.

    >>> named("Conv2D_7_zero_off_out_3_cp_in_1")
    Named(node='Conv2D_7', kind='Conv2D', number=7, reads=True, inner=False)
    """
    found = _NAME.fullmatch(_COPY.sub("", name))
    if found is None:
        return None
    what = found["what"]
    return Named(
        found["node"],
        found["kind"],
        int(found["number"]),
        what in _READ,
        what == "mul_scale_out",
    )


def is_copy(name: str) -> bool:
    """Whether the compiler made it only to have a tensor in another layout."""
    return _COPY.search(name) is not None


@dataclass(frozen=True)
class Stored:
    """A tensor in the NPU's memory.

    Attributes:
        place: its number in a run.
        name, role, epoch: as in `host.npu.network.Tensor`.
        dtype: of an element.
        memory: sizes of its axes in memory, batch first.
        layout: see `layouts`; FLAT where nothing tells it.
        scale, zero: of its quantization; None where it has none, or nothing tells it.
        told: whether the network or c_info tells its shape and quantization.
    """

    place: int
    name: str
    role: str
    epoch: int
    dtype: str
    memory: Shape
    layout: str
    scale: float | None
    zero: int | None
    told: bool

    @property
    def elements(self) -> int:
        return math.prod(self.memory)

    def fits(self, tensor: Tensor) -> bool:
        """Whether it can be this tensor of the model, by size, type, scale and zero point."""
        if self.elements != tensor.elements or self._offset(tensor) is None:
            return False
        numbers = np.arange(self.elements).reshape(self.memory)
        return as_model(numbers, self.layout, tensor.shape) is not None

    def value(self, array: Array, tensor: Tensor) -> Array:
        """What the model's tensor is, from what lay in memory. It must fit."""
        offset = self._offset(tensor)
        seen = array.view(self.dtype).reshape(self.memory)
        turned = as_model(seen, self.layout, tensor.shape)
        assert turned is not None
        assert offset is not None
        if offset == 0:
            return turned.astype(tensor.dtype)
        return (turned.astype(np.int64) + offset).astype(tensor.dtype)

    def _offset(self, tensor: Tensor) -> int | None:
        """What is added to its steps to give the tensor's; None where it is another tensor."""
        if tensor.dtype == "float32" or self.dtype == "float32":
            return 0 if tensor.dtype == self.dtype else None
        q = tensor.quantization
        if {tensor.dtype, self.dtype} - {"int8", "uint8"} or q is None or self.scale is None:
            return None
        if len(q.scales) != 1 or abs(self.scale - q.scales[0]) > _ROUNDED * q.scales[0]:
            return None
        offset = q.zero_points[0] - (self.zero or 0)
        wanted = {("int8", "uint8"): -128, ("uint8", "int8"): 128}.get(
            (tensor.dtype, self.dtype), 0
        )
        return offset if offset == wanted else None


def stored(place: int, written: Written, told: Mapping[str, Buffer]) -> Stored:
    """What is known of a tensor of a run.

    Args:
        place: its number in the run.
        written: the tensor.
        told: the buffers of c_info by name; they tell of what network.c does not list.
    """
    buffer = told.get(written.name) if written.role == "stream" else None
    if buffer is not None:
        memory, layout = _memory(buffer)
        dtype = _FORMATS.get((buffer.format, buffer.bits), "")
        if dtype and _is_of(written, buffer, memory, dtype):
            scale = buffer.scales[0] if len(buffer.scales) == 1 else None
            zero = buffer.zero_points[0] if len(buffer.zero_points) == 1 else None
            named = (place, written.name, written.role, written.epoch)
            return Stored(*named, dtype, memory, layout, scale, zero, told=True)
    return Stored(
        place,
        written.name,
        written.role,
        written.epoch,
        written.dtype,
        written.array.shape,
        written.layout,
        written.scale,
        written.offset,
        told=written.role != "stream",
    )


def _is_of(written: Written, buffer: Buffer, memory: Shape, dtype: str) -> bool:
    """Whether c_info agrees with itself and with the bytes that an engine wrote."""
    size = math.prod(memory) * np.dtype(dtype).itemsize
    return min(memory, default=0) > 0 and size == buffer.bytes == written.array.nbytes


def _memory(buffer: Buffer) -> tuple[Shape, str]:
    """Sizes in memory and layout of a buffer of c_info, which tells channels first."""
    shape, together = buffer.shape, buffer.together
    if len(shape) != 4:
        return (shape if shape[:1] == (1,) else (1, *shape)), FLAT
    n, channels, height, width = shape
    if together == channels:
        return (n, height, width, channels), LAST
    if together <= 1 or channels % together:
        return shape, FIRST
    return (n, channels // together, height, width, together), MIXED
