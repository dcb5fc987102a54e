"""A FAT16 or FAT32 volume behind an MBR: files of its root folder, found and added, each in one piece.

Of our own since no library that is kept says where a file shall lie: firmware has no file system, and needs files
whose blocks follow one another. Layout: the FAT specification of Microsoft (fatgen103). Nothing that is there is
changed: files are added, in clusters that are free.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from host.errors import BadInput
from host.listen.card import BLOCK
from host.sdcard.blocks import Blocks

_TYPES = {0x04, 0x06, 0x0E, 0x0B, 0x0C}
_ENTRY = 32
_FREE = (0x00, 0xE5)
_LONG_NAME, _VOLUME, _FOLDER = 0x0F, 0x08, 0x10
_ANEW = "format the card as FAT32 with one partition (the SD Association's formatter does; copy what it holds first)"


@dataclass(frozen=True)
class File:
    """A file of the root folder.

    name: 8.3, as "NIGHTJAR.LOG". first: its first cluster, 0 where it is empty. size: bytes.
    """

    name: str
    first: int
    size: int


@dataclass(frozen=True)
class Written:
    """A file whose content is on the card, in clusters that are free as yet: `Volume.commit` makes it one.

    block, entry: its place in the root folder, and the byte in that block. clusters: how many it has.
    """

    file: File
    block: int
    entry: int
    clusters: int


@dataclass(frozen=True)
class Shape:
    """Where what lies, in blocks of the card; `clusters` are numbered from 2."""

    start: int
    cluster_blocks: int
    fat: int
    fat_blocks: int
    fats: int
    root: int  # FAT16: block of the root folder
    root_blocks: int  # FAT16: how many; 0 on FAT32
    root_cluster: int  # FAT32
    data: int
    clusters: int
    info: int  # FAT32: block of FSInfo; 0: none

    @property
    def wide(self) -> bool:
        """FAT32."""
        return self.root_blocks == 0


class Volume:
    """The first volume of a card.

    Raises:
        BadInput: there is none that we know, or it was not unmounted.
    """

    def __init__(self, card: Blocks) -> None:
        self._card = card
        self.shape = _shape(card)
        self.boot_sector = card.read(self.shape.start)
        self._fat = self._read_fat()
        self._promised: set[tuple[int, int]] = (
            set()
        )  # places of the root folder for what is not a file yet
        told = (
            self.boot_sector[0x41 if self.shape.wide else 0x25] & 1
        )  # Linux notes it here, others in the FAT
        if told or not self._fat[1] >> (27 if self.shape.wide else 15) & 1:
            raise BadInput(
                "the card's volume was not unmounted: its last changes may be missing",
                evidence=f"Received: {card.path}, which says so itself",
                next_step="check it with `fsck.fat`, or unmount it where it was used last",
            )

    def files(self) -> tuple[File, ...]:
        """Those of the root folder that are no folders."""
        return tuple(file for _, _, file in self._entries() if file is not None)

    def find(self, name: str) -> File | None:
        return next((file for file in self.files() if file.name == name), None)

    def place(self, file: File) -> tuple[int, int] | None:
        """Where a file lies: its first block and how many it has; None where they do not follow one another.

        Raises:
            BadInput: its chain of clusters does not end, or leaves the volume.
        """
        chain = list(self._chain(file.first)) if file.first else []
        if not chain or chain != list(range(chain[0], chain[0] + len(chain))):
            return None
        blocks = min(len(chain) * self.shape.cluster_blocks, -(-file.size // BLOCK))
        return self._block(chain[0]), blocks

    def write(self, name: str, size: int, content: Iterable[bytes]) -> Written:
        """The content of a new file, in clusters that follow one another and are still free for everybody else.

        Args:
            name: 8.3, upper case.
            size: bytes.
            content: pieces of whole blocks but for the last; at most `size` bytes, the rest is zeros.

        Raises:
            BadInput: the name is taken, or there is no room.
        """
        if self.find(name) is not None:
            raise BadInput(
                f"the card has a file {name} already, and nothing is written over",
                evidence=f"Received: {self._card.path}",
                next_step="remove it from the card, or take another card",
            )
        per = BLOCK * self.shape.cluster_blocks
        count = -(-size // per)
        first = self._room(count, name, size)
        at, entry = self._free_entry()
        block = self._block(first)
        for piece in _blocks_of(content, count * per):
            self._card.write(block, piece)
            block += len(piece) // BLOCK
        end = 0x0FFFFFFF if self.shape.wide else 0xFFFF
        self._fat[first : first + count] = [*range(first + 1, first + count), end]
        self._promised.add((at, entry))
        return Written(File(name, first, size), at, entry, count)

    def commit(self, written: Sequence[Written]) -> None:
        """Make files of what was written. Their entries in the folder come last: a cut before loses clusters alone."""
        for one in written:
            self._write_fat(one.file.first, one.clusters)
        self._card.flush()
        for one in written:
            folder = bytearray(self._card.read(one.block))
            stem, _, suffix = one.file.name.partition(".")
            packed = stem.ljust(8).encode() + suffix.ljust(3).encode()
            first, size = one.file.first, one.file.size
            folder[one.entry : one.entry + _ENTRY] = struct.pack(
                "<11sB8xHHHHI", packed, 0x20, first >> 16, 0, 0x21, first & 0xFFFF, size
            )
            self._card.write(one.block, bytes(folder))
            self._promised.discard((one.block, one.entry))
        self._card.flush()

    def _block(self, cluster: int) -> int:
        return self.shape.data + (cluster - 2) * self.shape.cluster_blocks

    def _read_fat(self) -> list[int]:
        raw = self._card.read(self.shape.fat, self.shape.fat_blocks)
        width = "I" if self.shape.wide else "H"
        entries = struct.unpack_from(f"<{self.shape.clusters + 2}{width}", raw)
        return [one & 0x0FFFFFFF for one in entries] if self.shape.wide else list(entries)

    def _write_fat(self, first: int, count: int) -> None:
        """`count` entries from `first` on, in each copy of the FAT; what else their blocks hold stays."""
        size = 4 if self.shape.wide else 2
        begin, end = size * first // BLOCK, -(-size * (first + count) // BLOCK)
        for copy in range(self.shape.fats):
            start = self.shape.fat + copy * self.shape.fat_blocks + begin
            raw = bytearray(self._card.read(start, end - begin))
            for cluster in range(first, first + count):
                at = size * cluster - BLOCK * begin
                raw[at : at + size] = self._fat[cluster].to_bytes(size, "little")
            self._card.write(start, bytes(raw))
        if self.shape.info:
            info = bytearray(self._card.read(self.shape.info))
            if info[:4] == b"RRaA" and info[484:488] == b"rrAa":
                info[488:496] = (
                    b"\xff" * 8
                )  # how many are free, and where: nobody knows until it is counted
                self._card.write(self.shape.info, bytes(info))

    def _room(self, count: int, name: str, size: int) -> int:
        """The first of `count` clusters that are free and follow one another."""
        run = longest = 0
        for cluster in range(2, self.shape.clusters + 2):
            run = run + 1 if self._fat[cluster] == 0 else 0
            longest = max(longest, run)
            if run == count:
                return cluster - count + 1
        per = BLOCK * self.shape.cluster_blocks
        raise BadInput(
            f"the card has no room for {name} in one piece",
            evidence=f"Received: {size} bytes; the longest free piece has {longest * per}",
            next_step="remove files from the card, or take an empty one",
        )

    def _folder_blocks(self) -> Iterator[int]:
        shape = self.shape
        if not shape.wide:
            yield from range(shape.root, shape.root + shape.root_blocks)
            return
        for cluster in self._chain(shape.root_cluster):
            yield from range(self._block(cluster), self._block(cluster) + shape.cluster_blocks)

    def _entries(self) -> Iterator[tuple[int, int, File | None]]:
        """Each place of the root folder up to its end: block, byte in it, and its file; None: free, or no file."""
        for block in self._folder_blocks():
            raw = self._card.read(block)
            for at in range(0, BLOCK, _ENTRY):
                name, kind, high, low, size = struct.unpack_from("<11sB8xH4xHI", raw, at)
                if name[0] == 0:
                    return
                free = name[0] in _FREE
                other = kind & _LONG_NAME == _LONG_NAME or kind & (_VOLUME | _FOLDER)
                if free or other:
                    yield block, at, None
                    continue
                stem, suffix = (
                    part.decode("ascii", "replace").rstrip() for part in (name[:8], name[8:])
                )
                first = (high << 16 if self.shape.wide else 0) | low
                yield block, at, File(f"{stem}.{suffix}" if suffix else stem, first, size)

    def _free_entry(self) -> tuple[int, int]:
        """A place of the root folder that is free, behind which the folder's end stays its end."""
        for block in self._folder_blocks():
            raw = self._card.read(block)
            for at in range(0, BLOCK, _ENTRY):
                if raw[at] in _FREE and (block, at) not in self._promised:
                    return block, at
        raise BadInput(
            "the root folder of the card is full",
            evidence=f"Received: {self._card.path}",
            next_step="remove files from it, or take an empty card",
        )

    def _chain(self, first: int) -> Iterator[int]:
        least = 0x0FFFFFF8 if self.shape.wide else 0xFFF8
        cluster = first
        for _ in range(self.shape.clusters):
            if not 2 <= cluster < self.shape.clusters + 2:
                break
            yield cluster
            cluster = self._fat[cluster]
            if cluster >= least:
                return
        raise BadInput(
            "the card's volume is damaged: a file's clusters lead nowhere",
            evidence=f"Received: {self._card.path}, from cluster {first} to {cluster}",
            next_step="check it with `fsck.fat`",
        )


