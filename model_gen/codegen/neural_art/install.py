"""Where stedgeai is installed, and which version it is."""

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from host.reading import read_text
from host.tools import Overdue, run_leashed
from model_gen.codegen.neural_art.versions import KNOWN, Dialect, Version, dialect_of

VARIABLE = "STEDGEAI_CORE_DIR"
GET_IT = (
    "install ST Edge AI Core 2.0 to 4.1 from st.com and set STEDGEAI_CORE_DIR to its folder; "
    "or generate elsewhere, and give --from that folder"
)
_SYSTEM = {"linux": "linux", "darwin": "mac", "win32": "windows"}
_START = 120.0  # seconds that it has for saying its version: it unpacks a Python first
_PLACES = (
    "/opt/ST/STEdgeAI/*",
    "/opt/st/stedgeai/*",
    "~/ST/STEdgeAI/*",
    "~/STEdgeAI/*",
    "~/STM32Cube/Repository/Packs/STMicroelectronics/X-CUBE-AI/*",
    "~/X-CUBE-AI*",
)


@dataclass(frozen=True)
class Install:
    """One installation: its folder, its program, and what told of it."""

    core: Path
    program: Path
    told_by: str


def config_path() -> Path | None:
    """The user's file that may name an installation: `core_dir = "..."`; None: nobody knows where home is."""
    with suppress(RuntimeError):
        return Path.home() / ".config/nightjar/stedgeai.toml"
    return None


def find_stedgeai() -> Install:
    """The installation to use: $STEDGEAI_CORE_DIR, else the user's file, else PATH, else the newest usual place.

    Raises:
        BadInput: the user's file cannot be used.
        HostFailure: what was named holds none; or there is none anywhere.
    """
    found = next(iter(installs()), None)
    if found is None:
        raise HostFailure(
            "stedgeai was not found",
            evidence=f"neither ${VARIABLE} nor {config_path()} names it, it is not on PATH, and not in "
            f"{', '.join(_PLACES)}",
            next_step=GET_IT,
        )
    return found


def installs() -> Iterator[Install]:
    """Every installation, the one to use first; where one is named, that alone.

    Raises:
        BadInput, HostFailure: as `find_stedgeai`.
    """
    named = _named()
    if named is not None:
        yield named
        return
    on_path = shutil.which("stedgeai")
    if on_path is not None:
        program = Path(os.path.realpath(on_path))
        yield Install(_core_of(program), program, "PATH")
    seen = set() if on_path is None else {os.path.realpath(on_path)}
    for folder in _usual():
        for core in _doubled(folder):
            there = _program(core)
            if there is not None and os.path.realpath(there) not in seen:
                seen.add(os.path.realpath(there))
                yield Install(core, there, "a usual place")


def _named() -> Install | None:
    """The one that the user names.

    Raises:
        BadInput, HostFailure: as `find_stedgeai`.
    """
    folder, told_by = os.environ.get(VARIABLE, ""), f"${VARIABLE}"
    path = config_path()
    if not folder and path is not None and path.exists():
        folder, told_by = _configured(path), str(path)
    if not folder:
        return None
    place = Path(folder)
    with suppress(RuntimeError):  # of a user whom nobody knows
        place = place.expanduser()
    for core in _doubled(place.absolute()):
        if (program := _program(core)) is not None:
            return Install(core, program, told_by)
    raise HostFailure(
        f"{told_by} names a folder without stedgeai",
        evidence=f"Received: {folder}, where Utilities/{_SYSTEM.get(sys.platform, '*')}/stedgeai is absent",
        next_step="name the folder of ST Edge AI Core that holds Utilities and Middlewares",
    )


def _configured(path: Path) -> str:
    shown = 'one line: core_dir = "/opt/ST/STEdgeAI/4.0"'
    try:
        raw = tomllib.loads(read_text(path, "stedgeai.toml", limit=1 << 16, next_step=shown))
    except (ValueError, RecursionError) as error:
        raise BadInput(
            "stedgeai.toml must be TOML", evidence=f"Received: {path}: {error}", next_step=shown
        ) from error
    folder = raw.get("core_dir")
    if set(raw) != {"core_dir"} or not isinstance(folder, str) or not folder:
        raise BadInput(
            "stedgeai.toml must have core_dir, the folder of ST Edge AI Core, and nothing else",
            evidence=f"Received: {path} with {', '.join(sorted(raw)) or 'nothing'}",
            next_step=shown,
        )
    return folder


def _usual() -> list[Path]:
    """The folders of the usual places, the newest by their names first."""
    found: set[Path] = set()
    for pattern in _PLACES:
        with suppress(RuntimeError, OSError):
            place = Path(pattern).expanduser()
            found.update(one for one in place.parent.glob(place.name) if one.is_dir())
    return sorted(found, key=lambda one: (_numbers(one.name), str(one)), reverse=True)


def _numbers(name: str) -> tuple[int, ...]:
    """The numbers of its name, as a core's: X-CUBE-AI 10.2 carries core 2.2, and 12.0 carries 4.0."""
    numbers = tuple(int(part) for part in re.findall(r"\d{1,6}", name))
    return (numbers[0] - 8, *numbers[1:]) if numbers and numbers[0] >= 10 else numbers


def _doubled(folder: Path) -> Iterable[Path]:
    """The folder, and one of the same name in it: installers are told /opt/ST/STEdgeAI/4.0 and make 4.0/4.0."""
    return (folder, folder / folder.name)


def _program(core: Path) -> Path | None:
    system = _SYSTEM.get(sys.platform, "linux")
    name = "stedgeai.exe" if system == "windows" else "stedgeai"
    program = core / "Utilities" / system / name
    return program if program.is_file() and os.access(program, os.X_OK) else None


def _core_of(program: Path) -> Path:
    """The folder of an installation whose program that is; what holds the program where it lies elsewhere."""
    parts = program.parts
    return program.parents[2] if len(parts) > 3 and parts[-3] == "Utilities" else program.parent


@cache
def version_of(program: Path) -> tuple[Version, Dialect]:
    """The version that a program says it is.

    Raises:
        BadInput: it is not a known one.
        HostFailure: it does not run, or does not say.
    """
    try:
        code, said = run_leashed([str(program), "--version"], Deadline.after(_START))
    except Overdue as late:
        raise _silent(program, f"no answer within {_START:.0f} s; {late.said[:200]!r}") from late
    if code != 0 or "Edge AI" not in said:
        raise _silent(program, f"exit status {code}; it said {said.strip()[:300]!r}")
    line = next(line for line in said.splitlines() if "Edge AI" in line)
    return dialect_of(line, f"{program} --version")


def _silent(program: Path, received: str) -> HostFailure:
    return HostFailure(
        f"{program} does not tell its version",
        evidence=f"Received: {received}",
        next_step=f"run it by hand; nightjar knows the versions {KNOWN}",
    )
