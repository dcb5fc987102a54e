"""What an STM32N6 boots from its external NOR: the first stage, the application, and weights, each where it lies.

The boot ROM reads ST's header (version 2.3: magic, checksum, version, length and entry point at 0x0, 0x64, 0x68, 0x6C
and 0x70, as users have read it out of images of ST's signing tool and UM3234 describes it) in front of the first stage.
That the payload lies at 0x400 it says itself: extension flags, length of what follows the header and kind of binary at
0x84, 0x88 and 0x8C, and a padding header at 0xA0, as ST's stm32wrapper4dbg lays out version 2.3 and the signing tool's
`-of 0x80000000 -t fsbl` asks for. Ours has no signature, which the virtual chip takes. Whether silicon does, nobody has
seen: its load address (0x78) is left 0. A chip's own goes through `STM32_SigningTool_CLI`. The application
has a header of ours, which our first stage alone reads: a CRC-32 is worth more than a sum of bytes.
"""

import itertools
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile

from host.errors import BadInput
from host.n6_layout import layout

ERASED = 0xFF
FIRST_STAGE = "nj_first_stage.elf"  # beside the application's ELF
# nj_layout.h: NJ_APPLICATION_MAGIC; then load address, bytes, entry point, CRC-32 of the payload.
_APPLICATION = struct.Struct("<IIIII")
_MAGIC = b"STM2"
_VERSION = 0x00020300
_CHECKSUM, _ENTRY, _FLAGS, _PADDING = 0x64, 0x70, 0x84, 0xA0  # offsets in ST's header
_PADDED = 1 << 31  # of the extension flags: a padding header follows, and no other
_FSBL = 0x10  # kind of binary: what the boot ROM starts
_PADDING_MAGIC = b"ST\xff\xff"
_THUMB = 1


@dataclass(frozen=True)
class Piece:
    """Bytes of the NOR: what they are, the address of the first in its window, and themselves."""

    name: str
    address: int
    data: bytes

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.address + len(self.data)


def application(elf: Path) -> tuple[Piece, ...]:
    """An application as it lies in the NOR: header and payload, and its weights where it has some there.

    Raises:
        BadInput: it is no ELF for this chip, its vector table is not at its place, it does not fit, or it loads
            something where no first stage can put it.
    """
    at = layout()
    entry, segments = _segments(elf)
    in_nor = [piece for piece in segments if piece.address >= at["NOR"]]
    in_ram = [piece for piece in segments if piece.address < at["NOR"]]
    if not in_ram or in_ram[0].address != at["APPLICATION"]:
        raise _refused(
            elf, f"an application begins at {at['APPLICATION']:#x}", _listed(segments) or "nothing"
        )
    for piece in in_ram:
        if piece.end > at["APPLICATION_END"]:
            raise _refused(
                elf, f"an application ends before {at['APPLICATION_END']:#x}", _listed([piece])
            )
    payload = joined(in_ram)
    if not payload.address <= entry < payload.end or not entry & _THUMB:
        raise _refused(elf, "the entry point is an odd address in the application", f"{entry:#x}")
    header = _APPLICATION.pack(
        at["APPLICATION_MAGIC"],
        payload.address,
        len(payload.data),
        entry,
        zlib.crc32(payload.data),
    )
    image = header.ljust(at["IMAGE_HEADER_BYTES"], b"\0") + payload.data
    pieces = (Piece("application", at["NOR_APPLICATION"], image), *in_nor)
    check_apart(pieces)
    return pieces


def first_stage(elf: Path) -> Piece:
    """A first stage behind a header of ST's without signature.

    Raises:
        BadInput: it is no ELF for this chip, or lies somewhere else than the boot ROM puts it.
    """
    at = layout()
    entry, segments = _segments(elf)
    payload = joined(segments) if segments else Piece("nothing", 0, b"")
    if payload.address != at["FIRST_STAGE"] or payload.end > at["FIRST_STAGE_END"]:
        where = f"a first stage lies in {at['FIRST_STAGE']:#x} to {at['FIRST_STAGE_END']:#x}"
        raise _refused(elf, where, _listed(segments) or "nothing")
    header = bytearray(at["IMAGE_HEADER_BYTES"])
    header[: len(_MAGIC)] = _MAGIC
    checksum = sum(payload.data) & 0xFFFFFFFF
    struct.pack_into("<III", header, _CHECKSUM, checksum, _VERSION, len(payload.data))
    struct.pack_into("<I", header, _ENTRY, entry)
    behind = len(header) - _PADDING
    struct.pack_into("<III", header, _FLAGS, _PADDED, behind, _FSBL)
    struct.pack_into("<4sI", header, _PADDING, _PADDING_MAGIC, behind)
    return Piece("first stage", at["NOR_FIRST_STAGE"], bytes(header) + payload.data)


def joined(pieces: Iterable[Piece]) -> Piece:
    """Pieces of one stretch as one; what lies between them reads as erased."""
    ordered = sorted(pieces, key=lambda piece: piece.address)
    check_apart(ordered)
    first = ordered[0].address
    data = bytearray([ERASED]) * (ordered[-1].end - first)
    for piece in ordered:
        data[piece.address - first : piece.end - first] = piece.data
    return Piece(ordered[0].name, first, bytes(data))


def check_apart(pieces: Iterable[Piece]) -> None:
    """Refuse pieces that overlap.

    Raises:
        BadInput: two of them do.
    """
    ordered = sorted(pieces, key=lambda piece: piece.address)
    for lower, upper in itertools.pairwise(ordered):
        if lower.end > upper.address:
            raise BadInput(
                f"{lower.name} runs into {upper.name}",
                evidence=f"Received: {_listed([lower, upper])}",
                next_step="take a smaller model, or keep its weights in the NOR",
            )


def write_nor(path: Path, pieces: Iterable[Piece]) -> None:
    """Write the content of a NOR from its first byte on to a file; what no piece names is erased.

    Raises:
        BadInput: two pieces overlap.
    """
    base = layout()["NOR"]
    whole = joined([Piece("the NOR's start", base, b""), *pieces])
    path.write_bytes(whole.data)


def _segments(elf: Path) -> tuple[int, list[Piece]]:
    """The entry point, and what the ELF loads by rising physical address."""
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            entry = int(file["e_entry"])
            found = [
                Piece(f"a segment of {elf.name}", int(segment["p_paddr"]), segment.data())
                for segment in file.iter_segments()
                if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
            ]
    except (OSError, ELFError, ConstructError) as error:
        raise BadInput(
            "the firmware cannot be read",
            evidence=f"Received: {elf}: {error}",
            next_step="build it with `nightjar build --board stm32n6570-dk`",
        ) from error
    return entry, sorted(found, key=lambda piece: piece.address)


def _listed(pieces: Iterable[Piece]) -> str:
    return ", ".join(
        f"{one.name} at {one.address:#x} to {one.end:#x} ({len(one.data):,} bytes)"
        for one in pieces
    )


def _refused(elf: Path, expected: str, received: str) -> BadInput:
    return BadInput(
        f"{elf.name} cannot be booted from the NOR: {expected}",
        evidence=f"Received: {received}",
        next_step="build it for an STM32N6: `nightjar build --board stm32n6570-dk`",
    )
