"""How a teacher listens and what its outputs are: told by a file, or by what lies beside our checkpoint."""

from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.nearest import did_you_mean
from host.reading import load_json
from host.typed import typed
from model_gen.data.geometry import chunk_samples
from model_gen.models.config import ModelConfig, config_path
from model_gen.teaching.scores import KINDS

WAVEFORM = "waveform"
_MODELS = (".keras", ".h5", ".hdf5")
_EXAMPLE = (
    '{"sample_rate": 48000, "window_seconds": 3, "input": "waveform", "output": "logits", '
    '"labels": ["a", "b"]}'
)
_BOUNDS = {"sample_rate": (1, 384_000), "window_seconds": (0.001, 60)}  # as of what is trained
AGAIN = f"mend the file, for example {_EXAMPLE}"


@dataclass(frozen=True)
class TeacherConfig:
    """How a teacher listens.

    Attributes:
        sample_rate: in Hz, from 1 to 384,000.
        window_seconds: that it hears at once, from 0.001 to 60.
        input: "waveform", float32 from -1 to 1, or the contract of a frontend.
        output: logits (of a sigmoid or softmax) or scores.
        labels: of its outputs, in their order.
        embedding: the layer whose output [n, E] is one; "" for none.

    Raises:
        BadInput: a value is none of these.
    """

    sample_rate: int
    window_seconds: float
    input: str | FrontendContract
    output: str
    labels: tuple[str, ...]
    embedding: str = ""

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                _refuse(f"{name} must be from {least:,} to {most:,}", f"{value:,}")
        if self.output not in KINDS:
            near = did_you_mean(self.output, KINDS)
            _refuse(f"output must be one of {', '.join(KINDS)}", f"{self.output!r}.{near}")
        if not self.labels or len(set(self.labels)) != len(self.labels):
            _refuse("labels must be there, each once", f"{len(self.labels)} labels")
        if isinstance(self.input, str):
            if self.input != WAVEFORM:
                _refuse(f"input must be {WAVEFORM} or a contract", repr(self.input))
            return
        samples = chunk_samples(self.sample_rate, self.window_seconds)
        given = (self.input.sample_rate, self.input.chunk_samples)
        if given != (self.sample_rate, samples):
            _refuse(
                f"the contract must be of {samples} samples at {self.sample_rate} Hz",
                f"{given[1]} samples at {given[0]} Hz",
            )

    @property
    def contract(self) -> FrontendContract:
        """What of sound is computed for it; of a waveform, its windows."""
        if isinstance(self.input, FrontendContract):
            return self.input
        samples = chunk_samples(self.sample_rate, self.window_seconds)
        return FrontendContract(
            name="raw",
            sample_rate=self.sample_rate,
            chunk_samples=samples,
            frames=samples,
            bins=1,
            compression="none",
            normalization="peak",
            spectrum="none",
        )


def of_checkpoint(config: ModelConfig) -> TeacherConfig:
    """Of a model of `nightjar train`, whose logits are made scores by its own activation."""
    sound = config.frontend
    return TeacherConfig(
        sample_rate=sound.sample_rate,
        window_seconds=sound.chunk_samples / sound.sample_rate,
        input=sound,
        output="scores",
        labels=config.labels,
    )


def read_config(path: Path) -> TeacherConfig:
    """What a file of --teacher-config says.

    Raises:
        BadInput: it cannot be read, or says what no teacher is.
    """
    raw = load_json(path, "a teacher's configuration", next_step=AGAIN)
    try:
        return typed(TeacherConfig, raw)
    except ValueError as error:
        raise BadInput(
            "a teacher's configuration must have sample_rate, window_seconds, input, output and "
            "labels",
            evidence=f"Received: {path}: {error}",
            next_step=AGAIN,
        ) from error


def check_told(model: Path, config: Path | None) -> None:
    """Refuse a model of which nothing says how it listens.

    Raises:
        BadInput: it is not there, or no Keras model; or there is no configuration, or two.
    """
    if not model.is_file():
        raise BadInput(
            "a teacher must be a file: a Keras model, or its scores",
            evidence=f"Received: {model}, which is none",
            next_step="name a .keras file, or the scores that `nightjar teach` wrote",
        )
    if model.suffix not in _MODELS:
        raise BadInput(
            f"a teacher must be a Keras model, which ends in {' or '.join(_MODELS)}",
            evidence=f"Received: {model}",
            next_step="of a bundle, name the checkpoint that it was quantized from; of another kind of model, cache "
            "its scores as docs/distillation.md says",
        )
    own = config_path(model)
    if config is None and not own.is_file():
        raise BadInput(
            "a model that `nightjar train` did not make needs --teacher-config",
            evidence=f"Received: {model}, without {own.name} beside it",
            next_step=f"give --teacher-config FILE, a JSON file such as {_EXAMPLE}",
        )


def _refuse(expected: str, received: str) -> None:
    raise BadInput(
        f"in a teacher's configuration, {expected}",
        evidence=f"Received: {received}",
        next_step=AGAIN,
    )
