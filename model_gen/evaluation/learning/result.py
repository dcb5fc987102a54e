"""One run of one recipe: what is asked for, what came out, and the lines of the file that keeps them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from host.errors import BadInput
from host.typed import typed

INT8 = "int8"
FLOAT = "float"


@dataclass(frozen=True)
class Run:
    """Top-1, 0 to 1, of a model under each condition, by kind: `float`, and `int8` where there is one.

    version: what tells the recipe from others of its name. data: digest of the clips. processor: seconds of
    training, of all threads, user and system. int8_refused: why there is no int8 model though one was asked for.
    """

    recipe: str
    version: str
    data: str
    test: str
    val: str
    seed: int
    processor: float
    wall: float
    epochs: int
    best_epoch: int
    val_top1: float
    top1: dict[str, dict[str, float]]
    int8_refused: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What no two runs of a table share."""
        return self.recipe, self.test, self.seed

    @property
    def pair(self) -> tuple[str, int]:
        """What recipes are compared on: the speaker who tests, and the seed."""
        return self.test, self.seed


def write_line(run: Run) -> str:
    """The line of a run."""
    return json.dumps(asdict(run), sort_keys=True) + "\n"


def read_lines(path: Path) -> tuple[Run, ...]:
    """The runs that a file keeps; a last line that was cut off is left out, no file has none.

    Raises:
        BadInput: another line is none of a run.
    """
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    return tuple(_run(line, number, path) for number, line in enumerate(lines, 1))


def latest(runs: Iterable[Run]) -> dict[tuple[str, str, int], Run]:
    """The last run of each key."""
    return {run.key: run for run in runs}


def _run(line: str, number: int, path: Path) -> Run:
    try:
        return typed(Run, json.loads(line))
    except ValueError as error:
        raise BadInput(
            "expected a line of `nightjar bench learning`",
            evidence=f"Received: {path}, line {number}: {error}",
            next_step="give another file with --out",
        ) from error
