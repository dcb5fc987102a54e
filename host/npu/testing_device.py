"""The device alone, for tests: its records as its headers declare them, and a memory of bytes."""

import ctypes
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.npu import compiled

DEVICE = Path(__file__).resolve().parent / "device"
BASE = 0x34000000  # of the memory of a test
_TYPES: dict[str, Any] = {
    "bool": ctypes.c_bool,
    "int8_t": ctypes.c_int8,
    "uint8_t": ctypes.c_uint8,
    "int16_t": ctypes.c_int16,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
}
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_STRUCT = re.compile(r"struct (\w+) \{(.*?)\n\};", re.S)
_ENUM = re.compile(r"enum (\w+)? ?\{(.*?)\};", re.S)
_FIELD = re.compile(r"((?:struct |enum |const )*\w+) (.+);")
_WINDOW = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_bool
)
STREAM, CONV, DECUN, ACTIV, ARITH, POOL, RECBUF = range(1, 8)


@cache
def _text() -> str:
    names = ("nj_npu_units.h", "nj_npu.h")
    return _COMMENT.sub("", "".join((DEVICE / name).read_text() for name in names))


@cache
def constants() -> Mapping[str, int]:
    """The enumerators of the headers."""
    found: dict[str, int] = {}
    for _, body in _ENUM.findall(_text()):
        value = 0
        for entry in re.findall(r"(NJ_\w+)(?: = (\w+))?", body):
            value = int(entry[1], 0) if entry[1] else value
            found[entry[0]] = value
            value += 1
    return found


@cache
def statuses() -> tuple[str, ...]:
    """Names of the statuses, by their numbers."""
    return tuple(re.findall(r"X\((\w+), ", _text()))


