"""From marks to numbers."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.boards.symbolize import lines_of
from host.coverage.coverage import Coverage, Layer, Share, Unreached
from host.coverage.image import CODE, CONSTANT, FUNCTION, PADDING, UNNAMED, Image, Mask
from host.coverage.marks import Marks
from host.coverage.steps import ENGINE
from host.errors import HostFailure

_OWN = re.compile(r"nj_op(\d+)(_.*)?")  # the constants of an op, as the generator names them
_KINDS = {CODE: "code", CONSTANT: "constants"}

Counts = npt.NDArray[np.int64]


def tally(marks: Marks, layers: Mapping[int, tuple[int, ...]], elf: Path) -> Coverage:
    """Count.

    Args:
        marks: with a row for each step.
        layers: index of each op -> its steps.
        elf: where the places of functions are looked up.

    Raises:
        HostFailure: the plugin has marked nothing, or code of the engine ran outside of the steps.
    """
    image = marks.image
    whole = reached(marks, (0,))
    _check_attribution(image, whole)
    sizes = {kind: _by_piece(image, image.kinds == kind) for kind in _KINDS}
    counted = []
    for index, steps in sorted(layers.items()):
        found = reached(marks, (1 + step for step in steps))
        counted.append(_layer(image, index, found, sizes))
        whole |= found
    of_layers = {1 + step for steps in layers.values() for step in steps}
    whole |= reached(marks, set(range(1, marks.rows)) - of_layers)
    return Coverage(
        code=_share(image, CODE, whole),
        constants=_share(image, CONSTANT, whole),
        layers=tuple(counted),
        unreached=_unreached(image, whole, sizes, elf),
    )


def reached(marks: Marks, rows: Iterable[int]) -> Mask:
    """bool [width]: code that was executed and constants that were read, in any of these rows."""
    image = marks.image
    found = np.zeros(image.width, bool)
    for number in rows:
        begun, read = marks.row(number)
        found |= image.instructions(begun) | (read & (image.kinds == CONSTANT))
    return found


def _check_attribution(image: Image, outside: Mask) -> None:
    engine = next(section for section in image.sections if section.name == ENGINE)
    stray = np.flatnonzero(outside[engine.place] & (image.kinds[engine.place] == CODE))
    if stray.size:
        owner = image.owners[engine.offset + int(stray[0])]
        raise HostFailure(
            "code of the model ran outside of its steps, so that coverage cannot be told by layer",
            evidence=f"in {image.pieces[owner].name}",
            next_step="this is a defect of the coverage's plugin: report it with the model",
        )


def _share(image: Image, kind: int, found: Mask) -> Share:
    of_kind = image.kinds == kind
    return Share(int(of_kind.sum()), int((found & of_kind).sum()))


def _by_piece(image: Image, mask: Mask) -> Counts:
    return np.bincount(image.owners[mask], minlength=len(image.pieces))


def _layer(image: Image, index: int, found: Mask, sizes: dict[int, Counts]) -> Layer:
    executed, read = (_by_piece(image, found & (image.kinds == kind)) for kind in _KINDS)
    own = np.array([_op_of(piece.name) == index for piece in image.pieces], bool)
    ran = executed > 0
    touched = ran | (read > 0) | own
    return Layer(
        index,
        Share(int(sizes[CODE][ran].sum()), int(executed.sum())),
        Share(int(sizes[CONSTANT][touched].sum()), int(read.sum())),
    )


def _op_of(name: str) -> int | None:
    match = _OWN.fullmatch(name)
    return None if match is None else int(match[1])


def _unreached(
    image: Image, whole: Mask, sizes: dict[int, Counts], elf: Path
) -> tuple[Unreached, ...]:
    totals: dict[tuple[int, str], tuple[int, int]] = {}  # of a piece and a kind: bytes, reached
    for kind, name in _KINDS.items():
        got_of = _by_piece(image, whole & (image.kinds == kind))
        counts = zip(sizes[kind], got_of, strict=True)
        for number, (total, got) in enumerate(counts):
            piece = image.pieces[number]
            # What is idle or nameless is one line, whatever the mapping symbols make of it.
            label = piece.kind if piece.kind in (PADDING, UNNAMED) else name
            before = totals.get((number, label), (0, 0))
            totals[number, label] = before[0] + int(total), before[1] + int(got)
    lacking = {key: counts for key, counts in totals.items() if counts[0] > counts[1]}
    functions = sorted({n for n, _ in lacking if image.pieces[n].kind == FUNCTION})
    lines = lines_of(elf, [image.pieces[number].address for number in functions])
    places = dict(zip(functions, lines, strict=True))
    found = []
    for (number, label), (total, got) in lacking.items():
        piece = image.pieces[number]
        place = places.get(number, "")
        found.append(Unreached(piece.name, piece.section, label, total - got, total, place))
    return tuple(sorted(found, key=lambda u: (-u.bytes, u.section, u.symbol, u.kind, u.place)))
