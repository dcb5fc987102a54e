"""Builds the QEMU that has our machine: Debian's source of QEMU, our files and a minimal list of devices."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from host.bootstrap import QEMU_PACKAGES, apt_command, is_installed
from host.deadline import Deadline
from host.errors import HostFailure
from host.files import write_atomically
from host.group import run_group
from host.installed import IS_CHECKOUT, own_folder
from host.n6_layout import HEADER
from host.owned import alone_in

HERE = Path(__file__).resolve().parent
EXECUTOR = HERE.parents[1] / "npu" / "device"  # the NPU, as the host runs it; MIT
PROGRAM = "qemu-system-arm"
COMMAND = "make n6-virtual" if IS_CHECKOUT else "nightjar board build n6-virtual"
# QEMU that the machine fits, Debian 12's and 13's -> what its configure is told beside the rest.
VERSIONS = {"7.2": ("--meson=/usr/bin/meson",), "10.0": ()}
# What target/arm lacks, by version: WFE sleeps until an interrupt or an event, and SEV is one.
_PATCHES = {version: HERE / "patches" / f"{version}.patch" for version in VERSIONS}
_STAMP = "sources.sha256"
_FAILED = "failed.txt"
_DEVICES = "nightjar"
_CONFIG = """\
CONFIG_ARM_V7M=y
CONFIG_MPS2=y
CONFIG_SEMIHOSTING=y
CONFIG_ARM_COMPATIBLE_SEMIHOSTING=y
CONFIG_PL031=y
"""
_CONFIGURE = (
    *("--target-list=arm-softmmu", f"--with-devices-arm={_DEVICES}"),
    *("--without-default-features", "--enable-fdt=system", "--enable-tcg", "--enable-plugins"),
    *("--disable-docs", "--disable-tools", "--disable-guest-agent", "--disable-werror"),
    "--disable-install-blobs",
)
_QUICKER = ("--disable-debug-info",)  # it is stripped in the end: the program is the same without
# Nearly every file of QEMU's begins with this header, a third of the compiler's work: compiled once as these two
# files include it, one of the host's and one of the target's.
_HEADER = Path("include/qemu/osdep.h")
_HEADER_NEEDS = "config-poison.h"
_INCLUDING = ("util/id.c", "target/arm/gdbstub.c")


def find() -> Path | None:
    """The QEMU with our machine, of just these sources; None where it has not been built."""
    program = _place() / PROGRAM
    try:
        return program if (_place() / _STAMP).read_text() == sources_digest() else None
    except OSError:
        return None


def require_program() -> str:
    """The path of the QEMU with our machine.

    Raises:
        HostFailure: it has not been built, or from other sources.
    """
    program = find()
    if program is None:
        raise HostFailure(
            "the virtual STM32N6 has not been built",
            evidence=f"Received: no {_place() / PROGRAM} of this version",
            next_step=f"{COMMAND} (about 8 minutes of processor time, once)",
        )
    return str(program)


def sources_digest() -> str:
    """SHA-256 over everything of ours that the machine is made from."""
    digest = hashlib.sha256(f"{VERSIONS} {_CONFIG} {_CONFIGURE}".encode())
    for path in (*_machine(), *_PATCHES.values(), HEADER):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build(say: Callable[[str], None], limit: Deadline) -> bool:
    """Build the machine where it is not built; whether there was anything to do.

    Whole or not at all: the program appears when it has answered.

    Raises:
        HostFailure: packages are missing, no source can be had, or a step failed; with what it said.
    """
    if find() is not None:
        return False
    with alone_in(_place(), limit):
        if find() is not None:
            return False
        try:
            _build(say, limit)
        except HostFailure as error:
            write_atomically(_place() / _FAILED, f"{error.what}. {error.evidence}".encode())
            raise
        (_place() / _FAILED).unlink(missing_ok=True)
    return True


def why_not() -> str:
    """What the last try to build it said, in one line; "" where none was made, or it succeeded."""
    try:
        return " ".join((_place() / _FAILED).read_text().split())
    except OSError:
        return ""


def _build(say: Callable[[str], None], limit: Deadline) -> None:
    """The same where it is not built, alone in the place."""
    _require_packages()
    digest = sources_digest()  # of what is copied; it may change before the compiling ends
    _place().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=_place()) as name:
        work = Path(name)
        say("fetching Debian's source of QEMU")
        source, version = _unpacked(work, limit)
        _add_ours(source)
        patch = str(_PATCHES[version])
        _run(["patch", "-p1", "--batch", "--fuzz=0", "-i", patch], source, limit)
        say(f"configuring QEMU {version}")
        made = work / "build"
        made.mkdir()
        _run([str(source / "configure"), *VERSIONS[version], *_CONFIGURE, *_QUICKER], made, limit)
        _precompile(source, made, limit)
        say("compiling (some minutes)")
        _run(["ninja", PROGRAM], made, limit)
        program = made / PROGRAM
        _run(["strip", str(program)], made, limit)
        _run([str(program), "-machine", "nightjar-n6,help"], made, limit)
        program.replace(_place() / PROGRAM)
        write_atomically(_place() / _STAMP, digest.encode())


def _place() -> Path:
    """In a user's cache each version has its own: other versions may be installed elsewhere."""
    if IS_CHECKOUT:
        return own_folder() / "n6-virtual"
    return own_folder() / f"n6-virtual-{sources_digest()[:12]}"


