"""The NPU's answer to a probe, from a session or from a bare array."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.backends import NEURAL_ART
from host.bundle import MODEL
from host.errors import BadInput, FirmwareFailure, IdentityFailure
from host.files import sha256_bytes
from host.npu.probe.asked import Asked, Questions
from host.reading import read_file
from host.recording import archive
from host.recording.outputs import told
from host.recording.recording import Recording

_MOST_ARRAY = 16 << 20  # bytes
_NEXT = "give a session of one of the probes (.njs), or its output as NAME.npy"


@dataclass(frozen=True)
class Answer:
    """Which probe was answered.

    Attributes:
        probe: its name.
        output: int8 bytes.
        who: what is known of who answered, in words.
    """

    probe: str
    output: bytes
    who: str


def read_answer(path: Path, questions: Questions) -> Answer:
    """The answer in a file.

    Args:
        path: a recording; or a .npy named after its probe, int8 [*shape] or [n, *shape] of equal
            samples.
        questions: one of which it answers.

    Raises:
        BadInput: it is neither, or of another size, or was not asked with the probe's inputs.
        IdentityFailure: it is of another model than any of the probes, or no NPU computed it.
        FirmwareFailure: the same inputs gave several outputs.
    """
    return _bare(path, questions) if path.suffix == ".npy" else _recorded(path, questions)


def _recorded(path: Path, questions: Questions) -> Answer:
    recording = Recording.read(path)
    model = recording.members.get(f"{archive.SUBJECT}/{MODEL}", b"")
    found = sha256_bytes(model)
    probe = next((one for one in questions.probes if one.model_sha256 == found), None)
    if probe is None:
        raise IdentityFailure(
            "the session is of another model than any of the probes",
            evidence=f"Received: {path}, whose model has the SHA-256 {found[:16]}...",
            next_step="record a session of the model.tflite in the folder of a probe",
        )
    said = told(recording)
    for hello in said.hellos:
        if hello.model.hex() != found or hello.backend != NEURAL_ART:
            raise IdentityFailure(
                "the board of the session did not compute the probe on an NPU",
                evidence=f"Received: model {hello.model.hex()[:16]}..., backend {hello.backend!r}, "
                f"board {hello.board!r}",
                next_step=f"build the probe's model with backend {NEURAL_ART}",
            )
    runs = [run for run in said.runs if run.inputs == probe.inputs]
    if not said.hellos or not runs:
        raise BadInput(
            f"a session of the probe {probe.name} must run it on its input.npz",
            evidence=f"Received: {path} with {len(said.runs)} runs, none on it",
            next_step="`nightjar verify model.tflite --vectors 0 --inputs input.npz --record FILE`",
        )
    if len({run.output for run in runs}) > 1 or not all(run.steady for run in runs):
        raise FirmwareFailure(
            f"the probe {probe.name} has several answers: the runs of a session differ",
            evidence=f"Received: {path}, {len(runs)} runs on the same input",
            next_step="nothing about arithmetic follows; look at `nightjar replay`",
        )
    who = "; ".join(dict.fromkeys(f"{one.board}, {one.compiler}" for one in said.hellos))
    return _sized(path, probe, runs[0].output, f"{recording.manifest.board}: {who}")


def _bare(path: Path, questions: Questions) -> Answer:
    probe = next((one for one in questions.probes if one.name == path.stem), None)
    if probe is None:
        raise BadInput(
            "a bare output must have the name of its probe",
            evidence=f"Received: {path}; the probes are "
            + ", ".join(one.name for one in questions.probes),
            next_step=_NEXT,
        )
    data = read_file(path, "an output", _MOST_ARRAY, next_step=_NEXT)
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, OverflowError) as error:
        raise _wrong(path, probe, f"no array: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.int8:
        raise _wrong(path, probe, f"{getattr(array, 'dtype', 'several arrays')}")
    size = int(np.prod(probe.shape))
    if not array.size or array.size % size:
        raise _wrong(path, probe, f"{list(array.shape)}")
    samples = array.reshape(-1, size)
    if (samples != samples[0]).any():
        raise FirmwareFailure(
            f"the probe {probe.name} has several answers: the samples differ",
            evidence=f"Received: {path}, {len(samples)} samples",
            next_step="nothing about arithmetic follows; ask again with the probe's input alone",
        )
    return _sized(path, probe, samples[0].tobytes(), "a bare array, which says of nobody")


def _sized(path: Path, probe: Asked, output: bytes, who: str) -> Answer:
    if len(output) != int(np.prod(probe.shape)):
        raise _wrong(path, probe, f"{len(output)} bytes")
    return Answer(probe.name, output, who)


def _wrong(path: Path, probe: Asked, received: str) -> BadInput:
    return BadInput(
        f"the output of the probe {probe.name} must be int8 {list(probe.shape)}",
        evidence=f"Received: {path}: {received[:200]}",
        next_step=_NEXT,
    )
