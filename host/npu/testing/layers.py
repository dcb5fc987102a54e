"""What networks of the tests are made of: tensors, and layers that say how the NPU computes them.

Everything is plain data. A layer holds the integers that the NPU works with, not real numbers. R is
rounding to nearest after a right shift, S8 and S16 are saturation to signed bytes and halves.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]
Values: TypeAlias = NDArray[Any]  # of a tensor: [height, width, channels]
Quad: TypeAlias = tuple[int, int, int, int]

BYTES = {"i8": 1, "u8": 1, "i16": 2, "f32": 4}


@dataclass(frozen=True)
class Tensor:
    """`kind`: i8, u8, i16 or f32. `block`: channels that lie together.

    Memory is [channels/block][height][width][block].

    A tensor that is not `stored` exists on the switch alone, between two layers of one epoch.
    """

    name: str
    height: int
    width: int
    channels: int
    kind: str = "i8"
    block: int = 0  # 0: all of them
    scale: float = 0.0625
    zero: int = 0
    stored: bool = True

    @property
    def together(self) -> int:
        return self.block or self.channels

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.height * self.width * self.channels * BYTES[self.kind]

    def renamed(self, name: str) -> "Tensor":
        return replace(self, name=name)


@dataclass(frozen=True)
class Requantization:
    """How 16-bit sums become 8-bit steps; base of the four ways."""


@dataclass(frozen=True, eq=False)
class Sums(Requantization):
    """Not at all: the 16-bit sums are the result."""


@dataclass(frozen=True, eq=False)
class TwoSteps(Requantization):
    """x2 = S16(R(first[k] * x, first_shift)); y = S8(R(second * x2 + offsets[k], shift)).

    first: int16, one a channel or one for all; offsets: int32, likewise.
    """

    first: Integers
    first_shift: int
    second: int
    offsets: Integers
    shift: int


@dataclass(frozen=True, eq=False)
class Fused(Requantization):
    """y = S8(R(factors[k] * x + offsets[k], shift)).

    factors: int16, one a channel or one for all; offsets: int32, likewise.
    """

    factors: Integers
    offsets: Integers
    shift: int


@dataclass(frozen=True, eq=False)
class Streamed(Requantization):
    """x2 = S16(R(factors[k] * x, first_shift));
    y = S8(R(second * x2 + second * offsets[k] + (c << c_shift), shift)).

    Both vectors are int16 and come on port Y, so that there may be more than 512 channels.
    """

    factors: Integers
    first_shift: int
    second: int
    offsets: Integers
    c: int
    c_shift: int
    shift: int


@dataclass(frozen=True, eq=False)
class Conv:
    """A convolution of int8 kernels [K, kh, kw, C] with `source`, or with its `window`.

    A unit sees `batch` channels of a frame, `chain` units follow one another, and
    channels / (batch * chain) frames are summed through 16 bits; `partial` says how a sum comes
    back: memory (a stream that waits for the other), implicit (a stream that waits for nothing), or
    feedback (the unit's own output). Kernels are done `at_once` at a time.
    out = S16(R(sum of (x - zero) * w, shift)). pads and crop: top, bottom, left, right; crop is
    inclusive.
    """

    name: str
    source: Tensor
    target: Tensor
    kernel: Integers
    requantization: Requantization
    shift: int = 0
    stride: tuple[int, int] = (1, 1)
    pads: Quad = (0, 0, 0, 0)
    pad_value: int = 0
    crop: Quad | None = None
    window: Quad | None = None  # top, left, height, width
    zero: int = 0
    wide: bool = False  # features travel as 16 bits
    kernel_unsigned: bool = False
    at_once: int = 0  # 0: all
    batch: int = 0  # 0: all
    chain: int = 1
    partial: str = "memory"
    deep: bool = False
    packed: bool = False  # deep: the feature is read as one run of bytes

    @property
    def kernels(self) -> int:
        return self.at_once or len(self.kernel)

    @property
    def channels(self) -> int:
        return self.batch or self.source.channels

    @property
    def passes(self) -> int:
        return self.source.channels // (self.channels * self.chain)


@dataclass(frozen=True, eq=False)
class Depthwise:
    """Each channel with its own int8 kernel [C, kh, kw], done as dense kernels with zeros."""

    name: str
    source: Tensor
    target: Tensor
    kernel: Integers
    requantization: Requantization
    batch: int
    shift: int = 0
    stride: tuple[int, int] = (1, 1)
    pads: Quad = (0, 0, 0, 0)
    zero: int = 0
    wide: bool = False
    pairs: bool = False  # two channels travel as one of 16 bits; `fast` alone has that
    fast: bool = False  # dss2mode: changes no value


@dataclass(frozen=True, eq=False)
class Add:
    """S8(R(((a * x) >> x_shift) + ((b * y) >> y_shift) + (c << c_shift), shift)), one by one.

    Other operations need no constants: MUL, MIN and MAX are S8(R(x * y, shift)) and so on.
    """

    name: str
    sources: tuple[Tensor, Tensor]
    target: Tensor
    a: int
    b: int
    c: int
    x_shift: int
    y_shift: int
    c_shift: int
    shift: int
    batch: int = 0
    operation: str = "AFFINE"


@dataclass(frozen=True, eq=False)
class Affine:
    """y = S(R(((a[i] * x) >> x_shift) + (c[i] << c_shift), shift)); i counts what `along` says.

    `combined`: c is int32 and unshifted; else int16. `clip`: lowest and highest result.
    """

    name: str
    source: Tensor
    target: Tensor
    a: Integers
    c: Integers
    shift: int
    along: str = "CHAN"  # CHAN, HEIGHT, WIDTH, HEIGHT_WIDTH or SCALAR
    combined: bool = True
    x_shift: int = 0
    c_shift: int = 0
    clip: tuple[int, int] | None = None
    batch: int = 0
    saturate: bool = True
    rounding: bool = True


@dataclass(frozen=True, eq=False)
class Pool:
    """MAX, MIN, AVG over windows (height, width), or GMAX, GMIN, GAVG over all; signed values.

    Averages are S(R(sum * factor, shift)), of 16 bits where a `scaling` of one factor and offset
    follows. crop: top, bottom, left, right, inclusive.
    """

    name: str
    source: Tensor
    target: Tensor
    operation: str
    window: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (1, 1)
    crop: Quad | None = None
    factor: int = 0
    shift: int = 0
    batch: int = 0
    scaling: Fused | None = None
    x_shift: int = 0


@dataclass(frozen=True, eq=False)
class Copy:
    """The same values in another layout; `pairs`: two bytes at a time."""

    name: str
    source: Tensor
    target: Tensor
    batch: int = 0
    pairs: bool = False


@dataclass(frozen=True, eq=False)
class Dequantize:
    """f32 = (q - zero) * scale of the source's, in software."""

    name: str
    source: Tensor
    target: Tensor


@dataclass(frozen=True, eq=False)
class Quantize:
    """q = saturated rint(x / scale) + zero of the target's, in software."""

    name: str
    source: Tensor
    target: Tensor


@dataclass(frozen=True, eq=False)
class Transpose:
    """Axis i of the target is axis permutation[i] of the source, in software."""

    name: str
    source: Tensor
    target: Tensor
    permutation: tuple[int, int, int]


HardwareLayer: TypeAlias = Conv | Depthwise | Add | Affine | Pool | Copy
SoftwareLayer: TypeAlias = Dequantize | Quantize | Transpose
Layer: TypeAlias = HardwareLayer | SoftwareLayer


@dataclass(frozen=True)
class Epoch:
    """Layers that run at the same time; a software layer runs alone."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Network:
    """`inputs` are set before a run.

    reuse: memory that nobody reads any more is given away. seed: of what makes no difference to
    values, such as which of the equal units are used and how a stream is told. pools: which of the
    chip's RAM its tensors may lie in, by the names of `place.POOLS`; none named: all of it.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    epochs: tuple[Epoch, ...]
    reuse: bool = False
    seed: int = 0
    pools: tuple[str, ...] = ()


def sources(layer: Layer) -> tuple[Tensor, ...]:
    """The tensors that a layer reads."""
    return layer.sources if isinstance(layer, Add) else (layer.source,)


def sums_of(layer: Layer) -> Tensor | None:
    """The 16-bit tensor in memory through which a convolution adds its frames up, or None."""
    if not isinstance(layer, Conv) or layer.passes == 1 or layer.partial == "feedback":
        return None
    target = layer.target
    return Tensor(f"{layer.name}_out_0", target.height, target.width, layer.kernels, "i16")
