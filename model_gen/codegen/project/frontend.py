"""The frontend of a contract as C: its tables, its buffers and the stage that the core runs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from host.contract import Contract
from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.reference.frontend_tables import (
    COMPRESSIONS,
    NORMALIZATIONS,
    SPECTRA,
    make_numbers,
    make_tables,
)
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text, single
from model_gen.codegen.cm55.emit import MODEL_API
from model_gen.codegen.templates import render

STAGE = "nj_frontend_stage.c"
TABLES = "nj_frontend_tables.c"
COLUMNS = 96  # of the lines of a table


@dataclass(frozen=True)
class _Array:
    field: Text
    name: Text
    type: Text
    length: int
    lines: list[Text]


def render_frontend(
    contract: Contract | None, *, stream: bool = False, listening: bool = False
) -> dict[str, str]:
    """Print the frontend.

    Args:
        contract: of the bundle; None for a bare .tflite, which has no frontend.
        stream: whether it takes samples as they arrive too, which needs a ring of frames.
        listening: whether the firmware has an application mode, which streams.

    Returns:
        File name -> text of nj_frontend_stage.c, which defines `nj_frontend_stage`, and nj_frontend_tables.c.

    Raises:
        BadInput: the model's first input is not the int8 spectrogram of this frontend, or nothing is there to stream.
    """
    if contract is not None:
        _check_input(contract)
    if stream:
        check_stream(contract)
    frontend = None if contract is None else contract.frontend
    arrays = () if frontend is None else _arrays(frontend)
    stage = render(
        STAGE,
        frontend=frontend,
        words={} if frontend is None else _words(frontend),
        model_api=MODEL_API,
        stream=stream,
        listening=listening,
        fields=() if frontend is None else _fields(frontend),
        features=0 if frontend is None else frontend.rows * frontend.frames,
        room=0 if frontend is None else (frontend.mel_bands or frontend.bins) * frontend.frames,
        fft_length=0 if frontend is None or frontend.spectrum == "none" else frontend.fft_length,
        normalization=0 if frontend is None else NORMALIZATIONS[frontend.normalization],
        arrays=arrays,
        scale=0 if contract is None else single(contract.input.scale),
        zero_point=0 if contract is None else contract.input.zero_point,
    )
    return {STAGE: stage, TABLES: render(TABLES, arrays=arrays)}


def check_stream(contract: Contract | None) -> None:
    """Refuse to stream what has no frames.

    Raises:
        BadInput: there is no frontend, or a raw waveform.
    """
    if contract is None or contract.frontend.spectrum == "none":
        what = "a raw waveform" if contract is not None else "a bare .tflite, which has no frontend"
        raise BadInput(
            "only a spectrogram has frames that overlapping chunks share: there is nothing to stream",
            evidence=f"Received: --stream for {what}",
            next_step="leave --stream away, or take a bundle whose frontend is a spectrogram",
        )


def _words(frontend: FrontendContract) -> dict[str, Text]:
    """What a comment says of the contract."""
    names = ("window", "window_dc", "spectrum", "compression", "normalization")
    return {name: c_text.phrase(getattr(frontend, name)) for name in names}


def _fields(frontend: FrontendContract) -> tuple[tuple[Text, Text], ...]:
    """Name and C value of each scalar of `struct nj_frontend`."""
    numbers = make_numbers(frontend)
    words = {
        "chunk_samples": frontend.chunk_samples,
        "fft_length": frontend.fft_length,
        "hop": frontend.hop,
        "frames": frontend.frames,
        "bins": frontend.bins,
        "spectrum": SPECTRA[frontend.spectrum],
        "bands": frontend.mel_bands,
        "cepstra": frontend.mfcc,
        "compression": COMPRESSIONS[frontend.compression],
        "normalization": NORMALIZATIONS[frontend.normalization],
        "remove_dc": numbers.remove_dc,
        "norm_row": numbers.norm_row,
        "rank_low": numbers.rank_low,
        "rank_high": numbers.rank_high,
    }
    floats = ("log_floor", "log_least", "factor", "smoothing", "least", "gain", "offset")
    return (
        *((c_text.identifier(name), c_text.code("{}u", value)) for name, value in words.items()),
        (c_text.identifier("log_scale"), c_text.integer(numbers.log_scale)),
        *((c_text.identifier(name), single(getattr(numbers, name))) for name in floats),
    )


def _arrays(frontend: FrontendContract) -> tuple[_Array, ...]:
    tables = make_tables(frontend)
    pairs = [c_text.code("{{}, {}}", int(a), int(b)) for a, b in tables.band.reshape(-1, 2)]
    arrays = (
        _array("window", "float", map(single, tables.window)),
        _array("order", "uint16_t", map(c_text.integer, tables.order)),
        _array("twiddle", "float", map(single, tables.twiddle)),
        _array("split", "float", map(single, tables.split)),
        _array("band", "struct nj_band", pairs),
        _array("weight", "float", map(single, tables.weight)),
        _array("cosine", "float", map(single, tables.cosine)),
    )
    return tuple(array for array in arrays if array.length)


def _array(name: str, kind: str, values: Iterable[Text]) -> _Array:
    field, items = c_text.identifier(name), list(values)
    array = c_text.code("nj_frontend_{}", field)
    lines = c_text.wrapped(items, COLUMNS)
    return _Array(field, array, c_text.phrase(kind), len(items), lines)


def _check_input(contract: Contract) -> None:
    frontend, tensor = contract.frontend, contract.input
    if tensor.dtype != "int8" or math.prod(tensor.shape) != frontend.rows * frontend.frames:
        raise BadInput(
            f"the model's input must be the int8 features [1, {frontend.rows}, {frontend.frames}, 1]",
            evidence=f"Received: {tensor.dtype} {list(tensor.shape)}",
            next_step="quantize the model again with its own frontend",
        )
    if not np.float32(tensor.scale) > 0 or not -128 <= tensor.zero_point <= 127:
        raise BadInput(
            "the input's scale must be positive and its zero point in [-128, 127]",
            evidence=f"Received: scale={tensor.scale}, zero_point={tensor.zero_point}",
        )
