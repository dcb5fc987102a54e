"""Every constant that a network.c gives to a unit of the NPU, read from its text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput

Vector = npt.NDArray[np.int64]

_KINDS = {
    "LL_Convacc_InitTypeDef": "convacc",
    "LL_Arithacc_InitTypeDef": "arith",
    "LL_Poolacc_InitTypeDef": "pool",
    "LL_Activacc_InitTypeDef": "activ",
    "LL_Decun_InitTypeDef": "decun",
    "LL_Streng_TensorInitTypeDef": "stream",
}
_ITEMS = re.compile(
    r"/\* Unit= ?(?P<unit>\d+) \[[^\]]*\] \*/"
    r"|/\* (?:no resources allocated to )?kind=(?P<kind>\w+) node=(?P<node>\S+) \*/"
    r"|/\* Emit conf for \S+ node=(?P<port_node>\S+) (?P<way>input|output) "
    r"ports=(?P<port>\d+)[^*]*\*/"
    r"|static void \w*?Start_EpochBlock_(?P<epoch>\d+)\("
    r"|static const (?P<type>LL_\w+_(?:Tensor)?InitTypeDef) (?P<name>\w+) = \{(?P<body>.*?)\n  \};",
    re.DOTALL,
)
_FIELD = re.compile(r"\.(?P<name>\w+)\s*=\s*(?P<value>.*?),?")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"(?:\((?:short|int|unsigned char \*)\))?\s*(-?(?:0x[0-9A-Fa-f]+|\d+))[uUlL]*")
_ADDRESS = re.compile(r"\(0x(?P<base>[0-9A-Fa-f]+)UL(?:\s*\+\s*(?P<offset>\d+))?\)")
_CHAINED = re.compile(r"_ca_pipe_\d+$")


@dataclass(frozen=True)
class UnitRecord:
    """What one struct of a network.c says: a unit or a stream engine in one epoch.

    Attributes:
        kind: "convacc", "arith", "pool", "activ", "decun" or "stream".
        node: the compiler's name of what is computed; of a stream, of the node it serves.
        role: of a stream, "input" or "output" and the port, e.g. "input 1"; else the node's kind.
        fields: an integer, a name, or a tuple of integers; an address is one integer.
    """

    kind: str
    epoch: int
    unit: int
    node: str
    role: str
    fields: Mapping[str, Any]
    line: int

    def integer(self, name: str) -> int:
        """A field's number; 0 when the struct leaves it out, as C does.

        Raises:
            BadInput: the field holds something else.
        """
        value = self.fields.get(name, 0)
        if not isinstance(value, int):
            raise _unreadable(self.line, f".{name} = {value}", "a number")
        return value


@dataclass(frozen=True)
class Memory:
    """What the network's memory holds before it runs: (address, bytes) of each image."""

    images: tuple[tuple[int, bytes], ...]

    def vector(self, address: int, count: int, bits: int) -> Vector:
        """`count` signed little-endian integers of 1 to 32 bits, one behind the other.

        Raises:
            BadInput: no image holds them.
        """
        size = -(-count * bits // 8)
        for start, content in self.images:
            if start <= address and address + size <= start + len(content):
                at = address - start
                raw = np.frombuffer(content[at : at + size], np.uint8)
                each = np.unpackbits(raw, bitorder="little")[: count * bits].reshape(count, bits)
                worth = 2 ** np.arange(bits, dtype=np.int64)
                worth[-1] *= -1  # the sign
                return each.astype(np.int64) @ worth
        held = ", ".join(f"0x{a:08x} to 0x{a + len(c):08x}" for a, c in self.images) or "none"
        raise BadInput(
            f"no memory image holds {size} bytes at 0x{address:08x}",
            evidence=f"Received: images at {held}",
            next_step="give the network's .raw or .bin files with the addresses of their pools",
        )


@dataclass(frozen=True)
class NetworkConstants:
    """The records of a network.c in the order of the text, and its compiler's own version."""

    description: str  # e.g. "STAI-3.0.0-254-g7cc654104"
    records: tuple[UnitRecord, ...]

    def of_kind(self, kind: str) -> tuple[UnitRecord, ...]:
        return tuple(record for record in self.records if record.kind == kind)

    def node(self, name: str, kind: str) -> tuple[UnitRecord, ...]:
        """The records of a node; chained convolutions count as the first of their chain."""
        return tuple(r for r in self.records if r.kind == kind and _CHAINED.sub("", r.node) == name)


def read_network_constants(text: str) -> NetworkConstants:
    """The constants in the text of a network.c.

    Raises:
        BadInput: no unit is programmed in it, or a struct cannot be read; the line is named.
    """
    described = re.search(r'GIT_DESCRIPTION\s+"([^"]*)"', text)
    records = tuple(_records(text))
    if not records:
        raise BadInput(
            "expected a network.c that programs units of the NPU",
            evidence=f"Received: {len(text)} characters without one LL_*_InitTypeDef",
            next_step="give the network.c of `stedgeai generate` without the epoch controller",
        )
    return NetworkConstants(described.group(1) if described else "", records)


def _records(text: str) -> Iterator[UnitRecord]:
    unit = epoch = -1
    node = role = ""
    line, counted = 1, 0
    for item in _ITEMS.finditer(text):
        line += text.count("\n", counted, item.start())
        counted = item.start()
        if item["unit"]:
            unit = int(item["unit"])
        elif item["epoch"]:
            epoch = int(item["epoch"])
        elif item["node"]:
            node, role = item["node"], item["kind"]
        elif item["port_node"]:
            node, role = item["port_node"], f"{item['way']} {item['port']}"
        elif item["type"] in _KINDS:
            fields = MappingProxyType(dict(_fields(item["body"], line)))
            yield UnitRecord(_KINDS[item["type"]], epoch, unit, node, role, fields, line)


def _fields(body: str, line: int) -> Iterator[tuple[str, Any]]:
    plain = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), body)
    for number, text in enumerate(part.strip() for part in plain.split("\n")):
        found = _FIELD.fullmatch(text)
        if found:
            yield found["name"], _value(found["value"].strip(), line + number)
        elif text:
            raise _unreadable(line + number, text, "a field of a struct")


def _value(text: str, line: int) -> int | str | tuple[int, ...]:
    address = _ADDRESS.search(text)
    if address:
        return int(address["base"], 16) + int(address["offset"] or 0)
    if text.startswith("{"):
        inner = [part.strip() for part in text.strip("{}, ").split(",")]
        numbers = tuple(_number(part, line) for part in inner if part)
        return numbers[0] if len(numbers) == 1 else numbers
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", text):
        return text
    return _number(text, line)


def _number(text: str, line: int) -> int:
    found = _NUMBER.fullmatch(text)
    if not found:
        raise _unreadable(line, text, "a number, a name or an address")
    return int(found[1], 0)


def _unreadable(line: int, text: str, wanted: str) -> BadInput:
    return BadInput(
        f"line {line} of the network.c cannot be read",
        evidence=f"Received: {text[:120]!r} where {wanted} is expected",
        next_step="give the network.c as stedgeai wrote it",
    )
