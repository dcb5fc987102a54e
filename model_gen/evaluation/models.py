"""The models of an evaluation, each as what makes logits of windows; nothing is loaded before it is
needed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from host.bundle import Subject, load_subject
from host.files import sha256_bytes, sha256_file
from host.frontend_contract import FrontendContract
from host.reference.frontend import dequantize
from model_gen.data.features import Chunks
from model_gen.evaluation.bare import BareModel, read_bare
from model_gen.evaluation.options import EvaluateOptions
from model_gen.evaluation.subject import Listener, check_comparable, listener
from model_gen.models.checkpoint import check_whole
from model_gen.models.config import ModelConfig

if TYPE_CHECKING:
    from model_gen.quantization.int8 import Int8Model

Logits = npt.NDArray[np.float32]
FLOAT, INT8, BOARD, BARE, AGAINST = "float", "int8", "board", "tflite", "against"


class Board(Protocol):
    """A board that computes frontend and model of a window."""

    def ready(self) -> None:
        """Make what it needs before a window, once everything else is known to be usable."""

    @property
    def identity(self) -> str:
        """Which firmware runs where."""

    @property
    def description(self) -> str:
        """For people, once it has answered."""

    def scores(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
        """int8 [labels] of int16 [chunk_samples]."""


class Model(Protocol):
    """One model."""

    @property
    def identity(self) -> str:
        """What names it among unfinished evaluations."""

    @property
    def activation(self) -> str:
        """Of its logits: none | sigmoid | softmax."""

    @property
    def description(self) -> str:
        """What computes, for people."""

    @property
    def size(self) -> int:
        """Bytes of its file."""

    def logits(self, chunks: Chunks) -> Logits:
        """float32 [chunks, labels]."""


@dataclass(frozen=True)
class Judged:
    """A model, what it is called in results, and how it listens."""

    kind: str
    model: Model
    frontend: FrontendContract


class Checkpoint:
    """A Keras model in float32."""

    def __init__(self, path: Path, config: ModelConfig) -> None:
        check_whole(path)  # before recordings are decoded for it
        self._path = path
        self.activation = config.class_activation

    @property
    def identity(self) -> str:
        return sha256_file(self._path) + self.description

    @cached_property
    def description(self) -> str:
        from importlib.metadata import version

        import model_gen.runtime

        tensorflow = model_gen.runtime.tensorflow()
        return f"keras {version('keras')}, tensorflow {tensorflow.__version__}"

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    def logits(self, chunks: Chunks) -> Logits:
        from model_gen.models.predict import predict_logits

        return predict_logits(self._model, chunks)

    @cached_property
    def _model(self) -> object:
        from model_gen.models.checkpoint import load_checkpoint

        return load_checkpoint(self._path)[0]


class Bundle:
    """A bundle's int8 model, by TFLite's reference kernels."""

    def __init__(self, path: Path) -> None:
        self._subject = load_subject(path)
        assert self._subject.contract is not None
        self.activation = self._subject.contract.output_activation

    @property
    def identity(self) -> str:
        return self._subject.model_sha256 + self.description

    @property
    def description(self) -> str:
        return self._model.reference.description

    @property
    def size(self) -> int:
        return len(self._subject.model)

    def logits(self, chunks: Chunks) -> Logits:
        return self._model.logits(chunks)

    @cached_property
    def _model(self) -> "Int8Model":
        from model_gen.quantization.int8 import Int8Model

        return Int8Model(self._subject.model)


class OnBoard:
    """A bundle's model on a board, which hears the very windows: frontend and model are its own."""

    def __init__(self, subject: Subject, board: Board) -> None:
        assert subject.contract is not None
        self._board = board
        self._output = subject.contract.output
        self.activation = subject.contract.output_activation
        self.size = len(subject.model)

    @property
    def identity(self) -> str:
        return self._board.identity

    @property
    def description(self) -> str:
        return self._board.description

    def logits(self, chunks: Chunks) -> Logits:
        rows = [self._board.scores(samples) for samples in chunks.pcm(range(len(chunks)))]
        return dequantize(np.stack(rows), self._output.scale, self._output.zero_point)


class InOrder:
    """A model whose labels stand in another order than those that results are of: its scores are put into theirs."""

    def __init__(self, model: Model, own: tuple[str, ...], labels: tuple[str, ...]) -> None:
        self._model = model
        self._columns = [own.index(label) for label in labels]

    @property
    def identity(self) -> str:
        return f"{self._model.identity} {self._columns}"

    @property
    def activation(self) -> str:
        return self._model.activation

    @property
    def description(self) -> str:
        return self._model.description

    @property
    def size(self) -> int:
        return self._model.size

    def logits(self, chunks: Chunks) -> Logits:
        return self._model.logits(chunks)[:, self._columns]


class Bare:
    """A bare .tflite, with the geometry of the model that it is like."""

    def __init__(self, path: Path, config: ModelConfig) -> None:
        self._tflite = read_bare(path)
        self._model = BareModel(self._tflite, config, path)
        self.description = self._model.description
        self.activation = "none" if self._model.gives_scores else config.class_activation
        self.size = len(self._tflite)

    @property
    def identity(self) -> str:
        return sha256_bytes(self._tflite) + self.description

    def logits(self, chunks: Chunks) -> Logits:
        return self._model.outputs(chunks)


def models_of(options: EvaluateOptions, subject: Listener, board: Board | None) -> list[Judged]:
    """What is judged, the float model first."""
    frontend = subject.config.frontend
    found: list[Judged] = []
    if options.checkpoint is not None:
        found.append(Judged(FLOAT, Checkpoint(options.checkpoint, subject.config), frontend))
    if options.bundle is not None:
        found.append(Judged(INT8, Bundle(options.bundle), frontend))
        if board is not None:
            found.append(Judged(BOARD, OnBoard(load_subject(options.bundle), board), frontend))
    if options.tflite is not None:
        found.append(Judged(BARE, Bare(options.tflite, subject.config), frontend))
    if options.against is not None:
        path = options.against
        other: Model
        if path.suffix == ".tflite":
            second, other = subject, Bare(path, subject.config)
        else:
            second = listener(path)
            check_comparable(subject, second, path)
            other = Checkpoint(path, second.config) if path.suffix == ".keras" else Bundle(path)
            if second.config.labels != subject.config.labels:
                other = InOrder(other, second.config.labels, subject.config.labels)
        found.append(Judged(AGAINST, other, second.config.frontend))
    return found
