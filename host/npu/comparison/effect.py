"""What differences do to a model's outputs: scores, top class, decisions at thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.codegen.tflite.graph import Array, Graph

THRESHOLDS = (0.1, 0.25, 0.5, 0.75, 0.9)
_PROBABILITIES = ("SOFTMAX", "LOGISTIC")
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decisions:
    """How many scores lie on different sides of a threshold for the NPU and the reference."""

    threshold: float
    changed: int
    of: int


@dataclass(frozen=True)
class Effect:
    """On one output of the model, end to end.

    Attributes:
        tensor, label: of the output.
        vectors: how many were compared; 0 where the NPU's output is not seen.
        equal: of them, those in which every value is equal.
        scores: what the scores are: real numbers, or what follows from them.
        largest, mean: difference of a score.
        same_top: vectors with the same top class; None where there are no classes.
        changed_top: the vectors in which it is another.
        decisions: at THRESHOLDS; empty where scores are no probabilities.
        not_applicable: why something above does not apply.
    """

    tensor: int
    label: str
    vectors: int
    equal: int
    scores: str
    largest: float
    mean: float
    same_top: int | None
    changed_top: tuple[int, ...]
    decisions: tuple[Decisions, ...]
    not_applicable: tuple[str, ...]


class Outcomes:
    """The outputs of both sides, vector after vector.

    Args:
        graph: the model.
        activation: what the host applies to the real numbers: none, sigmoid or softmax.
    """

    def __init__(self, graph: Graph, activation: str) -> None:
        self._graph = graph
        self._activation = activation
        self._pairs: dict[int, list[tuple[int, Array, Array]]] = {i: [] for i in graph.outputs}

    def add(self, number: int, got: Mapping[int, Array], want: Mapping[int, Array]) -> None:
        """Take one vector's tensors."""
        for index, pairs in self._pairs.items():
            if index in got and index in want:
                pairs.append((number, got[index], want[index]))

    def effects(self) -> tuple[Effect, ...]:
        """Of every output, in the model's order."""
        return tuple(self._effect(index) for index in self._pairs)

    def _effect(self, index: int) -> Effect:
        tensor, pairs = self._graph.tensors[index], self._pairs[index]
        scores = [(n, self._scores(index, a), self._scores(index, b)) for n, a, b in pairs]
        apart = [np.nan_to_num(np.abs(a - b)) for _, a, b in scores]
        missing = []
        if not pairs:
            missing.append("the NPU's output is not seen")
        classes = [size for size in tensor.shape[1:] if size != 1]
        tops = None
        if len(classes) == 1:
            tops = [n for n, a, b in scores if int(a.argmax()) != int(b.argmax())]
        else:
            missing.append(f"top class: the output has {len(classes)} axes, and not one of classes")
        decisions: tuple[Decisions, ...] = ()
        if self._are_probabilities(index):
            decisions = tuple(
                Decisions(
                    limit,
                    sum(int(((a >= limit) != (b >= limit)).sum()) for _, a, b in scores),
                    sum(a.size for _, a, _ in scores),
                )
                for limit in THRESHOLDS
            )
        else:
            missing.append("thresholds: the scores are no probabilities")
        return Effect(
            tensor=index,
            label=tensor.name,
            vectors=len(pairs),
            equal=sum(bool(np.array_equal(a, b)) for _, a, b in pairs),
            scores=self._activation if self._activation != "none" else "real numbers",
            largest=float(max((one.max(initial=0.0) for one in apart), default=0.0)),
            mean=float(np.nan_to_num(np.mean([one.mean() for one in apart]))) if apart else 0.0,
            same_top=None if tops is None else len(pairs) - len(tops),
            changed_top=tuple(tops or ()),
            decisions=decisions,
            not_applicable=tuple(missing),
        )

    def _scores(self, index: int, value: Array) -> Reals:
        q = self._graph.tensors[index].quantization
        real = np.nan_to_num(value.astype(np.float64)).ravel()
        if q is not None and value.dtype.kind != "f":
            real = q.scales[0] * (real - q.zero_points[0])
        if self._activation == "sigmoid":
            return np.asarray(1.0 / (1.0 + np.exp(-real)))
        if self._activation == "softmax":
            powers = np.exp(real - real.max())
            return np.asarray(powers / powers.sum())
        return real

    def _are_probabilities(self, index: int) -> bool:
        if self._activation != "none":
            return True
        makers = {i: op for op in self._graph.ops for i in op.outputs}
        op = makers.get(index)
        while op is not None and op.name in ("DEQUANTIZE", "QUANTIZE", "RESHAPE"):
            op = makers.get(op.inputs[0])
        return op is not None and op.name in _PROBABILITIES