def _blocks_of(content: Iterable[bytes], size: int) -> Iterator[bytes]:
    """`content`, then zeros, `size` bytes in all, in pieces of whole blocks."""
    left = size
    for piece in content:
        whole = piece + bytes(-len(piece) % BLOCK)
        assert len(whole) <= left
        left -= len(whole)
        yield whole
    zeros = bytes(1 << 20)
    while left:
        yield zeros[: min(left, len(zeros))]
        left -= min(left, len(zeros))


def _refused(card: Blocks, found: str) -> BadInput:
    return BadInput(
        "the card has no FAT16 or FAT32 volume behind an MBR, with room in front of it for the index",
        evidence=f"Received: {card.path}: {found}",
        next_step=_ANEW,
    )


def _shape(card: Blocks) -> Shape:
    mbr = card.read(0)
    if mbr[510:] != b"\x55\xaa":
        raise _refused(card, "its first block is no MBR")
    kind, (start, length) = mbr[450], struct.unpack_from("<II", mbr, 454)
    if mbr[3:11] == b"EXFAT   " or kind == 0x07:
        raise _refused(card, "exFAT, or NTFS")
    if kind == 0xEE:
        raise _refused(card, "a GUID partition table, whose header is where the index would lie")
    if kind not in _TYPES or start < 2 or start + length > card.count:
        raise _refused(card, f"a first partition of type {kind:#04x} at block {start}")
    boot = card.read(start)
    size, per, reserved, fats, roots, few, _, short = struct.unpack_from("<HBHBHHBH", boot, 11)
    many, long_fat = struct.unpack_from("<II", boot, 32)
    total, fat_blocks = few or many, short or long_fat
    root_blocks = -(-roots * _ENTRY // BLOCK)
    data = start + reserved + fats * fat_blocks + root_blocks
    if boot[510:512] != b"\x55\xaa" or size != BLOCK or not per or not fats or not fat_blocks:
        raise _refused(card, "a partition that does not begin as FAT")
    clusters = (total - (data - start)) // per
    wide = clusters >= 65525
    if (
        clusters < 4085
        or wide != (short == 0)
        or total > length
        or fat_blocks * BLOCK < (clusters + 2) * (4 if wide else 2)
    ):
        raise _refused(card, f"FAT with {clusters} clusters in {total} blocks of {length}")
    root_cluster, info = struct.unpack_from("<IH", boot, 44)
    return Shape(
        start=start,
        cluster_blocks=per,
        fat=start + reserved,
        fat_blocks=fat_blocks,
        fats=fats,
        root=data - root_blocks,
        root_blocks=root_blocks,
        root_cluster=root_cluster if wide else 0,
        data=data,
        clusters=clusters,
        info=start + info if wide and 0 < info < reserved else 0,
    )
