"""What nightjar puts on a card: a log and recordings, each in one piece, and the index that tells firmware where."""

import secrets
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.errors import BadInput
from host.interrupts import unbroken
from host.listen.card import (
    BLOCK,
    INDEX_BLOCK,
    MOST_FILES,
    CardFile,
    FileKind,
    Log,
    index_block,
    log_head,
    read_index,
    read_log,
    recording_head,
    volume_crc,
)
from host.sdcard.blocks import Blocks
from host.sdcard.fat import Volume, Written

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LOG = "NIGHTJAR.LOG"
LEAST_LOG = 2 * BLOCK
_MAGIC = b"NJCARD"
_VOLUME_CRC = 16 + 16 * MOST_FILES  # in the index
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class Listed:
    """A file of the index, and its name on the volume; "" where no file of the volume lies there any more."""

    kind: FileKind
    name: str
    first: int
    blocks: int


class Card:
    """A card with its volume and its index, which may be none yet.

    `add_log` and `add_recording` write into what is free; the card has all of that with `commit`, and before it none.

    Raises:
        BadInput: there is no volume that we know, or something else lies where the index belongs.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self.volume = Volume(blocks)
        raw = blocks.read(INDEX_BLOCK)
        self._index: tuple[CardFile, ...] = ()
        self._added: list[tuple[Listed, Written]] = []
        if raw.startswith(_MAGIC):
            known = struct.unpack_from("<I", raw, _VOLUME_CRC)[0]
            if known == volume_crc(self.volume.boot_sector):  # else it was formatted since
                self._index = read_index(raw)
        elif any(raw):
            raise BadInput(
                f"block {INDEX_BLOCK} of the card, where the index belongs, holds something else",
                evidence=f"Received: {blocks.path}: {raw[:8]!r}",
                next_step="format the card anew, or take another one: a boot loader may lie there",
            )

    def files(self) -> tuple[Listed, ...]:
        """What the index names."""
        places = {self.volume.place(file): file.name for file in self.volume.files()}
        return tuple(
            Listed(one.kind, places.get((one.first, one.blocks), ""), one.first, one.blocks)
            for one in self._index
        )

    def add_log(self, size: int) -> Listed:
        """A new log of `size` bytes, rounded up to whole blocks: 30 bytes and a bit for an entry.

        Raises:
            BadInput: the card has one, or no room.
        """
        blocks = max(2, -(-size // BLOCK))
        if any(one.kind is FileKind.LOG for one in self._all()):
            raise BadInput(
                "the card has a log already",
                evidence=f"Received: {self._blocks.path}, {LOG}",
                next_step="`nightjar sdcard log` shows it; to begin anew, remove the file and add another",
            )
        head = log_head(secrets.randbits(32), blocks)
        return self._add(FileKind.LOG, LOG, BLOCK * blocks, [head])

    def add_recording(self, rate_hz: int, samples: "npt.NDArray[np.int16]") -> Listed:
        """A recording under the next free name REC001.WAV and so on: int16 [samples], at least one.

        Raises:
            BadInput: the card has no room for it in one piece.
        """
        taken = {file.name for file in self.volume.files()} | {one.name for one, _ in self._added}
        name = next(
            f"REC{number:03}.WAV" for number in range(1, 1000) if f"REC{number:03}.WAV" not in taken
        )
        data = samples.astype("<i2").tobytes()
        head = recording_head(rate_hz, samples.size)
        pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
        return self._add(FileKind.RECORDING, name, BLOCK + len(data), _chained(head, pieces))

    def log(self) -> Log:
        """What the card's log holds.

        Raises:
            BadInput: the card has none.
        """
        found = next((one for one in self.files() if one.kind is FileKind.LOG), None)
        if found is None:
            raise BadInput(
                "the card has no log of nightjar's",
                evidence=f"Received: {self._blocks.path}, whose index names none",
                next_step="`nightjar sdcard add --log 16M` makes one",
            )
        return read_log(self._blocks.read(found.first, found.blocks))

    def commit(self) -> None:
        """Make what was added files of the card, then name them in its index, which forgets those that are no more.

        A signal that ends the command waits meanwhile.
        """
        rows = [CardFile(one.kind, one.first, one.blocks) for one in self._all()]
        with unbroken():
            self.volume.commit([written for _, written in self._added])
            self._write_index(rows)
        self._added.clear()

    def _all(self) -> list[Listed]:
        """What the index shall name."""
        return [*(one for one in self.files() if one.name), *(one for one, _ in self._added)]

    def _add(self, kind: FileKind, name: str, size: int, content: Iterable[bytes]) -> Listed:
        if len(self._all()) == MOST_FILES:
            raise BadInput(
                f"a card's index names at most {MOST_FILES} files",
                evidence=f"Received: one more, on {self._blocks.path}",
                next_step="remove recordings from the card: the next `nightjar sdcard add` forgets them",
            )
        written = self.volume.write(name, size, content)
        place = self.volume.place(written.file)
        assert place is not None, "it was just written in one piece"
        added = Listed(kind, name, *place)
        self._added.append((added, written))
        return added

    def _write_index(self, rows: Sequence[CardFile]) -> None:
        shape = self.volume.shape
        raw = index_block(rows, volume=shape.start, boot_sector=self.volume.boot_sector)
        self._blocks.write(INDEX_BLOCK, raw)
        self._blocks.flush()
        self._index = tuple(rows)


def _chained(head: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces
