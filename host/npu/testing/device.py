"""The device's C as a library, run on records: one compilation for any number of shapes.

A folder of changed sources may be given instead, with a defect in it.
"""

import ctypes
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host.npu.testing import blob
from host.npu.testing.epoch_record import epoch_record
from host.npu.testing.native import RegisterFile
from host.npu.testing.place import POOLS
from host.npu.testing.program import WEIGHTS_BASE, Hardware, Program
from host.npu.testing.records import DEVICE, WINDOW, Machine

_SCRATCH = 64 << 20


class _Outcome(ctypes.Structure):
    _fields_ = (
        ("status", ctypes.c_int),
        ("kind", ctypes.c_uint8),
        ("unit", ctypes.c_uint8),
        ("port", ctypes.c_uint8),
        ("field", ctypes.c_char_p),
        ("value", ctypes.c_int64),
        ("address", ctypes.c_uint32),
        ("seen", ctypes.c_uint64 * 256),  # more than what the units saw
    )


def build(target: Path, sources: Path = DEVICE, *flags: str) -> Path:
    """Compile the device, its registers and programs from a folder of sources.

    Raises:
        subprocess.CalledProcessError: gcc refuses.
    """
    files = [str(path) for path in sorted(sources.glob("*.c"))]
    command = ["gcc", "-std=c11", "-shared", "-fPIC", *flags, f"-I{sources}", "-o", str(target)]
    subprocess.run([*command, *files], check=True, capture_output=True, text=True, timeout=300)
    return target


class Device:
    """A library that `build` made, with a memory of its own: the chip's pools, and constants."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._run = ctypes.CDLL(str(library)).nj_npu_run
        self._run.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self._scratch = ctypes.create_string_buffer(_SCRATCH + 64)
        self._areas = {base: ctypes.create_string_buffer(size) for base, size in POOLS.values()}
        self._machine = Machine(
            window=WINDOW(self._window),
            scratch=-(-ctypes.addressof(self._scratch) // 64) * 64,
            scratch_bytes=_SCRATCH,
        )

    def run(self, program: Program, inputs: Mapping[str, bytes], tie: int = 0) -> dict[str, bytes]:
        """Every tensor in memory, right after the epoch that wrote it.

        tie: of enum nj_npu_tie.

        Raises:
            RuntimeError: the device ended the run, or the program has software epochs.
        """
        self._load(program, inputs)
        self._machine.tie = tie
        found: dict[str, bytes] = {}
        for number, epoch in _hardware(program):
            self._execute(number, epoch_record(program, epoch))
            found |= self._written(program, number)
        return found

    def run_blob(self, program: Program, inputs: Mapping[str, bytes]) -> dict[str, bytes]:
        """As `run`, from one program of the epoch controller.

        Raises:
            RuntimeError: the same.
        """
        self._load(program, inputs)
        self._machine.tie = 0
        found: dict[str, bytes] = {}
        records = [epoch_record(program, epoch) for _, epoch in _hardware(program)]

        def execute(number: int, record: Any) -> int:
            self._execute(number, record)
            found.update(self._written(program, number))
            return 0

        fault = RegisterFile(self._library).program(blob.program(records), run=execute)
        if fault:
            raise RuntimeError(f"the program ended: {fault}")
        return found

    def _load(self, program: Program, inputs: Mapping[str, bytes]) -> None:
        self._areas[WEIGHTS_BASE] = ctypes.create_string_buffer(program.image, len(program.image))
        for buffer in program.buffers:
            if buffer.role == "input":
                place = self._at(buffer.address.absolute, buffer.size)
                ctypes.memmove(place or 0, inputs[buffer.name], buffer.size)

    def _execute(self, number: int, record: Any) -> None:
        outcome = _Outcome()
        parts = (record, self._machine, outcome)
        if self._run(*(ctypes.addressof(part) for part in parts)):
            where = f"epoch {number}, unit {outcome.unit} of kind {outcome.kind}"
            field = (outcome.field or b"").decode()
            raise RuntimeError(f"{where}: status {outcome.status}, {field} = {outcome.value}")

    def _written(self, program: Program, number: int) -> dict[str, bytes]:
        return {
            buffer.name: ctypes.string_at(
                self._at(buffer.address.absolute, buffer.size) or 0, buffer.size
            )
            for buffer in program.buffers
            if buffer.epoch == number
        }

    def _at(self, address: int, size: int) -> int | None:
        for base, area in self._areas.items():
            if base <= address and address + size <= base + len(area):
                return ctypes.addressof(area) + address - base
        return None

    def _window(self, _context: int, address: int, size: int, _writes: bool) -> int | None:
        return self._at(address, size)


def _hardware(program: Program) -> list[tuple[int, Hardware]]:
    found = []
    for number, epoch in enumerate(program.epochs, 1):
        if not isinstance(epoch, Hardware):
            raise RuntimeError(f"epoch {number} is the processor's")
        found.append((number, epoch))
    return found
