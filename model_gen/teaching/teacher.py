"""A Keras model as a teacher: ours, or one of whoever made it."""

import hashlib
import importlib
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.files import sha256_file
from model_gen.data.features import Chunks
from model_gen.evaluation.pooling import activate
from model_gen.models.checkpoint import check_whole, load_checkpoint
from model_gen.models.config import load_config
from model_gen.models.embedding import embedding_of
from model_gen.runtime import tensorflow
from model_gen.teaching.config import WAVEFORM, check_told, of_checkpoint, read_config

BATCH = 32
Floats = npt.NDArray[np.float32]


class Teacher:
    """A model and how it listens; TensorFlow is loaded when it first speaks."""

    def __init__(self, model: Path, config: Path | None = None, *, embedding: bool = True) -> None:
        """`config` is the file of --teacher-config; None for ours, which has it beside.

        Raises:
            BadInput: file or configuration are missing, damaged or unusable.
        """
        check_told(model, config)
        self._path = model
        self._own = load_config(model) if config is None else None
        if model.suffix == ".keras":
            check_whole(model)
        self.config = of_checkpoint(self._own) if config is None else read_config(config)  # type: ignore[arg-type]
        self._embeds = embedding

    @property
    def labels(self) -> tuple[str, ...]:
        """Of its outputs."""
        return self.config.labels

    @cached_property
    def identity(self) -> str:
        """SHA-256 of all that decides what it says of a window."""
        told = [sha256_file(self._path), asdict(self.config), self._own is None, self._embeds]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def __call__(self, chunks: Chunks) -> tuple[Floats, Floats | None]:
        """Scores or logits float32 [n, C] of all chunks, and embeddings [n, E] where it has them."""
        parts: list[list[Floats]] = [[], []]
        for start in range(0, len(chunks), BATCH):
            rows = range(start, min(start + BATCH, len(chunks)))
            for part, made in zip(parts, self._infer(self._inputs(chunks, rows)), strict=False):
                part.append(np.asarray(made, np.float32))
        said = np.concatenate(parts[0])
        if self._own is not None:
            said = activate(said, self._own.class_activation).astype(np.float32)
        return said, np.concatenate(parts[1]) if parts[1] else None

    def _inputs(self, chunks: Chunks, rows: range) -> Floats:
        if self.config.input == WAVEFORM:
            x = chunks.pcm(rows).astype(np.float32) * np.float32(1 / 32768)
        else:
            x = chunks.features(rows)
        return x.reshape(len(rows), *self._shape)

    @property
    def _shape(self) -> tuple[int, ...]:
        """Of one input: what the model leaves open is what the others leave."""
        contract = self.config.contract
        values = contract.rows * contract.frames
        given = [size or -1 for size in self._model.input_shape[1:]]
        known = int(np.prod([size for size in given if size > 0]))
        if given.count(-1) > 1 or values % known or (-1 not in given and values != known):
            raise BadInput(
                f"the teacher must take the {values} values of a window",
                evidence=f"Received: {self._path} with the input {self._model.input_shape}",
                next_step="mend sample_rate, window_seconds or input in its configuration",
            )
        return tuple(values // known if size < 0 else size for size in given)

    @cached_property
    def _model(self) -> Any:
        if self._own is not None:
            return load_checkpoint(self._path)[0]
        tensorflow()
        import keras

        importlib.import_module("model_gen.models.spectrogram_layer")  # BirdNET's is read by it
        try:
            model = keras.saving.load_model(self._path, compile=False)
            shapes = (model.input_shape, model.output_shape)
        except Exception as error:  # Keras passes on what each of a hundred parts makes of it
            raise BadInput(
                "a teacher must be a Keras model with one input and one output",
                evidence=f"Received: {self._path}: {type(error).__name__}: {str(error)[:200]}",
                next_step="save it with `model.save('teacher.keras')`, of Keras's own layers; or "
                "cache its scores, as docs/distillation.md says",
            ) from error
        if isinstance(shapes[0], list) or shapes[1][1:] != (len(self.labels),):
            raise BadInput(
                f"a teacher must have one input and {len(self.labels)} outputs, its labels",
                evidence=f"Received: {self._path} with {shapes[0]} and {shapes[1]}",
                next_step="mend the labels in its configuration",
            )
        return model

    @cached_property
    def _infer(self) -> Any:
        """From inputs to [scores] or [scores, embedding]."""
        tf = tensorflow()
        import keras

        model = self._model
        outputs = [model.outputs[0]]
        if self._embeds and self._own is not None:
            outputs.append(embedding_of(model))
        elif self._embeds and self.config.embedding:
            outputs.append(self._named(self.config.embedding))
        whole = keras.Model(model.inputs, outputs)
        spec = tf.TensorSpec((None, *self._shape), tf.float32)
        # Keras gives a single output bare, though it was asked for in a list.
        return tf.function(
            lambda x: keras.tree.flatten(whole(x, training=False)), input_signature=[spec]
        )

    def _named(self, name: str) -> Any:
        from host.nearest import did_you_mean

        layers = {layer.name: layer for layer in self._model.layers}
        if name not in layers or len(layers[name].output.shape) != 2:
            raise BadInput(
                "embedding must name a layer of the teacher with an output [n, E]",
                evidence=f"Received: {name!r}.{did_you_mean(name, layers)}",
                next_step="mend embedding in its configuration, or leave it out",
            )
        return layers[name].output
