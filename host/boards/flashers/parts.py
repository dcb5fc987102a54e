"""What is flashed: an ELF into RAM, or files into the external NOR."""

from dataclasses import dataclass
from pathlib import Path

from host.boards.kinds import SILICON
from host.errors import BadInput
from host.n6_layout import layout


@dataclass(frozen=True)
class Part:
    """A file that goes to an address of the external NOR.

    Attributes:
        file: raw bytes.
        address: where its first byte, or its header's, lies.
        entry: Reset_Handler with bit 0 set, of what needs ST's header; None: what needs none.
        headed: whether that header stands in the file already.
    """

    file: Path
    address: int
    entry: int | None = None
    headed: bool = False

    @property
    def bytes(self) -> int:
        """What it takes of the NOR, its header included."""
        header = layout()["IMAGE_HEADER_BYTES"] if self.entry is not None and not self.headed else 0
        return header + self.file.stat().st_size


@dataclass(frozen=True)
class Image:
    """What is flashed: an ELF into RAM for a development boot, or parts into the NOR for a flash boot."""

    elf: Path
    parts: tuple[Part, ...] = ()

    @property
    def boot(self) -> str:
        """Which boot it is for, "development" or "flash"."""
        return "flash" if self.parts else "development"


def require_flash_boot(image: Image, board: str, why: str) -> None:
    """Refuse a development boot to a tool that only writes the NOR.

    Args:
        board: what it is called.
        why: that tool, and why.

    Raises:
        BadInput: it is one.
    """
    if image.boot != "flash":
        raise BadInput(
            why,
            evidence=f"Received: {image.elf} for a development boot of {board}",
            next_step="flash it with --flasher gdb, or for the boot from flash with --boot flash",
        )


def check_fits(image: Image, kind: str) -> None:
    """Refuse parts that are too large for their place, before anything is written.

    Args:
        kind: of board, whose NOR it is.

    Raises:
        BadInput: naming the file, its size and the room that there is.
    """
    base = layout()["NOR"]
    end = base + SILICON[kind].nor_bytes
    ordered = sorted(image.parts, key=lambda part: part.address)
    limits = [*(part.address for part in ordered[1:]), end]
    for part, limit in zip(ordered, limits, strict=True):
        room = min(limit, end) - part.address
        if part.address < base or part.bytes > room:
            raise BadInput(
                f"{part.file.name} is too large for its place in the NOR of {kind}",
                evidence=f"Received: {part.bytes:,} bytes for {part.address:#x}, where there is room for"
                f" {max(room, 0):,}; the NOR holds {end - base:,}",
                next_step="take a smaller model",
            )
