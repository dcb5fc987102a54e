"""The NPU as the compiler model predicts it, from a .tflite alone."""

from collections.abc import Mapping, Sequence

from host.npu.arithmetic import HALF_AWAY
from host.npu.comparison.side import HIDDEN, OBSERVED, About, Pass, Place
from host.npu.compiler.layer import MOVED, Layer
from host.npu.compiler.model import CompiledModel, predict
from host.npu.compiler.reference_layer import ReferenceLayer
from model_gen.codegen.tflite.graph import Array

TOOL = "compiler model"


class Predicted:
    """A side that is computed here: all is seen but what nobody can predict."""

    def __init__(self, model: CompiledModel, rule: str = HALF_AWAY) -> None:
        self.model = model
        self.about = About(
            "predicted",
            model.dialect.name,
            TOOL,
            rule,
            "predicted from the model alone: no network.c was read",
        )
        self.places: Mapping[int, Place] = {
            i: _place(layer, model.graph.tensors[i].name)
            for layer in model.layers
            for i in layer.op.outputs
        }
        self.others: Sequence[str] = ()

    def run(self, inputs: Sequence[Array]) -> Pass:
        graph = self.model.graph
        made = predict(self.model, self.model.dialect.name, inputs, self.about.rule).tensors
        order = [*graph.inputs, *(i for i in self.places if i not in graph.outputs)]
        order += [i for i in graph.outputs if i not in order]
        return Pass(made, [(graph.tensors[i].name, made[i]) for i in order])

    def close(self) -> None:
        """Nothing is held."""


def is_predicted(layer: Layer) -> bool:
    """Whether the NPU's values follow from the model; else the reference stands in for them."""
    return not isinstance(layer, ReferenceLayer) or layer.how == MOVED


def _place(layer: Layer, name: str) -> Place:
    """Where the reference stands in is no prediction: to equal itself would show nothing."""
    if is_predicted(layer):
        return Place(OBSERVED, name=name, how="predicted")
    why = "; ".join(layer.doubts) or "an epoch on the processor, by ST's library"
    return Place(HIDDEN, f"{why}: TFLite's reference stands in", name)
