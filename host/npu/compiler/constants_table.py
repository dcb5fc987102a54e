"""The compiler model held against a network.c: every constant equal or not, none left out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from host.errors import BadInput
from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.constant import FORMULA, Constant
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.layer import Layer
from host.npu.compiler.mean_layer import MeanLayer
from host.npu.compiler.model import CompiledModel
from host.npu.compiler.network_constants import Memory, NetworkConstants, UnitRecord, Vector
from host.npu.compiler.requantization import Fused
from host.npu.compiler.software_convolution import SoftwareConvolutionLayer

_NODE = re.compile(r"(?P<kind>Conv2D|Gemm|Add|AveragePool)_(?P<number>\d+)(?![\d])")
_FAMILIES = {
    "CONV_2D": "product",
    "DEPTHWISE_CONV_2D": "product",
    "FULLY_CONNECTED": "product",
    "ADD": "Add",
    "MEAN": "AveragePool",
    "AVERAGE_POOL_2D": "AveragePool",
}
# Steps that turn int8 into uint8 and back: their units' names, and their constants.
_ZERO_OFFSETS = (
    ("x+128", r".*_suboff_\d+", {"A_scalar": 16384, "B_scalar": 32, "C_scalar": 0, "shift_o": 14}),
    ("x-128", r"Quantize_\d+", {"A_scalar": 16384, "B_scalar": -32, "C_scalar": 0, "shift_o": 14}),
)


@dataclass(frozen=True, eq=False)
class Compared:
    """One constant of one op: `found` is what the network.c says, None for an op in software.

    Attributes:
        kind: as in `Constant`.
        op: index of the TFLite op.
        node: the compiler's name.
        grade: of the prediction.
        equal, total: how many of its values are equal, of how many.
        predicted, found: the values.
    """

    kind: str
    op: int
    node: str
    grade: str
    equal: int
    total: int
    predicted: Any
    found: Any


@dataclass(frozen=True)
class ConstantsTable:
    """Every constant compared; the units that no op explains; the ops without a unit."""

    compared: tuple[Compared, ...]
    unexplained: tuple[str, ...]
    in_software: tuple[str, ...]

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """(equal, all) values of each kind of constant, in order of appearance."""
        sums: dict[str, tuple[int, int]] = {}
        for row in self.compared:
            equal, total = sums.get(row.kind, (0, 0))
            sums[row.kind] = (equal + row.equal, total + row.total)
        return sums

    def lines(self) -> list[str]:
        """The table as text."""
        rows = [f"{kind:12} {equal:6} of {n:6}" for kind, (equal, n) in self.by_kind().items()]
        rows += [f"in software: {name}" for name in self.in_software]
        return rows + [f"unexplained: {name}" for name in self.unexplained]


def nodes_in_order(text: str, model: CompiledModel) -> dict[int, str]:
    """The compiler's node of each op, paired in order of their numbers.

    Right for models without branches; with them, use `nodes_of_quantization_file`.

    Raises:
        BadInput: a family has another number of nodes than the model has ops.
    """
    found: dict[str, set[int]] = {}
    names: dict[tuple[str, int], str] = {}
    for match in _NODE.finditer(text):
        family = "product" if match["kind"] in ("Conv2D", "Gemm") else match["kind"]
        number = int(match["number"])
        found.setdefault(family, set()).add(number)
        names[family, number] = match[0]
    pairs: dict[int, str] = {}
    for family in sorted(set(_FAMILIES.values())):
        ops = [op.index for op in model.graph.ops if _FAMILIES.get(op.name) == family]
        numbers = sorted(found.get(family, ()))
        if len(ops) != len(numbers):
            raise BadInput(
                f"the network.c has {len(numbers)} nodes where the model has {len(ops)} ops",
                evidence=f"Received: nodes {', '.join(names[family, n] for n in numbers[:8])} ..",
                next_step="give the network.c that was compiled from this model",
            )
        pairs |= {op: names[family, n] for op, n in zip(ops, numbers, strict=True)}
    return pairs


def nodes_of_quantization_file(content: Mapping[str, Any]) -> dict[int, str]:
    """The compiler's node of each op, from the "nodes" of the *_Q.json beside the OE model."""
    pairs = {}
    nodes = content.get("nodes")
    for node, entry in nodes.items() if isinstance(nodes, dict) else ():
        names = entry.get("names") if isinstance(entry, dict) else None
        for name in names if isinstance(names, list) else ():
            made = re.fullmatch(r"[A-Z_0-9]*?_([0-9]{1,9})", str(name))
            if made and _NODE.fullmatch(node):
                pairs[int(made[1])] = node
    return pairs


