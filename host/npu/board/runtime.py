"""Software epochs of ST's own: the headers, sources and library of an installation of the user's.

Nothing of it is part of this project. It runs on a Cortex-M55 only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from host.errors import BadInput
from host.npu.generated import GeneratedCode

# Numbers in the names of libraries, and what their network.c is written for.
_LIBRARIES = {"2.1": "101", "2.2": "102", "3.0": "110", "4.0": "120"}
_VERSION = re.compile(r"#\s*define\s+LL_ATON_VERSION_(MAJOR|MINOR|MICRO|DEV)\s+\(?(\d+)\)?")
_LIBRARY = re.compile(r"NetworkRuntime(\d+)_CM55_GCC\.a")
_SOURCES = ("ll_sw_float.c", "ll_sw_integer.c")
# A file of each folder whose headers the sources include.
_HEADERS = ("ll_sw.h", "ll_aton_config.h", "ai_math_helpers.h")
_NEXT = (
    "give the folder of an installation of ST Edge AI Core with Middlewares/ST/AI, of the version"
    " that wrote the network.c"
)


@dataclass(frozen=True)
class Runtime:
    """A folder with what stedgeai installs beside its compiler: Inc, Npu, Lib.

    Its files are looked for anywhere below; each must be there once, or alike.
    """

    folder: Path

    def fitting(self, code: GeneratedCode) -> "Runtime":
        """Itself, for a network that it fits.

        Raises:
            BadInput: something is missing, or of another version.
        """
        wanted = ".".join(map(str, code.version))
        if self.version != code.version:
            raise BadInput(
                f"{code.path.name} and the headers of {self.folder} are of different versions",
                evidence=f"Received: {wanted} in {code.path.name},"
                f" {'.'.join(map(str, self.version))} in {self.version_header}",
                next_step=_NEXT,
            )
        number = _LIBRARY.fullmatch(self.library.name)
        assert number is not None
        if not number[1].startswith(_LIBRARIES[code.dialect]):
            raise BadInput(
                f"{self.library.name} is not the library of networks of {code.dialect}",
                evidence=f"Received: number {number[1]}; {code.path.name} asks for {wanted},"
                f" whose numbers begin with {_LIBRARIES[code.dialect]}",
                next_step=_NEXT,
            )
        return self

    @cached_property
    def version(self) -> tuple[int, int, int, int]:
        """Of its headers: major, minor, micro, dev."""
        found = dict(_VERSION.findall(self.version_header.read_text("utf-8", "replace")))
        if len(found) != 4:
            raise BadInput(
                f"{self.version_header} does not say its version",
                evidence=f"Received: {sorted(found) or 'no LL_ATON_VERSION_*'}",
                next_step=_NEXT,
            )
        return (int(found["MAJOR"]), int(found["MINOR"]), int(found["MICRO"]), int(found["DEV"]))

    @cached_property
    def version_header(self) -> Path:
        return self._one("ll_aton_version.h")

    @cached_property
    def interface(self) -> Path:
        """The header that a network includes for its software epochs."""
        return self._one("ll_sw.h")

    @cached_property
    def sources(self) -> tuple[Path, ...]:
        return tuple(self._one(name) for name in _SOURCES)

    @cached_property
    def library(self) -> Path:
        return self._one("NetworkRuntime*_CM55_GCC.a")

    @cached_property
    def headers(self) -> tuple[Path, ...]:
        """The folders of its headers."""
        return tuple(dict.fromkeys(self._one(name).parent for name in _HEADERS))

    def content(self) -> Iterable[str | bytes]:
        """Names and bytes of all that is compiled and linked."""
        headers = [file for folder in self.headers for file in sorted(folder.glob("*.h"))]
        for file in (*self.sources, self.library, *headers):
            yield file.name
            yield file.read_bytes()

    def _one(self, pattern: str) -> Path:
        found = sorted(self.folder.rglob(pattern))
        if len({file.read_bytes() for file in found}) != 1:
            raise BadInput(
                f"{self.folder} must hold one {pattern}",
                evidence=f"Received: {', '.join(map(str, found[:4])) or 'none'}",
                next_step=_NEXT,
            )
        return found[0]
