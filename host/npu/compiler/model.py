"""A .tflite as the NPU's compiler is predicted to take it: every op a layer, none left out."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from host.errors import BadInput
from host.npu.arithmetic import HALF_AWAY, check_rule
from host.npu.compiler.addition_layer import addition_layer
from host.npu.compiler.constant import Unrepresentable
from host.npu.compiler.convolution_layer import convolution_layer
from host.npu.compiler.dialect import Dialect, dialect_named
from host.npu.compiler.layer import Layer
from host.npu.compiler.mean_layer import mean_layer
from host.npu.compiler.reference_layer import reference_layer
from host.npu.compiler.single_op import computed_inputs
from model_gen.codegen.tflite.graph import Array, Graph, Op
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.codegen.tflite.view import View

_KNOWN: dict[str, Callable[[View, Dialect], Layer | None]] = {
    "CONV_2D": convolution_layer,
    "DEPTHWISE_CONV_2D": convolution_layer,
    "FULLY_CONNECTED": convolution_layer,
    "ADD": lambda view, _: addition_layer(view),
    "MEAN": lambda view, _: mean_layer(view),
    "AVERAGE_POOL_2D": lambda view, _: mean_layer(view),
}


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """The layers of a model in order, each with its constants.

    Attributes:
        graph: the model as it was read.
        dialect: whose constants they are.
        layers: one for each op.
    """

    graph: Graph
    dialect: Dialect
    layers: tuple[Layer, ...] = field(repr=False)

    def compute(
        self, layer: Layer, tensors: dict[int, Array], rule: str = HALF_AWAY
    ) -> dict[int, Array]:
        """The outputs of one layer from given inputs: teacher forced, its own fault alone.

        Args:
            layer: one of `layers`.
            tensors: by index; at least the computed tensors that the op reads.
            rule: the tie rule.

        Raises:
            BadInput: a tensor that it reads is missing, or of another shape or type.
        """
        inputs = [self._checked(i, tensors) for i in computed_inputs(self.graph, layer.op)]
        return dict(zip(layer.op.outputs, layer.compute(inputs, rule), strict=True))

    def _checked(self, index: int, tensors: dict[int, Array]) -> Array:
        wanted = self.graph.tensors[index]
        value = tensors.get(index)
        if value is None or value.shape != wanted.shape or value.dtype.name != wanted.dtype:
            given = "nothing" if value is None else f"{value.dtype} {list(value.shape)}"
            raise BadInput(
                f"tensor {index} must be {wanted.describe()}", evidence=f"Received: {given}"
            )
        return value


def compile_model(content: bytes, dialect: str) -> CompiledModel:
    """What the compiler of a dialect is predicted to make of a .tflite.

    Raises:
        BadInput: the bytes are no model, the dialect is unknown, or an op cannot be computed by
            anybody.
    """
    chosen = dialect_named(dialect)
    graph = read_tflite(content)
    layers = tuple(_layer(content, graph, op, chosen) for op in graph.ops)
    return CompiledModel(graph, chosen, layers)


def _layer(content: bytes, graph: Graph, op: Op, dialect: Dialect) -> Layer:
    view = View(
        op,
        graph,
        tuple(None if i == -1 else graph.tensors[i] for i in op.inputs),
        tuple(graph.tensors[i] for i in op.outputs),
    )
    for index in (*op.inputs, *op.outputs):
        if index >= 0 and graph.tensors[index].free_dimensions not in ((), (0,)):
            raise view.refuse("its shape is not fixed")
    layer = None
    if op.name in _KNOWN and view.output.dtype == "int8" and view.input(0).dtype == "int8":
        with suppress(Unrepresentable):
            layer = _KNOWN[op.name](view, dialect) if view.input(0).elements else None
    return layer or reference_layer(content, graph, op)


@dataclass(frozen=True, eq=False)
class PredictedLayer:
    """One op of a prediction.

    Attributes:
        layer: the op, how it is computed, its constants.
        doubts: its own and those it inherits, each "op N, NAME: .."; empty when its bytes are
            certain.
    """

    layer: Layer
    doubts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The NPU's tensors of one inference, end to end.

    Attributes:
        dialect: whose constants were used.
        rule: the tie rule.
        tensors: by index: the inputs, then the outputs of every op.
        layers: in order of computation.
        outputs: the model's outputs in its order.
    """

    dialect: str
    rule: str
    tensors: dict[int, Array]
    layers: tuple[PredictedLayer, ...]
    outputs: tuple[Array, ...]


def predict(
    model: bytes | CompiledModel, dialect: str, inputs: Sequence[Array], rule: str = HALF_AWAY
) -> Prediction:
    """The NPU's tensors of a .tflite, end to end.

    Args:
        model: the bytes of the .tflite, or what `compile_model` made of them in this dialect.
        dialect: "2.1", "2.2", "3.0" or "4.0".
        inputs: in the model's order, of its inputs' shapes and types.
        rule: one of `host.npu.arithmetic.TIE_RULES`.

    Raises:
        BadInput: see `compile_model`; or inputs of another number, shape or type.
    """
    check_rule(rule)
    compiled = compile_model(model, dialect) if isinstance(model, bytes) else model
    if compiled.dialect != dialect_named(dialect):
        raise BadInput(
            f"the model was compiled for dialect {compiled.dialect.name}",
            evidence=f"Received: {dialect}",
        )
    graph = compiled.graph
    if len(inputs) != len(graph.inputs):
        raise BadInput(
            f"the model has {len(graph.inputs)} inputs", evidence=f"Received: {len(inputs)} arrays"
        )
    tensors = dict(zip(graph.inputs, inputs, strict=True))
    doubtful: dict[int, tuple[str, ...]] = {}
    layers = []
    for layer in compiled.layers:
        tensors |= compiled.compute(layer, tensors, rule)
        inherited = [
            doubt for i in computed_inputs(graph, layer.op) for doubt in doubtful.get(i, ())
        ]
        own = tuple(f"op {layer.op.index}, {layer.op.name}: {doubt}" for doubt in layer.doubts)
        doubts = tuple(dict.fromkeys((*inherited, *own)))
        doubtful |= dict.fromkeys(layer.op.outputs, doubts)
        layers.append(PredictedLayer(layer, doubts))
    outputs = tuple(tensors[i] for i in graph.outputs)
    return Prediction(compiled.dialect.name, rule, tensors, tuple(layers), outputs)
