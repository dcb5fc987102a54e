"""Which .tflite a network was compiled from: by its signature, or, where none is left, by its weights and shapes.

Names of files say nothing: a public example ships a 5-class .tflite beside a network of 101 classes.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from host.errors import BadInput, IdentityFailure
from model_gen.codegen.neural_art.fields import Fields
from model_gen.codegen.neural_art.network_source import NetworkSource, SourceBuffer
from model_gen.codegen.neural_art.output_folder import Output
from model_gen.codegen.neural_art.proof import belonging, md5
from model_gen.codegen.neural_art.tied import tie
from model_gen.codegen.tflite.graph import Graph, Tensor
from model_gen.codegen.tflite.reader import read_tflite

SIGNATURE, WEIGHTS = "signature", "weights and shapes"
C_INFO = "c_info"
NEXT = "generate from this very model, or give the .tflite that the network was generated from"
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_ROUNDED = 1e-5  # of a scale: network.c prints about 15 digits of what may have passed float32
_BITS = {"int8": (8, True), "uint8": (8, False), "int16": (16, True), "float32": (32, True)}


@dataclass(frozen=True)
class Identity:
    """That a network was compiled from a model.

    Attributes:
        how: SIGNATURE or WEIGHTS.
        statement: a sentence for every verdict.
        witnesses: what signs the model.
        tensors: of int8 weights in the model.
        found: how many of these lie among the network's constants.
        bytes: of those that were found.
    """

    how: str
    statement: str
    witnesses: tuple[str, ...]
    tensors: int
    found: int
    bytes: int


def identify(output: Output, model: bytes, *, reordered: bool = False) -> Identity:
    """How a folder's network, which `check_npu` has let pass, is known for that of `model`, a .tflite.

    A c_info that belongs to network.c settles it by its signature, unless weights of the model were replaced. What
    else may lie in the folder can only contradict, for nothing ties it to network.c: then weights, shapes and scales
    decide. What is added in each layer must be the model's either way; `reordered` lets it stand in another order.

    Raises:
        IdentityFailure: it was compiled from another one.
        BadInput: no file tells, and the model has no weights to look for, or is none; or the files do not belong
            together.
    """
    belonging(output)
    signatures, mine = dict(_signatures(output)), md5(model)
    for name, told in signatures.items():
        if mine not in told:
            raise IdentityFailure(
                "the network was compiled from another model",
                evidence=f"Received: a model with MD5 {mine}; {name} signs {', '.join(sorted(told))}",
                next_step=NEXT,
            )
    graph, network = read_tflite(model), output.network
    assert network is not None, "an ordinary build was refused before"
    witnesses = tuple(sorted(signatures))
    present, lost, left = _search(output, network, graph)
    size = sum(tensor.bytes for _, tensor in present)
    tensors = len(present) + len(lost)
    among = (
        f"{len(present)} of {tensors} tensors of weights, {size:,} bytes, found among its constants"
    )
    if C_INFO in signatures:
        _check_not_replaced(lost, left, any_present=bool(present))
        statement = f"{' and '.join(witnesses)} sign the very .tflite, MD5 {mine}; {among}"
        if lost:
            statement += ": the compiler merged or changed the others"
        statement += f"; {tie(output, model, reordered=reordered).statement}"
        return Identity(SIGNATURE, statement, witnesses, tensors, len(present), size)
    if lost:
        number, tensor = lost[0]
        raise IdentityFailure(
            "the network was compiled from another model",
            evidence=f"Received: no c_info, and no constant with the weights of op {number}, {tensor.describe()}",
            next_step=NEXT,
        )
    if not present:
        raise BadInput(
            "nothing tells which model the network was compiled from",
            evidence="Received: no c_info that signs it, and a model without int8 weights",
            next_step=NEXT,
        )
    _check_ends(graph, network)
    scales = _check_scales(graph, network)
    between = f"the scales of its {scales} internal tensors are the model's; " if scales else ""
    tied = tie(output, model, reordered=reordered)
    unseen = ([] if tied.total else ["biases"]) + ([] if scales else ["the scales between layers"])
    return Identity(
        WEIGHTS,
        f"no c_info signs the model: known by its ends and its weights, {among}; {between}{tied.statement}; "
        f"{', '.join([*unseen, 'the order of layers and weights'])} were not looked at",
        *(witnesses, tensors, len(present), size),
    )


def _signatures(output: Output) -> Iterator[tuple[str, frozenset[str]]]:
    """What names the model's file by its MD5: the witness, and the signatures that it gives."""
    if output.c_info is not None:
        told = frozenset(file.md5 for file in output.c_info.models if file.md5 is not None)
        if told:
            yield C_INFO, told
    if output.report is not None:
        models = output.report.compilation.models
        told = frozenset(file.md5 for file in models if file.md5 is not None)
        if told:
            yield "the report", told
    if output.quantization is not None:
        told = frozenset(_in_quantization(output.quantization))
        if told:
            yield "the quantization file", told


