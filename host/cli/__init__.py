"""The command `nightjar`: one file a subcommand, loaded only when it is called."""

import importlib
import sys

import click

import host
from host.cli.common import report_error
from host.errors import NightjarError

# Order and one line of help, so that listing the commands imports none of them.
COMMANDS = {
    "synth": "Make a synthetic bird-song data set.",
    "train": "Train a classifier on folders of recordings.",
    "quantize": "Quantize a checkpoint to full int8 and write a bundle.",
    "evaluate": "Score a checkpoint or a bundle on held-out recordings.",
    "generate": "Turn a bundle or a .tflite into a firmware project.",
    "build": "Build the firmware of a project, a bundle or a .tflite.",
    "flash": "Write firmware to a board and print its HELLO.",
    "verify": "Prove that a board computes what the host computes.",
    "hil": "Run the hardware-in-the-loop suite.",
    "classify": "Label recordings on the host and on a board, side by side.",
    "inspect": "Show what is inside a bundle or a .tflite.",
    "bench": "Count the cost of each layer on a board.",
    "doctor": "Check every tool and say which tiers are ready.",
    "board": "Keep a board alive between commands.",
}


class LazyGroup(click.Group):
    """A group that imports `host.cli.NAME` for the one subcommand that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"host.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(host.__version__, prog_name="nightjar")
def cli() -> None:
    """Take bird recordings to a board, and prove that it computes what the host computed."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of the failure class."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        outcome = cli.main(args=given, prog_name="nightjar", standalone_mode=False)
    except NightjarError as error:
        sys.exit(report_error(error, given))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except OSError as error:
        sys.exit(report_error(_from_os_error(error), given))
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _from_os_error(error: OSError) -> NightjarError:
    from host.errors import HostFailure

    where = f" ({error.filename})" if error.filename else ""
    return HostFailure(
        f"the system refused an operation on a file: {error.strerror or error}{where}",
        evidence=f"errno {error.errno}",
        next_step="free disk space or fix the path and its permissions; nothing was left half written",
    )
