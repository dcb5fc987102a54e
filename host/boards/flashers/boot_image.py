"""The files of a boot from flash, made from an application's ELF and the first stage beside it."""

from pathlib import Path

from host.boards.flashers.nor import SECTOR
from host.boards.flashers.parts import Image, Part
from host.boards.n6_image import ERASED, FIRST_STAGE, Piece, application, first_stage
from host.files import write_atomically
from host.n6_layout import layout

FOLDER = "nor"  # beside the ELF
_ENTRY = 0x70  # offset in ST's header


def boot_image(elf: Path, *, headed: bool) -> Image:
    """Parts for the NOR, as files in the folder `nor` beside `elf`.

    Args:
        elf: the application; its first stage lies beside it.
        headed: whether the first stage gets a header of our own making, without signature, and every part whole
            sectors, as gdb writes them; else ST's tool makes the header.

    Raises:
        BadInput: one of the ELFs is absent, is none for this chip, or does not fit its place.
    """
    stage = first_stage(elf.with_name(FIRST_STAGE))
    folder = elf.resolve().with_name(FOLDER)
    folder.mkdir(exist_ok=True)
    entry = int.from_bytes(stage.data[_ENTRY : _ENTRY + 4], "little")
    if not headed:
        stage = Piece(stage.name, stage.address, stage.data[layout()["IMAGE_HEADER_BYTES"] :])
    parts = []
    for piece in (stage, *application(elf)):
        padding = bytes([ERASED]) * (-len(piece.data) % SECTOR if headed else 0)
        file = folder / f"{_name(piece.address)}.bin"
        write_atomically(file, piece.data + padding)
        parts.append(Part(file, piece.address, entry if piece is stage else None, headed))
    return Image(elf, tuple(parts))


def _name(address: int) -> str:
    at = layout()
    known = {at["NOR_FIRST_STAGE"]: "first-stage", at["NOR_APPLICATION"]: "application"}
    return known.get(address, f"weights-{address:08x}")
