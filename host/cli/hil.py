"""`nightjar hil`: run the hardware-in-the-loop suite."""

import shlex
import subprocess
import sys
from pathlib import Path

import click

from host.cli.common import say


@click.command(
    "hil",
    help="Run the hardware-in-the-loop suite on a board. This is pytest; the exact command is printed. Exit 1 when any"
    " FIRMWARE test failed, else 15 for identity, else the code of what kept the suite from a verdict.",
)
@click.option("--board", default="virtual", show_default=True, help="virtual, native, ...")
@click.option(
    "--bundle", required=True, type=click.Path(path_type=Path), help="A bundle folder or a .tflite."
)
@click.option("--vectors", default=4, show_default=True, type=click.IntRange(min=0))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--rounding", default="tflite", type=click.Choice(["tflite", "tflm"]), show_default=True
)
@click.option(
    "--project", type=click.Path(path_type=Path), help="Take this project's ELF; do not build."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for project and evidence.")
@click.option("--soak", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--html", "html_path", type=click.Path(path_type=Path), help="Write one page.")
@click.option(
    "--json", "json_path", metavar="FILE", help='Write the verdict; "-" is standard output.'
)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    board: str,
    bundle: Path,
    vectors: int,
    seed: int,
    rounding: str,
    project: Path | None,
    out: Path | None,
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

    suite = Path(host.__file__).resolve().parents[1] / "hil_tests"
    if not (suite / "conftest.py").is_file():
        raise HostFailure(
            "the suite is not there: nightjar is not installed from a checkout",
            evidence=f"no {suite}",
            next_step="clone the repository and install it with `make`",
        )
    load_subject(bundle)  # says what is wrong with it before pytest starts
    with tempfile.TemporaryDirectory() as temporary:
        verdict = Path(temporary) / "verdict.json" if json_path == "-" else json_path
        options = {
            "--board": board,
            "--bundle": bundle,
            "--vectors": vectors,
            "--seed": seed,
            "--rounding": rounding,
            "--project": project,
            "--hil-out": out,
            "--soak": soak,
            "--junitxml": junit,
            "--hil-html": html_path,
            "--hil-json": verdict,
        }
        line = [sys.executable, "-m", "pytest", str(suite)]
        for name, value in options.items():
            if value is not None:
                line += [name, str(value)]
        line += pytest_arguments
        say("$ " + shlex.join(["pytest", *line[3:]]), json_path)
        code = _run(line, quiet=json_path == "-")
        if json_path == "-" and Path(str(verdict)).is_file():
            sys.stdout.write(Path(str(verdict)).read_text())
    return code


def _run(line: list[str], *, quiet: bool) -> int:
    """Run pytest; on Ctrl-C wait for it to end its board. With `quiet`, what it prints goes to standard error."""
    with subprocess.Popen(line, stdout=sys.stderr if quiet else None) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
