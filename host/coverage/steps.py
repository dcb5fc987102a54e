"""Which code belongs to the model's steps: where each begins, and what they call."""

import re
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from host.coverage.image import CODE, CONSTANT, FUNCTION, Image, Section
from host.errors import HostFailure

ENGINE = ".engine_text"
REQUEST = "nj_dispatch"  # answers requests; what is read before the first is the start's own
_STEP = re.compile(r"nj_step(\d+)")


@dataclass(frozen=True)
class Steps:
    """Addresses: the entry of each step, in order; begin and end of all code that steps run."""

    entries: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]


def find_steps(image: Image, count: int) -> Steps:
    """The steps of the model, and the code they run: the engine's, and what that calls.

    Code that is executed outside of the ranges ends a step: that is how a step's end is seen.

    Raises:
        HostFailure: the ELF has another number of steps than `count`, or two of them in one place.
    """
    found = {
        int(match[1]): address
        for name, address in image.symbols.items()
        if (match := _STEP.fullmatch(name)) is not None
    }
    if sorted(found) != list(range(count)) or len(set(found.values())) != count:
        raise HostFailure(
            "the steps of the model cannot be told apart in its firmware",
            evidence=f"{count} wanted; the ELF has {len(found)} at {len({*found.values()})} places",
            next_step="generate and build the project again",
        )
    engine = next((s for s in image.sections if s.name == ENGINE), None)
    if engine is None:
        raise HostFailure(f"the firmware has no section {ENGINE}")
    ranges = [(engine.address, engine.address + len(engine.data)), *_called(image, engine)]
    return Steps(tuple(found[i] for i in range(count)), tuple(ranges))


def _called(image: Image, engine: Section) -> list[tuple[int, int]]:
    """Functions outside of the engine that it calls or points to, and what those call."""
    extents = _functions(image)
    todo = [(engine.offset, engine.offset + len(engine.data))]
    found: set[int] = set()
    while todo:
        for address in _targets(image, *todo.pop()):
            place = image.offset(address)
            if place is None or engine.holds(address):
                continue
            owner = int(image.owners[place])
            if owner in extents and owner not in found:
                found.add(owner)
                todo.append(extents[owner])
    spans = []
    for owner in sorted(found):
        begin, end = extents[owner]
        spans.append((image.pieces[owner].address, image.pieces[owner].address + end - begin))
    return spans


def _functions(image: Image) -> dict[int, tuple[int, int]]:
    """piece -> first offset and the one behind the last, of every function."""
    extents: dict[int, tuple[int, int]] = {}
    place = 0
    for owner, run in groupby(image.owners.tolist()):
        begin, place = place, place + len(list(run))
        if owner >= 0 and image.pieces[owner].kind == FUNCTION:
            extents[owner] = (extents.get(owner, (begin, 0))[0], place)
    return extents


def _targets(image: Image, begin: int, end: int) -> set[int]:
    """Where the code of [begin, end) goes by BL or B.W, and code addresses in its pools."""
    section = next(s for s in image.sections if s.offset <= begin < s.place.stop)
    found = set()
    place = begin
    while place + 4 <= end:
        at = place - section.offset
        if image.kinds[place] != CODE:
            word = int.from_bytes(section.data[at : at + 4], "little")
            if at % 4 == 0 and np.all(image.kinds[place : place + 4] == CONSTANT) and word & 1:
                found.add(word & ~1)
            place += 2
            continue
        if not image.wide[place]:
            place += 2
            continue
        first = int.from_bytes(section.data[at : at + 2], "little")
        second = int.from_bytes(section.data[at + 2 : at + 4], "little")
        if first >> 11 == 0b11110 and second & 0x9000 == 0x9000:
            found.add(section.address + at + 4 + _reach(first, second))
        place += 4
    return found


def _reach(first: int, second: int) -> int:
    """The signed distance of BL (encoding T1) and B.W (T4)."""
    sign = first >> 10 & 1
    high = (second >> 13 & 1) ^ sign ^ 1
    low = (second >> 11 & 1) ^ sign ^ 1
    value = sign << 24 | high << 23 | low << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return value - (1 << 25 if sign else 0)
