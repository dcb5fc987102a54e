"""The NPU as a network.c is executed: its tensors, as far as they can be seen."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from host.errors import BadInput
from host.npu.arithmetic import HALF_AWAY
from host.npu.board.virtual import VirtualBoard
from host.npu.child import this_computer
from host.npu.comparison.layouts import as_memory
from host.npu.comparison.mapping import NAME, WEIGHTS, Found, find
from host.npu.comparison.side import FUSED, HIDDEN, OBSERVED, About, Pass, Place
from host.npu.comparison.stored import Stored, named, stored
from host.npu.comparison.weights import nodes_by_weights
from host.npu.compiler.model import CompiledModel
from host.npu.network import Buffer, Network, Run
from model_gen.codegen.neural_art.output_folder import Output
from model_gen.codegen.tflite.graph import Array, Graph

_UNTURNED = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # the same bytes in the same order
# The executor's names of tie rules, where they are others.
_TIES = {"half-toward-zero": "half-to-zero"}


class Executed:
    """A side that runs generated code.

    Args:
        source: its network.c.
        output: what the files beside it tell.
        model: the compiler model of its .tflite, in its dialect.
        statement: how the network is known for that of the model.
        rule: for ties, one that the executor has.
        board: that it runs on; None: this computer.

    Raises:
        BadInput: it does not compile, uses what is not known, or has other inputs than the model.
    """

    def __init__(
        self,
        source: Path,
        output: Output,
        model: CompiledModel,
        statement: str,
        rule: str = HALF_AWAY,
        board: VirtualBoard | None = None,
    ) -> None:
        self.model = model
        on = "this computer" if board is None else board.name
        self.about = About("executed", model.dialect.name, _tool(output), rule, statement, on)
        self._told = (
            {} if output.c_info is None else {one.name: one for one in output.c_info.buffers}
        )
        self._nodes = nodes_of(output, model.graph)
        self._found: dict[int, Found] | None = None
        self.places: Mapping[int, Place] = {}
        self.others: Sequence[str] = ()
        network = output.network
        self._blobs = network is not None and any(epoch.is_blob for epoch in network.epochs)
        with ExitStack() as stack:
            self._network = stack.enter_context(Network.open(source, on=board or this_computer))
            if self._network.code.dialect != model.dialect.name:
                raise BadInput(
                    f"the network is of dialect {self._network.code.dialect}",
                    evidence=f"Received: {model.dialect.name}",
                    next_step="leave --dialect out",
                )
            self.ports = _ports(self._network.inputs, model)
            stack.pop_all()

    def close(self) -> None:
        """End the process that holds the network."""
        self._network.close()

    def run(self, inputs: Sequence[Array]) -> Pass:
        graph = self.model.graph
        given = {
            buffer.name: _given(buffer, inputs[graph.inputs.index(index)])
            for buffer, index in self.ports
        }
        run = self._network.run(given, _TIES.get(self.about.rule, self.about.rule))
        found = self._mapped(run)
        arrays = [one.array for one in run.tensors]
        tensors: dict[int, Array] = dict(zip(graph.inputs, inputs, strict=True))
        copies: dict[int, tuple[str, ...]] = {}
        for index, where in found.items():
            tensor = graph.tensors[index]
            tensors[index] = where.stored.value(arrays[where.stored.place], tensor)
            other = tuple(
                copy.name
                for copy in where.copies
                if not _same_values(copy.value(arrays[copy.place], tensor), tensors[index])
            )
            if other:
                copies[index] = other
        for op in graph.ops:
            if op.name in _UNTURNED and op.outputs[0] not in tensors and op.inputs[0] in tensors:
                shape = graph.tensors[op.outputs[0]].shape
                tensors[op.outputs[0]] = tensors[op.inputs[0]].reshape(shape)
        return Pass(tensors, [(one.name, one.array) for one in run.tensors], copies)

    def _mapped(self, run: Run) -> dict[int, Found]:
        if self._found is not None:
            return self._found
        seen = [stored(place, one, self._told) for place, one in enumerate(run.tensors)]
        made = [one for one in seen if one.role != "input"]
        found = find(self.model.graph, made, self._nodes)
        self.places = dict(self._described(found, made))
        known = {one.place for w in found.values() for one in (w.stored, *w.copies)}
        self.others = tuple(
            f"{one.name} ({one.dtype} {list(one.memory)}, epoch {one.epoch})"
            for one in made
            if one.place not in known
        )
        self._found = found
        return found

    def _described(
        self, found: Mapping[int, Found], made: Sequence[Stored]
    ) -> list[tuple[int, Place]]:
        listed = self._network.lists_internals
        places: dict[int, Place] = {}
        for op in self.model.graph.ops:
            for index in op.outputs:
                where = found.get(index)
                if where is not None:
                    copies = tuple(copy.name for copy in where.copies)
                    places[index] = Place(
                        OBSERVED, "", where.stored.name, where.how, where.stored.epoch, copies
                    )
                    continue
                source = places.get(op.inputs[0]) if op.inputs else None
                if op.name in _UNTURNED and (
                    op.inputs[0] in self.model.graph.inputs or (source and source.name)
                ):
                    name = source.name if source else ""
                    reason = f"nothing is moved: the bytes are those of tensor {op.inputs[0]}"
                    places[index] = Place(FUSED, reason, name)
                else:
                    places[index] = self._unseen(op.index, made, listed=listed)
        return list(places.items())

    def _unseen(self, op: int, made: Sequence[Stored], *, listed: bool) -> Place:
        if self._blobs and not listed:
            return Place(
                HIDDEN,
                "a program of the epoch controller computes it, and the network lists no internal "
                "buffers: generate without the epoch controller and with --all-buffers-info",
            )
        if not listed and not any(one.told for one in made if one.role == "stream"):
            return Place(
                HIDDEN,
                "network.c lists no internal buffers, and no c_info tells of them: "
                "generate with --all-buffers-info",
            )
        node, _ = self._nodes.get(op, ("", ""))
        own = [one for one in made if node and (n := named(one.name)) and n.node == node]
        if own:
            forms = ", ".join(f"{one.name}, {one.dtype} {list(one.memory)}" for one in own)
            return Place(FUSED, f"only a step of it lies in memory: {forms}")
        return Place(FUSED, "no stream engine writes it whole: it goes on to the next unit")


def _tool(output: Output) -> str:
    """Whose version made the network, by the best witness."""
    told, network = output.compilation, output.network
    if told is not None:
        return f"stedgeai {told.version}"
    return "stedgeai" if network is None else f"stedgeai with the compiler {network.compiler}"


def _same_values(copy: Array, value: Array) -> bool:
    """In whatever order: lists of buffers tell the layout of copies for deep convolutions wrongly.

    A copy that is really in the wrong order shows as a fault of the layer that reads it.
    """
    return np.array_equal(np.sort(copy, axis=None), np.sort(value, axis=None))


def nodes_of(output: Output, graph: Graph) -> dict[int, tuple[str, str]]:
    """The compiler's node of an op and what tells it: its file, or the weights."""
    nodes = {} if output.quantization is None else _all_nodes(output.quantization)
    told = {op: (node, NAME) for op, node in nodes.items()}
    known = {op: (node, WEIGHTS) for op, node in nodes_by_weights(output, graph).items()}
    return known | told


