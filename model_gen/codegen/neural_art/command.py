"""One run of stedgeai: what it is given, and what it said."""

from dataclasses import dataclass
from pathlib import Path

from host.deadline import Deadline
from host.errors import HostFailure
from host.files import write_atomically
from host.tools import Overdue, run_leashed
from model_gen.codegen.neural_art.install import Install
from model_gen.codegen.neural_art.messages import errors_in, failure
from model_gen.codegen.neural_art.profile import (
    NAME,
    POOLS,
    PROFILE,
    render_pools,
    render_profile,
)
from model_gen.codegen.neural_art.versions import Dialect

MODEL, OUTPUT, WORKSPACE = "model.tflite", "st_ai_output", "st_ai_ws"
C_NAME = "network"
GENERATE, ANALYZE = "generate", "analyze"


@dataclass(frozen=True)
class Said:
    """What was called, and all that it printed."""

    command: tuple[str, ...]
    log: str


def prepare(
    folder: Path, model: bytes, dialect: Dialect, board: str, build: str, banks: int = 0
) -> None:
    """Write into a new folder what stedgeai reads: model, memory pools, with `banks` for constants, and profile.

    Raises:
        BadInput: the board has no NPU.
    """
    folder.mkdir()
    (folder / MODEL).write_bytes(model)
    (folder / POOLS).write_text(render_pools(board, banks))
    (folder / PROFILE).write_text(render_profile(dialect, build))


def arguments(program: Path, action: str = GENERATE) -> tuple[str, ...]:
    """The command line, for a folder that `prepare` filled and that it runs in."""
    return (
        str(program),
        action,
        *("--model", MODEL, "--target", "stm32n6", "--st-neural-art", f"{NAME}@{PROFILE}"),
        *("--name", C_NAME, "--input-data-type", "int8", "--output-data-type", "int8"),
        *("--output", OUTPUT, "--workspace", WORKSPACE),
    )


def run(
    install: Install, folder: Path, log: Path, deadline: Deadline, *, action: str = GENERATE
) -> Said:
    """Run stedgeai in a folder that `prepare` filled.

    Args:
        install: which one.
        folder: where.
        log: where its log is kept when it fails.
        deadline: when it is ended.
        action: GENERATE, or ANALYZE, which writes no C.

    Raises:
        NightjarError: it failed; of the class that its words say, with the next step.
        HostFailure: it does not start, or did not end before the deadline.
    """
    command = arguments(install.program, action)
    try:
        code, said = run_leashed(command, deadline, folder=folder)
    except Overdue as late:
        keep(log, Said(command, late.said))
        raise HostFailure(
            "stedgeai did not end before the deadline",
            evidence=f"its log: {log}",
            next_step="end what else runs on this computer; a large model takes minutes",
        ) from late
    problems = errors_in(said)
    if code != 0 or problems or not (folder / OUTPUT).is_dir():
        keep(log, Said(command, said))
        raise failure(code, said, str(log))
    return Said(command, said)


def keep(log: Path, said: Said) -> None:
    """Write what was called and said to a file."""
    write_atomically(log, f"$ {' '.join(said.command)}\n{said.log}".encode())
