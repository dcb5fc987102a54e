"""What the float and the int8 model of a checkpoint say of the recordings that test it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import load_subject
from host.errors import BadInput
from model_gen.data.dataset import targets
from model_gen.data.features import Chunks, extract
from model_gen.data.reopen import EVALUATION_OVERLAP, recordings_of
from model_gen.data.selection import Selection
from model_gen.data.split import read_split
from model_gen.evaluation.pooling import activate, pool
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.models.config import ModelConfig
from model_gen.models.predict import predict_logits
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.run import OWN, QuantizeOptions, quantize

POOLING = "lme"


@dataclass(frozen=True, eq=False)
class Heard:
    """A checkpoint's model, and the chunks of the recordings that its split lets test."""

    model: Any
    config: ModelConfig
    chunks: Chunks

    @classmethod
    def of(cls, checkpoint: Path, data_path: Path, cache_dir: Path | None) -> "Heard":
        """
        Raises:
            BadInput: checkpoint or recordings are unusable.
        """
        model, config = load_checkpoint(checkpoint)
        split = read_split(beside(checkpoint, "split.csv"))
        chunks = extract(
            recordings_of(data_path, config.labels, split, "test"),
            config.frontend,
            Selection(config.max_duration, overlap=EVALUATION_OVERLAP),
            cache_dir=cache_dir,
            num_workers=2,
        )
        return cls(model, config, chunks)

    @property
    def wanted(self) -> npt.NDArray[np.int8]:
        """[recordings, labels], 0 or 1."""
        return targets(self.chunks.recordings, self.config.labels).astype(np.int8)

    def by_float(self) -> npt.NDArray[np.float64]:
        """Scores of recordings [recordings, labels]."""
        return self._pooled(predict_logits(self.model, self.chunks))

    def by_int8(self, bundle: Path) -> npt.NDArray[np.float64]:
        """Those of a bundle's model, by TFLite's reference kernels."""
        return self._pooled(Int8Model(load_subject(bundle).model).logits(self.chunks))

    def _pooled(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        scores = activate(logits, self.config.class_activation)
        return pool(scores, self.chunks.owner, len(self.chunks.recordings), POOLING)


def bundle_of(
    checkpoint: Path,
    data_path: Path,
    out: Path,
    *,
    cache_dir: Path | None,
    seed: int,
    ranges: str = OWN,
) -> None:
    """Quantize, whatever accuracy it costs: that is what is to be measured.

    Raises:
        BadInput: checkpoint or recordings are unusable, or the features are not near the float model's.
    """
    quantized = quantize(
        QuantizeOptions(
            checkpoint=checkpoint,
            data_path=data_path,
            out=out,
            max_drop=1.0,
            seed=seed,
            cache_dir=cache_dir,
            force=True,
            ranges=ranges,
        )
    )
    if quantized.contract is None:
        raise BadInput(
            "the int8 model is refused",
            evidence="; ".join(quantized.gates.refused),
            next_step="look at the features: `nightjar frontend check`",
        )
