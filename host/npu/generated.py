"""What a generated network.c says of itself in its text: version, name, memory pools."""

import re
from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from host.reading import MOST_TEXT, read_file

DIALECTS = {(1, 1, 0): "2.1", (1, 1, 1): "2.2", (1, 1, 3): "4.0"}
_FIRST_OF_4_0 = 262  # build of 1.1.3 in 4.0.0; 3.0.0 has build 8

_VERSION = re.compile(r"LL_ATON_VERSION_(MAJOR|MINOR|MICRO|DEV)\s*!=\s*(\d+)")
_NETWORK = re.compile(r"\bLL_ATON_EpochBlockItems_(\w+)\s*\(\s*void\s*\)\s*\{")
_INSTANCE = re.compile(r"\bNN_Instance_TypeDef\s*\*\s*nn_instance\b")
_POOL = re.compile(
    r"/\* index=(?P<index>\d+) file postfix=(?P<postfix>\S+) name=(?P<name>\S+)"
    r" offset=(?P<offset>0x[0-9a-fA-F]+)\s.*?\bsize=(?P<size>\d+)\s.*?\b(?P<access>READ_\w+)\b"
)
_EPOCH = re.compile(r"\bLL_ATON_Start_EpochBlock_(\d+)\s*\(")
_TENSOR = re.compile(
    r"LL_Streng_TensorInitTypeDef (?P<record>\w+) = \{(?P<body>.*?)\n\s*\};"
    r".*?LL_Streng_TensorInit\((?P<engine>\d+), &(?P=record)\b",
    re.S,
)
_NAMED = re.compile(r"\.addr_base = \{.*?\}, /\* (\S+)")
_USED = re.compile(r"/\* global pool (\d+) is (.*?) \*/")


@dataclass(frozen=True)
class Pool:
    """A line of the pool table.

    Attributes:
        index: number of the pool.
        postfix: part of the name of its image.
        name: for people.
        address: first byte.
        size: bytes; 0 where the network may not use it.
        writable: whether the NPU may write there.
        used: whether the compiler placed anything there.
    """

    index: int
    postfix: str
    name: str
    address: int
    size: int
    writable: bool
    used: bool


@dataclass(frozen=True)
class GeneratedCode:
    """A network.c.

    Attributes:
        path: of the file, absolute.
        text: its content.
        name: of the network, as its functions end.
        version: major, minor, micro and dev of the library that it asks for.
        dialect: "2.1", "2.2", "3.0" or "4.0".
        instance: whether epoch blocks are handed the network that they belong to.
        pools: the pool table of its header.
    """

    path: Path
    text: str
    name: str
    version: tuple[int, int, int, int]
    dialect: str
    instance: bool
    pools: tuple[Pool, ...]


def read_generated(path: Path) -> GeneratedCode:
    """A network.c, read.

    Raises:
        BadInput: it is no such file, or of a version that nobody knows.
    """
    text = read_file(path, "generated network", MOST_TEXT).decode("utf-8", "replace")
    names = list(dict.fromkeys(_NETWORK.findall(text)))
    if len(names) != 1:
        raise BadInput(
            f"{path.name} is no generated network: it must define LL_ATON_EpochBlockItems_* once",
            evidence=f"Received: {names or 'none'}",
            next_step="give the network.c that `stedgeai generate` wrote for the Neural-ART",
        )
    found = dict(_VERSION.findall(text))
    if set(found) != {"MAJOR", "MINOR", "MICRO", "DEV"}:
        raise BadInput(
            f"{path.name} does not ask for a version of its library, as generated networks do",
            evidence=f"Received: LL_ATON_VERSION_* compared: {sorted(found) or 'none'}",
            next_step="give the file as stedgeai wrote it",
        )
    version = (int(found["MAJOR"]), int(found["MINOR"]), int(found["MICRO"]), int(found["DEV"]))
    dialect = DIALECTS.get(version[:3])
    if dialect == "4.0" and version[3] < _FIRST_OF_4_0:
        dialect = "3.0"
    if dialect is None:
        raise BadInput(
            f"{path.name} is of a version that the virtual NPU does not know",
            evidence=f"Received: {'.'.join(map(str, version))}; known: "
            + ", ".join(f"{'.'.join(map(str, key))} ({name})" for key, name in DIALECTS.items()),
            next_step="compile the network with a version of stedgeai from 2.1 to 4.0",
        )
    return GeneratedCode(
        path=path.absolute(),
        text=text,
        name=names[0],
        version=version,
        dialect=dialect,
        instance=_INSTANCE.search(text) is not None,
        pools=_pools(text),
    )


def names_of_streams(text: str) -> dict[tuple[int, int], str]:
    """What the compiler calls the tensors of stream engines, by epoch and number of the engine."""
    names: dict[tuple[int, int], str] = {}
    pieces = _EPOCH.split(text)
    for epoch, body in zip(pieces[1::2], pieces[2::2], strict=True):
        for tensor in _TENSOR.finditer(body):
            named = _NAMED.search(tensor["body"])
            if named:
                names[int(epoch), int(tensor["engine"])] = named[1]
    return names


def _pools(text: str) -> tuple[Pool, ...]:
    used = dict(_USED.findall(text))
    return tuple(
        Pool(
            index=int(pool["index"]),
            postfix=pool["postfix"],
            name=pool["name"],
            address=int(pool["offset"], 16),
            size=int(pool["size"]),
            writable=pool["access"] != "READ_ONLY",
            used=used.get(pool["index"], "?") != "?",
        )
        for pool in _POOL.finditer(text)
    )
