"""Every tensor of a model on the NPU held against TFLite's reference, on some vectors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from host.errors import BadInput
from host.npu.comparison.cause import Case, Cause, Inner, cause_of
from host.npu.comparison.effect import Effect, Outcomes
from host.npu.comparison.judge import Judge, inputs_of, predicted
from host.npu.comparison.predicted import is_predicted
from host.npu.comparison.side import OBSERVED, About, Pass, Place, Side
from host.npu.comparison.steps import Steps, distance, measure
from host.npu.compiler.layer import SOFTWARE, Layer
from host.npu.compiler.reference_layer import ReferenceLayer
from host.npu.compiler.single_op import computed_inputs
from model_gen.codegen.tflite.graph import Array, Graph, Tensor

MOST_NAMED = 8
_MOST_SHOWN = 65535  # steps on a map


@dataclass(frozen=True, eq=False)
class LayerComparison:
    """One output of one op.

    Attributes:
        op, tensor: indices; `name` of the op's kind.
        label, shape, dtype: of the tensor.
        unit: of floats, what counts as a step; None: they are equal or not.
        place: whether and where the NPU's is seen.
        covers: ops before it that are not seen, and are judged with it.
        how: where its bytes come from, as the compiler model has it.
        doubts: what is not certain about them: its own.
        inherited: of a prediction, these and those of all that it is computed from, with their ops.
        forced: on the NPU's own inputs, against the reference: the layer's own fault.
        end: end to end, what has accumulated.
        predicted: against the compiler model on the NPU's own inputs; None in a prediction, and
            where the reference stands in for a layer.
        cause: of what differs; None where nothing does.
        copies: names of other tensors that should hold the same and do not.
        map: largest |steps| of `forced` over the vectors, elementwise; None where nothing differs.
    """

    op: int
    name: str
    tensor: int
    label: str
    shape: tuple[int, ...]
    dtype: str
    unit: float | None
    place: Place
    covers: tuple[int, ...]
    how: str
    doubts: tuple[str, ...]
    inherited: tuple[str, ...]
    forced: Steps = field(default_factory=Steps)
    end: Steps = field(default_factory=Steps)
    predicted: Steps | None = None
    cause: Cause | None = None
    copies: tuple[str, ...] = ()
    map: Array | None = None

    @property
    def observed(self) -> bool:
        return self.place.state == OBSERVED

    @property
    def is_unscaled(self) -> bool:
        """Whether it is floats without bytes behind them: they are equal or not, no step apart."""
        return self.unit is None and self.dtype.startswith("float")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was found.

    Attributes:
        about: who computed for the NPU.
        reference: who judged.
        vectors: how many.
        layers: in the model's order.
        others: tensors in the NPU's memory that are none of the model's.
        effects: on each of the model's outputs.
    """

    about: About
    reference: str
    vectors: int
    layers: tuple[LayerComparison, ...]
    others: tuple[str, ...]
    effects: tuple[Effect, ...]

    @property
    def observed(self) -> tuple[LayerComparison, ...]:
        return tuple(layer for layer in self.layers if layer.observed)

    @property
    def worst(self) -> LayerComparison | None:
        """The layer with the largest fault of its own."""
        return max(self.observed, key=lambda layer: layer.forced.largest, default=None)

    def above(self, most: int) -> tuple[LayerComparison, ...]:
        """The layers whose own fault is more than `most` steps."""
        return tuple(layer for layer in self.observed if layer.forced.largest > most)

    @property
    def not_judged(self) -> tuple[LayerComparison, ...]:
        """The layers of which no number of steps is known, be it with a later one.

        An epoch of the processor that is not seen is none: it is no layer of the NPU.
        """
        covered = {op for layer in self.observed for op in layer.covers}
        return tuple(
            layer
            for layer in self.layers
            if (layer.forced.largest and layer.is_unscaled)
            or not (layer.observed or layer.op in covered or layer.how == SOFTWARE)
        )


