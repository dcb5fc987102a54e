"""ST's signing tool: the header without which the boot ROM starts no image. Not seen on a board."""

from pathlib import Path

from host.boards.flashers.header import check_header, read_payload
from host.boards.flashers.parts import Part
from host.boards.flashers.tool import failure, require, run
from host.deadline import Deadline
from host.n6_layout import layout

SIGNER = "STM32_SigningTool_CLI"


def is_signed_here(part: Part) -> bool:
    """Whether a part needs ST's header and has none yet."""
    return part.entry is not None and not part.headed


def written(part: Part) -> Path:
    """The file that is written: the signed one where it is signed here."""
    file = part.file
    return file.with_name(f"{file.stem}-trusted.bin") if is_signed_here(part) else file


def sign(part: Part) -> list[str]:
    """The command that puts a header without a key's signature in front of a part."""
    kind = "fsbl" if part.address == layout()["NOR_FIRST_STAGE"] else "ssbl"
    out = str(written(part))
    head = [SIGNER, "-bin", str(part.file), "-nk", "-of", "0x80000000", "-t", kind]
    return [*head, "-hv", "2.3", "-align", "-o", out, "-dump", out, "-s"]


def make_headers(parts: tuple[Part, ...], deadline: Deadline) -> None:
    """Sign what needs it, and hold each header to what the boot ROM will read.

    Raises:
        HostFailure: the signing tool is missing.
        FlashFailure: it does not sign, or a header would start nothing.
    """
    for part in parts:
        if part.entry is None:
            continue
        if not is_signed_here(part):
            check_header(part.file, part.entry)
            continue
        require(SIGNER, "install STM32CubeProgrammer 2.21 or later and put its bin on PATH")
        written(part).unlink(missing_ok=True)  # what an earlier run left is not what is signed now
        code, output = run(sign(part), deadline)
        if code != 0 or not written(part).is_file():
            raise failure(SIGNER, code, output, ())
        check_header(written(part), part.entry, read_payload(part.file))
