"""The host's reference of the frontend: the very C that boards run."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.made_once import made_once
from host.reference import frontend_library as library
from host.reference.frontend_tables import (
    COMPRESSIONS,
    NORMALIZATIONS,
    SPECTRA,
    FrontendTables,
    make_numbers,
    make_tables,
)

Floats = npt.NDArray[np.float32]


def features(
    chunks: npt.NDArray[np.int16], contract: FrontendContract, *, threads: int | None = None
) -> Floats:
    """Features as the model sees them. The GIL is released while they are computed.

    Args:
        chunks: int16 [n, chunk_samples].
        contract: which features.
        threads: how many compute; None for as many as there are cores. The result does not depend on it.

    Returns:
        float32 [n, rows, frames].

    Raises:
        BadInput: chunks of another type or shape.
        HostFailure: the library cannot be compiled.
    """
    rooms = _each(library.load().nj_frontend_run, chunks, contract, threads)
    return np.ascontiguousarray(rooms[:, : contract.rows])


def magnitudes(
    chunks: npt.NDArray[np.int16], contract: FrontendContract, *, threads: int | None = None
) -> Floats:
    """The same before logarithm, DCT and normalization: |rfft(window * x / 32768)|, or its square for a power contract,
    in mel bands if the contract has any, and its root where the compression is sqrt.

    Returns:
        float32 [n, bands or bins, frames]; a power below 2^-126 may be rounded to a denormal.
    """
    if contract.spectrum == "none":
        raise BadInput(
            "a raw waveform has no spectrogram", evidence=f"Received: spectrum {contract.spectrum}"
        )
    return _each(library.load().nj_frontend_magnitudes, chunks, contract, threads)


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
    library.load().nj_frontend_quantize(given.ctypes, steps.ctypes, given.size, scale, zero_point)
    return steps


def dequantize(steps: npt.NDArray[np.int8], scale: float, zero_point: int) -> Floats:
    """What int8 steps of any shape stand for, in float32: scale * (step - zero_point)."""
    return np.asarray((steps.astype(np.float32) - zero_point) * np.float32(scale), np.float32)


def _each(
    function: Callable[..., None],
    chunks: npt.NDArray[np.int16],
    contract: FrontendContract,
    threads: int | None,
) -> Floats:
    if chunks.dtype != np.int16 or chunks.ndim != 2 or chunks.shape[1] != contract.chunk_samples:
        raise BadInput(
            f"expected int16 chunks of shape [n, {contract.chunk_samples}]",
            evidence=f"Received: {chunks.dtype} {list(chunks.shape)}",
        )
    given = np.ascontiguousarray(chunks)
    rows = contract.mel_bands or contract.bins
    out = np.empty((len(given), rows, contract.frames), dtype=np.float32)
    described = describe(contract)
    floats = library.load().nj_frontend_scratch(ctypes.byref(described))

    def some(indices: range) -> None:
        scratch = aligned(floats)
        for index in indices:
            function(
                ctypes.byref(described), given[index].ctypes, out[index].ctypes, scratch.ctypes
            )

    workers = min(len(given), threads or len(os.sched_getaffinity(0)))
    if workers < 2:
        some(range(len(given)))
        return out
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(some, [range(first, len(given), workers) for first in range(workers)]))
    return out


def aligned(floats: int) -> Floats:
    """Uninitialized float32 [floats] at a multiple of 64 bytes."""
    room = np.empty(floats + 16, dtype=np.float32)
    skip = -room.ctypes.data % 64 // 4
    return room[skip : skip + floats]


@made_once(16)
def describe(contract: FrontendContract) -> library.Frontend:
    """`struct nj_frontend` of a contract, with its tables."""
    return describe_with(contract, make_tables(contract))


def describe_with(contract: FrontendContract, tables: FrontendTables) -> library.Frontend:
    """The same with other tables."""
    return library.Frontend(
        tables,
        chunk_samples=contract.chunk_samples,
        fft_length=contract.fft_length,
        hop=contract.hop,
        frames=contract.frames,
        bins=contract.bins,
        spectrum=SPECTRA[contract.spectrum],
        bands=contract.mel_bands,
        cepstra=contract.mfcc,
        compression=COMPRESSIONS[contract.compression],
        normalization=NORMALIZATIONS[contract.normalization],
        **asdict(make_numbers(contract)),
    )
