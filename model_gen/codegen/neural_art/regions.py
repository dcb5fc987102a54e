"""Which memory is the NPU's on a board, by the layout that its firmware's linker script reads, too."""

from collections.abc import Iterable
from dataclasses import dataclass

from host.errors import BadInput
from host.n6_layout import layout
from model_gen.codegen.neural_art.compilation import Buffer, Compilation

BOARDS = ("stm32n6570-dk", "nucleo-n657x0-q")
MOST_BANKS = (
    2  # of RAM that constants may take: the firmware carries them, and has 1.25 MiB for its own
)


@dataclass(frozen=True)
class Memory:
    """A memory that the NPU may use.

    Attributes:
        name: as reports call it.
        file: what the file of its content ends with.
        first, bytes: where it lies, by the alias that the core uses.
        constants: whether it is read only, and for constants.
    """

    name: str
    file: str
    first: int
    bytes: int
    constants: bool = False

    @property
    def end(self) -> int:
        return self.first + self.bytes


def memories(board: str, banks: int = 0) -> tuple[Memory, ...]:
    """What is the NPU's on a board, in the order of the addresses after the constants.

    AXISRAM1 and 2 are the firmware's; the DK's PSRAM nobody maps. What is closed is left out: a pool of no bytes
    that constants prefer makes the compiler's placing fail.

    Args:
        board: one of BOARDS.
        banks: how many of AXISRAM3 to 6, the last ones, are for constants, of which then none lies in the NOR.

    Raises:
        BadInput: the board is no STM32N6.
    """
    if board not in BOARDS:
        raise BadInput(
            f"backend neural_art is for {' and '.join(BOARDS)}",
            evidence=f"Received: {board!r}, which has no Neural-ART",
            next_step="choose one of them with --board, or --backend cm55",
        )
    at = layout()
    each = at["AXISRAM3_TO_6_EACH_BYTES"]
    first = 7 - banks
    rams = (
        Memory(f"npuRAM{number}", f"AXISRAM{number}", at[f"AXISRAM{number}"], each)
        for number in range(3, first)
    )
    if banks:
        named = f"npuRAM{first}", f"AXISRAM{first}"
        return (*rams, Memory(*named, at[f"AXISRAM{first}"], banks * each, constants=True))
    flash = Memory(
        "octoFlash", "xSPI2", at["NOR_WEIGHTS"], at["NOR_END"] - at["NOR_WEIGHTS"], constants=True
    )
    return (*rams, flash)


@dataclass(frozen=True)
class Taken:
    """What a network uses of a pool: from its first to its last byte; `first` None where it has no address."""

    pool: str
    first: int | None
    end: int


def taken(made: Compilation) -> tuple[Taken, ...]:
    """What a network uses of each pool, by its buffers: one may lie across pools that the compiler joined."""
    spans: dict[str, list[Buffer]] = {}
    for buffer in made.buffers:
        if buffer.bytes:
            spans.setdefault(buffer.pool, []).append(buffer)
    found = []
    for pool, buffers in spans.items():
        places = [buffer.address for buffer in buffers if buffer.address is not None]
        ends = [buffer.address + buffer.bytes for buffer in buffers if buffer.address is not None]
        told = len(places) == len(buffers)
        found.append(Taken(pool, min(places) if told else None, max(ends, default=0)))
    return tuple(found)


def strangers(board: str, used: Iterable[Taken], *, of_others: bool = False) -> tuple[str, ...]:
    """What a network uses besides the NPU's memory on a board, in words: each would be our firmware's, or nobody's.

    Args:
        board: one of BOARDS.
        used: by the network.
        of_others: whether somebody else may have compiled it: firmware takes constants anywhere in the NOR behind the
            application's first byte, and its linker refuses an application that runs into them.
    """
    spans = [(memory.first, memory.end) for memory in memories(board)]
    if of_others:
        at = layout()
        spans.append((at["NOR_APPLICATION"] + at["IMAGE_HEADER_BYTES"], at["NOR_WEIGHTS"]))
    ours = _joined(spans)
    found = []
    for one in used:
        if one.first is None:
            found.append(f"{one.pool} has no address")
        elif not any(first <= one.first and one.end <= last for first, last in ours):
            found.append(f"{one.pool} {one.first:#x} to {one.end:#x}")
    return tuple(found)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of addresses, neighbours as one."""
    made: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if made and made[-1][1] == first:
            made[-1] = (made[-1][0], end)
        else:
            made.append((first, end))
    return made
