"""Set the project up on an empty machine: Debian's packages, then `.venv` with the pinned dependencies.

Runs with the system's python3 and nothing else, so it imports only the standard library. What is already done is
found in milliseconds and not done again.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)

EXIT_ENVIRONMENT = 10


def has_module(name: str) -> bool:
    """Whether this Python can import `name`."""
    return importlib.util.find_spec(name) is not None


def has_newlib() -> bool:
    """Whether the cross-compiler finds the C library's headers."""
    if shutil.which("arm-none-eabi-gcc") is None:
        return False
    source = b"#include <stdint.h>\n#include <string.h>\n"
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-E", "-"]
    return subprocess.run(command, input=source, capture_output=True, check=False).returncode == 0


def has_libc_headers() -> bool:
    """Whether the host compiler finds the C library's headers."""
    if shutil.which("gcc") is None:
        return False
    command = ["gcc", "-E", "-"]
    return (
        subprocess.run(
            command, input=b"#include <stdio.h>\n", capture_output=True, check=False
        ).returncode
        == 0
    )


# Debian package -> whether what it brings is here.
PACKAGES = {
    "gcc-arm-none-eabi": lambda: shutil.which("arm-none-eabi-gcc") is not None,
    "libnewlib-arm-none-eabi": has_newlib,
    "qemu-system-arm": lambda: shutil.which("qemu-system-arm") is not None,
    "gdb-multiarch": lambda: shutil.which("gdb-multiarch") is not None,
    "python3-venv": lambda: has_module("ensurepip") and has_module("venv"),
    "gcc": lambda: shutil.which("gcc") is not None,
    "libc6-dev": has_libc_headers,
}
# Those of them without which there is no `.venv`: some dependencies are compiled when they are installed.
VENV_PACKAGES = ("python3-venv", "gcc", "libc6-dev")
# What only a test uses, which is skipped without, or takes longer: the report as a browser shows it, objects that are
# compiled once, serial ports over TCP, and on x86 the frontend's bits on AArch64. Not asked of who cannot install, nor
# where it cannot be had: Ubuntu has Chromium as a snap alone.
TEST_PACKAGES = {
    "chromium": lambda: Path("/usr/bin/chromium").exists(),
    "ccache": lambda: shutil.which("ccache") is not None,
    "socat": lambda: shutil.which("socat") is not None,
    "ser2net": lambda: shutil.which("ser2net") is not None,
}
CROSS_TEST_PACKAGES = {
    "gcc-aarch64-linux-gnu": lambda: shutil.which("aarch64-linux-gnu-gcc") is not None,
    "libc6-dev-arm64-cross": lambda: Path("/usr/aarch64-linux-gnu/include/stdio.h").is_file(),
    "qemu-user": lambda: shutil.which("qemu-aarch64") is not None,
}


# What compiles the virtual STM32N6's QEMU from Debian's source, beside a C compiler: all of them, or it is not built.
QEMU_PACKAGES = (
    *("meson", "ninja-build", "pkg-config", "libglib2.0-dev", "libpixman-1-dev", "libfdt-dev"),
    *("flex", "bison", "dpkg-dev", "patch"),
)


def is_installed(package: str) -> bool:
    """Whether dpkg has installed a package."""
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "-W", "-f", "${Status}", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.endswith("ok installed")


def missing_packages(wanted: Mapping[str, Callable[[], bool]] = PACKAGES) -> list[str]:
    """The Debian packages whose tools are not on this machine."""
    return [name for name, present in wanted.items() if not present()]


