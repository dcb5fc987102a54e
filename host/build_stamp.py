"""What the last build of a project was made from, so that one from the same need not start CMake.

The stamp lies beside the ELF. It holds what CMake, ninja and the compiler looked at: the project's
files by content; the tools, the C library and every header outside the project, as ninja knows
them, by path, size and time of change; and the ELF that came out, with the record that the build
may write beside it. Whatever is unclear is no match.
"""

import json
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from host.cache import key_of
from host.files import sha256_file, write_atomically
from host.project import Project

SCHEMA = "nightjar/build/1"
NAME = "nightjar.stamp.json"
_PROGRAMS = ("cc1", "as", "collect2", "ld")
_LIBRARIES = ("libc.a", "libm.a", "libgcc.a", "libc.so", "libc.so.6", "libm.so.6", "crt1.o")

Seen = tuple[str, int, int]  # path, size, time of change in ns


@dataclass(frozen=True)
class Stamp:
    """One build: see the module. version: what the compiler calls itself."""

    place: str
    sources: str
    tools: tuple[Seen, ...]
    outside: tuple[Seen, ...]
    version: str
    elf: str
    record: str | None


class Stamper:
    """Holds the stamp of a project against the project and the tools (paths) as they are now."""

    def __init__(self, project: Project, *, cmake: str, ninja: str, compiler: str) -> None:
        self._project = project
        self._ninja = ninja
        self._compiler = compiler
        self._tools = seen([cmake, ninja, compiler])
        self._sources = sources_of(project)
        self._linked = _linked(project)
        self._stamp = _load(project)

    @property
    def is_current(self) -> bool:
        """Whether the ELF is the one that these files and tools gave at the last build."""
        stamp = self._stamp
        return (
            stamp is not None
            and self.same_tools
            and stamp.place == str(self._project.path.resolve())
            and stamp.sources == self._sources
            and (stamp.elf, stamp.record) == self._linked
        )

    @property
    def same_tools(self) -> bool:
        """Whether nothing outside the project has changed; ninja sees no changed compiler."""
        stamp = self._stamp
        return stamp is None or (
            stamp.tools == self._tools
            and stamp.outside == seen([path for path, _, _ in stamp.outside])
        )

    @property
    def elf_has_changed(self) -> bool:
        """Whether nothing but the ELF is other than at the last build, or what was recorded of it."""
        stamp = self._stamp
        return (
            stamp is not None
            and self.same_tools
            and stamp.sources == self._sources
            and None not in self._linked
            and (stamp.elf, stamp.record) != self._linked
        )

    def forget(self) -> None:
        """Have no stamp: what lies there is being made anew."""
        _path(self._project).unlink(missing_ok=True)

    def outside(self) -> list[str] | None:
        """Paths outside the project that CMake's last build comes from; None when ninja does not say."""
        return outside_of(self._project, self._compiler, self._ninja)

    def write(self, outside: Iterable[str] | None) -> None:
        """Record the build that has just ended well, of the files as they were when it began.

        outside: paths outside the project that it comes from; None: nobody knows, and nothing is recorded.
        """
        elf, record = _linked(self._project)
        if elf is None or outside is None:
            return
        if self._stamp is not None and self._stamp.elf != elf == self._linked[0]:
            return  # nothing was linked, though this is not what was linked last
        stamp = Stamp(
            place=str(self._project.path.resolve()),
            sources=self._sources,
            tools=self._tools,
            outside=seen(outside),
            version=ask(self._compiler, "--version").partition("\n")[0],
            elf=elf,
            record=record,
        )
        raw = json.dumps({"schema": SCHEMA, **asdict(stamp)}, indent=1) + "\n"
        with suppress(OSError):
            write_atomically(_path(self._project), raw.encode())


def sources_of(project: Project) -> str:
    """A hash of every file of the project but those that the build makes."""
    built = project.elf.parent
    parts: list[str | bytes] = []
    for path in sorted(project.path.rglob("*")):
        if not path.is_relative_to(built) and path.is_file():
            parts += [path.relative_to(project.path).as_posix(), path.read_bytes()]
    return key_of(*parts)


def _path(project: Project) -> Path:
    return project.elf.parent / NAME


def _load(project: Project) -> Stamp | None:
    try:
        raw: dict[str, Any] = json.loads(_path(project).read_bytes())
        if raw.pop("schema") != SCHEMA:
            return None
        for name in ("tools", "outside"):
            raw[name] = tuple((str(path), int(size), int(when)) for path, size, when in raw[name])
        return Stamp(**raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _linked(project: Project) -> tuple[str | None, str | None]:
    """SHA-256 of the ELF and of the record that a build may write beside it; None: not there."""
    record = project.elf.with_name(project.elf.name + ".sha256")
    return (
        sha256_file(project.elf) if project.elf.is_file() else None,
        sha256_file(record) if record.is_file() else None,
    )


def seen(paths: Iterable[str]) -> tuple[Seen, ...]:
    """Files as they are now; size 0 and time 0 for what is not there."""
    found = []
    for path in paths:
        try:
            about = Path(path).stat()
            found.append((path, about.st_size, about.st_mtime_ns))
        except OSError:
            found.append((path, 0, 0))
    return tuple(found)


def outside_of(project: Project, compiler: str, ninja: str) -> list[str] | None:
    """Paths outside the project that its ELF comes from; None when ninja does not say."""
    built = project.elf.parent
    inside = project.path.resolve()
    paths = set[Path]().union(*read_by(built, ninja).values())
    headers = {str(path) for path in paths if not path.is_relative_to(inside)}
    if not headers:
        return None
    text = (built / "build.ninja").read_text()
    machine = sorted(set(re.findall(r"(?<=\s)-m\S+", text)))
    asked = [f"-print-prog-name={name}" for name in _PROGRAMS]
    asked += [f"-print-file-name={name}" for name in _LIBRARIES]
    named = {ask(compiler, *machine, one).strip() for one in asked}
    words = ask(ninja, "-C", str(built), "-t", "commands").split()
    named |= {word for word in words if word.startswith("/")}
    # What gcc does not find it gives back as a bare name.
    found = {Path(path).resolve() for path in named if "/" in path}
    return sorted(
        headers
        | {str(path) for path in found if path.is_file() and not path.is_relative_to(inside)}
    )


def read_by(built: Path, ninja: str) -> dict[str, set[Path]]:
    """What each compiler of a build folder read, by what it wrote, as ninja recorded it."""
    found: dict[str, set[Path]] = {}
    places: dict[str, Path] = {}
    read: set[Path] = set()
    for line in ask(ninja, "-C", str(built), "-t", "deps").splitlines():
        if line.startswith("    "):
            name = line.strip()
            if name not in places:
                places[name] = (built / name).resolve()
            read.add(places[name])
        elif ": #deps" in line:
            read = found.setdefault(line.partition(": #deps")[0], set())
    return found


def ask(*command: str) -> str:
    """What a tool prints on standard output, however it ends."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
