"""The header of an image that the boot ROM of an STM32N6 starts, as a signing tool writes it.

Checked by magic, entry point and payload. Its length field is never looked at: with the padding of `-align` the tool
itself writes one that is too large.
"""

from pathlib import Path

from host.errors import FlashFailure
from host.reading import read_file

MAGIC = b"STM2"
ENTRY = 0x70  # offset of the entry point, a little-endian word
PAYLOAD = 0x400
_MOST = 128 << 20  # bytes: the larger of the two NORs


def check_header(image: Path, entry: int, payload: bytes | None = None) -> None:
    """Refuse an image that the boot ROM would not start, or would start elsewhere.

    Args:
        image: header and payload.
        entry: address of Reset_Handler, bit 0 set.
        payload: what must follow the header; None: not compared.

    Raises:
        BadInput: it cannot be read.
        FlashFailure: magic, entry point or payload is another one.
    """
    data = read_file(image, "the signed image", _MOST, next_step="sign it again")
    if data[: len(MAGIC)] != MAGIC:
        raise _refused(image, f"begins with {data[:4].hex()} in place of {MAGIC.hex()}")
    said = int.from_bytes(data[ENTRY : ENTRY + 4], "little")
    if len(data) < PAYLOAD or said != entry:
        raise _refused(
            image,
            f"its entry point, the word at {ENTRY:#x}, is {said:#010x} in place of {entry:#010x}",
        )
    if payload is not None and data[PAYLOAD : PAYLOAD + len(payload)] != payload:
        raise _refused(image, f"its payload at {PAYLOAD:#x} differs from the file that was signed")


def _refused(image: Path, reason: str) -> FlashFailure:
    return FlashFailure(
        "the signed image would not start: nothing was written",
        evidence=f"Received: {image}: {reason}",
        next_step="sign with STM32CubeProgrammer 2.21 or later and -align, without -la and -ep",
    )


def read_payload(file: Path) -> bytes:
    """The bytes that are to be signed.

    Raises:
        BadInput: they cannot be read.
    """
    return read_file(file, "the image to flash", _MOST, next_step="build the firmware again")
