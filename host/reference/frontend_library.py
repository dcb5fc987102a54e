"""The frontend's C as a shared library of the host, compiled on first use."""

import ctypes
import platform
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.cache import LIBRARIES, key_of
from host.errors import HostFailure
from host.installed import FIRMWARE
from host.made_once import made_once
from host.reference.frontend_tables import FrontendTables
from host.reference.processor import processor

SOURCES = FIRMWARE / "core" / "frontend"
# -march=native only makes it faster: the bits are the same for any -march (frontend_bits_test.py).
FLAGS = (
    *("-std=c11", "-O3", "-march=native", "-fPIC", "-shared"),
    *("-ffp-contract=off", "-fno-fast-math"),
)
_SECONDS = 600  # that gcc may take: a minute of a busy machine is a second of its own


class Frontend(ctypes.Structure):
    """`struct nj_frontend`. It owns what it points to: nobody else can free or change that."""

    _fields_ = (
        ("chunk_samples", ctypes.c_uint32),
        ("fft_length", ctypes.c_uint32),
        ("hop", ctypes.c_uint32),
        ("frames", ctypes.c_uint32),
        ("bins", ctypes.c_uint32),
        ("spectrum", ctypes.c_uint32),
        ("bands", ctypes.c_uint32),
        ("cepstra", ctypes.c_uint32),
        ("compression", ctypes.c_uint32),
        ("normalization", ctypes.c_uint32),
        ("remove_dc", ctypes.c_uint32),
        ("norm_row", ctypes.c_uint32),
        ("rank_low", ctypes.c_uint32),
        ("rank_high", ctypes.c_uint32),
        ("log_scale", ctypes.c_int32),
        ("log_floor", ctypes.c_float),
        ("log_least", ctypes.c_float),
        ("factor", ctypes.c_float),
        ("smoothing", ctypes.c_float),
        ("least", ctypes.c_float),
        ("gain", ctypes.c_float),
        ("offset", ctypes.c_float),
        ("window", ctypes.c_void_p),
        ("order", ctypes.c_void_p),
        ("twiddle", ctypes.c_void_p),
        ("split", ctypes.c_void_p),
        ("band", ctypes.c_void_p),
        ("weight", ctypes.c_void_p),
        ("cosine", ctypes.c_void_p),
    )

    def __init__(self, tables: FrontendTables, **numbers: int | float) -> None:
        """Takes a copy of each table; `numbers` are the other fields, by their names."""
        self.owned = {
            field.name: np.array(getattr(tables, field.name), order="C") for field in fields(tables)
        }
        for array in self.owned.values():
            array.setflags(write=False)
        pointers = {
            name: array.ctypes.data if array.size else None for name, array in self.owned.items()
        }
        super().__init__(**numbers, **pointers)


class Stream(ctypes.Structure):
    """`struct nj_stream`. It owns its rooms and keeps the frontend."""

    _fields_ = (
        ("frontend", ctypes.POINTER(Frontend)),
        ("stride", ctypes.c_uint32),
        ("history", ctypes.c_void_p),
        ("ring", ctypes.c_void_p),
        ("received", ctypes.c_uint32),
        ("skip", ctypes.c_uint32),
        ("start", ctypes.c_uint32),
        ("column", ctypes.c_uint32),
        ("next", ctypes.c_uint32),
        ("computed", ctypes.c_uint32),
    )

    def __init__(
        self,
        frontend: Frontend,
        stride: int,
        history: npt.NDArray[np.int16],
        ring: npt.NDArray[np.float32],
    ) -> None:
        """`history` [chunk_samples] and `ring` [rows, frames], contiguous: where C keeps what it has seen."""
        self.owned: tuple[Any, ...] = (frontend, history, ring)
        super().__init__(ctypes.pointer(frontend), stride, history.ctypes.data, ring.ctypes.data)