def nodes_of_offsets(
    network: NetworkConstants, memory: Memory, model: CompiledModel, nodes: Mapping[int, str]
) -> dict[int, str]:
    """The node of each convolution, with branches: the one that adds what is predicted of it.

    Args:
        network, memory, model: as `compare_constants` takes them.
        nodes: of `nodes_in_order`. What is left of these goes in order to the ops that find none.
    """
    layers = [one for one in model.layers if isinstance(one, ConvolutionLayer)]
    products = [op.index for op in model.graph.ops if _FAMILIES.get(op.name) == "product"]
    left = [nodes[op] for op in products]
    pairs: dict[int, str] = {}
    for layer in layers:
        best, most = "", 0
        for node in left:
            equal = _equal(layer, node, _Walk(network, memory))
            if equal > most:
                best, most = node, equal
        if best:
            pairs[layer.op.index] = best
            left.remove(best)
    rest = [op for op in products if op not in pairs]
    return pairs | dict(zip(rest, left, strict=True))


def _equal(layer: ConvolutionLayer, node: str, walk: "_Walk") -> int:
    """How many of a layer's constants a node has; 0 where it adds anything else."""
    try:
        found = dict(walk.found(layer, node))
    except BadInput:  # a vector of so many channels is not there
        return 0
    rows = [_compared(one, layer.op.index, node, found.get(one.kind)) for one in layer.constants]
    added = [row for row in rows if row.kind in ("C_k", "Y_k")]
    if any(row.equal != row.total for row in added):
        return 0
    return sum(row.equal for row in rows)


def compare_constants(
    network: NetworkConstants, memory: Memory, model: CompiledModel, nodes: Mapping[int, str]
) -> ConstantsTable:
    """Hold every predicted constant against the network.c.

    Args:
        network: the records of the network.c.
        memory: its weights.
        model: the compiler model of the same .tflite, in the dialect of the network.c.
        nodes: the compiler's node of each op.

    Raises:
        BadInput: the memory lacks a vector.
    """
    walk = _Walk(network, memory)
    rows: list[Compared] = []
    software = []
    for layer in model.layers:
        node = nodes.get(layer.op.index, "")
        if isinstance(layer, SoftwareConvolutionLayer):
            software.append(f"op {layer.op.index} {layer.op.name} ({node}), as predicted")
        if not isinstance(layer, ConvolutionLayer | AdditionLayer | MeanLayer):
            continue
        found = dict(walk.found(layer, node))
        if not found:
            software.append(f"op {layer.op.index} {layer.op.name} ({node or 'no node'})")
            continue
        for constant in (*layer.constants, *_implied(layer)):
            rows.append(_compared(constant, layer.op.index, node, found.get(constant.kind)))
    rows += walk.zero_offsets()
    return ConstantsTable(tuple(rows), tuple(walk.unexplained()), tuple(software))


def _compared(constant: Constant, op: int, node: str, found: Any) -> Compared:
    predicted = np.ravel(constant.value)
    given = np.ravel(found) if found is not None else np.array([])
    equal = int((predicted == given).sum()) if predicted.shape == given.shape else 0
    return Compared(
        constant.kind, op, node, constant.grade, equal, predicted.size, constant.value, found
    )


def _implied(layer: Layer) -> Iterator[Constant]:
    """What every convolution has besides: how its zero point is taken off."""
    if isinstance(layer, ConvolutionLayer):
        zero = layer.convolution.input_zero
        yield Constant("fsub", 0 if zero == -128 else zero, FORMULA)


def _bits(record: UnitRecord, letter: str) -> int:
    """Of each number in a vector.

    Raises:
        BadInput: the hardware has no such.
    """
    most = 16 if letter == "A" else 32
    given = record.fields.get("vec_precision", (16, 16, 32))
    bits = given["ABC".index(letter)] if isinstance(given, tuple) and len(given) == 3 else 0
    if not 0 < bits <= most:
        raise BadInput(
            f"a vector {letter} has numbers of 1 to {most} bits",
            evidence=f"Received: {record.node}, .vec_precision = {given}",
            next_step="give the network.c as stedgeai wrote it",
        )
    return int(bits)


