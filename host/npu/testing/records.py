"""The records of nj_npu_units.h as ctypes structures, read from the header itself.

A field, its place and its type are written down once, in C. Enumerators are in `NUMBERS`, by name.
"""

import ctypes
import re
from functools import cache
from pathlib import Path
from typing import Any

DEVICE = Path(__file__).resolve().parents[1] / "device"

_TYPES: dict[str, Any] = {
    "bool": ctypes.c_bool,
    "uint8_t": ctypes.c_uint8,
    "int8_t": ctypes.c_int8,
    "int16_t": ctypes.c_int16,
    "uint32_t": ctypes.c_uint32,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
}


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def _numbers(text: str) -> dict[str, int]:
    """The enumerators of a header without comments: given, or one more than the one before."""
    numbers: dict[str, int] = {}
    for body in re.findall(r"enum\s*\w*\s*\{([^}#]*)\}", text):
        following = 0
        for name, value in re.findall(r"(NJ_\w+)\s*(?:=\s*(\w+))?", body):
            following = int(value, 0) if value else following
            numbers[name] = following
            following += 1
    return numbers


NUMBERS = _numbers(_without_comments((DEVICE / "nj_npu_units.h").read_text()))


# Names of enum nj_npu_status, in its order.
STATUSES = tuple(re.findall(r'X\((\w+), "', (DEVICE / "nj_npu.h").read_text()))


# struct nj_npu_machine: its callbacks are no types that `structures` reads.
WINDOW = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_bool
)


class Machine(ctypes.Structure):
    """`struct nj_npu_machine`; a callback that is left out is NULL."""

    _fields_ = (
        ("context", ctypes.c_void_p),
        ("window", WINDOW),
        ("interrupt", ctypes.c_void_p),
        ("tie", ctypes.c_int),
        ("scratch", ctypes.c_void_p),
        ("scratch_bytes", ctypes.c_size_t),
    )


@cache
def structures(header: str = "nj_npu_units.h") -> dict[str, type[ctypes.Structure]]:
    """Each `struct nj_npu_NAME` of a header, by NAME."""
    text = _without_comments((DEVICE / header).read_text())
    made: dict[str, type[ctypes.Structure]] = {}
    for name, body in re.findall(r"struct nj_npu_(\w+) \{(.*?)\n\};", text, flags=re.DOTALL):
        fields = []
        for kind, field, sizes in re.findall(r"([\w ]+?) (\w+)((?:\[\w+\])*);", body):
            kind = kind.strip()
            of: Any = made[kind[14:]] if kind.startswith("struct nj_npu_") else _TYPES[kind]
            for size in reversed(re.findall(r"\[(\w+)\]", sizes)):
                of = of * (NUMBERS[size] if size in NUMBERS else int(size, 0))
            fields.append((field, of))
        made[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return made


def as_dict(record: Any) -> Any:
    """A record with its structures and arrays as dicts and lists, to compare and to show."""
    if isinstance(record, ctypes.Structure):
        return {field[0]: as_dict(getattr(record, field[0])) for field in record._fields_}
    if isinstance(record, ctypes.Array):
        return [as_dict(item) for item in record]
    return record
