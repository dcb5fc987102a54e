"""What this machine has and lacks, and which tiers are ready for use."""

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host.bootstrap import NEWEST, OLDEST, apt_command, has_libc_headers, has_newlib
from host.doctor_bench import bench_checks
from host.doctor_npu import check_stedgeai
from host.findings import ON_TARGET, TIERS, Finding, Tier, output_of
from host.installed import IS_CHECKOUT, setup_command

OLDEST_QEMU = (7, 2)  # the first with -netdev dgram
MACHINE = "mps3-an547"
FREE_BYTES = 2 << 30


def _tool(name: str, package: str, command: list[str], tiers: tuple[str, ...] = TIERS) -> Finding:
    output = output_of(command)
    if output is None:
        return Finding(name, "FAIL", "not found, or it does not run", apt_command([package]), tiers)
    return Finding(name, "OK", output.splitlines()[0] if output else "", tiers=tiers)


def check_python() -> Finding:
    """Python's version."""
    version = sys.version.split()[0]
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return Finding("python", "OK", version)
    return Finding(
        "python",
        "FAIL",
        f"3.11 to 3.13 is needed; received {version}",
        "make clean, then make PYTHON=... setup"
        if IS_CHECKOUT
        else "install it into an environment of one of these",
    )


def pinned_versions() -> dict[str, str]:
    """The exact pins of pyproject.toml that hold on this machine; of extras, those of what is installed.

    `make` installs the extras, too, so a checkout has them all.
    """
    found = {}
    for requirement in importlib.metadata.requires("nightjar") or []:
        match = re.match(r"([A-Za-z0-9_.-]+)==([^;\s]+)\s*(?:;(.*))?", requirement)
        if match and _marker_holds(match[3] or "") and _is_wanted(match[1], match[3] or ""):
            found[match[1]] = match[2]
    return found


def _marker_holds(marker: str) -> bool:
    machine = os.uname().machine
    for operator, wanted in re.findall(r'platform_machine\s*(==|!=)\s*["\']([^"\']+)', marker):
        if (machine == wanted) != (operator == "=="):
            return False
    return True


def _is_wanted(name: str, marker: str) -> bool:
    """Whether a package has to be there, or else is, so that its version matters."""
    if IS_CHECKOUT or "extra" not in marker:
        return True
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def check_packages() -> Finding:
    """Every pinned Python package has the pinned version."""
    wrong = []
    pins = pinned_versions()
    for name, wanted in pins.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        if version != wanted:
            wrong.append(f"{name} {version} instead of {wanted}")
    if wrong or not pins:
        return Finding(
            "python packages",
            "FAIL",
            "; ".join(wrong) or "the package nightjar is not installed",
            setup_command("dev") if IS_CHECKOUT else setup_command(),
        )
    return Finding("python packages", "OK", f"{len(pins)} as pinned")


def check_serial() -> Finding:
    """Exactly one distribution provides the module `serial`."""
    again = "make clean" if IS_CHECKOUT else f"{sys.executable} -m pip install pyserial"
    providers = importlib.metadata.packages_distributions().get("serial", [])
    if sorted(set(providers)) == ["pyserial"]:
        return Finding("serial", "OK", "pyserial is its only provider")
    return Finding(
        "serial",
        "FAIL",
        f"`import serial` must come from pyserial alone; received {providers}",
        f"{sys.executable} -m pip uninstall -y {' '.join(providers)} && {again}",
    )


def check_host_compiler() -> Finding:
    """gcc and the C library's headers: the frontend of the host reference is compiled on first use."""
    finding = _tool("gcc", "gcc", ["gcc", "--version"])
    if finding.status == "OK" and not has_libc_headers():
        return Finding("gcc", "FAIL", "finds no stdio.h", apt_command(["libc6-dev"]))
    return finding


def check_cross_compiler() -> Finding:
    """arm-none-eabi-gcc and newlib."""
    finding = _tool(
        "arm-none-eabi-gcc", "gcc-arm-none-eabi", ["arm-none-eabi-gcc", "--version"], ON_TARGET
    )
    if finding.status == "OK" and not has_newlib():
        return Finding(
            "arm-none-eabi-gcc",
            "FAIL",
            "finds no headers of the C library",
            apt_command(["libnewlib-arm-none-eabi"]),
            ON_TARGET,
        )
    return finding


def check_qemu() -> Finding:
    """A QEMU that has the machine and datagram networking."""
    name, tiers = "qemu-system-arm", ("virtual",)
    output = output_of([name, "--version"])
    machines = output_of([name, "-machine", "help"]) or ""
    if output is None:
        return Finding(name, "FAIL", "not found, or it does not run", apt_command([name]), tiers)
    match = re.search(r"version (\d+)\.(\d+)[.\d]*", output)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < OLDEST_QEMU or MACHINE not in machines:
        return Finding(
            name,
            "FAIL",
            f"7.2 or newer with the machine {MACHINE} is needed; received {output.splitlines()[0]}",
            f"{apt_command([name])} (Debian 12, Ubuntu 24.04 or newer)",
            tiers,
        )
    return Finding(name, "OK", output.splitlines()[0], tiers=tiers)


def check_build_tool(name: str) -> Finding:
    """cmake and ninja, from the virtual environment or the system."""
    beside = Path(sys.executable).parent / name
    command = str(beside) if beside.exists() else name
    output = output_of([command, "--version"])
    if output is None:
        return Finding(name, "FAIL", "not found", setup_command())
    return Finding(name, "OK", output.splitlines()[0])


def check_disk() -> Finding:
    """Free space where build/ goes, and that it can be written."""
    here = Path.cwd()
    free = shutil.disk_usage(here).free
    try:
        with tempfile.TemporaryFile(dir=here):
            pass
    except OSError as error:
        return Finding(
            "disk", "FAIL", f"{here} cannot be written: {error.strerror}", f"chmod u+w {here}"
        )
    if free < FREE_BYTES:
        return Finding(
            "disk",
            "FAIL",
            f"2 GiB are needed; received {free >> 20} MiB free",
            f"rm -r {here}/build",
        )
    return Finding("disk", "OK", f"{free >> 30} GiB free")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python,
    check_packages,
    check_serial,
    check_host_compiler,
    check_cross_compiler,
    check_qemu,
    lambda: _tool("gdb-multiarch", "gdb-multiarch", ["gdb-multiarch", "--version"], ON_TARGET),
    lambda: check_build_tool("cmake"),
    lambda: check_build_tool("ninja"),
    check_disk,
)


def examine() -> tuple[list[Finding], list[Tier]]:
    """Run every check, side by side, and derive the tiers that are ready."""
    checks = (*CHECKS, *bench_checks())
    with ThreadPoolExecutor(len(checks) + 1) as pool:
        stedgeais = pool.submit(check_stedgeai)
        findings = list(pool.map(lambda check: check(), checks))
    findings += stedgeais.result()
    return findings, [
        Tier(name, tuple(f.name for f in findings if f.status != "OK" and name in f.tiers))
        for name in TIERS
    ]
