"""The frontend's constants, made once here for the host library and for generated firmware alike."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host.frontend_contract import PCEN_SECONDS, FrontendContract
from host.reference.frontend_mel import cosines, mel_bands

SPECTRA = {"none": 0, "magnitude": 1, "power": 2}  # NJ_SPECTRUM_* of nj_frontend.h
COMPRESSIONS = {"none": 0, "sqrt": 1, "log": 2, "log1p": 3, "pcen": 4}  # NJ_COMPRESSION_*
NORMALIZATIONS = {"minmax": 0, "fixed": 1, "percentile": 2, "peak": 0}  # NJ_NORMALIZATION_*
SCALE_BITS = 52  # NJ_FRONTEND_SCALE
POWER_BITS = 72  # NJ_POWER_SCALE
WINDOW_BITS = (
    36  # int16 times 2^36 is sample / 32768 * 2^51, and the split's factor 2 makes it 2^52
)
TWIDDLE_BITS = (
    24  # finer bits would not make a twiddle near 1 more exact, and would allow denormals
)
PAIR_BYTES = 4  # two samples
EPSILON = 1e-10  # of the min-max denominator
NEGLIGIBLE = 2.0**-44  # of it
PCEN_LOUDNESS = 2.0**31  # of full scale
BESIDE_ONE = 2.0**-32  # what vanishes when 1 is added


@dataclass(frozen=True)
class FrontendTables:
    """The arrays of `struct nj_frontend`; n is the FFT length. Empty where the contract needs none.

    window float32 [n], in the order of the first pass; order uint16 [n / 8] (n / 4 where n / 2 is no power of four),
    in bytes; twiddle float32
    [passes * quarter * 3 * 2]; split float32 [n / 2 + 2]; band uint16 [bands * 2]; weight float32; cosine float32
    [mfcc * bands].
    """

    window: npt.NDArray[np.float32]
    order: npt.NDArray[np.uint16]
    twiddle: npt.NDArray[np.float32]
    split: npt.NDArray[np.float32]
    band: npt.NDArray[np.uint16]
    weight: npt.NDArray[np.float32]
    cosine: npt.NDArray[np.float32]


@dataclass(frozen=True)
class FrontendNumbers:
    """The scalars of `struct nj_frontend` that follow from the contract."""

    log_scale: int
    log_floor: float
    log_least: float
    factor: float
    smoothing: float
    least: float
    gain: float
    offset: float
    remove_dc: int
    norm_row: int
    rank_low: int
    rank_high: int


def scale_bits(contract: FrontendContract) -> int:
    """The power of two that compressed values carry before logarithm and normalization."""
    bits = POWER_BITS if contract.spectrum == "power" else SCALE_BITS
    return bits // 2 if contract.compression == "sqrt" else bits


def make_numbers(contract: FrontendContract) -> FrontendNumbers:
    """Floors, scales and guards, each rounded to float32."""
    power = contract.spectrum == "power"
    bits = scale_bits(contract)
    logarithmic = contract.compression in ("log", "log1p")
    unitless = logarithmic or contract.compression == "pcen"
    loudness = {"log1p": float(contract.log1p_gain), "pcen": PCEN_LOUDNESS}
    factor = loudness.get(contract.compression, 0.0) * 2.0**-bits
    unit = 0 if unitless else bits  # what the normalization's input carries
    if contract.normalization == "fixed":
        gain = float(np.float32(np.ldexp(contract.fixed_scale, -unit)))
        least = 0.0 if logarithmic else max(2.0**-100 / gain, 2.0**-120)
    else:
        gain = float(np.float32(np.ldexp(float(np.float32(EPSILON)), unit)))
        guarded = not logarithmic and (power or contract.mel_bands > 0)
        least = gain * NEGLIGIBLE if guarded else 0.0
    silence = 2.0 ** (POWER_BITS - 128 if power else SCALE_BITS - 64)
    looks = contract.normalization in ("minmax", "percentile")
    row = contract.norm_row if looks else 0
    last = (contract.rows - row) * contract.frames - 1
    percentile = contract.normalization == "percentile"
    return FrontendNumbers(
        remove_dc=int(contract.window_dc == "remove"),
        norm_row=row,
        rank_low=contract.percentile_low * last // 10000 if percentile else 0,
        rank_high=contract.percentile_high * last // 10000 if percentile else 0,
        log_scale=0 if contract.compression == "log1p" else bits,
        log_floor=float(np.float32(1e-8 if power else 1e-4)),
        log_least=BESIDE_ONE / factor if contract.compression == "log1p" else silence,
        factor=factor,
        smoothing=float(np.float32(smoothing(contract))) if contract.compression == "pcen" else 0.0,
        least=float(np.float32(least)),
        gain=gain,
        offset=float(np.float32(contract.fixed_offset))
        if contract.normalization == "fixed"
        else 0.0,
    )


def smoothing(contract: FrontendContract) -> float:
    """s of the first-order low-pass of pcen: its time constant is PCEN_SECONDS."""
    frames = PCEN_SECONDS * contract.sample_rate / contract.hop
    return 2.0 / (math.sqrt(1.0 + 4.0 * frames**2) + 1.0)  # (sqrt(1 + 4 T^2) - 1) / (2 T^2)


def make_tables(contract: FrontendContract) -> FrontendTables:
    """Compute the tables in float64, then round once."""
    floats = functools.partial(np.asarray, dtype=np.float32)
    if contract.spectrum == "none":
        none, numbers = floats([]), np.array([], np.uint16)
        return FrontendTables(none, numbers, none, none, numbers, none, none)
    length = contract.fft_length
    bands = mel_bands(contract) if contract.mel_bands else []
    return FrontendTables(
        window=_in_order_of_use(window_table(contract.window, length)),
        order=_order(length // 2),
        twiddle=_radix4_twiddles(length // 2),
        split=_rotations([(k, length) for k in range(length // 4 + 1)]),
        band=np.array([v for b in bands for v in (b.first, len(b.weights))], dtype=np.uint16),
        weight=floats([weight for band in bands for weight in band.weights]),
        cosine=_grid(np.array(cosines(contract.mfcc, contract.mel_bands)))
        if contract.mfcc
        else floats([]),
    )


def window_table(kind: str, length: int) -> npt.NDArray[np.float32]:
    """Periodic. Hann 0.5 - 0.5 cos(2 pi n / length), written so that small values keep all their digits."""
    hann = [math.sin(math.pi * min(n, length - n) / length) ** 2 for n in range(length)]
    values = {
        "hann": hann,
        "hamming": [0.08 + 0.92 * value for value in hann],
        "none": [1.0] * length,
    }[kind]
    return np.ldexp(np.array(values).astype(np.float32), WINDOW_BITS)


def _in_order_of_use(window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    ordered = np.empty_like(window)
    ordered[window_places(len(window))] = window
    return ordered


def window_places(length: int) -> npt.NDArray[np.intp]:
    """Place of each sample's window in the table, which is as the first pass takes it: blocks of 2 pairs, or of 4 as
    re of parts 0, 2, 1 and 3, then im of parts 1, 3, 0 and 2."""
    points = length // 2
    order = _order(points) // PAIR_BYTES
    width = points // len(order)
    within = np.array([0, 1, 2, 3] if width == 2 else [0, 6, 2, 4, 1, 7, 3, 5]).reshape(width, 2)
    places = np.empty((points, 2), np.intp)
    for part in range(width):
        blocks = 2 * width * np.arange(len(order))[:, None]
        places[order + part * points // width] = blocks + within[part]
    return places.reshape(-1)


def _order(points: int) -> npt.NDArray[np.uint16]:
    """First number of each block of the first pass, in bytes: bit reversal of the block's first place."""
    bits = points.bit_length() - 1
    width = 4 if bits % 2 == 0 else 2
    places = range(0, points, width)
    return np.array([PAIR_BYTES * int(f"{i:0{bits}b}"[::-1], 2) for i in places], dtype=np.uint16)


def _radix4_twiddles(points: int) -> npt.NDArray[np.float32]:
    """W^k, W^2k, W^3k of each pass that multiplies, W = exp(-2 pi i / (4 quarter))."""
    quarter = 4 if (points.bit_length() - 1) % 2 == 0 else 2
    turns: list[tuple[int, int]] = []
    while quarter < points:
        turns += [(power * k, 4 * quarter) for k in range(quarter) for power in (1, 2, 3)]
        quarter *= 4
    return _rotations(turns)


def _rotations(turns: list[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """exp(-2 pi i part / whole) as re, im, re, im, ..., each a multiple of 2^-24."""
    angles = [2 * math.pi * part / whole for part, whole in turns]
    pairs = np.array([(math.cos(angle), -math.sin(angle)) for angle in angles])
    return _grid(pairs).reshape(-1)


def _grid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Each a multiple of 2^-24."""
    steps = np.rint(values * 2.0**TWIDDLE_BITS) + 0.0  # no negative zeros
    return np.ldexp(steps, -TWIDDLE_BITS).astype(np.float32)
