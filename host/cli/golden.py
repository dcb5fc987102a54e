"""`nightjar golden`: keep a session of a board, and have the board repeat it, byte for byte."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.board_options import board_options
from host.cli.common import Group, json_option, say, write_json
from host.cli.parameters import FiniteRange, WholeRange

if TYPE_CHECKING:
    from host.boards.which import Which
    from host.recording.recording import Recording

SCHEMA = "nightjar/golden/1"


@click.group(cls=Group)
def command() -> None:
    """Keep a session of a board: record. Have a board repeat one, byte for byte: replay."""


_DEADLINE = click.option(
    "--deadline",
    default=3600.0,
    show_default=True,
    type=FiniteRange(min=1),
    help="Seconds after which everything is given up.",
)


@command.command(
    help="Judge MODEL on a board as `nightjar verify` does, and keep the session in FILE.njs. Nothing is kept of a"
    " session that comes to no verdict."
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@board_options()
@click.option("--vectors", default=8, show_default=True, type=WholeRange(min=0))
@click.option("--seed", default=0, show_default=True, type=WholeRange(min=0))
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    help="Record these inputs, too: .npy [n, *shape] of the input's dtype, or .npz keyed by input name.",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="Judge the ELF of this project as it lies there, without building.",
)
@_DEADLINE
@json_option
def record(
    model: Path,
    file: Path,
    board: str,
    at: "Which",
    wait: float,
    vectors: int,
    seed: int,
    inputs: Path | None,
    project: Path | None,
    deadline: float,
    json_path: str | None,
) -> int:
    from host.cli import verify
    from host.errors import NightjarError, RegressionFailure
    from host.results import check_result, remove_result

    read = [path for path in (project, inputs) if path is not None]
    check_result(file, [model, *read], name="FILE")
    try:
        return verify.judge(
            model=model,
            board=board,
            at=at,
            wait=wait,
            vectors=vectors,
            seed=seed,
            inputs=inputs,
            project=project,
            deadline=deadline,
            record=file,
            json_path=json_path,
        )
    except RegressionFailure:  # a gate behind a whole verdict
        raise
    except NightjarError:
        remove_result(file)
        raise


@command.command(
    help="Have a board repeat the session in FILE.njs: the same firmware is asked the same questions, and every answer"
    " must be the recorded one. Exit 19 where one is not, 15 where firmware, model or board are others. Costs must be"
    " the same where instructions are counted; cycles are listed."
)
@click.argument("file", type=click.Path(path_type=Path))
@board_options()
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Build this bundle or .tflite and take its ELF, which must be the recorded one; without it, that of FILE.njs.",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="With --model: take the ELF of this project as it lies there.",
)
@click.option(
    "--run-network",
    is_flag=True,
    help="Without --model, of backend neural_art: compile and run the network.c in FILE.njs on this computer.",
)
@click.option(
    "--run-elf",
    is_flag=True,
    help="Without --model, on native: run the ELF in FILE.njs, a program of this computer.",
)
@_DEADLINE
@json_option
def replay(
    file: Path,
    board: str,
    at: "Which",
    wait: float,
    model: Path | None,
    project: Path | None,
    run_network: bool,
    run_elf: bool,
    deadline: float,
    json_path: str | None,
) -> int:
    import tempfile

    from host.cli.progress import working
    from host.compare.network_cause import check_constants
    from host.compare.prepare import prepare
    from host.compare.session import Session
    from host.deadline import Deadline
    from host.enforced import enforced
    from host.errors import BadInput
    from host.recording.golden import check_golden, hold
    from host.recording.recording import Recording
    from host.recording.replay import check_networks

    if project is not None and model is None:
        raise BadInput(
            "--project goes with --model",
            evidence=f"Received: --project {project} alone",
            next_step="give the bundle or .tflite that it was made of",
        )
    limit = Deadline.after(deadline)
    golden = Recording.read(file)
    check_golden(golden)
    if model is None:
        check_networks([golden], run=run_network)
    if model is None and not run_elf and at.flashes:
        _refuse_program(file, board)
    with (
        tempfile.TemporaryDirectory(prefix="nightjar-") as folder,
        enforced(limit),
        working("") as now,
    ):
        if model is None:
            subject, made = golden.unfold(Path(folder))
        else:
            _require_project(golden, project, model, file, at)
            now("making firmware")
            subject, made = prepare(model, board, rounding=None, project=project, limit=limit)
        session = Session(
            *(made, subject, board),
            vectors=0,
            seed=golden.manifest.seed,
            given=golden.inputs(made),
            limit=limit,
            wait=wait,
            at=at,
            repeats=golden.manifest.repeats,
        )
        held = hold(golden, session, say=lambda line: say(line, json_path), now=now)
        if session.network is not None:
            check_constants(made.elf, session.network.generated.images)
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "repeated": True,
            "answers": held.answers,
            "costs": list(held.costs),
            "others": list(held.others),
            "exact": held.verdict.exact,
        },
    )
    say(
        f"REPEATED: {held.answers} answers of {board} are those of {file}, byte for byte", json_path
    )
    for line in (*held.others, *held.costs):
        say(f"  not compared: {line}", json_path)
    say(held.verdict.headline, json_path)
    return 0


def _require_project(
    golden: "Recording", project: Path | None, model: Path, file: Path, at: "Which"
) -> None:
    """Refuse to make firmware where the golden's was made around a network of stedgeai's.

    Raises:
        BadInput: it was, and no project is given.
    """
    from host.errors import BadInput

    if project is None and (golden.networks or golden.manifest.npu_library):
        line = ["nightjar", "golden", "replay", str(file), "--model", str(model)]
        raise BadInput(
            "a golden of backend neural_art is repeated with the project that it was recorded with",
            evidence="Received: --model without --project; what would be made is of backend cm55",
            next_step=f"{shlex.join([*line, '--board', at.option])} --project PROJECT",
        )


def _refuse_program(file: Path, board: str) -> None:
    """Refuse the ELF of a file where it would be a program of this computer, with the rights of who replays it.

    Raises:
        BadInput: on the native board.
    """
    from host.errors import BadInput

    if board == "native":
        raise BadInput(
            "on native the ELF of a golden is a program of this computer: of whoever sent the file",
            evidence=f"Received: {file} without --model",
            next_step="give --model, whose ELF is made here, or --run-elf where you trust the file",
        )