def _all_nodes(content: Mapping[str, object]) -> dict[int, str]:
    """Nodes that are named after an op: OP_NAME_3."""
    made: dict[int, str] = {}
    nodes = content.get("nodes")
    for node, entry in nodes.items() if isinstance(nodes, dict) else ():
        names = entry.get("names", ()) if isinstance(entry, dict) else ()
        for name in names if isinstance(names, list) else ():
            head, _, number = str(name).rpartition("_")
            if head and number.isdecimal():
                made.setdefault(int(number), node)
    return made


def _ports(buffers: Sequence[Buffer], model: CompiledModel) -> list[tuple[Buffer, int]]:
    """The model's input of each of the network's inputs: those that fit, in their order.

    Raises:
        BadInput: one has none.
    """
    graph = model.graph
    left = list(graph.inputs)
    pairs = []
    for buffer in buffers:
        fitting = [
            i for i in left if _takes(buffer, graph.tensors[i].shape, graph.tensors[i].dtype)
        ]
        if not fitting:
            wanted = "; ".join(graph.tensors[i].describe() for i in graph.inputs)
            raise BadInput(
                "the network's inputs must be the model's, of the same type",
                evidence=f"Received: input {buffer.name}, {buffer.dtype} "
                f"{list(buffer.memory_shape)} {buffer.layout}; the model takes {wanted}",
                next_step="compile it with the types of the model's inputs",
            )
        pairs.append((buffer, fitting[0]))
        left.remove(fitting[0])
    return pairs


def _takes(buffer: Buffer, shape: tuple[int, ...], dtype: str) -> bool:
    value = np.zeros(shape, dtype)
    whole = int(np.prod(buffer.memory_shape)) == value.size
    return (
        buffer.dtype == dtype
        and whole
        and as_memory(value, buffer.layout, buffer.memory_shape) is not None
    )


def _given(buffer: Buffer, value: Array) -> Array:
    placed = as_memory(value, buffer.layout, buffer.memory_shape)
    assert placed is not None
    return placed
