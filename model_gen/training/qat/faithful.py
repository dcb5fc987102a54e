"""The step of faithful training: the loss is of the int8 model's logits, the gradient reaches the Keras model."""

from typing import Any

import keras
from keras import ops

from model_gen.training.losses import Loss
from model_gen.training.qat.losses import staying
from model_gen.training.qat.simulate import Simulation
from model_gen.training.qat.teacher import Teacher


class Faithful(keras.Model):  # type: ignore[misc]
    """Learns what its batches are labelled with, and to stay what `teacher` is, through `simulation` of `model`."""

    def __init__(
        self, model: Any, simulation: Simulation, teacher: Teacher, loss: Loss, activation: str
    ) -> None:
        super().__init__(name=model.name)
        self.learned = model
        self.simulation = simulation
        self._teacher = teacher
        self._judge, self._activation = loss, activation

    @property
    def own_variables(self) -> list[Any]:
        """What trains besides the network: nothing."""
        return []

    def call(self, windows: Any, training: bool = False) -> Any:
        return self.simulation(windows)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Of the labels, as a float step has it, and of the teacher."""
        values = self._judge.values(self._judge.smooth(y["targets"]), y_pred, None)
        teacher = ops.stop_gradient(self._teacher(x))
        return ops.mean(values) + staying(teacher, y_pred, self._activation)


def freeze(model: Any, simulation: Simulation | None = None) -> list[str]:
    """Freeze batch normalization, and what a simulation is no function of; the names of the latter, for people."""
    left, reached = [], set() if simulation is None else simulation.reached
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
        elif simulation is not None:
            missed = [v for v in layer.trainable_variables if id(v) not in reached]
            if missed and len(missed) == len(layer.trainable_variables):
                layer.trainable = False
                left.append(layer.name)
                continue
            for variable in missed:
                variable.trainable = False
                left.append(f"{variable.name} of {layer.name}")
    return left