def _in_quantization(raw: Mapping[str, object]) -> Iterator[str]:
    top = Fields.of(raw, "a quantization file (_Q.json)", NEXT)
    for tool in top.object("environment").objects("tools", empty=True):
        if "input_model" in tool:
            for file in tool.object("input_model").objects("model_files", empty=True):
                signature = file.text("signature", "")
                if signature:
                    yield signature.removeprefix("0x")


@dataclass(frozen=True)
class _Constant:
    """An 8-bit constant: its bytes, how often each stands there, and its scales, empty where they are not told."""

    bytes: int
    histogram: tuple[int, ...]
    scales: tuple[float, ...]


_Tensors = list[tuple[int, Tensor]]


def _search(
    output: Output, network: NetworkSource, graph: Graph
) -> tuple[_Tensors, _Tensors, list[_Constant]]:
    """The tensors of weights, with their ops, that lie among the network's constants; those that do not; what is left.

    One is found where a constant has just its bytes, in whatever order, zeros apart, and its scales: the compiler
    turns layouts round and fills up with zeros. Kernels that it cut are put together by the name that the parts share.
    """
    left = list(_constants(output, network))
    present, lost = [], []
    for number, tensor in _weights(graph):
        assert tensor.value is not None
        wanted = _histogram(tensor.value.tobytes())
        found = next(
            (one for one in left if one.histogram == wanted and _may_scale(one, tensor)), None
        )
        if found is None:
            lost.append((number, tensor))
        else:
            left.remove(found)
            present.append((number, tensor))
    return present, lost, left


def _may_scale(constant: _Constant, tensor: Tensor) -> bool:
    """Whether a constant's scales, where as many are told, are the tensor's."""
    scales = () if tensor.quantization is None else tensor.quantization.scales
    return len(constant.scales) != len(scales) or all(map(_same, constant.scales, scales))


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= _ROUNDED * abs(other)


def _check_not_replaced(lost: _Tensors, left: list[_Constant], *, any_present: bool) -> None:
    """Refuse constants with other weights in the place of the model's.

    Raises:
        IdentityFailure: no weights of the model are there; or a constant that holds none of them has the size or the
            scales of weights that are absent.
    """
    for number, tensor in lost:
        scales = () if tensor.quantization is None else tensor.quantization.scales
        instead = any(
            one.bytes == tensor.bytes
            or (len(one.scales) == len(scales) > 0 and _may_scale(one, tensor))
            for one in left
        )
        if instead or not any_present:
            raise IdentityFailure(
                "the files hold the constants of another network",
                evidence="Received: a c_info that signs the model, and no constant with the weights and scales of "
                f"op {number}, {tensor.describe()}",
                next_step="give the whole folder of one generation: its .raw files are of another",
            )


def _weights(graph: Graph) -> Iterator[tuple[int, Tensor]]:
    """Each tensor of int8 weights once, with the first op that reads it."""
    seen: set[int] = set()
    for op in graph.ops:
        if op.name in _WEIGHTED and len(op.inputs) > 1:
            tensor = graph.tensors[op.inputs[1]]
            if tensor.value is not None and tensor.dtype == "int8" and tensor.index not in seen:
                seen.add(tensor.index)
                yield op.index, tensor


