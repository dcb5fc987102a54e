"""The headers and the runtime library that an installation has, and whether they fit what its compiler writes."""

import re
from dataclasses import dataclass
from pathlib import Path

from host.reading import read_text
from model_gen.codegen.neural_art.versions import Dialect, Version

HEADER = "Middlewares/ST/AI/Npu/ll_aton/ll_aton_version.h"
LIBRARIES = "Middlewares/ST/AI/Lib/GCC/ARMCortexM55"
_PARTS = ("MAJOR", "MINOR", "MICRO", "DEV")


@dataclass(frozen=True)
class Runtime:
    """What lies in an installation: the version of its headers, such as 1.1.3-262, and its runtime libraries."""

    headers: str | None
    libraries: tuple[str, ...]


def runtime_of(core: Path) -> Runtime:
    """What an installation has.

    Raises:
        BadInput: its header is there, and cannot be read.
    """
    header = core / HEADER
    headers = version_in(read_text(header, HEADER, limit=1 << 20)) if header.exists() else None
    found = (core / LIBRARIES).glob("NetworkRuntime*_CM55_GCC.a")
    return Runtime(headers, tuple(sorted(path.name for path in found)))


def version_in(text: str) -> str | None:
    """The version that `#define LL_ATON_VERSION_...` or `LL_ATON_VERSION_... != N` tell; None where a part lacks."""
    numbers = []
    for part in _PARTS:
        found = re.search(rf"\bLL_ATON_VERSION_{part}\s*(?:!=)?\s*\(?(\d{{1,6}})\)?", text)
        if found is None:
            return None
        numbers.append(int(found[1]))
    return f"{numbers[0]}.{numbers[1]}.{numbers[2]}-{numbers[3]}"


def misfits(version: Version, dialect: Dialect, runtime: Runtime) -> tuple[str, ...]:
    """What does not fit in an installation of a version, in words: its network.c would not build, or not run."""
    found = []
    if runtime.headers is None:
        found.append(f"the headers are missing ({HEADER})")
    else:
        numbers = tuple(int(part) for part in re.findall(r"\d+", runtime.headers))
        if dialect.compiler is not None and numbers[:3] != dialect.compiler:
            wanted = ".".join(map(str, dialect.compiler))
            found.append(f"headers {runtime.headers}, where {version} writes for {wanted}")
    wanted_library = dialect.runtime(version)
    if not runtime.libraries:
        found.append(f"the runtime library is missing ({LIBRARIES}/NetworkRuntime*_CM55_GCC.a)")
    elif wanted_library is not None and wanted_library not in runtime.libraries:
        found.append(f"{', '.join(runtime.libraries)}, where {version} needs {wanted_library}")
    return tuple(found)
