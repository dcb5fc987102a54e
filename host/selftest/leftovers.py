"""What a command leaves behind: processes, files and folders, and results that are not whole."""

import json
import os
import time
import xml.etree.ElementTree as ET
from pathlib import Path

MARK = "NIGHTJAR_SELFTEST"  # in the environment of a command, and so of whatever it starts
_LEASE = ".lease-"
_PATIENCE = 10.0  # seconds that the kernel and a busy computer have for ending processes
_LOOK = 0.05


def processes(folder: Path) -> dict[int, str]:
    """Processes marked with `folder`, or whose command line names it: their commands by their numbers."""
    name, found = os.fsencode(folder), {}
    for place in Path("/proc").iterdir():
        if not place.name.isdigit() or int(place.name) == os.getpid():
            continue
        try:
            environment = (place / "environ").read_bytes().split(b"\0")
            line = (place / "cmdline").read_bytes()
        except OSError:  # gone, or somebody else's
            continue
        if MARK.encode() + b"=" + name in environment or name + b"/" in line:
            found[int(place.name)] = os.fsdecode(line.replace(b"\0", b" "))[:200]
    return found


def processes_left(folder: Path, known: frozenset[int] = frozenset()) -> list[str]:
    """The commands of processes that do not end by themselves, those of `known` apart."""
    ends = time.monotonic() + _PATIENCE
    while left := [line for pid, line in processes(folder).items() if pid not in known]:
        if time.monotonic() > ends:
            break
        time.sleep(_LOOK)
    return left


def files(folder: Path) -> frozenset[str]:
    """What lies in `folder`, relative to it.

    What a build that was cut short left in its own folder does not count, as the next one goes on there; nor does the
    lease of a cache, which the next command removes.
    """
    found = set()
    for place, folders, names in os.walk(folder):
        if "CMakeCache.txt" in names or "CMakeFiles" in folders:
            folders.clear()
            continue
        names = [name for name in (*folders, *names) if not name.startswith(_LEASE)]
        found |= {str((Path(place) / name).relative_to(folder)) for name in names}
    return frozenset(found)


def not_whole(result: Path) -> str:
    """Why a result that is there is not whole, in words; "" when it is, or there is none."""
    if not result.exists():
        return ""
    if result.suffix == ".img":
        return _card_not_whole(result)
    text = result.read_text(encoding="utf-8", errors="replace")
    try:
        if result.suffix == ".json":
            json.loads(text)
        elif result.suffix == ".xml":
            ET.fromstring(text)
        elif not text.rstrip().endswith("</html>"):
            return f"{result.name} has no end"
    except (ValueError, ET.ParseError) as error:
        return f"{result.name} is not whole: {error}"
    return ""


def _card_not_whole(image: Path) -> str:
    """As `not_whole`: what the image's index names and what lies in its folder must be the same files."""
    from host.errors import NightjarError
    from host.sdcard.blocks import opened
    from host.sdcard.card import Card

    try:
        with opened(image) as blocks:
            card = Card(blocks)
            named = sorted(one.name for one in card.files())
            there = sorted(file.name for file in card.volume.files())
    except NightjarError as error:
        return f"{image.name} is no card: {error.what}"
    if named == there:
        return ""
    return f"{image.name} has {', '.join(there)}, and its index names {', '.join(named)}"
