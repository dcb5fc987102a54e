"""The scores of single windows by a board, through its own frontend."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from host.bundle import load_subject
from host.compare.bench import Bench
from host.compare.prepare import prepare
from host.compare.session import Session
from host.errors import BadInput
from host.files import sha256_file
from host.listen.feed import Feed, Way

if TYPE_CHECKING:
    from host.boards.which import Which


class BoardScores:
    """A board that is asked for the scores of windows; nothing is built before `ready`, or started before a window."""

    def __init__(self, make: Callable[[], Bench]) -> None:
        self._make = make

    @cached_property
    def _bench(self) -> Bench:
        return self._make()

    def ready(self) -> None:
        """Build the firmware.

        Raises:
            NightjarError: project or board cannot be used, or the compiler failed.
        """
        _ = self._bench

    @property
    def identity(self) -> str:
        """Which firmware, for which board."""
        session = self._bench.session
        return f"{session.board} {sha256_file(session.project.elf)}"

    @property
    def description(self) -> str:
        """Who answered."""
        hello = self._bench.identity()
        return (
            f"{self._bench.session.board}, build-id {hello.build_id.hex()}, {hello.backend}, "
            f"{hello.compiler}"
        )

    def scores(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
        """The model's output int8 [labels] for a window int16 [chunk_samples].

        Raises:
            NightjarError: board or link failed, or another firmware answers.
        """
        found = self._bench.infer(Feed(Way.WHOLE, samples, (samples,))).outputs[0]
        return np.asarray(found, np.int8).reshape(-1)


@contextmanager
def board_scores(
    bundle: Path, board: str, *, at: "Which | None", wait: float, project: Path | None = None
) -> Iterator[BoardScores]:
    """A board that will run the firmware of `bundle`, which is built when it is needed, or that of `project`.

    Raises:
        BadInput: it is no bundle.
    """
    subject = load_subject(bundle)
    if subject.contract is None:
        raise BadInput(
            "a board is evaluated with a bundle: a bare model does not say how sound becomes its "
            "input",
            evidence=f"Received: {bundle}",
            next_step="make a bundle with `nightjar quantize`",
        )
    with ExitStack() as stack:

        def make() -> Bench:
            _, made = prepare(bundle, board, rounding=None, project=project)
            session = Session(made, subject, board, vectors=0, seed=0, wait=wait, at=at)
            return stack.enter_context(Bench(session))

        yield BoardScores(make)
