"""The int8 model of what is being trained: converted as `nightjar quantize` converts, once for each set of weights."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.files import write_atomically
from model_gen.models.checkpoint import config_files, save_checkpoint, weights_sha256
from model_gen.models.config import ModelConfig
from model_gen.quantization.ranges.own import Owned, owned_checkpoint


class Conversion:
    """Conversions of a model whose weights change; `calibration` is float32 [n, rows, frames] of the manifest."""

    def __init__(self, config: ModelConfig, calibration: npt.NDArray[np.float32]) -> None:
        self._config, self._calibration = config, calibration
        self._last: tuple[str, Owned] | None = None

    def of(self, model: Any) -> Owned:
        """The conversion of the present weights.

        Raises:
            HostFailure: the converter failed.
        """
        weights = weights_sha256(model)
        if self._last is None or self._last[0] != weights:
            with tempfile.TemporaryDirectory(prefix="nightjar-qat-") as folder:
                path = Path(folder) / "model.keras"
                save_checkpoint(model, path)
                for name, content in config_files(self._config, path).items():
                    write_atomically(name, content)
                self._last = (weights, owned_checkpoint(path, self._calibration))
        return self._last[1]
