"""A generated network and the virtual NPU as shared libraries, compiled on first use."""

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host.cache import LIBRARIES, key_of
from host.errors import BadInput, HostFailure
from host.installed import FIRMWARE
from host.made_once import made_once
from host.npu.generated import GeneratedCode
from host.reference.processor import processor

HERE = Path(__file__).resolve().parent
INTERFACE = HERE / "interface"
KERNELS = FIRMWARE / "kernels"
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
_OF_SOFTWARE = re.compile(r"\b(ll_sw_forward_|LL_SW_)|_sw_info\b")
_SECONDS = 300
Done = subprocess.CompletedProcess[str]


@made_once()
def library(instance: bool) -> Path:
    """The virtual NPU: device, LL_* functions, software epochs.

    Args:
        instance: whether epoch blocks are handed their network, as from 4.0 on.

    Raises:
        HostFailure: gcc is missing or refuses the sources.
    """
    own = sources()
    flags = (*FLAGS, f"-DNJ_NPU_INSTANCE={int(instance)}")
    parts: list[str | bytes] = [*flags, platform.machine(), processor()]
    for file in own:
        parts += [file.name, file.read_bytes()]

    def make(target: Path) -> None:
        files = [str(file) for file in own if file.suffix == ".c"]
        done = run_gcc(*flags, f"-I{KERNELS}", "-o", str(target), *files, "-lm")
        if done.returncode != 0:
            raise HostFailure(
                "gcc could not compile the virtual NPU",
                evidence=done.stderr.strip()[-800:],
                next_step="apt-get install gcc libc6-dev",
            )

    return LIBRARIES.file("libnjnpu", key_of(*parts)[:16], ".so", make)


def sources() -> list[Path]:
    """The virtual NPU in C, with its headers."""
    own = [file for folder in _FOLDERS for file in sorted((HERE / folder).glob("*.[ch]"))]
    return [*own, KERNELS / "softmax_s8.c", *sorted(KERNELS.glob("*.h"))]


def network(code: GeneratedCode) -> Path:
    """A generated network, to be loaded behind `library`.

    Raises:
        BadInput: it does not compile, or calls what the virtual NPU does not have.
        HostFailure: gcc is missing.
    """
    flags = (*NETWORK_FLAGS, *definitions(code))
    # From standard input and from elsewhere: a file beside it may not stand for one of ours.
    places, text = folders_of(code), text_of(code)
    parts: list[str | bytes] = [*flags, platform.machine(), text, *read_with(code)]

    def make(target: Path) -> None:
        done = run_gcc(*flags, *places, "-x", "c", "-", "-o", str(target), given=text)
        if done.returncode != 0:
            raise refusal(code, done.stderr)

    return LIBRARIES.file("libnjnetwork", key_of(*parts)[:16], ".so", make)


def definitions(code: GeneratedCode) -> tuple[str, ...]:
    """Flags by which a network and its headers know of each other, and where its pools lie."""
    names = ("MAJOR", "MINOR", "MICRO", "DEV")
    version = zip(names, code.version, strict=True)
    # Pools that are named, not numbered: they lie where the header says.
    pools = {f"_mem_pool_{pool.postfix}_{code.name}": pool.address for pool in code.pools}
    return (
        f"-DNJ_NPU_INSTANCE={int(code.instance)}",
        *(f"-DLL_ATON_VERSION_{name}={number}" for name, number in version),
        *(f"-Wl,--defsym={name}={at:#x}" for name, at in pools.items() if name in code.text),
    )


def text_of(code: GeneratedCode) -> str:
    """What is compiled, given to gcc on its standard input."""
    text = f'#line 1 "{code.path.name}"\n{code.text}\n#include "nj_npu_network.h"\n'
    return text + f"NJ_NPU_DEFINE_NETWORK({code.name})\n"


def folders_of(code: GeneratedCode) -> tuple[str, ...]:
    """Flags that say where its headers are; ours first."""
    return ("-iquote", str(INTERFACE), "-iquote", str(code.path.parent))


def read_with(code: GeneratedCode) -> Iterator[str | bytes]:
    """Names and contents of what may be compiled with it."""
    for file in (*sorted(INTERFACE.glob("*.h")), *_included(code.path.parent, code.text)):
        yield file.name
        yield file.read_bytes()


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


def refusal(code: GeneratedCode, said: str) -> BadInput:
    unknown = [name for pattern in _UNKNOWN for name in pattern.findall(said)]
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        next_step = "this network cannot be executed here; see docs/npu.md for what can"
        if _OF_SOFTWARE.search(names):
            next_step = "run it on a virtual Cortex-M55 with ST's library; see docs/npu.md"
        return BadInput(
            f"{code.path.name} uses what the virtual NPU does not have: {names}",
            evidence=said.strip()[-800:],
            next_step=next_step,
        )
    return BadInput(
        f"{code.path.name} does not compile",
        evidence=f"Received: {said.strip()[-800:]}",
        next_step="give the file as stedgeai wrote it, with the files that it includes beside it",
    )


def run_gcc(
    *arguments: str, given: str = "", program: str = "gcc", package: str = "gcc libc6-dev"
) -> Done:
    """Run a compiler in an empty folder, with `given` on its standard input.

    Raises:
        HostFailure: it is not installed, or does not end.
    """
    gcc = shutil.which(program)
    if gcc is None:
        raise HostFailure(
            f"{program} is needed to compile the virtual NPU",
            evidence=f"no {program} in PATH",
            next_step=f"apt-get install {package}",
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
