"""One epoch, unit by unit, on the device alone: records are filled field by field."""

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from host.npu import compiled
from host.npu.testing.records import NUMBERS, STATUSES, WINDOW, Machine, structures

BASE = 0x34000000  # of the memory of a test
STREAM, CONV, DECUN, ACTIV, ARITH, POOL, RECBUF = range(1, 8)  # as enum nj_npu_kind


class _Error(ctypes.Structure):
    _fields_ = (
        ("status", ctypes.c_int),
        ("where", structures()["port"]),
        ("field", ctypes.c_char_p),
        ("value", ctypes.c_int64),
        ("address", ctypes.c_uint32),
    )


class _Seen(ctypes.Structure):
    _fields_ = (
        ("results", ctypes.c_uint64),
        ("ties", ctypes.c_uint64),
        ("saturated", ctypes.c_uint64),
        ("peak", ctypes.c_int64),
    )


class _Outcome(ctypes.Structure):
    _fields_ = (
        ("error", _Error),
        ("conv", _Seen * NUMBERS["NJ_NPU_CONVS"]),
        ("arith", _Seen * NUMBERS["NJ_NPU_ARITHS"]),
        ("pool", _Seen * NUMBERS["NJ_NPU_POOLS"]),
    )


class Refused(Exception):
    """The device ended a run: status, kind of unit, its number, field, value."""

    def __init__(self, error: Any) -> None:
        where = (error.where.kind, error.where.unit)
        super().__init__(STATUSES[error.status], *where, error.field.decode(), error.value)
        self.status, self.field, self.value = self.args[0], self.args[3], self.args[4]
        self.address = error.address


class Device:
    """An epoch that is being set up, and the memory that it works on."""

    def __init__(self, size: int = 1 << 16, library: str | None = None) -> None:
        self.memory = np.zeros(size, np.uint8)
        self.epoch: Any = structures()["epoch"]()
        self.outcome = _Outcome()
        self.scratch = np.zeros(1 << 24, np.uint8)
        self._library = ctypes.CDLL(library or str(compiled.library(False)))
        self._window = WINDOW(self._place)
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
        port = structures()["port"]
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
        machine = Machine(
            window=self._window,
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
