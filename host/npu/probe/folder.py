"""A folder of probes: for each a model, its input and the commands that answer it; what they foretell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from host.errors import BadInput, IdentityFailure
from host.files import sha256_bytes
from host.inputs import write_inputs
from host.npu.probe.asked import NEXT, Asked, Questions, ask
from host.npu.probe.probe import Probe
from host.owned import new_directory
from host.reading import read_file
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.reader import read_tflite

QUESTIONS, MODEL, INPUT, COMMANDS = "probes.json", "model.tflite", "input.npz", "commands.txt"
_MOST_MODEL = 1 << 20  # bytes
_MOST_QUESTIONS = 16 << 20


@dataclass(frozen=True)
class _Port:
    name: str
    shape: Shape
    dtype: str


def write_probes(
    folder: Path, dialect: str, probes: Sequence[Probe], *, force: bool = False
) -> Questions:
    """Write the folder, whole or not at all.

    Raises:
        BadInput: something else is there, and `force` is not given.
    """
    questions = ask(dialect, probes)
    with new_directory(folder, force=force) as new:
        (new / QUESTIONS).write_bytes(questions.to_json())
        for probe in probes:
            place = new / probe.name
            place.mkdir()
            (place / MODEL).write_bytes(probe.model)
            graph = read_tflite(probe.model)
            tensors = [graph.tensors[index] for index in graph.inputs]
            ports = [_Port(one.name, one.shape, one.dtype) for one in tensors]
            write_inputs(place / INPUT, ports, [probe.inputs])
            (place / COMMANDS).write_text(commands(probe.name))
    return questions


def commands(name: str) -> str:
    """What to call in a probe's folder, with an installation of stedgeai and a board."""
    return f"""\
# The NPU's code for this network, by the stedgeai of the dialect that is asked about.
nightjar generate {MODEL} --backend neural_art --board stm32n6570-dk --out generated
nightjar npu generated    # without a board: the numbers that the compiler chose, executed

# Either a firmware of nightjar on the board, whose session is the answer:
nightjar verify {MODEL} --project generated --board stm32n6570-dk --vectors 0 --inputs {INPUT} --record {name}.njs
nightjar npu --probe .. --session {name}.njs

# Or ST's validation firmware; save the int8 output of the target as {name}.npy, [1, *shape]:
stedgeai validate --model {MODEL} --target stm32n6 --st-neural-art --mode target -d serial:921600 \\
    -vi {INPUT} --input-data-type int8 --output-data-type int8
nightjar npu --probe .. --session {name}.npy
"""


def read_probes(folder: Path) -> Questions:
    """The questions of a folder, or of the folder of one of its probes.

    Raises:
        BadInput: it is no such folder.
        IdentityFailure: a model in it is not the one that the questions are about.
    """
    file, only = folder / QUESTIONS, ""
    if not file.is_file():
        whole = folder.resolve()
        file, only = whole.parent / QUESTIONS, whole.name
    if not file.is_file():
        raise BadInput(
            f"a folder of probes holds {QUESTIONS}",
            evidence=f"Received: {folder}",
            next_step=NEXT,
        )
    questions = Questions.from_json(read_file(file, QUESTIONS, _MOST_QUESTIONS, next_step=NEXT))
    if only:
        questions = replace(
            questions, probes=tuple(one for one in questions.probes if one.name == only)
        )
        if not questions.probes:
            raise BadInput(
                f"a folder beside {QUESTIONS} must be that of a probe",
                evidence=f"Received: {folder}",
                next_step=NEXT,
            )
    for probe in questions.probes:
        _check_model(file.parent, probe)
    return questions


def _check_model(folder: Path, probe: Asked) -> None:
    path = folder / probe.name / MODEL
    model = read_file(path, "the model of a probe", _MOST_MODEL, next_step=NEXT)
    if sha256_bytes(model) != probe.model_sha256:
        raise IdentityFailure(
            f"the model of the probe {probe.name} is not the one that was written",
            evidence=f"Received: {path}, SHA-256 {sha256_bytes(model)[:16]}..., "
            f"where {probe.model_sha256[:16]}... is foretold",
            next_step=NEXT,
        )
