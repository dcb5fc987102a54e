"""nightjar.json of a firmware around a generated network.c: its steps, its ports, and what is observed where."""

from collections.abc import Mapping, Sequence

from host.backends import NEURAL_ART
from host.bundle import Subject
from host.npu.comparison.executed import nodes_of
from host.npu.comparison.mapping import find
from host.npu.comparison.stored import stored
from host.npu.network import Buffer, array_shape, tensor_of
from host.project import Port, ProjectDescription, Tap
from model_gen.codegen.neural_art.compilation import SOFTWARE
from model_gen.codegen.neural_art.firmware.taps import Seen
from model_gen.codegen.neural_art.network_source import NetworkSource
from model_gen.codegen.neural_art.output_folder import Output
from model_gen.codegen.tflite.graph import Graph

_EPOCH, _OF_PROCESSOR = "EPOCH", "SOFTWARE"  # of what is no tensor of the model


def describe(
    subject: Subject,
    board: str,
    source: NetworkSource,
    inputs: Sequence[Buffer],
    seen: Sequence[Seen],
    ops: Mapping[int, str],
    *,
    bytes_used: int,
    stream: bool = False,
) -> ProjectDescription:
    """The table of taps and ports that the host compares by.

    A tap's `index` is the number of the epoch that finishes it, its `tensor` its place in the executor's order; an
    input's `tensor` goes on behind those.

    Args:
        subject: what the network was compiled from.
        board: the kind of the board.
        source: network.c.
        inputs: those of the network that are no constants.
        seen: its other buffers.
        ops: see `ops_of`.
        bytes_used: of RAM, by the network.
        stream: whether the firmware takes samples as they arrive.
    """
    slots = {one.number: slot for slot, one in enumerate(observed(seen))}
    costs: set[int] = set()
    taps = []
    for one in seen:
        in_step = () if one.step in costs else (one.step,)  # of all that a step finishes, the first
        costs.add(one.step)
        kind = source.epochs[one.step].kind
        taps.append(
            Tap(
                index=one.buffer.epoch,
                tensor=one.number,
                name=one.buffer.name,
                op=ops.get(one.number, _OF_PROCESSOR if kind == SOFTWARE else _EPOCH),
                shape=array_shape(one.buffer),
                dtype=one.buffer.dtype,
                bytes=one.buffer.size,
                observed=not one.hidden,
                reason=one.hidden,
                slot=slots.get(one.number),
                step=None if one.hidden else one.step,
                cost_steps=in_step,
            )
        )
    return ProjectDescription(
        board=board,
        backend=NEURAL_ART,
        model_sha256=subject.model_sha256,
        contract_sha256=subject.contract_sha256,
        rounding={},
        rules=NEURAL_ART,
        arena_bytes=bytes_used,
        steps=len(source.epochs),
        inputs=tuple(_port(len(seen) + i, buffer) for i, buffer in enumerate(inputs)),
        outputs=tuple(_port(one.number, one.buffer) for one in seen if one.buffer.role == "output"),
        taps=tuple(taps),
        stream=stream,
    )


def observed(seen: Sequence[Seen]) -> list[Seen]:
    """What the firmware's tap table has, in its order: by rising step."""
    return sorted((one for one in seen if not one.hidden), key=lambda one: (one.step, one.number))


def ops_of(output: Output, graph: Graph, inputs: int, seen: Sequence[Seen]) -> dict[int, str]:
    """The op of the model whose result a tensor is, by the tensor's number; as `nightjar npu` maps them.

    Args:
        output: the files beside network.c, which lead from the compiler's names to ops.
        graph: the model.
        inputs: how many the network has.
        seen: its other tensors.
    """
    told = {} if output.c_info is None else {one.name: one for one in output.c_info.buffers}
    made = [
        stored(inputs + one.number, tensor_of(one.buffer, bytes(one.buffer.size)), told)
        for one in seen
    ]
    names = {index: op.name for op in graph.ops for index in op.outputs}
    found: dict[int, str] = {}
    for index, where in find(graph, made, nodes_of(output, graph)).items():
        for one in (where.stored, *where.copies):
            if index in names:
                found[one.place - inputs] = names[index]
    return found


def _port(number: int, buffer: Buffer) -> Port:
    return Port(
        tensor=number,
        name=buffer.name,
        shape=array_shape(buffer),
        dtype=buffer.dtype,
        bytes=buffer.size,
        scale=buffer.scale or 0.0,
        zero_point=buffer.offset or 0,
    )
