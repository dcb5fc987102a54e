"""What every stage of the frontend gives, stage by stage: to record, and to find where a port leaves the way."""

import ctypes
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.frontend_contract import FrontendContract, changed
from host.installed import DOCS
from host.reading import load_json
from host.reference import frontend_library as library
from host.reference import frontend_numpy
from host.reference.frontend import aligned, describe_with
from host.reference.frontend_anywhere import quantize
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_tables import FrontendTables, make_tables
from host.typed import typed

SCHEMA = "nightjar/frontend-vectors/1"
RECORDED = Path(__file__).with_name("frontend-vectors.json")
PAGE = DOCS / "frontend.md"
STAGES = ("samples", "window", "fft", "spectrum", "bands", "compressed", "dct", "features", "input")
INPUT_SCALE, INPUT_ZERO_POINT = 1 / 255, -128  # of the recorded int8 input
DTYPES = ("int16", "float32", "int8")
FIRST = 8  # values of a stage that are recorded besides its CRC-32

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class StageVector:
    """One stage: CRC-32 of its little-endian bytes, row-major, and its first values (floats as C99 hexadecimals)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    crc32: str
    first: tuple[str, ...]


@dataclass(frozen=True)
class _Member:
    """What is recorded of a member of the frontend's family."""

    contract: FrontendContract
    stages: tuple[StageVector, ...]


