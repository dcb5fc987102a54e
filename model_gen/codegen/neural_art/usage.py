"""Memory over time: which bytes of a pool tensors hold in which epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_gen.codegen.neural_art.compilation import Buffer, Compilation, Pool

_ROWS, _COLUMNS = 12, 100
_MOST = 4096  # epochs: the most that was seen are 618, and a damaged file may tell any number


@dataclass(frozen=True)
class Usage:
    """Bytes of tensors alive in each epoch, over all pools; the epoch of the most, and what is alive there."""

    epochs: tuple[int, ...]
    alive: tuple[int, ...]
    peak_epoch: int
    peak_bytes: int
    peak: tuple[Buffer, ...]


def usage(made: Compilation) -> Usage | None:
    """When how much is held; None where buffers are not told.

    A byte that several buffers have in turn counts once an epoch: views of one tensor lie on each other.
    """
    tensors = [buffer for buffer in made.buffers if not buffer.constant]
    if not tensors:
        return None
    first, last = min(b.first for b in tensors), max(b.last for b in tensors)
    epochs = tuple(range(first, last + 1)[:_MOST])
    alive = tuple(_held(tensors, epoch) for epoch in epochs)
    most = max(alive)
    peak = epochs[alive.index(most)]
    there = sorted(_alive(tensors, peak), key=lambda one: (-one.bytes, one.name))
    return Usage(epochs, alive, peak, most, tuple(there))


def _alive(tensors: Sequence[Buffer], epoch: int) -> list[Buffer]:
    return [one for one in tensors if one.first <= epoch <= one.last]


def _held(tensors: Sequence[Buffer], epoch: int) -> int:
    """Bytes that are held in an epoch, each once."""
    total, end = 0, ("", 0)
    for one in sorted(_alive(tensors, epoch), key=lambda b: (b.pool, b.offset, b.bytes)):
        start = max(one.offset, end[1] if one.pool == end[0] else 0)
        last = one.offset + one.bytes
        total += max(0, last - start)
        end = (one.pool, max(last, end[1] if one.pool == end[0] else 0))
    return total


def picture(made: Compilation, pool: Pool) -> list[str]:
    """A pool as text: a column an epoch or several, a row a stretch of bytes.

    'o' is being written, '#' is held, '.' is free.
    """
    inside = [b for b in made.buffers if b.pool == pool.name and not b.constant]
    found = usage(made)
    if not inside or found is None:
        return []
    top = max(b.offset + b.bytes for b in inside)
    stretch, several = -(-top // _ROWS) or 1, -(-len(found.epochs) // _COLUMNS)
    columns = [found.epochs[at : at + several] for at in range(0, len(found.epochs), several)]
    width = "one epoch" if several == 1 else f"{several} epochs"
    lines = [
        f"{pool.name}: one column {width} from {found.epochs[0]}, one row {stretch:,} bytes; "
        "o written, # held, . free"
    ]
    for start in range(0, top, stretch):
        cells = "".join(_cell(inside, start, start + stretch, column) for column in columns)
        lines.append(f"{start:>12,} {cells}")
    return lines


def _cell(inside: Sequence[Buffer], start: int, end: int, epochs: Sequence[int]) -> str:
    held = [
        b
        for b in inside
        if b.offset < end
        and start < b.offset + b.bytes
        and b.first <= epochs[-1]
        and epochs[0] <= b.last
    ]
    if not held:
        return "."
    return "o" if any(epochs[0] <= b.first <= epochs[-1] for b in held) else "#"
