"""TCG plugins of ours: C files that QEMU loads to see what the virtual board's CPU does."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from host.boards.qemu import PACKAGE, PROGRAM
from host.boards.tools import find_tool
from host.errors import HostFailure

HEADER = Path(__file__).with_name("nj_plugin.h")
CACHE = Path(__file__).resolve().parents[2] / "build" / "host"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared")
_NEXT_API = 9  # QEMU from this version on refuses plugins of API version 1


def plugin_digest(source: Path) -> str:
    """SHA-256 in hex of what makes the plugin of `source`: it, our header, the flags."""
    parts = (source.read_bytes(), HEADER.read_bytes(), " ".join(FLAGS).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def compiled(source: Path) -> Path:
    """The plugin as a shared library, compiled with gcc where build/host does not hold it yet.

    Raises:
        HostFailure: gcc is missing or refuses the source.
    """
    target = _library(source)
    if target.is_file():
        return target
    gcc = shutil.which("gcc")
    if gcc is None:
        raise HostFailure(
            "gcc is needed to compile a plugin of QEMU",
            evidence="no gcc in PATH",
            next_step="apt-get install gcc libc6-dev",
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=CACHE, suffix=".so", delete=False) as own:
        made = Path(own.name)
    done = subprocess.run(
        [gcc, *FLAGS, f"-I{HEADER.parent}", "-o", str(made), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        made.unlink()
        raise HostFailure("gcc does not compile a plugin of QEMU", evidence=done.stderr[-2000:])
    made.replace(target)
    return target


def _library(source: Path) -> Path:
    return CACHE / f"lib{source.stem}-{plugin_digest(source)[:16]}.so"


def plugin_arguments(source: Path, **arguments: Path) -> tuple[str, ...]:
    """What makes QEMU load the plugin of `source` with these arguments."""
    words = [str(compiled(source)), *(f"{name}={path}" for name, path in arguments.items())]
    # QEMU wants commas in values doubled.
    return ("-plugin", ",".join(word.replace(",", ",,") for word in words))


@cache
def qemu_version() -> str:
    """What QEMU says it is, its first line.

    Raises:
        HostFailure: it is not installed, or does not say.
    """
    program = find_tool(PROGRAM, PACKAGE)
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    line = done.stdout.split("\n")[0].strip()
    if not re.search(r"version \d+\.", line):
        raise HostFailure(f"{program} does not say its version", evidence=f"Received: {line!r}")
    return line


def why_not(source: Path) -> str:
    """Why the plugin of `source` cannot be loaded here; "" where it can.

    Raises:
        HostFailure: QEMU is not installed, or does not say its version.
    """
    found = re.search(r"version (\d+)\.", qemu_version())
    if found is not None and int(found[1]) >= _NEXT_API:
        return f"{qemu_version()} takes plugins of another API version than ours, 1"
    if not _library(source).is_file() and shutil.which("gcc") is None:
        return "gcc is not installed, which compiles our plugin of QEMU"
    return ""
