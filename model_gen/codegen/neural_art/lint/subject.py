"""What is linted: a model as the compiler takes it, on data; or what the compiler wrote; or both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.layer import Layer
from host.npu.compiler.model import CompiledModel, Prediction, predict
from host.npu.compiler.single_op import computed_inputs
from host.npu.network import Seen
from model_gen.codegen.neural_art.lint.effects import Observed
from model_gen.codegen.neural_art.lint.network import Code
from model_gen.codegen.tflite.graph import Array

REAL, MADE_UP = "given inputs", "inputs made up"


@dataclass(frozen=True, eq=False)
class Subject:
    """What the rules look at.

    Attributes:
        model: as the compiler of the dialect is predicted to take it; None without a model.
        content: the .tflite of `model`.
        code: what the compiler wrote; None for a model alone.
        inputs: of the model, int8, in its inputs' order, one tuple a sample; none without a model.
        data: what they are: `REAL`, or `MADE_UP` where nobody gave any.
        seen: what the executor saw of each unit on the inputs; empty where it did not run.
        nodes: of network.c, by the index of the model's op; empty where that is not known.
        pins: what else names a dialect: who, and which.
    """

    model: CompiledModel | None = None
    content: bytes = field(default=b"", repr=False)
    code: Code | None = None
    inputs: tuple[tuple[Array, ...], ...] = ()
    data: str = MADE_UP
    seen: tuple[Seen, ...] = ()
    nodes: Mapping[int, str] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        """Whose constants they are."""
        if self.code is not None:
            return self.code.generated.dialect
        assert self.model is not None
        return self.model.dialect.name

    @property
    def is_real(self) -> bool:
        """Whether the data are somebody's, rather than made up."""
        return self.data == REAL

    @property
    def is_varied(self) -> bool:
        """Whether some input holds two values: kernels of mean zero give 0 on inputs of one."""
        return any(value.size and np.ptp(value) > 0 for one in self.inputs for value in one)

    @property
    def source(self) -> str:
        """The compiler model and its data, in words."""
        return f"compiler model, dialect {self.dialect}, {len(self.inputs)} {self.data}"

    @cached_property
    def predictions(self) -> tuple[Prediction, ...]:
        """The NPU's tensors for each sample, end to end."""
        return () if self.model is None else self.predicted(self.model)

    def predicted(self, model: CompiledModel) -> tuple[Prediction, ...]:
        """The tensors of a model on the data."""
        return tuple(predict(model, model.dialect.name, inputs) for inputs in self.inputs)

    @cached_property
    def products(self) -> tuple[Observed, ...]:
        """The convolutions of the model, each with what it reads."""
        layers = () if self.model is None else self.model.layers
        return tuple(
            Observed(layer, tuple(arrays[0] for arrays in self.read_by(layer)))
            for layer in layers
            if isinstance(layer, ConvolutionLayer)
        )

    def read_by(self, layer: Layer) -> tuple[tuple[Array, ...], ...]:
        """What a layer reads, for each sample."""
        assert self.model is not None
        read = computed_inputs(self.model.graph, layer.op)
        return tuple(tuple(made.tensors[i] for i in read) for made in self.predictions)


def where(layer: Layer) -> str:
    """An op, in words."""
    return f"op {layer.op.index}, {layer.op.name}"
