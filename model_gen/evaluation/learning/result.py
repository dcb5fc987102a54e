"""One run of one recipe: what came out."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def latest(runs: Iterable[Run]) -> dict[tuple[str, str, int], Run]:
    """The last run of each key."""
    return {run.key: run for run in runs}