@cache
def records() -> Mapping[str, type[ctypes.Structure]]:
    """The structures of the headers."""
    made: dict[str, type[ctypes.Structure]] = {}
    for name, body in _STRUCT.findall(_text()):
        fields: list[tuple[str, Any]] = []
        for line in body.split("\n"):
            pointer = re.search(r"\(\*(\w+)\)", line)
            if pointer:
                fields.append((pointer[1], ctypes.c_void_p))
                continue
            field = _FIELD.search(line)
            if not field:
                continue
            kind = field[1].removeprefix("const ").removeprefix("struct ")
            basic = ctypes.c_int if kind.startswith("enum ") else _TYPES.get(kind) or made.get(kind)
            for variable in field[2].split(", "):
                sizes = [
                    constants().get(size) or int(size)
                    for size in re.findall(r"\[(\w+)\]", variable)
                ]
                if variable.startswith("*"):
                    fields.append(
                        (variable[1:], ctypes.c_char_p if kind == "char" else ctypes.c_void_p)
                    )
                    continue
                array: Any = basic
                for size in reversed(sizes):
                    array = array * size
                fields.append((variable.partition("[")[0], array))
        made[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return made


class Refused(Exception):
    """The device ended a run: status, kind of unit, its number, field, value."""

    def __init__(self, error: Any) -> None:
        where = (error.where.kind, error.where.unit)
        super().__init__(statuses()[error.status], *where, error.field.decode(), error.value)
        self.status, self.field, self.value = self.args[0], self.args[3], self.args[4]
        self.address = error.address


class Device:
    """An epoch that is being set up, and the memory that it works on."""

    def __init__(self, size: int = 1 << 16, library: str | None = None) -> None:
        self.memory = np.zeros(size, np.uint8)
        self.epoch: Any = records()["nj_npu_epoch"]()
        self.outcome: Any = records()["nj_npu_outcome"]()
        self.scratch = np.zeros(1 << 24, np.uint8)
        self._library = ctypes.CDLL(library or str(compiled.library(False)))
        self._window = _WINDOW(self._place)
        self._used = 0

    def _place(self, _: int, address: int, size: int, __: bool) -> int | None:
        at = address - BASE
        if at < 0 or at + size > self.memory.size:
            return None
        return int(self.memory.ctypes.data) + at

    def put(self, array: npt.NDArray[Any], spare: int = 0) -> int:
        """Lay an array into memory; its address. `spare` bytes follow it."""
        raw = np.ascontiguousarray(array).view(np.uint8).ravel()
        at = self._used
        self.memory[at : at + raw.size] = raw
        self._used += raw.size + spare + 8
        return BASE + at

    def room(self, size: int) -> int:
        """The address of so many free bytes."""
        return self.put(np.zeros(size, np.uint8))

    def read(self, address: int, dtype: str, count: int) -> npt.NDArray[Any]:
        """An array out of memory."""
        return np.frombuffer(self.memory.tobytes(), dtype, count, address - BASE)

    def unit(self, kind: int, number: int, **fields: Any) -> Any:
        """Fill the record of a unit and enable it; "a__b" is field b of a."""
        name = {STREAM: "stream", CONV: "conv", ARITH: "arith", POOL: "pool"}[kind]
        record = getattr(self.epoch, name)[number]
        for field, value in fields.items():
            *path, last = field.split("__")
            holder = record
            for step in path:
                holder = getattr(holder, step)
            if isinstance(value, (list, tuple, np.ndarray)):
                array = getattr(holder, last)
                for i, entry in enumerate(value):
                    array[i] = entry
            else:
                setattr(holder, last, value)
        self.epoch.configured[kind] |= 1 << number
        self.epoch.enabled[kind] |= 1 << number
        return record

    def link(
        self,
        destination: tuple[int, int, int],
        source: tuple[int, int, int],
        *,
        frames: tuple[int, int] = (0, 0),
        enabled: tuple[bool, bool] = (True, False),
        other: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        """A row of the switch; ends are (kind, unit, port)."""
        row = self.epoch.link[self.epoch.links]
        port = records()["nj_npu_port"]
        row.destination = port(*destination)
        row.source[0], row.source[1] = port(*source), port(*other)
        row.frames[0], row.frames[1] = frames
        row.enabled[0], row.enabled[1] = enabled
        self.epoch.links += 1

    def raw(self, number: int, address: int, elements: int, bits: int = 8, **fields: Any) -> Any:
        """A stream engine whose elements lie side by side."""
        given = {"raw": True, "frames": 1, "bits": bits, "address": address, "elements": elements}
        return self.unit(STREAM, number, **{**given, **fields})

    def run(self, tie: int = 0) -> Any:
        """Run the epoch; its outcome.

        Raises:
            Refused: the device ended it.
        """
        machine = records()["nj_npu_machine"](
            window=ctypes.cast(self._window, ctypes.c_void_p).value,
            tie=tie,
            scratch=self.scratch.ctypes.data,
            scratch_bytes=self.scratch.size,
        )
        self._library.nj_npu_run(
            ctypes.byref(self.epoch), ctypes.byref(machine), ctypes.byref(self.outcome)
        )
        if self.outcome.error.status:
            raise Refused(self.outcome.error)
        return self.outcome


def output(
    size: int, shift: int = 0, *, rounds: bool = True, saturates: bool = True
) -> dict[str, Any]:
    """Fields of the record of an output of `size` bytes."""
    return {
        "out__bytes": size,
        "out__shift": shift,
        "out__rounds": rounds,
        "out__saturates": saturates,
        "out__mode": 1,
    }


def rounded(value: int, shift: int, tie: str = "half-away") -> int:
    """value / 2^shift to nearest, by the name of the tie rule, in whole numbers."""
    if shift == 0:
        return value
    down, rest = value >> shift, value & ((1 << shift) - 1)
    half = 1 << (shift - 1)
    if rest != half:
        return down + (rest > half)
    up = {
        "half-away": value > 0,
        "half-up": True,
        "half-even": down % 2 == 1,
        "half-down": False,
        "half-to-zero": value < 0,
    }
    return down + up[tie]


def saturated(value: int, size: int) -> int:
    """Into the signed range of `size` bytes."""
    most = (1 << (8 * size - 1)) - 1
    return max(-most - 1, min(most, value))
