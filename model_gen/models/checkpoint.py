"""Checkpoints and what lies beside them; the same model always gives the same bytes."""

import hashlib
import importlib
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from host.files import write_atomically
from model_gen.models.config import AGAIN, ModelConfig, config_path, load_config
from model_gen.runtime import tensorflow

_LAYERS = "model_gen.models.spectrogram_layer"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def beside(checkpoint: Path, suffix: str) -> Path:
    """The file that belongs to a checkpoint, such as `best_model_labels.txt` for the suffix `labels.txt`."""
    return checkpoint.with_name(f"{checkpoint.stem}_{suffix}")


def checkpoint_bytes(model: Any) -> bytes:
    """A `.keras` file of a model, without the date and the addresses that Keras puts into it."""
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return _reproducible(path)


def save_checkpoint(model: Any, checkpoint: Path) -> None:
    """Write a `.keras` file whole or not at all."""
    write_atomically(checkpoint, checkpoint_bytes(model))


def config_files(config: ModelConfig, checkpoint: Path) -> dict[Path, bytes]:
    """The model configuration and the labels, as the files that lie beside the checkpoint."""
    labels = "".join(f"{label}\n" for label in config.labels)
    return {
        config_path(checkpoint): config.to_json().encode(),
        beside(checkpoint, "labels.txt"): labels.encode(),
    }


def load_checkpoint(checkpoint: Path, config_file: Path | None = None) -> tuple[Any, ModelConfig]:
    """The Keras model of a checkpoint, and its configuration: beside it, or in `config_file`.

    Raises:
        BadInput: a file is missing, or is not a Keras model of this configuration.
    """
    config = load_config(checkpoint, config_file)
    check_whole(checkpoint)
    tensorflow()
    import keras

    importlib.import_module(_LAYERS)  # registers with Keras what it must know
    try:
        model = keras.saving.load_model(checkpoint, compile=False)
    except Exception as error:  # Keras passes on what each of a hundred parts makes of damage
        raise _no_model(checkpoint, error) from error
    wanted = (None, config.frontend.rows, config.frontend.frames, 1)
    if tuple(model.input_shape) != wanted or model.output_shape[-1] != len(config.labels):
        raise BadInput(
            f"the model must have the input {wanted} and {len(config.labels)} outputs of its configuration",
            evidence=f"Received: {checkpoint} with {model.input_shape} and {model.output_shape}",
            next_step=AGAIN,
        )
    return model, config


def weights_sha256(model: Any) -> str:
    """SHA-256 over all weights in order, shapes included: what two runs are compared by."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(
            f"{weight.dtype}{weight.shape}".encode() + np.ascontiguousarray(weight).tobytes()
        )
    return digest.hexdigest()


def check_whole(checkpoint: Path) -> None:
    """Hold each member of the archive against its CRC: Keras would load damaged weights.

    Takes no TensorFlow, so that a long command can refuse a damaged file before its work.

    Raises:
        BadInput: it cannot be read, is no archive, or a member is damaged.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} is damaged")
    except Exception as error:  # zipfile passes on what its decompressors make of damage
        raise _no_model(checkpoint, error) from error


def _no_model(checkpoint: Path, error: Exception) -> BadInput:
    return BadInput(
        "expected a Keras model",
        evidence=f"Received: {checkpoint}: {type(error).__name__}: {str(error)[:200]}",
        next_step=AGAIN,
    )


def _reproducible(path: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(stream, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "metadata.json":
                metadata = {k: v for k, v in json.loads(data).items() if k != "date_saved"}
                data = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                data = json.dumps(_renumbered(json.loads(data), {})).encode()
            target.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return stream.getvalue()


def _renumbered(value: Any, seen: dict[int, int]) -> Any:
    """Keras numbers shared objects by their addresses: number them in order of appearance."""
    if isinstance(value, list):
        return [_renumbered(item, seen) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: seen.setdefault(item, len(seen))
        if key == "shared_object_id" and item is not None
        else _renumbered(item, seen)
        for key, item in value.items()
    }
