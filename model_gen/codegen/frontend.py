"""The frontend of a contract as C: its tables, its buffers and the stage that the core runs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from host.contract import Contract, FrontendContract
from host.errors import BadInput
from host.reference.frontend_tables import (
    COMPRESSIONS,
    NORMALIZATIONS,
    SPECTRA,
    make_numbers,
    make_tables,
)
from model_gen.codegen.emit import MODEL_API

TEMPLATES = Path(__file__).resolve().parents[2] / "firmware" / "templates"
STAGE = "nj_frontend_stage.c"
TABLES = "nj_frontend_tables.c"
_LINE = 100  # columns


@dataclass(frozen=True)
class _Array:
    field: str
    name: str
    type: str
    length: int
    lines: tuple[str, ...]


def render_frontend(contract: Contract | None, *, stream: bool = False) -> dict[str, str]:
    """Print the frontend.

    Args:
        contract: of the bundle; None for a bare .tflite, which has no frontend.
        stream: whether it takes samples as they arrive too, which needs a ring of frames.

    Returns:
        File name -> text of nj_frontend_stage.c, which defines `nj_frontend_stage`, and nj_frontend_tables.c.

    Raises:
        BadInput: the model's first input is not the int8 spectrogram of this frontend, or nothing is there to stream.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    if contract is not None:
        _check_input(contract)
    if stream:
        check_stream(contract)
    frontend = None if contract is None else contract.frontend
    stage = environment.get_template(f"{STAGE}.jinja").render(
        frontend=frontend,
        model_api=MODEL_API,
        stream=stream,
        fields=() if frontend is None else _fields(frontend),
        features=0 if frontend is None else frontend.rows * frontend.frames,
        room=0 if frontend is None else (frontend.mel_bands or frontend.bins) * frontend.frames,
        fft_length=0 if frontend is None or frontend.spectrum == "none" else frontend.fft_length,
        arrays=() if frontend is None else _arrays(frontend),
        scale="" if contract is None else c_float(contract.input.scale),
        zero_point=0 if contract is None else contract.input.zero_point,
    )
    tables = environment.get_template(f"{TABLES}.jinja").render(
        arrays=() if frontend is None else _arrays(frontend)
    )
    return {STAGE: stage, TABLES: tables}


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


def c_float(value: float) -> str:
    """A float32 as a C constant without loss.

    >>> c_float(0.75), c_float(0.0), c_float(-2.0)
    ('0x1.8p-1f', '0x0p+0f', '-0x1p+1f')
    """
    mantissa, exponent = float(np.float32(value)).hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}f"


def _fields(frontend: FrontendContract) -> tuple[tuple[str, str], ...]:
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
    }
    floats = ("log_floor", "log_least", "least", "gain", "offset")
    return (
        *((name, f"{value}u") for name, value in words.items()),
        ("log_scale", str(numbers.log_scale)),
        *((name, c_float(getattr(numbers, name))) for name in floats),
    )


def _arrays(frontend: FrontendContract) -> tuple[_Array, ...]:
    tables = make_tables(frontend)
    pairs = [f"{{{a}, {b}}}" for a, b in tables.band.reshape(-1, 2)]
    arrays = (
        _array("window", "float", map(c_float, tables.window)),
        _array("order", "uint16_t", map(str, tables.order)),
        _array("twiddle", "float", map(c_float, tables.twiddle)),
        _array("split", "float", map(c_float, tables.split)),
        _array("band", "struct nj_band", pairs),
        _array("weight", "float", map(c_float, tables.weight)),
        _array("cosine", "float", map(c_float, tables.cosine)),
    )
    return tuple(array for array in arrays if array.length)


def _array(name: str, kind: str, values: Iterable[str]) -> _Array:
    lines: list[str] = []
    line = ""
    count = 0
    for value in values:
        count += 1
        if line and len(line) + len(value) + 6 > _LINE:
            lines.append(line)
            line = ""
        line += f" {value}," if line else f"{value},"
    return _Array(name, f"nj_frontend_{name}", kind, count, (*lines, line))


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
