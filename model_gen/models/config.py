"""Everything that decides a model's architecture; saved as JSON beside each checkpoint."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.reading import load_json
from host.typed import typed
from model_gen.models.backbones import backbone
from model_gen.training.presets import check_model

SCHEMA = "nightjar/model-config/2"
FLAT_SCHEMA = "nightjar/model-config/1"  # the options of a DS-CNN beside all others
AGAIN = "restore the file, or train the model again with `nightjar train --overwrite`"


@dataclass(frozen=True)
class ModelConfig:
    """Geometry of the features, the frontend and the backbone; but the first two, as options of training are called.

    Raises:
        BadInput: a value is out of the range that the option has, or there is no such backbone.
    """

    frontend: FrontendContract
    labels: tuple[str, ...]  # one logit each, sorted
    max_duration: float = 60.0  # seconds read of one recording at most; 0: all
    max_chunks_per_file: int = 3  # salient chunks of a recording that training and validation see
    audio_frontend: str = "hybrid"
    spec_width: int = 256  # frames behind the frontend, where the contract has none: raw
    num_mels: int = 64
    mag_scale: str = "pwl"
    frontend_trainable: bool = False  # whether the mel mixer or the filterbank trains
    frontend_form: str = "current"  # of hybrid and raw
    backbone: str = "dscnn"
    options: Any = None  # the backbone's own; None: its defaults
    class_activation: str = "sigmoid"  # of the logits: sigmoid | softmax

    def __post_init__(self) -> None:
        kind = backbone(self.backbone).Options
        if self.options is None:
            object.__setattr__(self, "options", kind())
        if not isinstance(self.options, kind):
            raise BadInput(
                f"the backbone {self.backbone} has options of its own",
                evidence=f"Received: those of {type(self.options).__module__}",
                next_step=AGAIN,
            )
        for of in (self, self.options):
            for one in fields(of):
                if one.name not in ("frontend", "labels", "options"):
                    check_model(one.name, getattr(of, one.name))

    def to_json(self) -> str:
        """The text of the configuration file; the same configuration always gives the same text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, path: Path) -> "ModelConfig":
        """Read a configuration file, of the present schema or the one before.

        Raises:
            BadInput: it cannot be read, or is not JSON of these schemas with values in their ranges.
        """
        raw = load_json(path, "a model configuration", next_step=AGAIN)
        try:
            schema = raw.pop("schema")
            if schema == FLAT_SCHEMA:
                raw = _nested(raw)
            elif schema != SCHEMA:
                raise KeyError("schema")
            kind = backbone(raw["backbone"]).Options
            return typed(cls, {**raw, "options": typed(kind, raw["options"], "options")})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
        except BadInput as error:
            reason = f"{error.what}. {error.evidence}"
        raise BadInput(
            f"a model configuration must follow the schema {SCHEMA}",
            evidence=f"Received: {path}: {reason}",
            next_step=AGAIN,
        )


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """A configuration of the schema before this one, as one of today."""
    options = {one.name for one in fields(backbone("dscnn").Options)} & set(flat)
    return {
        **{key: value for key, value in flat.items() if key not in options},
        "options": {key: flat[key] for key in options},
    }


def config_path(checkpoint: Path) -> Path:
    """Where the configuration of a checkpoint lies: beside it."""
    return checkpoint.with_name(f"{checkpoint.stem}_model_config.json")


def load_config(checkpoint: Path, config_file: Path | None = None) -> ModelConfig:
    """The configuration beside `checkpoint`, or in `config_file`.

    Raises:
        BadInput: the checkpoint or its configuration is missing or unreadable.
    """
    where = config_file or config_path(checkpoint)
    for path in (checkpoint, where):
        if not path.is_file():
            raise BadInput(
                "expected a checkpoint with its model configuration beside it",
                evidence=f"Received: {checkpoint}; {path.name} is missing",
                next_step="make one with `nightjar train`, and --overwrite where a part of it is there",
            )
    return ModelConfig.read(where)
