"""`nightjar cache`: what is kept between commands, and how to have less of it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import Choice, WholeRange

if TYPE_CHECKING:
    from host.cache import Cache
    from host.cache_folder import Swept

SCHEMA = "nightjar/cache/1"


@subcommand()
@click.argument("action", default="show", type=Choice(["show", "prune"]))
@click.option("--cache", "name", metavar="NAME", help="Only this cache.")
@click.option("--all", "everything", is_flag=True, help="With prune: remove every entry.")
@click.option(
    "--bound", metavar="BYTES", type=WholeRange(min=0), help="With prune: to fewer than the bound."
)
@json_option
def command(
    action: str, name: str | None, everything: bool, bound: int | None, json_path: str | None
) -> None:
    """Show what is kept between commands, or prune it to its bounds.

    What was not used for longest goes first. Nothing here is needed: what is missing is computed
    again. Entries that a running command uses are left.
    NIGHTJAR_CACHE names another folder than build/cache.
    """
    from host.cache import CACHES, cache_root
    from host.errors import BadInput

    if name is not None and name not in CACHES:
        raise BadInput(
            f"the caches are {', '.join(CACHES)}",
            evidence=f"Received: --cache {name}",
            next_step="nightjar cache show",
        )
    wrong = "--all" if everything else "--bound" if bound is not None else None
    if wrong is not None and action != "prune":
        raise BadInput(
            f"{wrong} goes with prune",
            evidence=f"Received: {action} {wrong}",
            next_step=f"nightjar cache prune {wrong}",
        )
    given = 0 if everything else bound
    chosen = [cache for cache in CACHES.values() if name in (None, cache.name)]
    say(str(cache_root()), json_path)
    rows = []
    for cache in chosen:
        most = cache.bound if given is None else min(given, cache.bound)
        swept = _prune(cache, most) if action == "prune" else None
        rows.append(_row(cache, swept))
        for line in _lines(rows[-1]):
            say(line, json_path)
    write_json(json_path, {"schema": SCHEMA, "root": str(cache_root()), "caches": rows})


def _prune(cache: "Cache", bound: int) -> "Swept":
    from host.errors import HostFailure

    try:
        return cache.folder.sweep(bound)
    except OSError as error:
        raise HostFailure(
            f"the cache {cache.name} cannot be pruned",
            evidence=f"{cache.folder.path}: {error.strerror or error}",
            next_step="run it again when no other command writes there; links are never followed",
        ) from error


def _row(cache: "Cache", swept: "Swept | None") -> dict[str, Any]:
    folder = cache.folder
    entries = folder.entries()
    oldest = datetime.fromtimestamp(entries[0].used / 1e9, UTC) if entries else None
    return {
        "name": cache.name,
        "holds": cache.holds,
        "verified": cache.verified,
        "folder": str(folder.path),
        "entries": len(entries),
        "bytes": sum(entry.bytes for entry in entries),
        "bound": cache.bound,
        "oldest": None if oldest is None else oldest.isoformat(timespec="seconds"),
        "removed": None
        if swept is None
        else {"entries": swept.entries, "bytes": swept.bytes, "in_use": swept.in_use},
    }


def _lines(row: dict[str, Any]) -> list[str]:
    oldest = "" if row["oldest"] is None else f", oldest {row['oldest']}"
    many = "entry" if row["entries"] == 1 else "entries"
    lines = [
        f"{row['name']:<13} {row['entries']:>6,} {many:<7}"
        f" {row['bytes']:>14,} of {row['bound']:,} bytes{oldest}",
        f"{'':<13} {row['holds']}; verified by {row['verified']}",
    ]
    removed = row["removed"]
    if removed is not None:
        used = f"; {removed['in_use']:,} in use, left" if removed["in_use"] else ""
        lines.append(f"{'':<13} removed {removed['entries']:,}, {removed['bytes']:,} bytes{used}")
    return lines