def compare(
    side: Side,
    content: bytes,
    vectors: Sequence[Sequence[Array]],
    *,
    activation: str = "none",
    seen: Callable[[Pass], None] = lambda _: None,
    now: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Run the NPU and the reference, and hold them together.

    Args:
        side: the NPU.
        content: the .tflite.
        vectors: the model's inputs, in its order, at least one.
        activation: what the host applies to the model's outputs: none, sigmoid or softmax.
        seen: told what the NPU computed of each vector.
        now: told what is worked on.

    Raises:
        BadInput: no tensor of the model can be seen, or TFLite refuses the model.
    """
    judge = Judge(content, side.model)
    rows: dict[tuple[int, int], _Row] = {}
    outcomes = Outcomes(side.model.graph, activation)
    for number, inputs in enumerate(vectors):
        now(f"vector {number + 1} of {len(vectors)}")
        made = side.run(inputs)
        seen(made)
        if not rows:
            rows = {(row.layer.op.index, row.tensor.index): row for row in _rows(side, made)}
        whole = judge.whole(inputs)
        forced = judge.forced(made.tensors)
        told = predicted(side.model, made.tensors, side.about.rule) if _is_run(side) else None
        for row in rows.values():
            row.add(number, made, whole, forced, told)
        outcomes.add(number, made.tensors, whole)
    now("causes")
    layers = tuple(row.done(judge) for row in rows.values())
    return Comparison(
        side.about,
        judge.description,
        len(vectors),
        layers,
        tuple(side.others),
        outcomes.effects(),
    )


def _is_run(side: Side) -> bool:
    return side.about.kind == "executed"


def _rows(side: Side, made: Pass) -> list["_Row"]:
    graph = side.model.graph
    seen = {index for index, place in side.places.items() if place.state == OBSERVED}
    if not seen:
        reasons = sorted({place.reason for place in side.places.values()})
        if not _is_run(side):
            raise BadInput(
                "no layer of the model can be predicted",
                evidence=f"Received: {'; '.join(reasons)[:800]}",
                next_step="generate it with stedgeai, and give the folder",
            )
        raise BadInput(
            "no tensor of the model can be seen in what the network leaves in memory",
            evidence=f"Received: {'; '.join(reasons)[:800]}; in memory: "
            f"{', '.join(side.others[:MOST_NAMED]) or 'nothing'}",
            next_step="generate with --all-buffers-info, from this model",
        )
    rows = []
    covers: dict[int, tuple[int, ...]] = {}
    doubtful: dict[int, tuple[str, ...]] = {}
    for layer in side.model.layers:
        before = tuple(
            sorted({op for i in computed_inputs(graph, layer.op) for op in covers.get(i, ())})
        )
        own = [f"op {layer.op.index}, {layer.op.name}: {doubt}" for doubt in layer.doubts]
        read = computed_inputs(graph, layer.op)
        doubts = tuple(dict.fromkeys((*(d for i in read for d in doubtful.get(i, ())), *own)))
        for index in layer.op.outputs:
            doubtful[index] = () if _is_run(side) else doubts
            covers[index] = () if index in made.tensors else (*before, layer.op.index)
            row = _Row(side, layer, graph.tensors[index], before, doubtful[index])
            rows.append(row)
    return rows


class _Row:
    """A layer while vectors are added."""

    def __init__(
        self,
        side: Side,
        layer: Layer,
        tensor: Tensor,
        covers: tuple[int, ...],
        inherited: tuple[str, ...],
    ) -> None:
        self.layer, self.tensor = layer, tensor
        self._side, self._covers, self._inherited = side, covers, inherited
        self._unit = _unit(side.model.graph, layer, tensor)
        self._forced = self._end = Steps()
        group = [one for one in side.model.layers if one.op.index in (*covers, layer.op.index)]
        told = _is_run(side) and all(map(is_predicted, group))
        self._predicted = Steps() if told else None
        self._case: tuple[int, Case] | None = None  # how telling it is
        self._copies: dict[str, None] = {}
        self._map: Array | None = None

    def add(
        self,
        number: int,
        made: Pass,
        whole: Mapping[int, Array],
        forced: Mapping[int, Array],
        told: Mapping[int, Array] | None,
    ) -> None:
        index = self.tensor.index
        if self._side.places[index].state != OBSERVED:
            return
        got, want = made.tensors[index], forced[index]
        own = measure(got, want, number, self._unit)
        self._forced += own
        self._end += measure(got, whole[index], number, self._unit)
        self._copies |= dict.fromkeys(made.copies.get(index, ()))
        expected = got if told is None else told[index]
        off = Steps()
        if self._predicted is not None:
            off = measure(got, expected, number, self._unit)
            self._predicted += off
        if not own.largest:
            return
        apart = np.minimum(distance(got, want, self._unit), _MOST_SHOWN).astype(np.uint16)
        self._map = apart if self._map is None else np.maximum(self._map, apart)
        telling = own.largest + (2**40 if off.largest else 0)
        if self._case is None or telling > self._case[0]:
            fill = {} if told is None else told
            self._case = (
                telling,
                Case(
                    self.layer,
                    inputs_of(self._side.model, self.layer, made.tensors, fill),
                    *(got, want, expected, self._inner(made, fill), self._side.about.rule),
                    unit=self._unit,
                ),
            )

    def _inner(self, made: Pass, fill: Mapping[int, Array]) -> list[Inner]:
        model = self._side.model
        return [
            Inner(layer, inputs_of(model, layer, made.tensors, fill), fill[layer.op.outputs[0]])
            for layer in model.layers
            if layer.op.index in self._covers
        ]

    def done(self, judge: Judge) -> LayerComparison:
        row = LayerComparison(
            op=self.layer.op.index,
            name=self.layer.op.name,
            tensor=self.tensor.index,
            label=self.tensor.name,
            shape=self.tensor.shape,
            dtype=self.tensor.dtype,
            unit=self._unit,
            place=self._side.places[self.tensor.index],
            covers=self._covers,
            how=self.layer.how,
            doubts=self.layer.doubts,
            inherited=self._inherited,
            forced=self._forced,
            end=self._end,
            predicted=self._predicted,
            copies=tuple(self._copies),
            map=self._map,
        )
        if self._case is None:
            return row
        return replace(row, cause=cause_of(self._case[1], judge))


def _unit(graph: Graph, layer: Layer, tensor: Tensor) -> float | None:
    """Of floats behind bytes, the scale of these."""
    if tensor.dtype != "float32" or not isinstance(layer, ReferenceLayer):
        return None
    for index in computed_inputs(graph, layer.op):
        q = graph.tensors[index].quantization
        if q is not None and len(q.scales) == 1 and graph.tensors[index].dtype != "float32":
            return q.scales[0]
    return None