def recorded_signal(samples: int = SAMPLES) -> npt.NDArray[np.int16]:
    """Integers only: silence, a rising square wave, noise, extremes.

    With r a linear congruential generator (r = 1664525 r + 1013904223 mod 2^32, from 1, advanced before each use):
    sample i = (top 16 bits of r as int16) >> 3, plus 8000 where floor(i^2 / 50000) is odd and -8000 where it is even;
    then samples 0 to 299 are 0, sample 150 is 32767, samples 5000 to 5063 are 32767 and -32768 in turn, and the
    last sample is -32768.
    """
    noise = np.empty(samples, np.int64)
    state = 1
    for i in range(samples):
        state = (1664525 * state + 1013904223) % 2**32
        noise[i] = state >> 16
    noise = (noise ^ 0x8000) - 0x8000
    place = np.arange(samples, dtype=np.int64)
    signal = (noise >> 3) + np.where(place * place // 50000 % 2 == 1, 8000, -8000)
    signal[:300] = 0
    signal[150] = 32767
    signal[5000:5064] = np.where(np.arange(len(signal[5000:5064])) % 2 == 0, 32767, -32768)
    signal[-1] = -32768
    return signal.astype(np.int16)


def stages(
    chunk: npt.NDArray[np.int16],
    contract: FrontendContract,
    tables: FrontendTables | None = None,
) -> dict[str, Array]:
    """Name -> array of each stage that the contract has, by the C that boards run, or its operations in NumPy.

    A stage in the middle is what the same gives for the contract that ends there. `window` is [frames, n], `fft` is
    [frames, n / 2, 2], `spectrum` [bins, frames], `bands` [bands, frames], `compressed`, `dct`, `features` [rows,
    frames], all float32 with the scale that docs/frontend.md states; `input` is int8 [rows, frames].

    Args:
        chunk: int16 [chunk_samples].
        contract: which frontend.
        tables: others than the contract's, for instance those found in a firmware.
    """
    own = make_tables(contract) if tables is None else tables
    found: dict[str, Array] = {"samples": chunk}
    compiled = library.is_there()
    transform = _transform if compiled else frontend_numpy.transform
    compute = _compute if compiled else frontend_numpy.compute
    if contract.spectrum != "none":
        found["window"], found["fft"] = transform(chunk, contract, own)
        plain = changed(contract, normalization="fixed", fixed_scale=1.0, fixed_offset=0.0)
        bands = changed(plain, mfcc=0, compression="none")
        linear = changed(bands, mel_bands=0)
        found["spectrum"] = compute(chunk, linear, own, whole=False)
        if contract.mel_bands:
            found["bands"] = compute(chunk, bands, own, whole=False)
        if contract.compression == "sqrt":
            found["compressed"] = compute(chunk, contract, own, whole=False)
        elif contract.compression in ("log", "log1p", "pcen"):
            found["compressed"] = compute(chunk, changed(plain, mfcc=0), own)
        if contract.mfcc:
            found["dct"] = compute(chunk, plain, own)
    found["features"] = compute(chunk, contract, own)
    found["input"] = quantize(found["features"], INPUT_SCALE, INPUT_ZERO_POINT)
    return found


def vectors(found: dict[str, Array]) -> list[StageVector]:
    """CRC-32 and first values of each stage."""
    return [
        StageVector(
            name,
            str(array.dtype),
            array.shape,
            f"{zlib.crc32(np.ascontiguousarray(array).tobytes()):08x}",
            tuple(
                float(v).hex() if array.dtype == np.float32 else str(v)
                for v in _first_values(array)
            ),
        )
        for name, array in found.items()
    ]


def _first_values(array: Array) -> Array:
    """The first ones that are not all zero."""
    flat = array.reshape(-1)
    start = int(np.argmax(flat != 0)) if (flat != 0).any() else 0
    start -= start % FIRST
    return flat[start : start + FIRST]


def record() -> dict[str, Any]:
    """What frontend-vectors.json holds; written by `nightjar frontend record`."""
    signal = recorded_signal()
    return {
        "schema": SCHEMA,
        "input_quantization": {"scale": "1/255 as float32", "zero_point": INPUT_ZERO_POINT},
        "members": {
            name: {
                "contract": asdict(contract),
                "stages": [asdict(vector) for vector in vectors(stages(signal, contract))],
            }
            for name, contract in MEMBERS.items()
        },
    }


def page_section(recorded: dict[str, Any]) -> str:
    """The tables of docs/frontend.md: all stages of two members."""
    lines = []
    for name in ("default", "mfcc"):
        lines += [
            "",
            f"`{name}`:",
            "",
            "| stage | dtype | shape | CRC-32 | first values |",
            "|---|---|---|---|---|",
        ]
        for vector in recorded["members"][name]["stages"]:
            shape = " x ".join(map(str, vector["shape"]))
            first = ", ".join(vector["first"][:3])
            lines.append(
                f"| {vector['name']} | {vector['dtype']} | {shape} | {vector['crc32']} | {first} |"
            )
    return "\n".join([*lines, ""])


def with_section(page: str, section: str) -> str:
    """The page with its recorded part replaced."""
    begin, end = "<!-- recorded -->\n", "<!-- end -->"
    head, rest = page.split(begin)
    return head + begin + section + "\n" + end + rest.split(end)[1]


def load_recorded(path: Path = RECORDED) -> dict[str, tuple[FrontendContract, list[StageVector]]]:
    """Member -> contract and stage vectors.

    Raises:
        BadInput: the file is not of this schema.
    """
    again = "make them again with `nightjar frontend record`"
    raw = load_json(path, "recorded stage vectors", next_step=again)
    try:
        if raw["schema"] != SCHEMA:
            raise KeyError("schema")
        members = {name: typed(_Member, member) for name, member in raw["members"].items()}
        for stage in (stage for member in members.values() for stage in member.stages):
            if stage.dtype not in DTYPES or min(stage.shape, default=0) < 1:
                raise ValueError(f"stage {stage.name} of {stage.dtype} {stage.shape}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"recorded stage vectors must follow the schema {SCHEMA}",
            evidence=f"Received: {path}: {type(error).__name__}: {error}",
            next_step=again,
        ) from error
    return {name: (member.contract, list(member.stages)) for name, member in members.items()}


def first_difference(
    want: list[StageVector], got: dict[str, StageVector]
) -> tuple[StageVector, StageVector] | None:
    """Recorded and received vector of the first stage that differs; stages that were not given are passed over."""
    for vector in want:
        received = got.get(vector.name)
        if received is not None and received.crc32 != vector.crc32:
            return vector, received
    return None


def _compute(
    chunk: npt.NDArray[np.int16],
    contract: FrontendContract,
    tables: FrontendTables,
    whole: bool = True,
) -> Array:
    described = describe_with(contract, tables)
    loaded = library.load()
    out = np.empty((contract.mel_bands or contract.bins, contract.frames), np.float32)
    scratch = aligned(loaded.nj_frontend_scratch(ctypes.byref(described)))
    given = np.ascontiguousarray(chunk)
    function = loaded.nj_frontend_run if whole else loaded.nj_frontend_spectrogram
    function(ctypes.byref(described), given.ctypes, out.ctypes, scratch.ctypes)
    return out[: contract.rows]


def _transform(
    chunk: npt.NDArray[np.int16], contract: FrontendContract, tables: FrontendTables
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Windowed samples and FFT of the pairs, frame by frame: each frame in all lanes."""
    described = describe_with(contract, tables)
    loaded = library.load()
    length, frames = contract.fft_length, contract.frames
    windowed = frontend_numpy.windowed(chunk, contract, tables)
    padded = np.pad(chunk, (length // 2, length + contract.hop))
    transformed = np.empty((frames, length // 2, 2), np.float32)
    lanes = library.lanes()
    places = np.zeros(lanes, np.uint32)
    for frame in range(frames):
        piece = np.ascontiguousarray(padded[frame * contract.hop :][:length])
        begin = frame * contract.hop - length // 2
        ends = np.clip([-begin, len(chunk) - begin], 0, length)
        inside = np.repeat(ends.astype(np.int32), lanes)
        complex_ = aligned(lanes * length)
        given = (ctypes.byref(described), piece.ctypes, places.ctypes)
        if contract.window_dc == "keep":
            loaded.nj_first_pass(*given, complex_.ctypes)
        else:
            loaded.nj_first_pass_without_mean(*given, inside.ctypes, complex_.ctypes)
        loaded.nj_fft(complex_.ctypes, length // 2, described.twiddle)
        transformed[frame] = complex_.reshape(length // 2, 2, lanes)[:, :, 0]
    return windowed, transformed
