"""The device's C, compiled for a test: as a library to call, or as a program under sanitizers."""

import ctypes
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from host.npu.testing.records import DEVICE, STATUSES, structures

FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{DEVICE}")


def build(target: Path, *flags: str, extra: tuple[Path, ...] = ()) -> Path:
    """Compile the whole device; what gcc says is in the error.

    Raises:
        subprocess.CalledProcessError: gcc refuses.
    """
    sources = [str(path) for path in (*sorted(DEVICE.glob("*.c")), *extra)]
    command = ["gcc", *FLAGS, *flags, "-o", str(target), *sources]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return target


class RegisterFile:
    """`struct nj_npu_registers` of a library that `build` made with -shared -fPIC, after reset.

    Errors are returned as dicts of `struct nj_npu_error`, None where all went well.
    """

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._structures = structures() | structures_of_machine()
        self.bytes = ctypes.create_string_buffer(1 << 16)  # more than the struct has
        self.runs: list[tuple[int, Any]] = []
        self._library.nj_npu_registers_reset(self.bytes)
        self._library.nj_npu_registers_complete.restype = ctypes.c_bool
        self._library.nj_npu_registers_running.restype = ctypes.c_uint32

    def write(self, offset: int, value: int) -> dict[str, Any] | None:
        error = self._structures["error"]()
        arguments = (self.bytes, ctypes.c_uint32(offset), ctypes.c_uint32(value))
        self._library.nj_npu_register_write(*arguments, ctypes.byref(error))
        return fault_of(error)

    def read(self, offset: int) -> int:
        """The value; a refused read is a KeyError."""
        error, value = self._structures["error"](), ctypes.c_uint32()
        arguments = (self.bytes, ctypes.c_uint32(offset), ctypes.byref(value))
        if self._library.nj_npu_register_read(*arguments, ctypes.byref(error)):
            raise KeyError(offset)
        return value.value

    @property
    def running(self) -> int:
        return int(self._library.nj_npu_registers_running(self.bytes))

    @property
    def complete(self) -> bool:
        return bool(self._library.nj_npu_registers_complete(self.bytes))

    def finish(self) -> None:
        self._library.nj_npu_registers_finish(self.bytes)

    def decode(self) -> tuple[Any, dict[str, Any] | None]:
        """The epoch, and what is wrong with it."""
        epoch, error = self._structures["epoch"](), self._structures["error"]()
        self._library.nj_npu_registers_decode(self.bytes, ctypes.byref(epoch), ctypes.byref(error))
        return epoch, fault_of(error)

    def program(
        self,
        words: list[int],
        room: int | None = None,
        run: Callable[[int, Any], int] | None = None,
    ) -> dict[str, Any] | None:
        """Run a program; `runs` gets (mark, epoch) of each, `run` may end it with a status."""
        array = (ctypes.c_uint32 * max(1, len(words)))(*words)
        error = self._structures["error"]()

        def ran(_: Any, number: int, epoch: int, __: Any) -> int:
            copy = self._structures["epoch"].from_buffer_copy(
                ctypes.string_at(epoch, ctypes.sizeof(self._structures["epoch"]))
            )
            self.runs.append((number, copy))
            return run(number, copy) if run else 0

        callback = _Run(ran)
        room_for_epoch = self._structures["epoch"]()
        controller = _Controller(
            ctypes.addressof(self.bytes), ctypes.addressof(room_for_epoch), callback, None, 0, 0, 0
        )
        count = ctypes.c_size_t(len(words) if room is None else room)
        arguments = (ctypes.byref(controller), array, count, ctypes.byref(error))
        self._library.nj_npu_program_run(*arguments)
        self.word, self.number = int(controller.word), int(controller.number)
        return fault_of(error)


_Run = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p
)


class _Controller(ctypes.Structure):
    _fields_ = (
        ("registers", ctypes.c_void_p),
        ("epoch", ctypes.c_void_p),
        ("run", _Run),
        ("context", ctypes.c_void_p),
        ("word", ctypes.c_uint32),
        ("number", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
    )


@cache
def structures_of_machine() -> dict[str, type[ctypes.Structure]]:
    """What nj_npu.h has and a test reads; its other structures hold pointers."""
    error = type(
        "error",
        (ctypes.Structure,),
        {
            "_fields_": (
                ("status", ctypes.c_int),
                ("where", structures()["port"]),
                ("field", ctypes.c_char_p),
                ("value", ctypes.c_int64),
                ("address", ctypes.c_uint32),
            )
        },
    )
    return {"error": error}


def fault_of(error: Any) -> dict[str, Any] | None:
    """`struct nj_npu_error` as a dict; None where all went well."""
    if error.status == 0:
        return None
    return {
        "status": STATUSES[error.status],
        "kind": error.where.kind,
        "unit": error.where.unit,
        "field": error.field.decode(),
        "value": error.value,
        "address": error.address,
    }
