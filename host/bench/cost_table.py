"""What kernels cost: single layers counted on the virtual board, kept family by family."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from host.bench.cost import require_exact
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.files import sha256_bytes, write_atomically
from host.installed import FIRMWARE
from model_gen.codegen.cm55.compile import plan_model
from model_gen.profile import grid
from model_gen.profile.cost import CostTable, Point, fit, read_table
from model_gen.profile.grid import FAMILIES, keras_model
from model_gen.profile.made_up import int8_model
from model_gen.profile.tflite_walk import work_of
from model_gen.profile.work import Work

BOARD = "virtual"


def engine_sha256() -> str:
    """SHA-256 over what decides the counts: the kernels' sources and the grid of shapes."""
    files = [*sorted((FIRMWARE / "kernels").glob("*.[ch]")), Path(grid.__file__)]
    return sha256_bytes(b"".join(file.name.encode() + file.read_bytes() for file in files))


def kept(path: Path) -> tuple[Point, ...]:
    """What an earlier run counted of the same kernels and left in the file.

    Raises:
        BadInput: the file is something else.
    """
    if not path.exists():
        return ()
    table = read_table(path)
    return table.points if table.engine == engine_sha256() else ()


def measure_table(path: Path, *, on_family: Callable[[int, str], None]) -> CostTable:
    """Count what the file lacks, and write it after each family; then fit.

    Args:
        path: the table; what it holds already of the same kernels is not counted again.
        on_family: told how many families are done, and which one comes.

    Raises:
        BadInput: the file is something else.
        FirmwareFailure: the board does not compute what the host computes.
    """
    engine = engine_sha256()
    points = {name: tuple(p for p in kept(path) if p.case == name) for name in FAMILIES}

    def table() -> CostTable:
        found = tuple(point for name in FAMILIES for point in points[name])
        return CostTable(BOARD, engine, found, fit(found))

    for done, name in enumerate(FAMILIES):
        on_family(done, name)
        if not points[name]:
            points[name] = tuple(measured(name))
            write_atomically(path, table().to_json().encode())
    on_family(len(FAMILIES), "")
    made = table()
    write_atomically(path, made.to_json().encode())
    return made


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
