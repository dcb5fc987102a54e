"""ST's own runtime, of an installation of the user's: what a project copies of it, and how it is compiled.

Nothing of it is part of this project. Three headers of ours stand for ST's drivers (firmware/npu/st).
"""

from pathlib import Path

from host.errors import BadInput, HostFailure
from host.npu.board.runtime import Runtime
from host.npu.generated import GeneratedCode, read_generated
from host.npu.network import find_code
from host.project import RUNTIME
from model_gen.codegen.neural_art.install import find_stedgeai
from model_gen.codegen.project.files import Files

OURS = "nightjar"
ST = RUNTIME  # the project's folder with ST's files, too
_SOURCES = (
    *("ll_aton.c", "ll_aton_lib.c", "ll_aton_lib_sw_operators.c", "ll_aton_runtime.c"),
    *("ll_aton_util.c", "ll_sw_float.c", "ll_sw_integer.c", "ecloader.c"),
)
_OPTIONAL = ("ll_aton_cipher.c", "ll_aton_dbgtrc.c")  # that not every version needs
_DEVICE = "ATON.h"
_DEVICE_TOO = "ATON*.h"  # since 3.0 it includes others
# What ST's public projects for this chip say, without its drivers; and, of this compiler's and newlib's headers, which
# of two meanings to take.
FLAGS = (
    *("-DLL_ATON_PLATFORM=LL_ATON_PLAT_STM32N6", "-DLL_ATON_OSAL=LL_ATON_OSAL_BARE_METAL"),
    *("-DLL_ATON_RT_MODE=LL_ATON_RT_ASYNC", "-DLL_ATON_SW_FALLBACK=1", "-DLL_ATON_EB_DBG_INFO"),
    *("-DCPU_IN_SECURE_STATE", "-DNDEBUG", "-fpermitted-flt-eval-methods=c11"),
)


def chosen(told: str | None, network: Path) -> Path | None:
    """Whose runtime runs a network: a folder of ST's, or None, which is ours.

    Args:
        told: "nightjar", "st" (that of the installed stedgeai), or a folder of ST's. None: the installed one where it
            is there and fits the network.
        network: the folder with network.c.

    Raises:
        BadInput: what is told is no folder.
        HostFailure: "st", and stedgeai is not installed.
    """
    if told == OURS:
        return None
    if told is None:
        try:
            core = find_stedgeai().core
            st_runtime(core, read_generated(find_code(network)))
        except (BadInput, HostFailure):
            return None
        return core
    folder = find_stedgeai().core if told == ST else Path(told)
    if not folder.is_dir():
        raise BadInput(
            f"a runtime is {OURS}, {ST}, or a folder of ST's",
            evidence=f"Received: {told}",
            next_step=f"give the folder of an installation of ST Edge AI Core, or {OURS}",
        )
    return folder


def st_runtime(folder: Path, code: GeneratedCode) -> Runtime:
    """The runtime in a folder, held against the network before anything is compiled.

    Raises:
        BadInput: it is not whole, or of another version than the compiler that wrote the network.
    """
    runtime = Runtime(folder).fitting(code)
    home = runtime.interface.parent
    missing = [name for name in _SOURCES if not (home / name).is_file()]
    if missing:
        raise BadInput(
            "ST's runtime has its sources beside its headers",
            evidence=f"Received: {home} without {', '.join(missing)}",
            next_step="give the folder of an installation of ST Edge AI Core, or --npu-runtime nightjar",
        )
    return runtime


def st_files(runtime: Runtime) -> Files:
    """What a project holds of it: sources, headers, the library."""
    home = runtime.interface.parent
    files: Files = {}
    for name in (*_SOURCES, *_OPTIONAL):
        if (home / name).is_file():
            files[f"{ST}/ll_aton/{name}"] = (home / name).read_bytes()
    for path in sorted(home.glob("*.h")):
        files[f"{ST}/ll_aton/{path.name}"] = path.read_bytes()
    for folder in runtime.headers:
        if folder != home:
            for path in sorted(folder.glob("*.h")):
                files[f"{ST}/inc/{path.name}"] = path.read_bytes()
    device = sorted(runtime.folder.rglob(_DEVICE))
    own = [path for path in device if "STM32N6" in path.parent.name.upper()] or device
    if not own:
        raise BadInput(
            f"ST's runtime has the NPU's registers in {_DEVICE}",
            evidence=f"Received: {runtime.folder} without it",
            next_step="give the folder of an installation of ST Edge AI Core, or --npu-runtime nightjar",
        )
    for path in sorted(own[0].parent.glob(_DEVICE_TOO)):
        files[f"{ST}/device/{path.name}"] = path.read_bytes()
    files[f"{ST}/{runtime.library.name}"] = runtime.library.read_bytes()
    return files
