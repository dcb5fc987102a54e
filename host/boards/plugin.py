"""TCG plugins of ours: C files that QEMU loads to see what the virtual board's CPU does."""

import hashlib
import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from host.boards.qemu import PACKAGE, PROGRAM
from host.cache import LIBRARIES, key_of
from host.errors import HostFailure
from host.tools import find_tool

HEADER = Path(__file__).with_name("nj_plugin.h")
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared")
_NEXT_API = 9  # QEMU from this version on refuses plugins of API version 1


def plugin_digest(source: Path) -> str:
    """SHA-256 in hex of what makes the plugin of `source`: it, our header, the flags."""
    parts = (source.read_bytes(), HEADER.read_bytes(), " ".join(FLAGS).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def compiled(source: Path) -> Path:
    """The plugin as a shared library, compiled with gcc where the cache does not hold it yet.

    Raises:
        HostFailure: gcc is missing or refuses the source.
    """
    return LIBRARIES.file(_stem(source), _key(source), ".so", lambda made: _compile(source, made))


def _compile(source: Path, made: Path) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        raise HostFailure(
            "gcc is needed to compile a plugin of QEMU",
            evidence="no gcc in PATH",
            next_step="apt-get install gcc libc6-dev",
        )
    done = subprocess.run(
        [gcc, *FLAGS, f"-I{HEADER.parent}", "-o", str(made), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise HostFailure("gcc does not compile a plugin of QEMU", evidence=done.stderr[-2000:])


def _stem(source: Path) -> str:
    return "lib" + source.stem.replace("_", "")


def _key(source: Path) -> str:
    return key_of(platform.machine(), plugin_digest(source))[:16]


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
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
        line = done.stdout.split("\n")[0].strip()
    except subprocess.TimeoutExpired:
        line = "nothing within 20 s"
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
    kept = LIBRARIES.folder.path.glob(f"{_stem(source)}-{_key(source)}-*")
    if shutil.which("gcc") is None and not any(kept):
        return "gcc is not installed, which compiles our plugin of QEMU"
    return ""