@made_once()
def load() -> ctypes.CDLL:
    """The library, with its prototypes; compiled with gcc where the cache does not hold it yet.

    Where it wants a pointer it takes `array.ctypes`, which keeps the array as long as the call lasts.

    Raises:
        HostFailure: gcc is missing or refuses the source.
    """
    library = ctypes.CDLL(str(build()))
    pointer = ctypes.c_void_p
    for function in (
        library.nj_frontend_run,
        library.nj_frontend_spectrogram,
        library.nj_frontend_magnitudes,
    ):
        function.argtypes = (ctypes.POINTER(Frontend), pointer, pointer, pointer)
        function.restype = None
    library.nj_first_pass.argtypes = (ctypes.POINTER(Frontend), pointer, pointer, pointer)
    library.nj_first_pass.restype = None
    library.nj_first_pass_without_mean.argtypes = (ctypes.POINTER(Frontend), *[pointer] * 4)
    library.nj_first_pass_without_mean.restype = None
    library.nj_percentile.argtypes = (pointer, ctypes.c_uint32, *[pointer] * 3)
    library.nj_percentile.restype = None
    library.nj_fft.argtypes = (pointer, ctypes.c_uint32, pointer)
    library.nj_fft.restype = None
    library.nj_spectrum.argtypes = (ctypes.POINTER(Frontend), pointer, pointer)
    library.nj_spectrum.restype = None
    library.nj_frontend_lanes.argtypes = ()
    library.nj_frontend_lanes.restype = ctypes.c_uint32
    library.nj_frontend_scratch.argtypes = (ctypes.POINTER(Frontend),)
    library.nj_frontend_scratch.restype = ctypes.c_uint32
    stream = ctypes.POINTER(Stream)
    library.nj_stream_start.argtypes = (stream,)
    library.nj_stream_start.restype = None
    library.nj_stream_push.argtypes = (stream, pointer, ctypes.c_uint32, pointer)
    library.nj_stream_push.restype = ctypes.c_uint32
    library.nj_stream_ready.argtypes = (stream,)
    library.nj_stream_ready.restype = ctypes.c_int
    library.nj_stream_take.argtypes = (stream, pointer, pointer)
    library.nj_stream_take.restype = None
    library.nj_frontend_quantize.argtypes = (
        pointer,
        pointer,
        ctypes.c_uint32,
        ctypes.c_float,
        ctypes.c_int32,
    )
    library.nj_frontend_quantize.restype = None
    return library


def is_there() -> bool:
    """Whether the library can be had here: kept, or compiled now."""
    try:
        load()
    except HostFailure:
        return False
    return True


def lanes() -> int:
    """How many frames the library computes side by side."""
    return int(load().nj_frontend_lanes())


def build() -> Path:
    """The compiled library, kept under the hash of sources, flags and machine.

    Raises:
        HostFailure: gcc is missing or refuses the source.
    """
    parts: list[str | bytes] = [*FLAGS, platform.machine(), processor()]
    for file in sorted(SOURCES.glob("*.[ch]")):
        parts += [file.name, file.read_bytes()]
    return LIBRARIES.file("libnjfrontend", key_of(*parts)[:16], ".so", _compile)


def _compile(target: Path) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        raise HostFailure(
            "gcc is needed to compile the reference frontend",
            evidence="no gcc in PATH",
            next_step="apt-get install gcc libc6-dev",
        )
    sources = sorted(str(path) for path in SOURCES.glob("*.c"))
    try:
        done = subprocess.run(
            [gcc, *FLAGS, "-o", str(target), *sources],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HostFailure(
            "gcc must compile the reference frontend in time",
            evidence=f"it was not done after {_SECONDS} seconds",
            next_step="run the same command when the machine has less to do",
        ) from error
    if done.returncode != 0:
        raise HostFailure(
            "gcc could not compile the reference frontend",
            evidence=done.stderr.strip()[-800:],
            next_step="apt-get install gcc libc6-dev",
        )
