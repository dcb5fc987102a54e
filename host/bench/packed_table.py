"""What packed weights cost and save, counted: `python -m host.bench.packed_table MODEL.tflite ...` prints both tables
of docs/packed-weights.md in Markdown.

Each model is built for the virtual board as it is and with `--optimize flash`, and both are verified: what is not exact
has no row.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from host.bench.cost import require_exact
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from model_gen.codegen.cm55.flash_table import Row, row, table

BOARD = "virtual"
ROOT: Path | None = None  # the private folder of boards, for tests


@dataclass(frozen=True)
class Measured:
    """A firmware: bytes of flash and RAM, instructions of one inference."""

    flash: int
    ram: int
    instructions: int


def measured(model: Path, optimize: str) -> Measured:
    """One inference of the firmware that is made for `optimize`, on the virtual board.

    Raises:
        BadInput: the engine does not take the model.
        FirmwareFailure: the board does not compute what the host computes.
    """
    with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
        subject, made = prepare(model, BOARD, out=Path(temporary), optimize=optimize)
        verdict = prove(Session(made, subject, BOARD, vectors=1, seed=0, root=ROOT))
    require_exact(verdict, next_step="nightjar selftest")
    assert verdict.cost.model is not None
    return Measured(verdict.footprint.flash, verdict.footprint.ram, verdict.cost.model)


def lines(models: list[Path]) -> Iterator[str]:
    """Both tables: shares of the weights with the counted instructions of unpacking, and whole firmwares."""
    rows: list[Row] = []
    firmwares: list[str] = []
    for model in models:
        found = replace(row(model), name=model.stem)
        if found.packed == found.weights:  # nothing is packed, the same firmware
            rows.append(found)  # expected instructions: 0
            continue
        plain, packed = measured(model, "speed"), measured(model, "flash")
        rows.append(replace(found, instructions=packed.instructions - plain.instructions))
        for name, one in ((found.name, plain), ("the same, `--optimize flash`", packed)):
            firmwares.append(f"| {name} | {one.flash:,} | {one.ram:,} | {one.instructions:,} |")
    yield from table(rows)
    yield ""
    yield "| firmware | flash | RAM | instructions |"
    yield "|---|---:|---:|---:|"
    yield from firmwares


if __name__ == "__main__":
    for line in lines([Path(name) for name in sys.argv[1:]]):
        print(line, flush=True)
