"""The host's reference of the frontend: the very C that boards run."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from host.contract import FrontendContract
from host.errors import BadInput
from host.reference import frontend_library as library
from host.reference.frontend_tables import COMPRESSIONS, SCALE_BITS, FrontendTables, make_tables

Floats = npt.NDArray[np.float32]


def features(chunks: npt.NDArray[np.int16], contract: FrontendContract) -> Floats:
    """Spectrograms as the model sees them, on all cores.

    Args:
        chunks: int16 [n, chunk_samples].
        contract: which spectrogram.

    Returns:
        float32 [n, bins, frames] in [0, 1].

    Raises:
        BadInput: chunks of another type or shape.
        HostFailure: the library cannot be compiled.
    """
    return _each(library.load().nj_frontend_run, chunks, contract)


def magnitudes(chunks: npt.NDArray[np.int16], contract: FrontendContract) -> Floats:
    """The same without normalization: |rfft(window * x / 32768)|, compressed as the contract says."""
    bits = SCALE_BITS // 2 if contract.compression == "sqrt" else SCALE_BITS
    return np.ldexp(_each(library.load().nj_frontend_spectrogram, chunks, contract), -bits)


def quantize(values: Floats, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """Steps = round half away from zero(value / scale) + zero_point, saturated: TFLite's QUANTIZE in float32.

    Args:
        values: float32 of any shape, no NaN.
        scale: positive; rounded to float32.
        zero_point: in [-128, 127].

    Returns:
        int8 of the same shape.
    """
    if not np.float32(scale) > 0 or not -128 <= zero_point <= 127:
        raise BadInput(
            "quantization needs a positive scale and a zero point in [-128, 127]",
            evidence=f"Received: scale={scale}, zero_point={zero_point}",
        )
    given = np.ascontiguousarray(values, dtype=np.float32)
    steps = np.empty(given.shape, dtype=np.int8)
    library.load().nj_frontend_quantize(
        given.ctypes.data, steps.ctypes.data, given.size, scale, zero_point
    )
    return steps


def _each(
    function: Callable[..., None], chunks: npt.NDArray[np.int16], contract: FrontendContract
) -> Floats:
    if chunks.dtype != np.int16 or chunks.ndim != 2 or chunks.shape[1] != contract.chunk_samples:
        raise BadInput(
            f"expected int16 chunks of shape [n, {contract.chunk_samples}]",
            evidence=f"Received: {chunks.dtype} {list(chunks.shape)}",
        )
    given = np.ascontiguousarray(chunks)
    out = np.empty((len(given), contract.bins, contract.frames), dtype=np.float32)
    tables = _tables(contract)
    described = library.Frontend(
        contract.chunk_samples,
        contract.fft_length,
        contract.hop,
        contract.frames,
        contract.bins,
        COMPRESSIONS[contract.compression],
        tables.window.ctypes.data,
        tables.order.ctypes.data,
        tables.twiddle.ctypes.data,
        tables.split.ctypes.data,
    )

    def one(index: int) -> None:
        scratch = np.empty(contract.fft_length + 2, dtype=np.float32)
        function(
            ctypes.byref(described),
            given[index].ctypes.data,
            out[index].ctypes.data,
            scratch.ctypes.data,
        )

    if len(given) < 2:
        for index in range(len(given)):
            one(index)
        return out
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(one, range(len(given))))
    return out


@lru_cache(maxsize=16)
def _tables(contract: FrontendContract) -> FrontendTables:
    return make_tables(contract)
