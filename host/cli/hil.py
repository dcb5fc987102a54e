"""`nightjar hil`: run the hardware-in-the-loop suite."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.common import (
    ResultOption,
    board_options,
    force_option,
    json_option,
    say,
    stream_option,
)

if TYPE_CHECKING:
    from host.errors import NightjarError

_PATIENCE = 20.0  # seconds that an interrupted pytest has for ending its board


@click.command(
    "hil",
    help="Run the hardware-in-the-loop suite on a board. This is pytest; the exact command is printed. Exit 1 when any"
    " FIRMWARE test failed, else 15 for identity, else the code of what kept the suite from a verdict.",
)
@board_options()
@click.option(
    "--bundle", required=True, type=click.Path(path_type=Path), help="A bundle folder or a .tflite."
)
@click.option("--vectors", default=4, show_default=True, type=click.IntRange(min=0))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--rounding",
    default="tflite",
    show_default=True,
    type=click.Choice(["tflite", "tflm"]),
    help="Whose rounding rules the firmware has, and who judges: the pinned TFLite's reference, or tflite-micro.",
)
@click.option(
    "--project", type=click.Path(path_type=Path), help="Take this project's ELF; do not build."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for project and evidence.")
@force_option
@stream_option
@click.option("--soak", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--junit", cls=ResultOption, type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option(
    "--html",
    "html_path",
    cls=ResultOption,
    type=click.Path(path_type=Path),
    help="Write one page.",
)
@json_option
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    board: str,
    wait: float,
    bundle: Path,
    vectors: int,
    seed: int,
    rounding: str,
    project: Path | None,
    out: Path | None,
    force: bool,
    stream: bool,
    soak: int,
    junit: Path | None,
    html_path: Path | None,
    json_path: str | None,
    pytest_arguments: tuple[str, ...],
) -> int:
    import tempfile

    import host
    from host.bundle import load_subject
    from host.errors import HostFailure
    from host.results import is_stream, write_result
    from model_gen.codegen.frontend import check_stream

    suite = Path(host.__file__).resolve().parents[1] / "hil_tests"
    if not (suite / "conftest.py").is_file():
        raise HostFailure(
            "the suite is not there: nightjar is not installed from a checkout",
            evidence=f"no {suite}",
            next_step="clone the repository and install it with `make`",
        )
    subject = load_subject(bundle)  # says what is wrong with it before pytest starts
    if stream:
        check_stream(subject.contract)
    with tempfile.TemporaryDirectory() as temporary:
        results = {"--junitxml": junit, "--hil-html": html_path, "--hil-json": json_path}
        # What is no file of a name is open here only: the suite writes beside, and we hand it on.
        handed = {
            name: Path(temporary) / f"result{name}"
            for name, path in results.items()
            if path == "-" or (path is not None and is_stream(Path(path)))
        }
        error = Path(temporary) / "error.json"
        options = {
            "--board": board,
            "--wait": wait,
            "--bundle": bundle,
            "--vectors": vectors,
            "--seed": seed,
            "--rounding": rounding,
            "--project": project,
            "--hil-out": out,
            "--soak": soak,
            **results,
            **handed,
        }
        line = [sys.executable, "-m", "pytest", str(suite)]
        for name, value in options.items():
            if value is not None:
                line += [name, str(value)]
        line += ["--stream"] if stream else []
        line += ["--force"] if force else []
        line += pytest_arguments
        say("$ " + shlex.join(["pytest", *line[3:]]), json_path)
        try:
            code = _run([*line, "--hil-error", str(error)], quiet=json_path == "-")
        except KeyboardInterrupt:
            if junit is not None:
                # It would show what passed, and not that the rest never ran.
                junit.unlink(missing_ok=True)
            raise
        for name, made in handed.items():
            if made.is_file() and results[name] == "-":
                sys.stdout.write(made.read_text())
            elif made.is_file():
                write_result(Path(str(results[name])), made.read_bytes())
        if code not in (0, 1):
            raise _error(code, error)
    return code


def _error(code: int, file: Path) -> "NightjarError":
    """What kept the suite from a verdict, from the file that it left; else from pytest's own exit code."""
    import json

    from host import errors

    if file.is_file():
        raw = json.loads(file.read_bytes())
        kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
        named = {kind.exit_code: kind for kind in kinds if issubclass(kind, errors.NightjarError)}
        kind = named.get(raw["exit_code"], errors.HostFailure)
        return kind(raw["what"], evidence=raw["evidence"], next_step=raw["next_step"])
    if code in (2, 4, 5):  # interrupted by errors in collection, bad usage, no tests
        return errors.BadInput(
            "pytest ran none of the suite's tests",
            evidence=f"Received: its exit code {code}; what it said is above",
            next_step="check what was given to pytest",
        )
    return errors.HostFailure(
        "pytest ended without a verdict",
        evidence=f"Received: its exit code {code}; what it said is above",
        next_step="`nightjar doctor` checks the tools",
    )


def _run(line: list[str], *, quiet: bool) -> int:
    """Run pytest; whatever ends this command ends pytest first, which ends its board.

    With `quiet`, what it prints goes to standard error.
    """
    from host.boards.tools import find_tool

    # A group of its own, so that it is interrupted once: by us, whether a key or `kill` interrupts us.
    # If we are killed, the kernel interrupts it.
    guard = [find_tool("setpriv", "util-linux"), "--pdeathsig", "INT"]
    with subprocess.Popen(
        guard + line, stdout=sys.stderr if quiet else None, process_group=0
    ) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
