"""The zip of a recording: always the same bytes for the same members, and bounded when it is read."""

import io
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from host import project
from host.contract import FILE
from host.elf_record import record_path
from host.zips import opened, unpacked

MANIFEST = "manifest.json"
FRAMES = "frames.bin"
CONSOLE = "console.bin"
VECTORS = "vectors.npz"
BASELINE = "baseline.json"
GATES_BASELINE = "gates-baseline.json"
COVERAGE = "coverage.json"
PROJECT = "project"
SUBJECT = "subject"
ELF = f"{PROJECT}/{project.ELF}"
ELF_RECORD = str(record_path(Path(ELF)))
DESCRIPTION = f"{PROJECT}/{project.DESCRIPTION}"

MOST_UNPACKED = 512 << 20  # bytes of all members
MOST_FILE = MOST_UNPACKED + (1 << 20)  # bytes of a recording: what does not pack grows a little
MOST_MEMBERS = 256
_NAMES = (
    *(MANIFEST, FRAMES, CONSOLE, VECTORS, BASELINE, GATES_BASELINE, COVERAGE),
    *(ELF, ELF_RECORD, DESCRIPTION),
)
# Programs that are flashed beside the ELF, and the files of a generated network.
_OF_PROJECT = re.compile(
    rf"{PROJECT}/(?:{Path(project.ELF).parent}/nj_[A-Za-z0-9_]{{1,60}}\.elf|{project.GENERATED}/{FILE.pattern})"
)
_UNIX = 3
_MODE = (stat.S_IFREG | 0o644) << 16


def pack(members: Mapping[str, bytes]) -> bytes:
    """The zip of these members: the manifest first, the others by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members, key=lambda name: (name != MANIFEST, name)):
            info = zipfile.ZipInfo(name)  # of 1980, whenever it is written
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, members[name])
    return stream.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of a zip. Nothing is unpacked before all that its directory says is known to be in bounds.

    Raises:
        one of DAMAGED: it is no zip, or not one of just such members as a recording has.
    """
    with opened(data, MOST_MEMBERS) as archive:
        entries = archive.infolist()
        for entry in entries:
            _check(entry)
        total = sum(entry.file_size for entry in entries)
        if total > MOST_UNPACKED:
            raise ValueError(f"members of {total:,} bytes; at most {MOST_UNPACKED:,} may be there")
        return {name: unpacked(archive, name) for name in archive.namelist()}


def _check(entry: zipfile.ZipInfo) -> None:
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    folder, _, file = name.partition("/")
    known = name in _NAMES or (folder == SUBJECT and re.fullmatch(FILE, file))
    if not known and not _OF_PROJECT.fullmatch(name):
        raise ValueError(f"a member {name[:200]!r}, which no recording has")
    if kind not in (0, stat.S_IFREG):
        raise ValueError(f"{name} is no plain file")
