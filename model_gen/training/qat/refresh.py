"""Before each epoch: the ranges of the present weights, from the manifest, into the simulation."""

from typing import Any

import keras

from model_gen.training.qat.conversion import Conversion
from model_gen.training.qat.simulate import Simulation


class Refresh(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives a `Faithful` the scales of the int8 model that its weights become at the epoch's beginning.

    The converter's graph may change with the weights, where it finds constants equal or not; it is then read anew.
    """

    def __init__(self, conversion: Conversion) -> None:
        super().__init__()
        self._conversion = conversion

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        learner = self.model
        owned = self._conversion.of(learner.learned)
        if not learner.simulation.take(owned):
            learner.simulation = Simulation(learner.learned, owned)
            learner.make_train_function(force=True)
