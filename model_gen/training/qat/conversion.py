"""The int8 model of what is being trained, as `nightjar quantize` converts it; once for each set of weights."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure
from host.files import write_atomically
from model_gen.models.checkpoint import config_files, save_checkpoint, weights_sha256
from model_gen.models.config import ModelConfig
from model_gen.quantization.ranges.own import Owned, owned_checkpoint
from model_gen.training.qat.rewritten import Rewritten


class Conversion:
    """Conversions of a model whose weights change; `calibration` is float32 [n, rows, frames] of the manifest.

    The first is the converter's, and the later ones are that one rewritten, where they can be.
    """

    def __init__(self, config: ModelConfig, calibration: npt.NDArray[np.float32]) -> None:
        self._config, self._calibration = config, calibration
        self._last: tuple[str, Owned] | None = None
        self._rewritten: Rewritten | None = None

    def of(self, model: Any) -> Owned:
        """The conversion of the present weights.

        Raises:
            HostFailure: the converter failed.
        """
        weights = weights_sha256(model)
        if self._last is None or self._last[0] != weights:
            owned = None if self._rewritten is None else self._rewritten.of(model)
            if owned is None:
                owned = self._converted(model)
                self._rewritten = Rewritten(model, owned, self._calibration)
            self._last = (weights, owned)
        return self._last[1]

    def prove(self, model: Any, best: Any, kept: Path) -> None:
        """Hold what `of` gives for `best`, loaded from `kept`, against the converter; `model` gets its weights.

        Raises:
            HostFailure: they differ, or the converter failed.
        """
        model.set_weights(best.get_weights())
        if self.of(model).int8 != owned_checkpoint(kept, self._calibration).int8:
            raise HostFailure(
                "the int8 model that chose the epoch is not what the converter makes of it",
                evidence=f"Received: {kept}",
                next_step="report it with the model's configuration",
            )

    def _converted(self, model: Any) -> Owned:
        with tempfile.TemporaryDirectory(prefix="nightjar-qat-") as folder:
            path = Path(folder) / "model.keras"
            save_checkpoint(model, path)
            for name, content in config_files(self._config, path).items():
                write_atomically(name, content)
            return owned_checkpoint(path, self._calibration)
