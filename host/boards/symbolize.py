"""From a code address to file:line."""

import subprocess
from pathlib import Path


def symbolize(tools: tuple[str, ...], elf: Path, pc: int) -> str:
    """The place of `pc` as "file:line (function)"; only the address when no tool of `tools` can say it."""
    address = pc & ~1  # the Thumb bit
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