class _Walk:
    """The records of a network.c, each used once."""

    def __init__(self, network: NetworkConstants, memory: Memory) -> None:
        self._records = [r for r in network.records if r.kind not in ("stream",)]
        self._streams = network.of_kind("stream")
        self._memory = memory
        self._used: set[int] = set()

    def found(
        self, layer: ConvolutionLayer | AdditionLayer | MeanLayer, node: str
    ) -> Iterator[tuple[str, Any]]:
        if not node:
            return
        if isinstance(layer, ConvolutionLayer):
            yield from self._convolution(layer, node)
        elif isinstance(layer, AdditionLayer):
            yield from self._addition(node)
        else:
            yield from self._mean(layer, node)

    def zero_offsets(self) -> list[Compared]:
        """What turns the sign of bytes, and pads: numbers that are always the same."""
        rows = []
        for kind, pattern, constants in _ZERO_OFFSETS:
            for record in self._take("arith", pattern):
                for name, value in constants.items():
                    constant = Constant(f"{kind} {name}", value)
                    rows.append(_compared(constant, -1, record.node, record.integer(name)))
        for record in self._take("convacc", r"Pad_\d+"):
            for name, value in (("shift_o", 0), ("outbytes_o", 1)):
                constant = Constant(f"pad {name}", value)
                rows.append(_compared(constant, -1, record.node, record.integer(name)))
        return rows

    def unexplained(self) -> Iterator[str]:
        for number, record in enumerate(self._records):
            moved = record.kind == "pool" and record.fields.get("operation") == "POOL_MAX"
            if number not in self._used and not moved:
                yield f"{record.kind} {record.node} (line {record.line})"

    def _take(self, kind: str, pattern: str) -> list[UnitRecord]:
        taken = []
        for number, record in enumerate(self._records):
            if record.kind == kind and re.fullmatch(pattern, record.node):
                self._used.add(number)
                taken.append(record)
        return taken

    def _convolution(self, layer: ConvolutionLayer, node: str) -> Iterator[tuple[str, Any]]:
        tail = r"(_conv_\d+)?"
        units = self._take("convacc", rf"{node}{tail}(_subm_\d+)?(_ca_pipe_\d+)?")
        if not units:
            return
        kernels = layer.convolution.kernels
        last = [unit for unit in units if unit.integer("outbytes_o") == 2]
        yield "cs", sorted({unit.integer("shift_o") for unit in last})
        yield "fsub", sorted({unit.integer("fsub") for unit in units})
        parts = {re.sub(r"_ca_pipe_\d+$", "", unit.node) for unit in units}
        yield "parts", len(parts)
        yield "passes", max(max(1, unit.integer("afilt_tot")) for unit in units)
        self._take("arith", rf"{node}{tail}_add_\d+")  # of a cut kernel's parts: 1 and 1
        for record in self._take("arith", rf"{node}{tail}_mul_scale(_\d+)?"):
            yield "s1", record.integer("shift_o")
            yield "A_k", self._vector(record, "A", kernels)
        for record in self._take("arith", rf"{node}{tail}_off_bias(_\d+)?"):
            fused = isinstance(layer.requantization, Fused)
            yield "s" if fused else "s2", record.integer("shift_o")
            if fused:
                yield "A_k", self._vector(record, "A", kernels)
            else:
                yield "A", record.integer("A_scalar")
            if record.integer("clipout"):
                yield "activation", (record.integer("clipmin"), record.integer("clipmax"))
            if record.integer("dualinput"):
                yield "Y_k", self._vector(record, "C", kernels)
            else:
                yield "C_k", self._vector(record, "C", kernels)

    def _vector(self, record: UnitRecord, letter: str, count: int) -> Vector:
        address = record.integer(f"{letter}_vector")
        if address:
            # Constants are packed, and C's are taken off where its scalar is -1.
            sign = -1 if letter == "C" and record.integer("C_scalar") == -1 else 1
            return sign * self._memory.vector(address, count, _bits(record, letter))
        streams = [s for s in self._streams if s.node == record.node and s.role == "input 1"]
        if streams:
            return self._streamed(streams[0], record.integer("batchDepth"), count)
        if letter == "A":
            return np.full(count, record.integer("A_scalar"))
        both = (record.integer("B_scalar") << 16) | (record.integer("C_scalar") & 0xFFFF)
        return np.full(count, both << min(max(record.integer("C_shift"), 0), 63), object)

    def _streamed(self, stream: UnitRecord, batch: int, count: int) -> Vector:
        """16-bit numbers in groups of a batch, each group repeated for several pixels."""
        start = stream.integer("addr_base") + stream.integer("offset_start")
        width = stream.integer("offset_end") - stream.integer("offset_start")
        if batch <= 0 or count % batch:
            raise BadInput(
                "a stream of a bias must have whole groups of channels",
                evidence=f"Received: {stream.node}, {count} channels in groups of {batch}",
                next_step="give the network.c as stedgeai wrote it",
            )
        groups = [
            self._memory.vector(start + group * width, batch, 16) for group in range(count // batch)
        ]
        return np.concatenate(groups)

    def _addition(self, node: str) -> Iterator[tuple[str, Any]]:
        for record in self._take("arith", node):
            for kind, name in (
                ("add A", "A_scalar"),
                ("add B", "B_scalar"),
                ("Ax_shift", "Ax_shift"),
                ("By_shift", "By_shift"),
                ("add C", "C_scalar"),
                ("C_shift", "C_shift"),
                ("add shift", "shift_o"),
            ):
                yield kind, record.integer(name)

    def _mean(self, layer: MeanLayer, node: str) -> Iterator[tuple[str, Any]]:
        pools = self._take("pool", node)
        for record in pools:
            yield "mulval", record.integer("mulval")
            yield "mean shift", record.integer("shift_o")
        if layer.rescaling is None or not pools:
            return
        rescalings = [
            r
            for r in self._take("arith", r"RequantizeLinear_.*")
            if r.epoch == pools[0].epoch and r.integer("Ax_shift") == 8
        ]
        for record in rescalings:
            both = (record.integer("B_scalar") << 16) | (record.integer("C_scalar") & 0xFFFF)
            yield "mean A", record.integer("A_scalar")
            yield "mean C", both
            yield "t", record.integer("shift_o")
