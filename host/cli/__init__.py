"""The command `nightjar`: one file a subcommand, loaded only when it is called."""

import contextlib
import errno
import importlib
import io
import os
import shlex
import signal
import sys
import traceback
from pathlib import Path

import click

import host
from host import exit_codes
from host.cli.common import forget_results, mute, report_error, wants_json
from host.errors import BadInput, Defect, HostFailure, NightjarError
from host.interrupts import Interrupts
from host.nearest import did_you_mean

# Order and one line of help, so that listing the commands imports none of them.
COMMANDS = {
    "synth": "Make a synthetic bird-song data set.",
    "data": "Look at recordings before training.",
    "train": "Train a classifier on folders of recordings.",
    "teach": "Keep what a large model says of recordings, for students.",
    "quantize": "Quantize a checkpoint to full int8 and write a bundle.",
    "convert": "Convert a checkpoint to a .tflite or .onnx file.",
    "evaluate": "Score a checkpoint or a bundle on held-out recordings.",
    "generate": "Turn a bundle or a .tflite into a firmware project.",
    "build": "Build the firmware of a project, a bundle or a .tflite.",
    "flash": "Write firmware to a board and print its HELLO.",
    "verify": "Prove that a board computes what the host computes.",
    "hil": "Run the hardware-in-the-loop suite.",
    "soak": "Judge a board for hours, and count everything.",
    "replay": "Judge a recorded session again, without its board.",
    "golden": "Have a board repeat a recorded session, byte for byte.",
    "classify": "Label recordings on the host and on a board, side by side.",
    "listen": "Let a board listen, and hold its detections against the host's.",
    "npu": "Show which tensors the NPU changes, by how much, and why.",
    "inspect": "Show what is inside a bundle or a .tflite.",
    "bench": "Count the cost of each layer on a board.",
    "lint": "Say what the NPU will get wrong, and what to change.",
    "profile": "Show where the instructions of an inference go.",
    "frontend": "Check the frontend, or a port of it, stage by stage.",
    "history": "Keep verdicts by commit and board, and show what became dearer.",
    "doctor": "Check every tool and say which tiers are ready.",
    "sdcard": "Prepare memory cards, and read what was logged.",
    "board": "Keep a board alive between commands.",
    "selftest": "Test the tester: calls, flips, signals, links.",
    "cache": "Show what is kept between commands, or prune it.",
}


class _ReaderGone(Exception):
    """Who read our output has gone, as in `nightjar inspect MODEL | head`: nothing is left to say."""


class LazyGroup(click.Group):
    """A group that imports `host.cli.NAME` for the one subcommand that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                args[0], possibilities=COMMANDS, ctx=ctx
            ) from error

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"host.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error  # click itself would exit 1

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"\b\nExit codes; the first that holds counts:\n{exit_codes.plain()}",
)
@click.version_option(host.__version__, prog_name="nightjar")
def cli() -> None:
    """Take bird recordings to a board, and prove that it computes what the host computed."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit, as the tests do; the program itself begins in host/entry.py."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(given: list[str]) -> int:
    """Run the command line: its exit code, which is that of the failure class, or 128 + a signal's number.

    A signal decides, whatever else went wrong while the command ended; its results are then removed.
    """
    # What was closed before we began, nobody wants to see.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # what this terminal's encoding lacks is no failure
            stream.reconfigure(errors="backslashreplace")
    with Interrupts() as interrupts:
        code = interrupts.during(lambda: _run(given))
        if interrupts.received is None:
            return 128 + signal.SIGINT if code is None else code
        forget_results()
        with contextlib.suppress(OSError):
            click.echo(f"interrupted by {interrupts.received.name}", err=True)
        return 128 + interrupts.received


def _run(given: list[str]) -> int:
    try:
        outcome = cli.main(args=given, prog_name="nightjar", standalone_mode=False)
        sys.stdout.flush()
    except NightjarError as error:
        return report_error(error, given)
    except click.ClickException as error:
        return _report_usage(error, given)
    except click.Abort:
        return 128 + signal.SIGINT
    except (_ReaderGone, BrokenPipeError):
        mute()
        return 128 + signal.SIGPIPE
    except (OSError, MemoryError) as error:
        return report_error(as_nightjar(error), given)
    except Exception as error:
        if not wants_json(given):
            traceback.print_exc()
        return report_error(as_nightjar(error), given)
    return int(outcome) if isinstance(outcome, int) else 0


def _report_usage(error: click.ClickException, given: list[str]) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not wants_json(given):
        error.show()
        return error.exit_code
    path = f"nightjar {given[0]}" if given and given[0] in COMMANDS else "nightjar"
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
    what = error.format_message()
    if isinstance(error, click.NoSuchOption | click.exceptions.NoSuchCommand):
        asked = error.option_name if isinstance(error, click.NoSuchOption) else error.command_name
        what = error.message + did_you_mean(asked, error.possibilities or ())
    return report_error(
        BadInput(
            what,
            evidence=f"Received: {shlex.join(['nightjar', *given])}",
            next_step=f"{path} --help",
        ),
        given,
    )


def as_nightjar(error: Exception) -> NightjarError:
    """What a command that an exception ends says of it."""
    if isinstance(error, NightjarError):
        return error
    return _from_os_error(error) if isinstance(error, OSError) else _from_defect(error)


def _from_os_error(error: OSError) -> NightjarError:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    where = f" ({' to '.join(names)})" if names else ""
    return HostFailure(
        f"the system refused an operation on a file: {error.strerror or error}{where}",
        evidence=f"Received: {errno.errorcode.get(error.errno or 0, type(error).__name__)}",
        next_step="free disk space or fix the path and its permissions; nothing was left half written",
    )


def _from_defect(error: BaseException) -> NightjarError:
    if isinstance(error, MemoryError):
        return HostFailure(
            "this computer has not enough free memory",
            evidence=f"Received: {error or 'MemoryError'}",
            next_step="end other programs, or take a smaller model or fewer recordings",
        )
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Defect(
        "nightjar met a case that it does not know: this is a defect of nightjar, not of your input",
        evidence=f"Received: {type(error).__name__}: {error} "
        f"(in {Path(last.filename).name}, line {last.lineno})",
        next_step="report it with this text; `nightjar doctor` tells whether the installation is whole",
    )
