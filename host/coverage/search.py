"""A search for inputs that reach what others do not: greedy, seeded, on one virtual board."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from host.bundle import Subject
from host.compare.vectors import Inputs
from host.coverage.board import Observed, observed
from host.coverage.candidates import changed, planned
from host.coverage.image import Bytes, Image, Mask, read_image
from host.coverage.measure import require_countable
from host.coverage.space import Space, spaces_of
from host.coverage.steps import find_steps
from host.coverage.tally import reached
from host.deadline import Deadline
from host.errors import FirmwareFailure
from host.project import Project

SPARE = 5.0  # seconds of the limit that a search leaves unused


@dataclass(frozen=True, eq=False)
class Found:
    """The fewest inputs, of those tried, that reach what all of them reach, the most useful first.

    gains: bytes of the engine, and of what it calls, that each adds to those before it.
    tried: how many were run. complete: whether that is as many as were asked for.
    failure: what the firmware did on the last of `inputs`; it ended the search.
    """

    inputs: tuple[Inputs, ...]
    gains: tuple[int, ...]
    tried: int
    complete: bool
    failure: FirmwareFailure | None = None


@dataclass(eq=False)
class _Kept:
    """An input and what it reached of the engine, as packed bits."""

    inputs: Inputs
    mask: Bytes


def search(
    project: Project,
    subject: Subject,
    *,
    tries: int,
    seed: int,
    start: Sequence[Inputs] = (),
    limit: Deadline | None = None,
    say: Callable[[str], None] | None = None,
) -> Found:
    """Try inputs: `start`, then boundaries and patterns, then changes of what has helped.

    The same arguments give the same inputs, unless `limit` ends the search before `tries` does.

    Args:
        tries: how many inputs to run, those of `start` included.
        limit: ends the search early, with what it has found; a deadline over all it waits for, too.

    Raises:
        BadInput: this project cannot be counted, or its model not be read.
        BoardFailure, FlashFailure, HostFailure, IdentityFailure: nothing was counted, and why.
    """
    require_countable(project)
    image = read_image(project.elf)
    kept: list[_Kept] = []
    tried = 0
    with observed(project, subject, image, None, limit) as board:
        part = engine(image, project)
        union = np.zeros_like(np.packbits(part))
        proposals = _proposals(spaces_of(subject), start, kept, seed)
        for inputs in islice(proposals, tries):
            if limit is not None and limit.remaining < SPARE:
                break
            tried += 1
            try:
                mask = _ask(board, inputs, part)
            except FirmwareFailure as error:
                return _found(kept, tried, tries, inputs, error)
            gain = _count(mask & ~union)
            contained = [one for one in kept if not (one.mask & ~mask).any()]
            if gain or len(contained) > 1:
                kept[:] = [one for one in kept if one not in contained] + [_Kept(inputs, mask)]
                union |= mask
            if gain and say is not None:
                say(f"input {tried} reaches {gain:,} bytes more")
    return _found(kept, tried, tries)


def fewest(masks: Sequence[Bytes]) -> list[int]:
    """Positions of a few of `masks`, uint8 of packed bits, that together hold what all hold.

    Each time the one that adds most; in the end without those that the others make needless.
    """
    if not masks:
        return []
    missing = np.bitwise_or.reduce(masks)
    whole = missing.copy()
    order: list[int] = []
    while missing.any():
        best = max(range(len(masks)), key=lambda i: (_count(masks[i] & missing), -i))
        order.append(best)
        missing &= ~masks[best]
    for one in order[::-1]:
        others = [masks[i] for i in order if i != one]
        if others and np.array_equal(np.bitwise_or.reduce(others), whole):
            order.remove(one)
    return order


def _found(
    kept: list[_Kept],
    tried: int,
    tries: int,
    failing: Inputs | None = None,
    failure: FirmwareFailure | None = None,
) -> Found:
    chosen = [kept[i] for i in fewest([one.mask for one in kept])]
    gains: list[int] = []
    before = np.zeros_like(kept[0].mask) if kept else np.zeros(0, np.uint8)
    for one in chosen:
        gains.append(_count(one.mask & ~before))
        before |= one.mask
    inputs = [one.inputs for one in chosen]
    if failing is not None:
        inputs.append(failing)
        gains.append(0)
    return Found(tuple(inputs), tuple(gains), tried, tried == tries and failure is None, failure)


def _proposals(
    spaces: Sequence[Space], start: Sequence[Inputs], kept: Sequence[_Kept], seed: int
) -> Iterator[Inputs]:
    generator = np.random.default_rng(seed)
    yield from chain(start, planned(spaces, generator))
    while True:
        yield changed(spaces, [one.inputs for one in kept], generator)


def _count(mask: Bytes) -> int:
    return int(np.bitwise_count(mask).sum())


def _ask(board: Observed, inputs: Inputs, part: Mask) -> Bytes:
    """What runs of the engine, and is read of its constants, for `inputs`.

    What the link and the board do besides depends on how busy this computer is, and on no input.
    """
    board.marks.clear()
    board.run(inputs)
    return np.packbits(reached(board.marks, (0,)) & part)


def engine(image: Image, project: Project) -> Mask:
    """bool [width]: the engine, and the functions that it calls."""
    found = np.zeros(image.width, bool)
    for section in image.sections:
        found[section.place] = section.name.startswith(".engine")
    for begin, end in find_steps(image, project.description.steps).ranges:
        place = image.offset(begin)
        assert place is not None
        found[place : place + end - begin] = True
    return found
