"""A generated network and the virtual NPU as shared libraries, compiled on first use."""

import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from host.cache import LIBRARIES, key_of
from host.errors import BadInput, HostFailure
from host.made_once import made_once
from host.npu.generated import GeneratedCode
from host.reference.processor import processor

HERE = Path(__file__).resolve().parent
INTERFACE = HERE / "interface"
KERNELS = HERE.parents[1] / "firmware" / "kernels"
_FOLDERS = ("device", "interface", "software")
# -march=native only makes it faster: everything but the software epochs is integer arithmetic, and
# those are told to keep to the order that is written.
FLAGS = (
    *("-std=gnu11", "-O3", "-march=native", "-ffp-contract=off", "-fno-fast-math"),
    *("-fPIC", "-shared", "-fno-strict-aliasing", "-D_GNU_SOURCE"),
)
# A generated file is data in the form of C: no warning of its style matters, a call of something
# that is not declared does.
NETWORK_FLAGS = (
    *("-std=gnu11", "-O1", "-fPIC", "-shared", "-fno-strict-aliasing"),
    "-Werror=implicit-function-declaration",
)
_LOCAL = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
_UNKNOWN = (
    re.compile(r"implicit declaration of function '(\w+)'"),
    re.compile(r"unknown type name '(\w+_\w+)'"),
    re.compile(r"undefined reference to `(\w+)'"),
    re.compile(r"'(\w+_\w+)' undeclared"),
    re.compile(r"has no member named '(\w+)'"),
    re.compile(r"fatal error: (\S+): No such file"),
)
_SECONDS = 300


@made_once()
def library(instance: bool) -> Path:
    """The virtual NPU: device, LL_* functions, software epochs.

    Args:
        instance: whether epoch blocks are handed their network, as from 4.0 on.

    Raises:
        HostFailure: gcc is missing or refuses the sources.
    """
    own = [file for folder in _FOLDERS for file in sorted((HERE / folder).glob("*.[ch]"))]
    sources = [*(file for file in own if file.suffix == ".c"), KERNELS / "softmax_s8.c"]
    flags = (*FLAGS, f"-DNJ_NPU_INSTANCE={int(instance)}")
    parts: list[str | bytes] = [*flags, platform.machine(), processor()]
    for file in (*own, KERNELS / "softmax_s8.c", *sorted(KERNELS.glob("*.h"))):
        parts += [file.name, file.read_bytes()]

    def make(target: Path) -> None:
        done = _gcc(*flags, "-o", str(target), *map(str, sources), "-lm")
        if done.returncode != 0:
            raise HostFailure(
                "gcc could not compile the virtual NPU",
                evidence=done.stderr.strip()[-800:],
                next_step="apt-get install gcc libc6-dev",
            )

    return LIBRARIES.file("libnjnpu", key_of(*parts)[:16], ".so", make)


def network(code: GeneratedCode) -> Path:
    """A generated network, to be loaded behind `library`.

    Raises:
        BadInput: it does not compile, or calls what the virtual NPU does not have.
        HostFailure: gcc is missing.
    """
    names = ("MAJOR", "MINOR", "MICRO", "DEV")
    flags = (
        *NETWORK_FLAGS,
        f"-DNJ_NPU_INSTANCE={int(code.instance)}",
        *(
            f"-DLL_ATON_VERSION_{name}={number}"
            for name, number in zip(names, code.version, strict=True)
        ),
    )
    # Pools that are named, not numbered: they lie where the header says.
    pools = {f"_mem_pool_{pool.postfix}_{code.name}": pool.address for pool in code.pools}
    flags += tuple(
        f"-Wl,--defsym={name}={address:#x}" for name, address in pools.items() if name in code.text
    )
    # From standard input and from elsewhere: a file beside it may not stand for one of ours.
    places = ("-iquote", str(INTERFACE), "-iquote", str(code.path.parent))
    text = f'#line 1 "{code.path.name}"\n{code.text}\n#include "nj_npu_network.h"\n'
    text += f"NJ_NPU_DEFINE_NETWORK({code.name})\n"
    parts: list[str | bytes] = [*flags, platform.machine(), text]
    for file in (*sorted(INTERFACE.glob("*.h")), *_included(code.path.parent, code.text)):
        parts += [file.name, file.read_bytes()]

    def make(target: Path) -> None:
        done = _gcc(*flags, *places, "-x", "c", "-", "-o", str(target), given=text)
        if done.returncode != 0:
            raise _refusal(code, done.stderr)

    return LIBRARIES.file("libnjnetwork", key_of(*parts)[:16], ".so", make)


def _included(folder: Path, text: str) -> list[Path]:
    """Files beside a network that it includes, and those that they include."""
    found: list[Path] = []
    names = _LOCAL.findall(text)
    while names:
        name = names.pop()
        file = folder / name
        if (INTERFACE / name).exists() or file in found or not file.is_file():
            continue
        found.append(file)
        names += _LOCAL.findall(file.read_text("utf-8", "replace"))
    return sorted(found)


def _refusal(code: GeneratedCode, said: str) -> BadInput:
    unknown = [name for pattern in _UNKNOWN for name in pattern.findall(said)]
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        return BadInput(
            f"{code.path.name} uses what the virtual NPU does not have: {names}",
            evidence=said.strip()[-800:],
            next_step="this network cannot be executed here; see docs/npu.md for what can",
        )
    return BadInput(
        f"{code.path.name} does not compile",
        evidence=f"Received: {said.strip()[-800:]}",
        next_step="give the file as stedgeai wrote it, with the files that it includes beside it",
    )


def _gcc(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    gcc = shutil.which("gcc")
    if gcc is None:
        raise HostFailure(
            "gcc is needed to compile the virtual NPU",
            evidence="no gcc in PATH",
            next_step="apt-get install gcc libc6-dev",
        )
    with tempfile.TemporaryDirectory(prefix="nightjar-") as empty:
        try:
            return subprocess.run(
                [gcc, *arguments],
                input=given,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
                cwd=empty,
                env={"LC_ALL": "C", "PATH": str(Path(gcc).parent) + ":/usr/bin:/bin"},
            )
        except subprocess.TimeoutExpired:
            raise HostFailure(
                "gcc did not end",
                evidence=f"after {_SECONDS} s",
                next_step="see what else this computer does",
            ) from None
