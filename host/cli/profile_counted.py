"""`nightjar profile` of a bundle or .tflite: where the instructions of an inference go."""

from pathlib import Path

from host.cli.common import say, write_json
from host.cli.profile_stedgeai import analysis

SCHEMA = "nightjar/profile/1"


def count(
    model: Path,
    name: str,
    bench: Path | None,
    rounding: str,
    loops: int,
    coverage: bool,
    json_path: str | None,
    *,
    stedgeai: bool,
) -> int:
    """Run one inference on a virtual board, and say what each layer, function and loop took."""
    import tempfile
    from dataclasses import asdict

    from host.bench.cost import require_exact
    from host.boards.which import which
    from host.compare.prepare import prepare
    from host.compare.prove import prove
    from host.compare.session import Session
    from host.compare.vectors import make_vectors
    from host.coverage.measure import measure
    from host.coverage.table import table_of
    from host.profile.count import counting, engine_of, read_counts
    from host.profile.report import disassemble, profile
    from model_gen.codegen.neural_art.analyze import as_json, lines

    board = which(name, bench=bench, flashes=False).tier
    _require_countable(name, board)
    subject, made = prepare(model, board, rounding=rounding)
    engine = engine_of(made.elf)
    with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
        folder = Path(temporary)
        # A board of its own: one that is kept does not count.
        with counting(engine, folder) as counts:
            verdict = prove(
                Session(made, subject, board, vectors=1, seed=0, root=folder / "boards")
            )
        blocks = read_counts(counts)
    require_exact(verdict, next_step=f"nightjar verify {model} --board {board}")
    reached = None
    if coverage:
        vectors = make_vectors(subject, made.description.inputs, 1, 0)
        reached = measure(made, subject, vectors)
    found = profile(blocks, engine, disassemble(made.elf, engine), loops=loops)
    layers = [
        {
            "index": tap.index,
            "op": tap.op,
            "instructions": sum(found.steps[s] for s in tap.cost_steps),
        }
        for tap in made.description.taps
    ]
    analyzed = analysis(subject.model) if stedgeai else None
    payload = {
        "schema": SCHEMA,
        "board": board,
        "model_sha256": subject.model_sha256,
        "inference": verdict.cost.model,
        "layers": layers,
        **asdict(found),
        "coverage": None if reached is None else reached.as_json(),
        **({} if analyzed is None else {"stedgeai": as_json(analyzed)}),
    }
    write_json(json_path, payload)
    say(
        f"one inference: {verdict.cost.model:,} instructions, {found.total:,.0f} in the engine's own code",
        json_path,
    )
    say(f"Helium: {100 * found.helium:.1f} % of these", json_path)
    for layer in layers:
        if layer["instructions"]:
            say(f"{layer['index']:4} {layer['op']:24} {layer['instructions']:12,.0f}", json_path)
    say("by function:", json_path)
    for function, instructions in found.functions:
        if instructions >= 0.001 * found.total:
            say(
                f"  {instructions:12,.0f}  {100 * instructions / found.total:5.1f} %  {function}",
                json_path,
            )
    for loop in found.loops:
        say(
            f"{loop.function} at {loop.address:08x}: {loop.runs:,.0f} times, {loop.instructions:,.0f} instructions",
            json_path,
        )
        for line in loop.lines:
            say(f"    {line}", json_path)
    if reached is not None:
        say("coverage:", json_path)
        for line in table_of(reached, {tap.index: tap.op for tap in made.description.taps}):
            say(f"  {line}", json_path)
    for line in () if analyzed is None else lines(analyzed):
        say(line, json_path)
    return 0


def _require_countable(name: str, tier: str) -> None:
    from host.errors import BadInput

    if tier != "virtual":
        raise BadInput(
            "only a virtual board counts every instruction",
            evidence=f"Received: --board {name}, of kind {tier}",
            next_step="use --board virtual; `nightjar bench` tells what each layer costs on a board",
        )
