"""Which tensor in the NPU's memory is which tensor of the model.

By the compiler's names where a file or the weights lead from them to an op, then by shape, scale
and zero point, at last by order. A name, or an order, never overrules shape, scale and zero point.
What could be two tensors alike is taken for none of them.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from host.npu.comparison.layouts import MIXED
from host.npu.comparison.stored import Stored, is_copy, named
from host.npu.compiler.single_op import computed_inputs
from model_gen.codegen.tflite.graph import Graph, Op

Key = TypeVar("Key", bound=Hashable)

NAME, WEIGHTS, VALUES, ORDER = "name", "weights", "shape, scale and zero point", "order"
_PADS = ("PAD", "PADV2")  # that a convolution does by itself
_PRODUCT = ("Conv2D", "Gemm", "MatMul")
KINDS = {
    "CONV_2D": _PRODUCT,
    "DEPTHWISE_CONV_2D": _PRODUCT,
    "FULLY_CONNECTED": _PRODUCT,
    "ADD": ("Add",),
    "MUL": ("Mul",),
    "SUB": ("Sub",),
    "MEAN": ("AveragePool", "ReduceMean", "GlobalAveragePool"),
    "AVERAGE_POOL_2D": ("AveragePool", "GlobalAveragePool"),
    "MAX_POOL_2D": ("MaxPool",),
    "PAD": ("Pad",),
    "PADV2": ("Pad",),
    "CONCATENATION": ("Concat",),
    "SOFTMAX": ("Softmax",),
    "LOGISTIC": ("Sigmoid",),
}


@dataclass(frozen=True)
class Found:
    """Where a tensor of the model lies.

    Attributes:
        stored: the tensor in memory.
        how: NAME, WEIGHTS, VALUES or ORDER, what it was told by.
        copies: other tensors in memory that hold the same.
    """

    stored: Stored
    how: str
    copies: tuple[Stored, ...] = ()


def find(
    graph: Graph, tensors: Sequence[Stored], nodes: Mapping[int, tuple[str, str]]
) -> dict[int, Found]:
    """The tensors of the model that lie in memory, by index.

    Args:
        graph: the model.
        tensors: of a run, in its order, without inputs.
        nodes: the compiler's node of an op, and what tells it: NAME or WEIGHTS. The other nodes are
            paired with the other ops.
    """
    ends = _by_order(graph.outputs, [one for one in tensors if one.role == "output"], graph)
    candidates: dict[int, list[tuple[Stored, str]]] = {
        index: [(one, how)] for index, (one, how) in ends.items()
    }
    taken = {one.place for found in candidates.values() for one, _ in found}
    ops = _ops_of_nodes(graph, tensors, nodes)
    for one in tensors:
        index, how = _by_name(graph, one, ops)
        if index is not None and one.place not in taken:
            candidates.setdefault(index, []).append((one, how))
            taken.add(one.place)
    rest = [one for one in tensors if one.place not in taken and not _is_inner(one)]
    for index, found in _by_values(graph, rest, set(candidates)).items():
        candidates.setdefault(index, []).extend(found)
    return {
        index: Found(found[0][0], found[0][1], tuple(one for one, _ in found[1:]))
        for index, found in ((i, sorted(c, key=_preference)) for i, c in candidates.items())
    }


def _is_inner(one: Stored) -> bool:
    name = named(one.name)
    return name is not None and name.inner


def _preference(candidate: tuple[Stored, str]) -> tuple[bool, bool, bool, int]:
    """No copy for another layout, and none in groups of channels, of which lists tell wrong sizes
    at times; then signed bytes, as the model has them; then the first that was computed."""
    one, _ = candidate
    signed = one.dtype in ("int8", "float32")
    return is_copy(one.name), one.layout == MIXED, not signed, one.place


def _by_order(
    indices: Iterable[int], tensors: Sequence[Stored], graph: Graph
) -> dict[int, tuple[Stored, str]]:
    """Outputs: those that fit, in their order."""
    left = list(tensors)
    made = {}
    for index in indices:
        fitting = [one for one in left if one.fits(graph.tensors[index])]
        if fitting:
            made[index] = (fitting[0], VALUES if len(fitting) == 1 else ORDER)
            left.remove(fitting[0])
    return made


def _by_name(
    graph: Graph, one: Stored, ops: Mapping[str, tuple[Op, str]]
) -> tuple[int | None, str]:
    name = named(one.name)
    if name is None or name.inner or name.node not in ops:
        return None, ""
    op, how = ops[name.node]
    index = next((i for i in _ends_of(graph, op, reads=name.reads) if _fits(graph, one, i)), None)
    return index, how


def _ops_of_nodes(
    graph: Graph, tensors: Sequence[Stored], nodes: Mapping[int, tuple[str, str]]
) -> dict[str, tuple[Op, str]]:
    """The op of each node, and how it was told."""
    ops = {op.index: op for op in graph.ops}
    made = {node: (ops[i], how) for i, (node, how) in nodes.items() if i in ops}
    for kinds in dict.fromkeys(KINDS.values()):
        family = [op for op in graph.ops if KINDS.get(op.name) == kinds and op.index not in nodes]
        known: dict[str, set[int]] = {}
        numbers: dict[str, int] = {}
        for one in tensors:
            name = named(one.name)
            if name is None or name.inner or name.kind not in kinds or not one.told:
                continue
            if name.node in made:
                continue
            fitting = {op.index for op in family if _is_of(graph, op, one, reads=name.reads)}
            if fitting:
                known[name.node] = known.get(name.node, fitting) & fitting
                numbers[name.node] = name.number
        ordered = sorted(known, key=numbers.__getitem__)
        pairs = paired({node: frozenset(known[node]) for node in ordered})
        made |= {node: (ops[op], how) for node, (op, how) in pairs.items()}
    return made


def _is_of(graph: Graph, op: Op, one: Stored, *, reads: bool) -> bool:
    return any(_fits(graph, one, index) for index in _ends_of(graph, op, reads=reads))


def _ends_of(graph: Graph, op: Op, *, reads: bool) -> Iterator[int]:
    """What a node of this op makes; or reads, which lies before the pads that it takes in."""
    if not reads:
        yield op.outputs[0]
        return
    makers = {index: maker for maker in graph.ops for index in maker.outputs}
    read = computed_inputs(graph, op)[:1]
    while read:
        yield read[0]
        maker = makers.get(read[0])
        if maker is None or maker.name not in _PADS:
            return
        read = computed_inputs(graph, maker)[:1]


def _fits(graph: Graph, one: Stored, index: int) -> bool:
    return one.fits(graph.tensors[index])


def _by_values(
    graph: Graph, tensors: Sequence[Stored], found: set[int]
) -> dict[int, list[tuple[Stored, str]]]:
    """Tensors without a telling name, where shape, scale and zero point leave one way."""
    made = [index for op in graph.ops for index in op.outputs]
    fitting = {
        one.place: frozenset(i for i in made if one.fits(graph.tensors[i])) for one in tensors
    }
    by_place = {one.place: one for one in tensors}
    result: dict[int, list[tuple[Stored, str]]] = {}
    several: dict[int, frozenset[int]] = {}
    for place, indices in fitting.items():
        if len(indices) == 1 and not indices & found:
            result.setdefault(next(iter(indices)), []).append((by_place[place], VALUES))
        elif indices and not indices & found:
            several[place] = indices
    for place, (index, how) in paired(several).items():
        if index not in result:
            result[index] = [(by_place[place], how)]
    return result


def paired(fitting: Mapping[Key, frozenset[int]]) -> dict[Key, tuple[int, str]]:
    """Pairs of keys and numbers: where one is left, or as many alike as numbers, in their order.

    >>> paired({"a": frozenset({1}), "b": frozenset({1, 2}), "c": frozenset({5, 6})})
    {'a': (1, 'shape, scale and zero point'), 'b': (2, 'shape, scale and zero point')}
    """
    made: dict[Key, tuple[int, str]] = {}
    left = dict(fitting)
    while True:
        groups: dict[frozenset[int], list[Key]] = {}
        for key, numbers in left.items():
            groups.setdefault(numbers, []).append(key)
        sound = [(n, keys) for n, keys in groups.items() if n and len(n) == len(keys)]
        if not sound:
            return made
        numbers, keys = min(sound, key=lambda group: len(group[0]))
        how = VALUES if len(keys) == 1 else ORDER
        made |= {key: (n, how) for key, n in zip(keys, sorted(numbers), strict=True)}
        left = {k: v - numbers for k, v in left.items() if k not in keys}