def _constants(output: Output, network: NetworkSource) -> Iterator[_Constant]:
    """Each 8-bit constant, and the parts of one that was cut as one."""
    parts: dict[str, list[bytes]] = defaultdict(list)
    for buffer in network.constants:
        if buffer.bits == 8:
            data = _content(output, buffer)
            yield _Constant(buffer.bytes, _histogram(data), buffer.scales)
            whole, cut, _ = buffer.name.partition("_submask")
            if cut:
                parts[whole].append(data)
    for pieces in parts.values():
        data = b"".join(pieces)
        yield _Constant(len(data), _histogram(data), ())


def _content(output: Output, buffer: SourceBuffer) -> bytes:
    for name, first in output.images.items():
        data = output.files[name]
        if first <= buffer.address and buffer.address + buffer.bytes <= first + len(data):
            return data[buffer.address - first : buffer.address - first + buffer.bytes]
    return b""


def _histogram(data: bytes) -> tuple[int, ...]:
    """How often each byte but 0 stands there."""
    return tuple(np.bincount(np.frombuffer(data, np.uint8), minlength=256)[1:].tolist())


def _check_ends(graph: Graph, network: NetworkSource) -> None:
    """Hold the network's inputs and outputs against the model's: elements, type and quantization.

    Raises:
        IdentityFailure: they differ. A type alone may: stedgeai can be asked for another one at the ends.
    """
    ends = (
        ("input", graph.inputs, [one for one in network.inputs if not one.constant]),
        ("output", graph.outputs, list(network.outputs)),
    )
    for which, tensors, buffers in ends:
        wanted = sorted(_end(graph.tensors[index]) for index in tensors)
        found = sorted(_of_buffer(buffer) for buffer in buffers)
        if [elements for elements, *_ in wanted] != [elements for elements, *_ in found]:
            raise _other_end(which, wanted, found)
        for a, b in zip(wanted, found, strict=True):
            same_kind = a[1] == b[1] and None not in (a[2], b[2])
            if same_kind and (
                a[3] != b[3] or abs((a[2] or 0) - (b[2] or 0)) > _ROUNDED * (a[2] or 0)
            ):
                raise _other_end(which, wanted, found)


def _check_scales(graph: Graph, network: NetworkSource) -> int:
    """Hold the scales of the internal tensors, as far as they are told, against the model's: how many there are.

    The same weights, calibrated on other data, are another network.

    Raises:
        IdentityFailure: the model has no tensor of such a scale.
    """
    told = [one for one in network.internals if one.bits == 8 and one.scales]
    ours = {
        scale
        for tensor in graph.tensors
        if tensor.value is None and tensor.quantization is not None
        for scale in tensor.quantization.scales
    }
    for buffer in told:
        if not all(any(_same(scale, own) for own in ours) for scale in buffer.scales):
            raise IdentityFailure(
                "the network was compiled from another model",
                evidence=f"Received: an internal tensor {buffer.name} of scale {buffer.scales[0]:.9g}, which no "
                "tensor of the model has",
                next_step=NEXT,
            )
    return len(told)


_End = tuple[int, tuple[int, bool], float | None, int | None]


def _end(tensor: Tensor) -> _End:
    """(elements, bits and sign, scale, zero point)."""
    q, kind = tensor.quantization, _BITS.get(tensor.dtype, (0, True))
    quantized = q is not None and tensor.dtype != "float32"
    if not quantized or q is None:
        return tensor.elements, kind, None, None
    return tensor.elements, kind, q.scales[0], q.zero_points[0]


def _of_buffer(buffer: SourceBuffer) -> _End:
    kind = (buffer.bits, buffer.signed)
    elements = buffer.bytes * 8 // max(buffer.bits, 1)
    if not buffer.scales or buffer.bits == 32:
        return elements, kind, None, None
    return elements, kind, buffer.scales[0], next(iter(buffer.zero_points), 0)


def _other_end(which: str, wanted: list[_End], found: list[_End]) -> IdentityFailure:
    return IdentityFailure(
        "the network was compiled from another model",
        evidence=f"Received: {which}s as (elements, (bits, signed), scale, zero point): the network's {found}, "
        f"the model's {wanted}",
        next_step=NEXT,
    )
