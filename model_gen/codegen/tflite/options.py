"""What each op's options say, one frozen dataclass a family, read from the file's option tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tflite

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}
PADDINGS = {0: "SAME", 1: "VALID"}


@dataclass(frozen=True)
class Options:
    """Options of an op that has none, or none that matter here."""


@dataclass(frozen=True)
class WindowOptions(Options):
    """Convolutions and pools: strides, dilations and filter sizes as (height, width)."""

    padding: str
    stride: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    filter: tuple[int, int] = (1, 1)  # of pools; a convolution's is in its weights
    activation: str = "NONE"


@dataclass(frozen=True)
class FullyConnectedOptions(Options):
    activation: str = "NONE"
    keep_num_dims: bool = False
    weights_format: int = 0


@dataclass(frozen=True)
class ElementwiseOptions(Options):
    activation: str = "NONE"


@dataclass(frozen=True)
class SoftmaxOptions(Options):
    beta: float = 1.0


@dataclass(frozen=True)
class ReducerOptions(Options):
    keep_dims: bool = False


@dataclass(frozen=True)
class ConcatenationOptions(Options):
    axis: int = 0
    activation: str = "NONE"


@dataclass(frozen=True)
class AxisOptions(Options):
    axis: int = 0


@dataclass(frozen=True)
class GatherOptions(Options):
    axis: int = 0
    batch_dims: int = 0


@dataclass(frozen=True)
class SqueezeOptions(Options):
    dimensions: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReshapeOptions(Options):
    new_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class StridedSliceOptions(Options):
    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    offset: bool = False


@dataclass(frozen=True)
class CountOptions(Options):
    count: int = 0  # of outputs


@dataclass(frozen=True)
class LeakyReluOptions(Options):
    alpha: float = 0.0


@dataclass(frozen=True)
class BatchMatmulOptions(Options):
    turned_1: bool = False  # whether the operand is stored with rows and columns exchanged
    turned_2: bool = False


@dataclass(frozen=True)
class BlockOptions(Options):
    size: int = 0  # rows and columns of a block


@dataclass(frozen=True)
class GeluOptions(Options):
    approximate: bool = False


@dataclass(frozen=True)
class MirrorPadOptions(Options):
    symmetric: bool = False


@dataclass(frozen=True)
class ResizeOptions(Options):
    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True)
class LstmOptions(Options):
    """A clip of 0 is none."""

    activation: str = "NONE"
    cell_clip: float = 0.0
    projection_clip: float = 0.0
    time_major: bool = False
    diagonal: bool = False  # whether the recurrent weights are diagonals


@dataclass(frozen=True)
class SvdfOptions(Options):
    rank: int = 0  # filters that make one output
    activation: str = "NONE"


@dataclass(frozen=True)
class VariableOptions(Options):
    """VAR_HANDLE: the name that the handles of one variable share, in all subgraphs."""

    container: str = ""
    shared_name: str = ""


@dataclass(frozen=True)
class CallOnceOptions(Options):
    subgraph: int = 0  # what runs before the first inference, and never again


def _activation(raw: Any) -> str:
    return ACTIVATIONS.get(raw.FusedActivationFunction(), "UNKNOWN")


def _conv(raw: Any) -> Options:
    return WindowOptions(
        padding=PADDINGS.get(raw.Padding(), "UNKNOWN"),
        stride=(raw.StrideH(), raw.StrideW()),
        dilation=(raw.DilationHFactor(), raw.DilationWFactor()),
        activation=_activation(raw),
    )


def _transpose_conv(raw: Any) -> Options:
    return WindowOptions(
        padding=PADDINGS.get(raw.Padding(), "UNKNOWN"),
        stride=(raw.StrideH(), raw.StrideW()),
        activation=_activation(raw),
    )


def _pool(raw: Any) -> Options:
    return WindowOptions(
        padding=PADDINGS.get(raw.Padding(), "UNKNOWN"),
        stride=(raw.StrideH(), raw.StrideW()),
        filter=(raw.FilterHeight(), raw.FilterWidth()),
        activation=_activation(raw),
    )


def _fully_connected(raw: Any) -> Options:
    return FullyConnectedOptions(_activation(raw), bool(raw.KeepNumDims()), raw.WeightsFormat())


def _elementwise(raw: Any) -> Options:
    return ElementwiseOptions(_activation(raw))


def _integers(vector: Any) -> tuple[int, ...]:
    return () if isinstance(vector, int) else tuple(int(v) for v in vector)


def _reshape(raw: Any) -> Options:
    return ReshapeOptions(None if raw.NewShapeIsNone() else _integers(raw.NewShapeAsNumpy()))


def _variable(raw: Any) -> Options:
    names = (
        (name or b"").decode("utf-8", "replace") for name in (raw.Container(), raw.SharedName())
    )
    return VariableOptions(*names)


def _lstm(raw: Any) -> Options:
    return LstmOptions(
        _activation(raw),
        raw.CellClip(),
        raw.ProjClip(),
        bool(raw.TimeMajor()),
        bool(raw.DiagonalRecurrentTensors()),
    )


def _strided_slice(raw: Any) -> Options:
    return StridedSliceOptions(
        raw.BeginMask(),
        raw.EndMask(),
        raw.EllipsisMask(),
        raw.NewAxisMask(),
        raw.ShrinkAxisMask(),
        bool(raw.Offset()),
    )


# op -> (the option table of the schema, its reader, the options when the file leaves them out)
_READERS: dict[str, tuple[type, Callable[[Any], Options], Options | None]] = {
    "CONV_2D": (tflite.Conv2DOptions, _conv, None),
    "DEPTHWISE_CONV_2D": (tflite.DepthwiseConv2DOptions, _conv, None),
    "TRANSPOSE_CONV": (tflite.TransposeConvOptions, _transpose_conv, None),
    "AVERAGE_POOL_2D": (tflite.Pool2DOptions, _pool, None),
    "MAX_POOL_2D": (tflite.Pool2DOptions, _pool, None),
    "FULLY_CONNECTED": (tflite.FullyConnectedOptions, _fully_connected, FullyConnectedOptions()),
    "ADD": (tflite.AddOptions, _elementwise, ElementwiseOptions()),
    "SUB": (tflite.SubOptions, _elementwise, ElementwiseOptions()),
    "MUL": (tflite.MulOptions, _elementwise, ElementwiseOptions()),
    "DIV": (tflite.DivOptions, _elementwise, ElementwiseOptions()),
    "L2_NORMALIZATION": (tflite.L2NormOptions, _elementwise, ElementwiseOptions()),
    "SOFTMAX": (tflite.SoftmaxOptions, lambda raw: SoftmaxOptions(raw.Beta()), None),
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"),
        (
            tflite.ReducerOptions,
            lambda raw: ReducerOptions(bool(raw.KeepDims())),
            ReducerOptions(),
        ),
    ),
    "CONCATENATION": (
        tflite.ConcatenationOptions,
        lambda raw: ConcatenationOptions(raw.Axis(), _activation(raw)),
        None,
    ),
    "PACK": (tflite.PackOptions, lambda raw: AxisOptions(raw.Axis()), None),
    "UNPACK": (tflite.UnpackOptions, lambda raw: AxisOptions(raw.Axis()), None),
    "SPLIT": (tflite.SplitOptions, lambda raw: CountOptions(raw.NumSplits()), None),
    "SPLIT_V": (tflite.SplitVOptions, lambda raw: CountOptions(raw.NumSplits()), None),
    "GATHER": (
        tflite.GatherOptions,
        lambda raw: GatherOptions(raw.Axis(), raw.BatchDims()),
        GatherOptions(),
    ),
    "SQUEEZE": (
        tflite.SqueezeOptions,
        lambda raw: SqueezeOptions(_integers(raw.SqueezeDimsAsNumpy())),
        SqueezeOptions(),
    ),
    "RESHAPE": (tflite.ReshapeOptions, _reshape, ReshapeOptions()),
    "STRIDED_SLICE": (tflite.StridedSliceOptions, _strided_slice, StridedSliceOptions()),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (tflite.UnidirectionalSequenceLSTMOptions, _lstm, None),
    "SVDF": (tflite.SVDFOptions, lambda raw: SvdfOptions(raw.Rank(), _activation(raw)), None),
    "VAR_HANDLE": (tflite.VarHandleOptions, _variable, None),
    "CALL_ONCE": (
        tflite.CallOnceOptions,
        lambda raw: CallOnceOptions(raw.InitSubgraphIndex()),
        None,
    ),
    "MIRROR_PAD": (tflite.MirrorPadOptions, lambda raw: MirrorPadOptions(raw.Mode() == 1), None),
    "RESIZE_BILINEAR": (
        tflite.ResizeBilinearOptions,
        lambda raw: ResizeOptions(bool(raw.AlignCorners()), bool(raw.HalfPixelCenters())),
        ResizeOptions(),
    ),
    "RESIZE_NEAREST_NEIGHBOR": (
        tflite.ResizeNearestNeighborOptions,
        lambda raw: ResizeOptions(bool(raw.AlignCorners()), bool(raw.HalfPixelCenters())),
        ResizeOptions(),
    ),
    "DEPTH_TO_SPACE": (
        tflite.DepthToSpaceOptions,
        lambda raw: BlockOptions(raw.BlockSize()),
        None,
    ),
    "SPACE_TO_DEPTH": (
        tflite.SpaceToDepthOptions,
        lambda raw: BlockOptions(raw.BlockSize()),
        None,
    ),
    "BATCH_MATMUL": (
        tflite.BatchMatMulOptions,
        lambda raw: BatchMatmulOptions(bool(raw.AdjX()), bool(raw.AdjY())),
        BatchMatmulOptions(),
    ),
    "GELU": (tflite.GeluOptions, lambda raw: GeluOptions(bool(raw.Approximate())), GeluOptions()),
    "LEAKY_RELU": (
        tflite.LeakyReluOptions,
        lambda raw: LeakyReluOptions(raw.Alpha()),
        LeakyReluOptions(),
    ),
}


def read_options(name: str, table: Any) -> Options | None:
    """The options of op `name` from its union table (None when absent); None when they are needed and absent."""
    if name not in _READERS:
        return Options()
    kind, reader, default = _READERS[name]
    if table is None:
        return default
    raw = kind()
    raw.Init(table.Bytes, table.Pos)
    return reader(raw)
