"""`nightjar history show`: one run, or its verdict as it was written."""

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.history_list import table
from host.cli.history_options import store_option


@subcommand("show")
@click.argument("number", metavar="RUN", type=int)
@store_option
@json_option
def show(number: int, store: str, json_path: str | None) -> None:
    """Show a run; --json writes its whole verdict, nightjar/verify/1, as --baseline takes it."""
    from host.history.store import opened

    with opened(store) as history:
        run, verdict = history.run(number), history.verdict(number)
    write_json(json_path, verdict)
    facts = {
        "commit": f"{run.commit or '-'}{', with changes' if run.dirty else ''}",
        "branch": run.branch or "-",
        "recorded": run.recorded,
        "model": f"{run.model}, {run.model_sha256}",
        "board": f"{run.board}, {run.kind} on {run.tier}",
        "backend": run.backend,
        "compiler": run.compiler,
        "state": f"{run.state}, exit code {run.exit_code}, {run.vectors} vectors",
        "gate": verdict.get("gate") or "-",
        "quarantine": ", ".join(
            f"{one['name']} ({one['issue']})"
            for one in verdict.get("quarantined", ())
            if one["tests"]
        )
        or "-",
        "flash, RAM": f"{run.flash:,} and {run.ram:,} bytes",
    }
    if run.code is not None and run.constants is not None:
        facts["coverage"] = f"{run.code:.2f} % of the code, {run.constants:.2f} % of the constants"
    for line in table([(f"{name}:", value) for name, value in facts.items()], frozenset()):
        say(line, json_path)
    if run.unit == "none":
        say("nothing is counted on this board", json_path)
        return
    rows = [("layer", "op", run.unit, "name")]
    rows += [("", stage, _count(cost), "") for stage, cost in _stages(run.frontend, run.model_cost)]
    for (index, op, name), cost in zip(run.named, run.counted, strict=True):
        rows.append((str(index), op, _count(cost), name))
    for line in table(rows, frozenset({0, 2})):
        say(line, json_path)


def _stages(frontend: int | None, model: int | None) -> list[tuple[str, int | None]]:
    return [("model", model)] if frontend is None else [("frontend", frontend), ("model", model)]


def _count(cost: int | None) -> str:
    return "-" if cost is None else f"{cost:,}"
