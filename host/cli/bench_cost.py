"""`nightjar bench engine --cost-table FILE`: what kernels cost, by the shape of what they walk."""

from pathlib import Path

from host.cli.common import say, write_json


def bench_cost(path: Path, json_path: str | None) -> int:
    """Count single layers on the virtual board and write the table that `nightjar profile` predicts with.

    Only what the file lacks is counted, and families whose sources have changed since. The file is written after each
    family; a run that was interrupted goes on where it was.

    Raises:
        BadInput: the file is something else.
    """
    from host.bench.cost_table import kept, measure_table
    from host.bench.family_sources import stale
    from model_gen.profile.grid import FAMILIES
    from model_gen.progress import bar, line

    waiting = stale(kept(path))
    known = len(FAMILIES) - len(waiting)
    if known:
        line(f"{path}: {known} of {len(FAMILIES)} families of layers were counted before")
    line(f"to count: {'; '.join(waiting) or 'nothing'}")
    line(f"each family is kept in {path} as soon as it is counted")
    with bar("families of layers", len(FAMILIES)) as show:
        made = measure_table(path, on_family=show)
    errors = made.errors()
    write_json(
        json_path,
        {
            "schema": "nightjar/bench/1",
            "board": made.board,
            "cost_table": str(path),
            "families": made.families,
            "counted": list(waiting),
            "points": len(made.points),
            "largest_errors": errors,
        },
    )
    for form, error in errors.items():
        say(f"{form:48} off by up to {100 * error:4.1f} %", json_path)
    say(f"{path}: {len(made.points)} calls counted", json_path)
    return 0
