"""A generated network and the virtual NPU as firmware of a virtual Cortex-M55."""

import re
from pathlib import Path

from host.cache import LIBRARIES, key_of
from host.errors import BadInput, HostFailure
from host.installed import FIRMWARE
from host.made_once import made_once
from host.npu import compiled
from host.npu.board.runtime import Runtime
from host.npu.generated import GeneratedCode

HERE = Path(__file__).resolve().parent
GCC = "arm-none-eabi-gcc"
PACKAGE = "gcc-arm-none-eabi libnewlib-arm-none-eabi"
_BOARDS = FIRMWARE / "boards"
_START = (_BOARDS / "virtual/nj_startup.c", _BOARDS / "cortex_m55/nj_fault_entry.c")
_HEADERS = (_BOARDS / "virtual", _BOARDS / "cortex_m55", FIRMWARE / "core")
_ONLY_HERE = "nj_npu_process.c"  # is a process of this computer
_OPERATORS = b"void ll_sw_forward_"  # what ST's library has, too
# As on the host: the order of real arithmetic is the one that is written. Vectors of the core are
# slower than its scalars where they are emulated. newlib's <inttypes.h> asks for __int64_t_defined.
FLAGS = (
    *("-std=gnu11", "-O2", "-fno-tree-vectorize", "-ffp-contract=off", "-fno-strict-aliasing"),
    *("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-ffunction-sections", "-fdata-sections"),
    *("-D_GNU_SOURCE", "-D__int64_t_defined=1"),
)
# ST's sources: for a platform that needs no header of a device, and this compiler's <stdint.h>.
_RUNTIME_FLAGS = (
    *("-w", "-fpermitted-flt-eval-methods=c11", "-DLL_ATON_PLATFORM=LL_ATON_PLAT_SWEMUL"),
    *("-DLL_ATON_OSAL=LL_ATON_OSAL_BARE_METAL", "-DLL_ATON_SW_FALLBACK=1", "-DNDEBUG"),
)
_SCRIPT = HERE / "nj_npu_board.ld"
_TRANSLATION = HERE / "nj_npu_translation.h"
_LINK = ("-nostartfiles", "-Wl,--gc-sections", f"-T{_SCRIPT}")
_LIBRARIES = ("-Wl,--start-group", "-lc", "-lm", "-lgcc", "-lrdimon", "-Wl,--end-group")


@made_once()
def library(instance: bool, operators: bool) -> Path:
    """The virtual NPU around a network, as one object.

    Args:
        instance: whether epoch blocks are handed their network, as from 4.0 on.
        operators: with our operators of software epochs, which take our `ll_sw.h`.

    Raises:
        HostFailure: the compiler is missing or refuses the sources.
    """
    own = [*compiled.sources(), *sorted(HERE.glob("*.[ch]")), *_START]
    if not operators:
        own = [file for file in own if _OPERATORS not in file.read_bytes() or file.suffix == ".h"]
    sources = [file for file in own if file.suffix == ".c" and file.name != _ONLY_HERE]
    headers = [file for folder in _HEADERS for file in sorted(folder.glob("*.h"))]
    flags = (*FLAGS, f"-DNJ_NPU_INSTANCE={int(instance)}", "-nostdlib", "-r")
    parts: list[str | bytes] = [*flags, _compiler()]
    for file in (*own, *headers):
        parts += [file.name, file.read_bytes()]

    def make(target: Path) -> None:
        places = [f"-I{folder}" for folder in (*_HEADERS, compiled.KERNELS)]
        done = run_gcc(*flags, *places, "-o", str(target), *map(str, sources))
        if done.returncode != 0:
            raise HostFailure(
                f"{GCC} could not compile the virtual NPU",
                evidence=done.stderr.strip()[-800:],
                next_step=f"apt-get install {PACKAGE}",
            )

    return LIBRARIES.file("libnpuboard", key_of(*parts)[:16], ".o", make)


def _operators(runtime: Runtime) -> Path:
    """ST's wrappers of its operators, as one object.

    Raises:
        BadInput: they do not compile.
    """
    flags = (*FLAGS, *_RUNTIME_FLAGS, "-nostdlib", "-r")

    def make(target: Path) -> None:
        places = [f"-I{folder}" for folder in runtime.headers]
        done = run_gcc(*flags, *places, "-o", str(target), *map(str, runtime.sources))
        if done.returncode != 0:
            raise BadInput(
                f"the sources of {runtime.folder} do not compile",
                evidence=f"Received: {done.stderr.strip()[-800:]}",
                next_step="give an installation as ST's tool made it",
            )

    key = key_of(*flags, _compiler(), *runtime.content())
    return LIBRARIES.file("libnpuoperators", key[:16], ".o", make)


def firmware(code: GeneratedCode, runtime: Runtime | None) -> Path:
    """An ELF that runs a network once and ends.

    Args:
        code: the network.
        runtime: whose software epochs it has; None: ours.

    Raises:
        BadInput: the network does not compile, or calls what the virtual NPU does not have; or the
            runtime is not whole, or of another version.
        HostFailure: the compiler is missing.
    """
    flags = (*FLAGS, *compiled.definitions(code), "-O1", "-Werror=implicit-function-declaration")
    flags += ("-w", "-include", str(_TRANSLATION), *_LINK)
    objects = [library(code.instance, runtime is None)]
    if runtime is not None:
        runtime.fitting(code)
        # In the place of ours: the structures of the operators are others.
        flags += ("-include", str(runtime.interface), "-DNJ_NPU_LL_SW_H")
        objects += [_operators(runtime), runtime.library]
    text = compiled.text_of(code)
    parts: list[str | bytes] = [*flags, text, *compiled.read_with(code)]
    parts += [file.read_bytes() for file in (*objects, _SCRIPT, _TRANSLATION)]

    def make(target: Path) -> None:
        files = ("-x", "c", "-", "-x", "none", *map(str, objects), "-o", str(target))
        done = run_gcc(*flags, *compiled.folders_of(code), *files, *_LIBRARIES, given=text)
        if done.returncode != 0:
            raise _refusal(code, runtime, done.stderr)

    return LIBRARIES.file("libnpufirmware", key_of(*parts)[:16], ".elf", make)


def _refusal(code: GeneratedCode, runtime: Runtime | None, said: str) -> BadInput:
    error = compiled.refusal(code, said)
    if runtime is not None and "undefined reference to `forward_" in said:
        lacking = ", ".join(dict.fromkeys(re.findall(r"to `(forward_\w+)'", said)))
        return BadInput(
            f"{runtime.library.name} lacks what the sources beside it call: {lacking}",
            evidence=error.evidence,
            next_step="give library, headers and sources of one installation",
        )
    return error


def run_gcc(*arguments: str, given: str = "") -> compiled.Done:
    return compiled.run_gcc(*arguments, given=given, program=GCC, package=PACKAGE)


@made_once()
def _compiler() -> str:
    return run_gcc("-dumpfullversion").stdout
