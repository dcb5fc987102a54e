"""Everything that decides a model's architecture; saved as JSON beside each checkpoint."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.reading import load_json
from host.typed import typed
from model_gen.training.presets import check_model

SCHEMA = "nightjar/model-config/1"
AGAIN = "restore the file, or train the model again with `nightjar train --overwrite`"


@dataclass(frozen=True)
class ModelConfig:
    """Geometry of the features, the frontend and the backbone; but the first two, as options of training are called.

    Raises:
        BadInput: a value is out of the range that the option has.
    """

    frontend: FrontendContract
    labels: tuple[str, ...]  # one logit each, sorted
    max_duration: float = 60.0  # seconds read of one recording at most; 0: all
    max_chunks_per_file: int = 3  # salient chunks of a recording that training and validation see
    num_mels: int = 64
    mag_scale: str = "pwl"
    frontend_trainable: bool = False  # whether the mel mixer trains
    backbone: str = "dscnn"
    alpha: float = 1.0  # width
    depth_multiplier: float = 1.0  # repeats
    embeddings_size: int = 256
    dropout: float = 0.5
    spatial_dropout: float = 0.1
    class_activation: str = "sigmoid"  # of the logits: sigmoid | softmax

    def __post_init__(self) -> None:
        for one in fields(self)[2:]:
            check_model(one.name, getattr(self, one.name))

    def to_json(self) -> str:
        """The text of the configuration file; the same configuration always gives the same text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, path: Path) -> "ModelConfig":
        """Read a configuration file.

        Raises:
            BadInput: it cannot be read, or is not JSON of this schema with values in their ranges.
        """
        raw = load_json(path, "a model configuration", next_step=AGAIN)
        try:
            if raw.pop("schema") != SCHEMA:
                raise KeyError("schema")
            return typed(cls, raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
        except BadInput as error:
            reason = f"{error.what}. {error.evidence}"
        raise BadInput(
            f"a model configuration must follow the schema {SCHEMA}",
            evidence=f"Received: {path}: {reason}",
            next_step=AGAIN,
        )


def config_path(checkpoint: Path) -> Path:
    """Where the configuration of a checkpoint lies: beside it."""
    return checkpoint.with_name(f"{checkpoint.stem}_model_config.json")


def load_config(checkpoint: Path) -> ModelConfig:
    """The configuration beside `checkpoint`.

    Raises:
        BadInput: the checkpoint or its configuration is missing or unreadable.
    """
    for path in (checkpoint, config_path(checkpoint)):
        if not path.is_file():
            raise BadInput(
                "expected a checkpoint with its model configuration beside it",
                evidence=f"Received: {checkpoint}; {path.name} is missing",
                next_step="make one with `nightjar train`, and --overwrite where a part of it is there",
            )
    return ModelConfig.read(config_path(checkpoint))
