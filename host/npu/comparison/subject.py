"""What is asked about: a model, or a folder of generated code with the model that it came from."""

from dataclasses import dataclass
from pathlib import Path

from host.bundle import CONTRACT, MODEL, Subject, load_subject
from host.errors import BadInput
from host.npu.arithmetic import HALF_AWAY
from host.npu.board.virtual import VirtualBoard
from host.npu.comparison.executed import Executed
from host.npu.comparison.predicted import Predicted
from host.npu.comparison.side import Side
from host.npu.compiler.dialect import DIALECTS, dialect_named
from host.npu.compiler.model import compile_model
from host.npu.generated import read_generated
from host.npu.network import TIES
from model_gen.codegen.neural_art.manifest import BUNDLE, GENERATED, is_written, read_written
from model_gen.codegen.neural_art.output_folder import read_output
from model_gen.codegen.neural_art.proof import check_npu
from model_gen.codegen.neural_art.provenance import identify

_SAME = {"half-toward-zero": "half-to-zero"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A model and the NPU that computes it."""

    subject: Subject
    side: Side


def ask(
    path: Path,
    *,
    model: Path | None = None,
    dialect: str | None = None,
    rule: str = HALF_AWAY,
    board: VirtualBoard | None = None,
) -> Asked:
    """Find the model, and open the NPU.

    Args:
        path: a folder that stedgeai or `nightjar generate --backend neural_art` wrote, or a
            network.c in it; or a bundle or a .tflite, of which the NPU is predicted.
        model: of a folder, where it lies elsewhere.
        dialect: of a prediction; of a folder it is known.
        rule: for ties.
        board: that a folder's network runs on; None: this computer.

    Raises:
        BadInput: something is missing, does not fit, or is not known.
        IdentityFailure: the folder is of another model.
    """
    folder = path.parent if path.suffix == ".c" and path.is_file() else path
    if not folder.is_dir() or (folder / CONTRACT).exists():
        if board is not None:
            raise BadInput(
                "a virtual Cortex-M55 is for a folder of generated code",
                evidence=f"Received: {path}, a model",
                next_step="leave --virtual and --runtime out",
            )
        return _predicted(path, model, dialect, rule)
    written = read_written(folder) if is_written(folder) else None
    output = read_output(folder) if written is None else written.output
    check_npu(output)
    subject = load_subject(_model_of(folder) if model is None else model)
    identity = identify(output, subject.model, reordered=True)
    network = output.network
    assert network is not None
    source = (folder if written is None else folder / GENERATED) / output.network_name
    told = _dialect_of(source)
    if dialect not in (None, told):
        raise BadInput(
            f"the network is of dialect {told}",
            evidence=f"Received: --dialect {dialect}",
            next_step="leave --dialect out: a network says of which it is",
        )
    if _SAME.get(rule, rule) not in TIES:
        raise BadInput(
            "the executor does not have this rule for ties",
            evidence=f"Received: {rule}",
            next_step=f"one of {', '.join(TIES)}",
        )
    compiled = compile_model(subject.model, told)
    return Asked(subject, Executed(source, output, compiled, identity.statement, rule, board))


def _predicted(path: Path, model: Path | None, dialect: str | None, rule: str) -> Asked:
    if model is not None:
        raise BadInput(
            "--model is for a folder of generated code",
            evidence=f"Received: {path}, a model itself",
            next_step="leave it out",
        )
    subject = load_subject(path)
    if dialect is None:
        raise BadInput(
            "a prediction needs the dialect of the compiler",
            evidence=f"Received: {path} without --dialect",
            next_step=f"give --dialect, one of {', '.join(DIALECTS)}",
        )
    known = dialect_named(dialect).name
    return Asked(subject, Predicted(compile_model(subject.model, known), rule))


def _dialect_of(source: Path) -> str:
    return read_generated(source).dialect


def _model_of(folder: Path) -> Path:
    """The model that lies in a folder of generated code.

    Raises:
        BadInput: there is none, or more than one.
    """
    for own in (folder / BUNDLE, folder / MODEL):
        if own.exists():
            return own
    found = sorted(folder.glob("*.tflite"))
    if len(found) != 1:
        raise BadInput(
            "the folder must hold the .tflite that it was generated from",
            evidence=f"Received: {[one.name for one in found] or 'none'} in {folder}",
            next_step="give --model, the bundle or .tflite",
        )
    return found[0]
