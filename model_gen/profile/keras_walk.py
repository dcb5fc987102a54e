"""From a Keras model to the steps of its int8 inference, without converting it.

What TensorFlow Lite's converter does to the layers of a classifier is known: batch normalization goes into the product
before it, an activation into the op before it, and a padding into the convolution after it.
"""

from dataclasses import replace
from math import prod
from typing import Any

from model_gen.profile.keras_graph import KerasGraph, Node, graph_of
from model_gen.profile.step import INPUT, Kernels, Step
from model_gen.profile.work import CHANNELS, CONV, DEPTHWISE, LOOKUP, Work, rows_of

PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_CLAMPED = (*PRODUCTS, "ADD", "SUB", "MUL", "AVERAGE_POOL_2D", "MAX_POOL_2D")  # take an activation
_FUSED = {"relu": "RELU", "relu6": "RELU6"}
# Activations whose values are never below 0.
_POSITIVE = ("RELU", "RELU6", "LOGISTIC", "SOFTMAX")


class Walk:
    """The steps so far. Handlers of layers (model_gen/profile/keras_layers.py) add to them."""

    def __init__(self, graph: KerasGraph) -> None:
        self.graph = graph
        self.steps: list[Step] = []
        self._made: dict[int, int] = dict.fromkeys(graph.inputs, INPUT)  # tensor -> step
        # A model's input is a spectrum, in [0, 1]; but a waveform, of one row, has both signs.
        self._positive: set[int] = {key for key, shape in graph.inputs.items() if shape[0] > 1}
        self._closed: set[int] = set()  # steps that have their activation
        self._counted: set[int] = set()  # layers whose parameters are counted

    def add(
        self,
        node: Node,
        op: str,
        work: Work | None,
        *,
        macs: int = 0,
        known: bool = True,
        idle: bool = False,
        kernels: Kernels | None = None,
        positive: bool = False,
        reads: tuple[int, ...] | None = None,
    ) -> None:
        """One step for a layer; a second one for the same layer reads what the first wrote."""
        if reads is None:
            again = node.output in self._made
            reads = (
                (self.at(node),)
                if again
                else tuple(self._made.get(key, INPUT) for key in node.inputs)
            )
        self.steps.append(
            Step(
                name=node.operation.name,
                op=op,
                layers=(node.operation.name,),
                inputs=node.shapes,
                output=node.shape,
                reads=reads,
                work=work,
                known=known,
                idle=idle,
                macs=macs,
                parameters=self._parameters(node),
                kernels=kernels,
                trains=bool(getattr(node.operation, "trainable", True)),
                positive=self.positive(node),
            )
        )
        self._made[node.output] = len(self.steps) - 1
        if positive:
            self._positive.add(node.output)

    def at(self, node: Node) -> int:
        """The step that wrote a layer's output so far, or else its first input."""
        return self._made.get(node.output, self._made.get(node.inputs[0], INPUT))

    def positive(self, node: Node) -> bool:
        """Whether nothing that it reads is below 0."""
        return all(key in self._positive for key in node.inputs)

    def before(self, node: Node, ops: tuple[str, ...]) -> Step | None:
        """The step that computes the only input of `node`, for it alone; None unless it is one of `ops` and has no
        activation yet."""
        key = node.inputs[0]
        number = self._made.get(key, INPUT)
        if len(node.inputs) != 1 or number == INPUT or number in self._closed:
            return None
        if self.steps[number].op not in ops or self.graph.readers[key] != 1:
            return None
        return self.steps[number]

    def fuse(self, node: Node, into: Step, **changes: Any) -> None:
        """Let the step `into` compute this layer, too."""
        number = self.steps.index(into)
        name = node.operation.name
        layers = into.layers if name in into.layers else (*into.layers, name)
        parameters = into.parameters + self._parameters(node)
        self.steps[number] = replace(into, layers=layers, parameters=parameters, **changes)
        self._made[node.output] = number

    def activate(self, node: Node, activation: str) -> None:
        """The activation of a layer, or the layer that is one: fused where the converter does so."""
        word = _FUSED.get(activation, "")
        own = node.output in self._made
        if own:
            number = self._made[node.output]
            into = self.steps[number] if self.steps[number].op in _CLAMPED else None
        else:
            into = self.before(node, _CLAMPED)
        if word and into is not None:
            free = into.work is not None and into.work.kernel in (CONV, DEPTHWISE)
            work = replace(into.work, relu=True) if into.work is not None and free else into.work
            self.fuse(node, into, work=work)
            self._closed.add(self._made[node.output])
            self._positive.add(node.output)
            return
        op = word or activation.upper()
        self.add(node, op, rows_of(LOOKUP, 1, prod(node.shape)), positive=op in _POSITIVE)

    def _parameters(self, node: Node) -> int:
        if id(node.operation) in self._counted or not hasattr(node.operation, "count_params"):
            return 0
        self._counted.add(id(node.operation))
        return int(node.operation.count_params())


def keras_steps(model: Any) -> tuple[Step, ...]:
    """The steps of a functional `keras.Model`, batch 1."""
    from model_gen.profile.keras_layers import HANDLERS, unknown

    graph = graph_of(model)
    walk = Walk(graph)
    for node in graph.nodes:
        HANDLERS.get(node.kind, unknown)(walk, node)
    return _forward(tuple(walk.steps))


def _forward(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """With what goes into the one op that reads it: a PAD of rows and columns into a convolution, a
    factor of each channel into a dense layer."""
    found = list(steps)
    for number, step in enumerate(steps):
        readers = [at for at, other in enumerate(steps) if number in other.reads]
        if step.work is None or len(readers) != 1:
            continue
        reader = found[readers[0]]
        taken = None
        if step.op == "PAD":
            taken = _padded(reader, step)
        elif step.op == "MUL" and step.work.kernel == CHANNELS and reader.op == "FULLY_CONNECTED":
            taken = reader
        if taken is not None:
            found[number] = replace(step, work=None, idle=True)
            found[readers[0]] = taken
    return tuple(found)


def _padded(reader: Step, pad: Step) -> Step | None:
    """The convolution `reader` with a PAD before it as its own padding; None where it cannot."""
    work, image = reader.work, pad.inputs[0]
    assert pad.work is not None
    if reader.op not in PRODUCTS[:2] or work is None or work.window == (1, 1):
        return None
    if len(image) != 3 or image[2] != pad.output[2]:
        return None
    top, left = (own + more for own, more in zip(work.pad, pad.work.pad, strict=True))
    return replace(
        reader, work=replace(work, source=(image[0], image[1], image[2]), pad=(top, left))
    )
