"""From a code address to file:line."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = "/nightjar/"  # where a project's sources lie, as its ELF says: see CMakeLists.txt.jinja


_MACHINE = slice(18, 20)  # of an ELF's header
_EM_ARM = (40).to_bytes(2, "little")


def symbolize(tools: tuple[str, ...], elf: Path, pc: int) -> str:
    """The place of `pc` as "file:line (function)"; only the address when no tool of `tools` can say it."""
    address = pc & ~1 if _is_arm(elf) else pc  # the Thumb bit
    for tool in tools:
        try:
            done = subprocess.run(
                [tool, "-f", "-e", str(elf), hex(address)],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        lines = done.stdout.split("\n")
        if len(lines) >= 2 and not lines[1].startswith("??"):
            place = lines[1].split(" (discriminator")[0].strip()
            return place if lines[0] == "??" else f"{place} ({lines[0]})"
    return hex(pc)


def _is_arm(elf: Path) -> bool:
    """Whether it is a target's, in little endian; elsewhere the lowest bit belongs to the address."""
    try:
        with elf.open("rb") as file:
            return file.read(_MACHINE.stop)[_MACHINE] == _EM_ARM
    except OSError:
        return False


def lines_of(elf: Path, addresses: Sequence[int]) -> list[str]:
    """file:line of each code address of a target's ELF, "" where it is not known.

    Files of the project by their paths in it, those of libraries by their names alone.
    """
    if not addresses:
        return []
    try:
        done = subprocess.run(
            ["arm-none-eabi-addr2line", "-e", str(elf)],
            input="".join(f"{address:#x}\n" for address in addresses),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return [""] * len(addresses)
    places = [_short(line.split(" (discriminator")[0]) for line in done.stdout.splitlines()]
    return places if len(places) == len(addresses) else [""] * len(addresses)


def _short(place: str) -> str:
    if place.startswith("??"):
        return ""
    inside = place.startswith(ROOT)
    return place.removeprefix(ROOT) if inside else place.rpartition("/")[2]
