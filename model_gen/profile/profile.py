"""The profile of a model: its steps with what each costs, and what the NPU's rules find."""

from dataclasses import dataclass
from math import prod
from typing import Any

from model_gen.profile.cost import CostTable, shipped_table
from model_gen.profile.keras_walk import keras_steps
from model_gen.profile.rules import judge
from model_gen.profile.rules.rule import Finding, Scene
from model_gen.profile.step import Shape, Step, arena
from model_gen.profile.tflite_walk import tflite_steps


@dataclass(frozen=True)
class ModelProfile:
    """What is known of a model before it is converted.

    Attributes:
        inputs: shapes of its inputs, without the batch.
        steps: of its int8 inference.
        costs: instructions of each step on the Cortex-M55 as they are expected; None where no measured kernel is like
            it.
        findings: of the rules, what is worst first.
        trained: whether its weights were learned.
    """

    inputs: tuple[Shape, ...]
    steps: tuple[Step, ...]
    costs: tuple[float | None, ...]
    findings: tuple[Finding, ...]
    trained: bool

    @property
    def macs(self) -> int:
        return sum(step.macs for step in self.steps)

    @property
    def parameters(self) -> int:
        return sum(step.parameters for step in self.steps)

    @property
    def input_bytes(self) -> int:
        """Of the int8 inputs."""
        return sum(prod(shape) for shape in self.inputs)

    @property
    def activation_bytes(self) -> int:
        """int8 activations that live at once."""
        return arena(self.inputs, self.steps)

    @property
    def instructions(self) -> float:
        """Of the steps whose cost is known."""
        return sum(cost for cost in self.costs if cost is not None)

    @property
    def uncosted(self) -> int:
        """Steps whose cost is not known."""
        return sum(cost is None for cost in self.costs)


def profile_model(model: Any, *, trained: bool, table: CostTable | None = None) -> ModelProfile:
    """The profile of a functional `keras.Model`."""
    inputs = tuple(tuple(size or 1 for size in tensor.shape[1:]) for tensor in model.inputs)
    return _profile(inputs, keras_steps(model), trained, table)


def profile_tflite(
    content: bytes, *, rounding: str = "tflite", table: CostTable | None = None
) -> ModelProfile:
    """The profile of a .tflite; its kernels are int8 already, so those of mean zero are the lint's.

    Raises:
        BadInput: the file is not a model, or backend cm55 does not take it.
    """
    inputs, steps = tflite_steps(content, rounding=rounding)
    return _profile(inputs, steps, True, table)


def _profile(
    inputs: tuple[Shape, ...], steps: tuple[Step, ...], trained: bool, table: CostTable | None
) -> ModelProfile:
    known = table or shipped_table()
    return ModelProfile(
        inputs=inputs,
        steps=steps,
        costs=tuple(_cost(step, known) for step in steps),
        findings=judge(Scene(inputs, steps, trained)),
        trained=trained,
    )


def _cost(step: Step, table: CostTable) -> float | None:
    if step.work is not None:
        return table.predict(step.work)
    return 0.0 if step.known else None
