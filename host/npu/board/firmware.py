"""A generated network and the virtual NPU as firmware of a virtual Cortex-M55."""

from pathlib import Path

from host.cache import LIBRARIES, key_of
from host.errors import HostFailure
from host.made_once import made_once
from host.npu import compiled
from host.npu.generated import GeneratedCode

HERE = Path(__file__).resolve().parent
GCC = "arm-none-eabi-gcc"
PACKAGE = "gcc-arm-none-eabi libnewlib-arm-none-eabi"
_BOARDS = compiled.KERNELS.parent / "boards"
_START = (_BOARDS / "virtual/nj_startup.c", _BOARDS / "cortex_m55/nj_fault_entry.c")
_HEADERS = (_BOARDS / "virtual", _BOARDS / "cortex_m55", compiled.KERNELS.parent / "core")
_ONLY_HERE = "nj_npu_process.c"  # is a process of this computer
# As on the host: the order of real arithmetic is the one that is written. Vectors of the core are
# slower than its scalars where they are emulated. newlib's <inttypes.h> asks for __int64_t_defined.
FLAGS = (
    *("-std=gnu11", "-O2", "-fno-tree-vectorize", "-ffp-contract=off", "-fno-strict-aliasing"),
    *("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-ffunction-sections", "-fdata-sections"),
    *("-D_GNU_SOURCE", "-D__int64_t_defined=1"),
)
_SCRIPT = HERE / "nj_npu_board.ld"
_TRANSLATION = HERE / "nj_npu_translation.h"
_LINK = ("-nostartfiles", "-Wl,--gc-sections", f"-T{_SCRIPT}")
_LIBRARIES = ("-Wl,--start-group", "-lc", "-lm", "-lgcc", "-lrdimon", "-Wl,--end-group")


@made_once()
def library(instance: bool) -> Path:
    """The virtual NPU around a network, as one object.

    Args:
        instance: whether epoch blocks are handed their network, as from 4.0 on.

    Raises:
        HostFailure: the compiler is missing or refuses the sources.
    """
    own = [*compiled.sources(), *sorted(HERE.glob("*.[ch]")), *_START]
    sources = [file for file in own if file.suffix == ".c" and file.name != _ONLY_HERE]
    headers = [file for folder in _HEADERS for file in sorted(folder.glob("*.h"))]
    flags = (*FLAGS, f"-DNJ_NPU_INSTANCE={int(instance)}", "-nostdlib", "-r")
    parts: list[str | bytes] = [*flags, _compiler()]
    for file in (*own, *headers):
        parts += [file.name, file.read_bytes()]

    def make(target: Path) -> None:
        places = [f"-I{folder}" for folder in _HEADERS]
        done = run_gcc(*flags, *places, "-o", str(target), *map(str, sources))
        if done.returncode != 0:
            raise HostFailure(
                f"{GCC} could not compile the virtual NPU",
                evidence=done.stderr.strip()[-800:],
                next_step=f"apt-get install {PACKAGE}",
            )

    return LIBRARIES.file("libnpuboard", key_of(*parts)[:16], ".o", make)


def firmware(code: GeneratedCode) -> Path:
    """An ELF that runs a network once and ends.

    Raises:
        BadInput: the network does not compile, or calls what the virtual NPU does not have.
        HostFailure: the compiler is missing.
    """
    npu = library(code.instance)
    flags = (*FLAGS, *compiled.definitions(code), "-O1", "-Werror=implicit-function-declaration")
    flags += ("-w", "-include", str(_TRANSLATION), *_LINK)
    text = compiled.text_of(code)
    parts: list[str | bytes] = [*flags, text, *compiled.read_with(code), npu.read_bytes()]
    parts += [_SCRIPT.read_bytes(), _TRANSLATION.read_bytes()]

    def make(target: Path) -> None:
        files = ("-x", "c", "-", "-x", "none", str(npu), "-o", str(target))
        done = run_gcc(*flags, *compiled.folders_of(code), *files, *_LIBRARIES, given=text)
        if done.returncode != 0:
            raise compiled.refusal(code, done.stderr)

    return LIBRARIES.file("libnpufirmware", key_of(*parts)[:16], ".elf", make)


def run_gcc(*arguments: str, given: str = "") -> compiled.Done:
    return compiled.run_gcc(*arguments, given=given, program=GCC, package=PACKAGE)


@made_once()
def _compiler() -> str:
    return run_gcc("-dumpfullversion").stdout
