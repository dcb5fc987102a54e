"""The versions of stedgeai that are known, and all that differs between them, in one table.

What a file holds is told by the version that wrote it and by the keys in it: the number of its JSON schema is "2.0" in
every version.
"""

import re
from dataclasses import dataclass

from host.errors import BadInput

_VERSION = re.compile(r"v?(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:-(\d{1,9}))?(?:\s+([0-9a-f]{6,40}))?\b")
_UNKNOWN = (
    "generate with a version between 2.0 and 4.1, whose folder STEDGEAI_CORE_DIR names, "
    "or update nightjar"
)


@dataclass(frozen=True, order=True)
class Version:
    """major.minor.micro and the number of the build, 0 where it is not told."""

    major: int
    minor: int
    micro: int
    build: int = 0

    @property
    def release(self) -> tuple[int, int, int]:
        """All but the build, which not every file tells."""
        return self.major, self.minor, self.micro

    def __str__(self) -> str:
        build = f"-{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.micro}{build}"


@dataclass(frozen=True)
class Dialect:
    """What one version of stedgeai writes and takes.

    Attributes:
        core: major and minor version of ST Edge AI Core.
        package: the X-CUBE-AI package that carries it.
        compiler: major, minor and micro version of its NPU compiler, and so of the ll_aton headers; None: not seen.
        builds: builds of the compiler that were seen, each with the micro version of the core.
        runtimes: NetworkRuntimeNNNN_CM55_GCC.a by the micro version of the core; empty: not seen.
        profile: options that its profiles must have beside those of every version.
        symbol: what the names of the C interface end with.
        arithmetic: the dialect of the NPU's constants, a key of the compiler's model; None: not established.
    """

    core: tuple[int, int]
    package: str
    compiler: tuple[int, int, int] | None
    builds: tuple[tuple[int, str], ...]
    runtimes: tuple[tuple[int, str], ...]
    profile: tuple[str, ...]
    symbol: str
    arithmetic: str | None

    @property
    def name(self) -> str:
        return f"{self.core[0]}.{self.core[1]}"

    def runtime(self, version: Version) -> str | None:
        """The runtime library of a version; None where it was not seen."""
        number = dict(self.runtimes).get(version.micro)
        return None if number is None else f"NetworkRuntime{number}_CM55_GCC.a"


# From 3.0 on a description of the core takes its place, and a profile may not have it.
_MVEI = ("--mvei",)

DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        core=(2, 0),
        package="X-CUBE-AI 10.0",
        compiler=(1, 0, 0),
        builds=((0, "1.0.0-16"),),
        runtimes=((0, "1000"),),
        profile=_MVEI,
        symbol="Default",
        arithmetic=None,
    ),
    Dialect(
        core=(2, 1),
        package="X-CUBE-AI 10.1",
        compiler=(1, 1, 0),
        builds=((0, "1.1.0-31"),),
        runtimes=(),
        profile=_MVEI,
        symbol="Default",
        arithmetic="2.1",
    ),
    Dialect(
        core=(2, 2),
        package="X-CUBE-AI 10.2",
        compiler=(1, 1, 1),
        builds=((0, "1.1.1-14"),),
        runtimes=((0, "1020"),),
        profile=_MVEI,
        symbol="Default",
        arithmetic="2.2",
    ),
    Dialect(
        core=(3, 0),
        package="X-CUBE-AI 11.0",
        compiler=(1, 1, 3),
        builds=((0, "1.1.3-8"),),
        runtimes=(),
        profile=(),
        symbol="network",
        arithmetic="3.0",
    ),
    Dialect(
        core=(4, 0),
        package="X-CUBE-AI 12.0",
        compiler=(1, 1, 3),
        builds=((0, "1.1.3-262"), (1, "1.1.3-275")),
        runtimes=((0, "1200"), (1, "1201")),
        profile=(),
        symbol="network",
        arithmetic="4.0",
    ),
    Dialect(
        core=(4, 1),
        package="a later X-CUBE-AI",
        compiler=None,
        builds=(),
        runtimes=(),
        profile=(),
        symbol="network",
        arithmetic=None,
    ),
)
KNOWN = ", ".join(dialect.name for dialect in DIALECTS)


def parse_version(text: str) -> Version | None:
    """The first version in a text, such as "4.0.1-20581 7ed50de05"; None where there is none."""
    found = _VERSION.search(text)
    if found is None:
        return None
    return Version(*(int(found[part] or 0) for part in range(1, 5)))


def dialect_of(text: str, where: str) -> tuple[Version, Dialect]:
    """The version of stedgeai that a text tells, and what is known of it.

    Args:
        text: for instance "ST Edge AI Core v2.2.0-20266 2adc00962".
        where: what told it, for the message.

    Raises:
        BadInput: it tells no version, or one that is not known.
    """
    version = parse_version(text)
    known = {dialect.core: dialect for dialect in DIALECTS}
    if version is None or (version.major, version.minor) not in known:
        raise BadInput(
            f"{where} must tell a known version of stedgeai: {KNOWN}",
            evidence=f"Received: {text[:120]!r}",
            next_step=_UNKNOWN,
        )
    return version, known[version.major, version.minor]
