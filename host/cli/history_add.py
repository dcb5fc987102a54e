"""`nightjar history add`: append a verdict that a command wrote with --json."""

from pathlib import Path

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.history_options import store_option

SCHEMA = "nightjar/history-add/1"


@subcommand("add")
@click.argument("file", type=click.Path(path_type=Path))
@store_option
@click.option("--model", help="What the model is called.  [default: the digits of its SHA-256]")
@click.option("--board", help="What the board is called.  [default: who ran it]")
@click.option("--commit", help="The commit that was judged.  [default: the working folder's]")
@click.option("--branch", help="Its branch.  [default: the working folder's]")
@json_option
def add(
    file: Path,
    store: str,
    model: str | None,
    board: str | None,
    commit: str | None,
    branch: str | None,
    json_path: str | None,
) -> None:
    """Append the verdict in FILE, which `nightjar verify` or `nightjar hil` wrote with --json.

    Twice the same verdict is two runs.
    """
    from host.history.commit import Commit, commit_of
    from host.history.run import Place
    from host.history.store import opened
    from host.report.stored import read_verdict

    raw = read_verdict(file)
    found = commit_of(Path.cwd()) if commit is None else Commit(commit)
    if branch is not None:
        found = Commit(found.sha, branch, found.dirty)
    place = Place(
        found, model or raw["model_sha256"][:12], board or raw.get("tier") or raw["board"]
    )
    with opened(store, write=True) as history:
        number = history.add(raw, place)
        say(f"history: run {number} in {history.address.shown}", json_path)
    write_json(json_path, {"schema": SCHEMA, "run": number})