def can_install() -> bool:
    """Whether packages can be installed without asking anybody."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_command(packages: list[str]) -> str:
    """The command that a person types to install `packages`."""
    return (
        f"sudo apt-get update && sudo apt-get install --no-install-recommends {' '.join(packages)}"
    )


def fail(what: str, next_step: str) -> None:
    """Say what is wrong and what to do, and end with the code of an unready environment."""
    print(f"HOST: {what}\n  next step: {next_step}", file=sys.stderr)
    sys.exit(EXIT_ENVIRONMENT)


def install_packages(wanted: Mapping[str, Callable[[], bool]] = PACKAGES) -> None:
    """Install what is missing by apt-get as root; else say the exact command."""
    packages = missing_packages(wanted)
    if not packages:
        return
    if not can_install():
        fail(f"these Debian packages are needed: {' '.join(packages)}", apt_command(packages))
    failed = apt_install(packages)
    if failed:
        fail(failed, apt_command(packages))
    still = missing_packages(wanted)
    if still:
        fail(f"installed, but still not usable: {' '.join(still)}", apt_command(still))


def install_test_packages(wanted: Mapping[str, Callable[[], bool]]) -> None:
    """Install each that is missing and can be had; say which could not, and that its tests are skipped."""
    for_qemu = [package for package in QEMU_PACKAGES if not is_installed(package)]
    missing = missing_packages(wanted)
    alone = bool(missing or for_qemu) and bool(apt_install([*missing, *for_qemu]))
    for package in missing_packages(wanted):
        if not alone or apt_install([package]) or missing_packages({package: wanted[package]}):
            print(f"no {package}: the tests that need it are skipped", file=sys.stderr, flush=True)
    if alone and for_qemu and apt_install(for_qemu):
        print(
            "the virtual STM32N6 cannot be built: its tests are skipped",
            file=sys.stderr,
            flush=True,
        )


def apt_install(packages: list[str]) -> str:
    """Install by apt-get, which gives a silent server up by itself; what went wrong, or "" for nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(f"installing Debian packages: {' '.join(packages)}", flush=True)
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode != 0:
            sys.stderr.write(done.stdout.decode(errors="replace")[-3000:])
            return f"`{' '.join(command)}` ended with {done.returncode}"
    return ""


def fingerprint() -> str:
    """What `.venv` was made from: the pins, this Python, and where the project lies."""
    content = (ROOT / "pyproject.toml").read_bytes() + sys.version.encode() + str(ROOT).encode()
    return hashlib.sha256(content).hexdigest()


def make_venv() -> None:
    """Make `.venv` with the pinned dependencies, once for each state of pyproject.toml."""
    stamp = VENV / "nightjar-setup"
    wanted = fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("installing the pinned Python dependencies into .venv (some minutes, once)", flush=True)
    if not (VENV / "bin" / "python").exists():
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-compile",  # on one core, what below takes all
    ]
    done = subprocess.run([*pip, "-e", ".[dev]"], cwd=ROOT, check=False)
    if done.returncode != 0:
        fail(
            f"pip ended with {done.returncode}",
            "see its message above; check the network and free disk space, then run the same command again",
        )
    compileall = [str(VENV / "bin" / "python"), "-m", "compileall", "-qq", "-j", "0"]
    compileall += ["-x", r"site-packages/.*/tests?/"]  # a fifth, which nobody imports
    subprocess.run([*compileall, str(VENV / "lib")], check=False)  # some packages hold broken files
    stamp.write_text(wanted)


def main(arguments: list[str]) -> None:
    """Check Python, install packages, make `.venv`. With --test, what only tests use too, where that can be had."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        fail(
            f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed; received {sys.version.split()[0]}",
            "install a fitting python3 and run `make PYTHON=/path/to/python3 ...`",
        )
    if not can_install():
        install_packages()  # which says at once what is missing
    install_packages({name: PACKAGES[name] for name in VENV_PACKAGES})
    with ThreadPoolExecutor(1) as beside:  # apt and pip take a core each
        installed = beside.submit(install_the_rest, "--test" in arguments and can_install())
        make_venv()
        installed.result()


def install_the_rest(tests_too: bool) -> None:
    """What `.venv` does not need, and, with `tests_too`, what only tests use."""
    install_packages()
    if tests_too:
        cross = CROSS_TEST_PACKAGES if platform.machine() == "x86_64" else {}
        install_test_packages({**cross, **TEST_PACKAGES})


if __name__ == "__main__":
    main(sys.argv[1:])
