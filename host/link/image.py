"""The CRC of a firmware's image by its ELF; the firmware computes the same: nightjar.cddl."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import Segment

from host.errors import BadInput
from host.made_once import by_content

_HEAD = struct.Struct("<II")  # physical address, bytes


def image_crc(elf: Path) -> int:
    """CRC-32 of the loaded segments that the firmware does not write where they were loaded.

    Raises:
        BadInput: it is no ELF, or not one for 32-bit addresses.
    """
    try:
        return _image_crc(elf.read_bytes())
    except (OSError, ELFError, struct.error) as error:
        raise BadInput(
            "the loaded image of the firmware cannot be read",
            evidence=f"Received: {elf}: {error}",
            next_step="build the firmware again with `nightjar build`",
        ) from error


@by_content(32)
def _image_crc(elf: bytes) -> int:
    loaded = [segment for segment in ELFFile(BytesIO(elf)).iter_segments() if _counts(segment)]
    crc = 0
    for segment in sorted(loaded, key=lambda one: int(one["p_paddr"])):
        crc = zlib.crc32(_HEAD.pack(segment["p_paddr"], segment["p_filesz"]), crc)
        crc = zlib.crc32(segment.data(), crc)
    return crc


def _counts(segment: Segment) -> bool:
    if segment["p_type"] != "PT_LOAD" or not segment["p_filesz"]:
        return False
    in_place = segment["p_paddr"] == segment["p_vaddr"]
    return not (segment["p_flags"] & P_FLAGS.PF_W and in_place)