def _machine() -> list[Path]:
    return sorted(path for folder in (HERE / "machine", EXECUTOR) for path in folder.glob("*.[ch]"))


def _require_packages() -> None:
    missing = [name for name in QEMU_PACKAGES if not is_installed(name)]
    if missing:
        raise HostFailure(
            "Debian's packages for building QEMU are missing",
            evidence=f"Received: no {', '.join(missing)}",
            next_step=apt_command(missing),
        )


def _unpacked(work: Path, limit: Deadline) -> tuple[Path, str]:
    """Debian's source with Debian's patches, and its version. The system's own lists are neither used nor changed."""
    apt = work / "apt"
    (apt / "lists").mkdir(parents=True)
    (apt / "parts").mkdir()
    for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if path.suffix in (".list", ".sources") and path.is_file():
            (apt / "parts" / path.name).write_text(_of_sources(path))
    (apt / "conf").write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{apt}/parts";\n'
        f'Dir::State::lists "{apt}/lists";\nDir::Cache "{apt}";\nAPT::Sandbox::User "root";\n'
    )
    environment = {"APT_CONFIG": str(apt / "conf")}
    _run(["apt-get", "update"], work, limit, environment)
    _run(["apt-get", "source", "--download-only", "qemu"], work, limit, environment)
    found = [path for path in work.glob("qemu_*.dsc") if _version(path) in VERSIONS]
    if not found:
        others = ", ".join(path.name for path in work.glob("qemu_*.dsc")) or "no source package"
        raise HostFailure(
            f"the machine fits QEMU {' and '.join(VERSIONS)}, of which Debian 12 and 13 have the source",
            evidence=f"Received: {others}",
            next_step="build it on one of them, or add its sources to /etc/apt",
        )
    _run(["dpkg-source", "--no-check", "-x", found[0].name, "source"], work, limit)
    return work / "source", _version(found[0])


def _of_sources(path: Path) -> str:
    """A list of packages as one of sources."""
    text = path.read_text(errors="replace")
    if path.suffix == ".list":
        return re.sub(r"^deb ", "deb-src ", text, flags=re.MULTILINE)
    return re.sub(r"^Types:.*$", "Types: deb-src", text, flags=re.MULTILINE)


def _version(dsc: Path) -> str:
    found = re.match(r"qemu_(\d+\.\d+)", dsc.name)
    return found[1] if found else ""


def _add_ours(source: Path) -> None:
    """Our files beside QEMU's machines, and the list of devices."""
    for path in (*_machine(), HEADER):
        shutil.copy(path, source / "hw" / "arm" / path.name)
    (source / f"configs/devices/arm-softmmu/{_DEVICES}.mak").write_text(_CONFIG)
    names = ", ".join(f"'{path.name}'" for path in _machine() if path.suffix == ".c")
    _exchange(
        source / "hw/arm/meson.build", "hw_arch +=", f"arm_ss.add(files({names}))\nhw_arch +="
    )
    # Debian's tarball lacks the files that this would unpack.
    wanted = "unpack_edk2_blobs = bzip2.found()"
    _exchange(source / "meson.build", wanted, "unpack_edk2_blobs = false")


def _exchange(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise HostFailure(
            f"QEMU's {path.name} is not what our files fit",
            evidence=f"Received: {old!r} {text.count(old)} times in it, expected once",
            next_step="build it from Debian 12's or 13's source of QEMU",
        )
    path.write_text(text.replace(old, new))


def _precompile(source: Path, made: Path, limit: Deadline) -> None:
    """Compile QEMU's common header to where the compiler looks for it; it takes none whose options or macros differ.

    What cannot be compiled ahead is compiled with each file.
    """
    folder = source / f"{_HEADER}.gch"
    folder.mkdir()
    _run(["ninja", _HEADER_NEEDS], made, limit)
    for entry in json.loads((made / "compile_commands.json").read_text()):
        name = next((name for name in _INCLUDING if entry["file"].endswith(f"/{name}")), None)
        if name is not None:
            options = shlex.split(entry["command"].split(" -MD ")[0])
            target = str(folder / name.replace("/", "_"))
            header = ["-x", "c-header", str(source / _HEADER), "-o", target]
            with suppress(HostFailure):
                _run([*options, *header], made, limit)


def _run(
    command: list[str], where: Path, limit: Deadline, environment: dict[str, str] | None = None
) -> None:
    given = {**os.environ, "LC_ALL": "C", **(environment or {})}
    try:
        code, said = run_group(command, limit, environment=given, where=where)
    except OSError as error:
        raise _failed(command, f"{error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise _failed(command, "it did not end before the deadline") from None
    if code:
        raise _failed(command, " | ".join(said.strip().splitlines()[-8:]))


def _failed(command: list[str], said: str) -> HostFailure:
    return HostFailure(
        f"building the virtual STM32N6 failed at `{Path(command[0]).name}`",
        evidence=f"Received: {said[-2000:]}",
        next_step=f"mend that, then `{COMMAND}` again; {apt_command(list(QEMU_PACKAGES))} gives what it takes",
    )
