"""What kernels cost: single layers counted on the virtual board, kept family by family."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from host.bench.cost import require_exact
from host.bench.family_sources import sources_sha256, stale
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.files import write_atomically
from model_gen.codegen.cm55.compile import plan_model
from model_gen.profile.cost import CostTable, Point, fit, read_table
from model_gen.profile.grid import FAMILIES, keras_model
from model_gen.profile.made_up import int8_model
from model_gen.profile.tflite_walk import work_of
from model_gen.profile.work import Work

BOARD = "virtual"


def kept(path: Path) -> CostTable:
    """What an earlier run left in the file; nothing where there is none.

    Raises:
        BadInput: the file is something else.
    """
    return read_table(path) if path.exists() else CostTable(BOARD, {}, (), {})


def measure_table(path: Path, *, on_family: Callable[[int, str], None]) -> CostTable:
    """Count the families that the file lacks or has of other sources, and write it after each; then fit.

    Args:
        path: the table; what it holds of the same sources is not counted again.
        on_family: told how many families are done, and which one comes.

    Raises:
        BadInput: the file is something else.
        FirmwareFailure: the board does not compute what the host computes.
    """
    made = kept(path)
    waiting = stale(made)
    for done, name in enumerate(waiting):
        on_family(len(FAMILIES) - len(waiting) + done, name)
        made = _with(made, name, tuple(measured(name)))
        write_atomically(path, made.to_json().encode())
    on_family(len(FAMILIES), "")
    return made


def _with(table: CostTable, family: str, counted: tuple[Point, ...]) -> CostTable:
    """The table with these points of a family, in the grid's order, and without families that the grid has no more."""
    points = {name: tuple(p for p in table.points if p.case == name) for name in FAMILIES}
    points[family] = counted
    found = tuple(point for name in FAMILIES for point in points[name])
    sources = {name: table.families.get(name, "") for name in FAMILIES if points[name]}
    sources[family] = sources_sha256(family, {point.work.kernel for point in counted})
    return CostTable(BOARD, sources, found, fit(found))


def measured(family: str) -> Iterator[Point]:
    """The calls of one family, counted."""
    from model_gen.runtime import tensorflow

    tensorflow()
    content = int8_model(keras_model(FAMILIES[family]))
    for work, instructions in counted(content):
        yield Point(family, work, instructions)


def counted(content: bytes) -> list[tuple[Work, int]]:
    """Each kernel call of a .tflite with its instructions on the virtual board.

    Raises:
        BadInput: the engine does not take the model.
        FirmwareFailure: the board does not compute what the host computes.
    """
    with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
        folder = Path(temporary)
        model = folder / "layers.tflite"
        model.write_bytes(content)
        subject, made = prepare(model, BOARD, out=folder)
        verdict = prove(Session(made, subject, BOARD, vectors=1, seed=0))
    require_exact(verdict, next_step="nightjar selftest")
    instructions: Counter[int] = Counter()
    for layer in (
        verdict.layers
    ):  # what an op keeps for itself is a layer of its own, which costs nothing more
        instructions[layer.index] += layer.instructions or 0
    program, _ = plan_model(content)
    return [
        (work_of(step.kernel, step.view), instructions[step.view.op.index])
        for step in program.steps
    ]
