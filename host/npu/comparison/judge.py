"""TFLite's reference kernels: of the whole model, and of one layer on the NPU's own inputs."""

from collections.abc import Callable, Mapping, Sequence

from host.npu.compiler.layer import Layer
from host.npu.compiler.model import CompiledModel
from host.npu.compiler.reference_layer import ReferenceLayer, reference_layer
from host.npu.compiler.single_op import computed_inputs
from host.reference.model import ReferenceModel
from model_gen.codegen.tflite.graph import Array

Compute = Callable[[Layer, Sequence[Array]], Sequence[Array]]


class Judge:
    """What TFLite makes of a model.

    Raises:
        BadInput: TFLite refuses the model.
    """

    def __init__(self, content: bytes, model: CompiledModel) -> None:
        self._content = content
        self._model = model
        self._whole = ReferenceModel(content)
        self._layers: dict[int, ReferenceLayer] = {
            layer.op.index: layer for layer in model.layers if isinstance(layer, ReferenceLayer)
        }
        self.description = self._whole.description

    def whole(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """Every tensor of the model, by index, from its inputs."""
        made = dict(zip(self._model.graph.inputs, inputs, strict=True))
        return made | self._whole.run(list(inputs))

    def forced(self, seen: Mapping[int, Array]) -> dict[int, Array]:
        """What each op gives on the NPU's own inputs.

        What is not seen of these is the reference's own, from what is seen before it.

        Args:
            seen: the NPU's tensors, by index; at least the model's inputs.
        """
        return chained(
            self._model, seen, lambda layer, inputs: self._layer(layer).compute(inputs, "")
        )

    def one(self, layer: Layer, inputs: Sequence[Array]) -> Array:
        """The first output of a layer from given inputs."""
        return self._layer(layer).compute(inputs, "")[0]

    def _layer(self, layer: Layer) -> ReferenceLayer:
        index = layer.op.index
        if index not in self._layers:
            self._layers[index] = reference_layer(self._content, self._model.graph, layer.op)
        return self._layers[index]


def predicted(model: CompiledModel, seen: Mapping[int, Array], rule: str) -> dict[int, Array]:
    """As `Judge.forced`, of the compiler model: what the NPU should give."""
    return chained(model, seen, lambda layer, inputs: layer.compute(inputs, rule))


def inputs_of(
    model: CompiledModel, layer: Layer, seen: Mapping[int, Array], made: Mapping[int, Array]
) -> list[Array]:
    """What a layer reads: what is seen, else what was made."""
    return [seen[i] if i in seen else made[i] for i in computed_inputs(model.graph, layer.op)]


def chained(model: CompiledModel, seen: Mapping[int, Array], compute: Compute) -> dict[int, Array]:
    """Each op's outputs from what is seen, else from what was made of it."""
    made: dict[int, Array] = {}
    for layer in model.layers:
        done = compute(layer, inputs_of(model, layer, seen, made))
        made |= dict(zip(layer.op.outputs, done, strict=True))
    return made
