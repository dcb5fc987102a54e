"""The frontend where no compiler is: the operations of the C, one by one, in NumPy's float32, with the same bits.

Frames lie side by side as in the C, where no operation crosses them. firmware/core/frontend says what each step is and
why; this follows it line by line, and is held against it by a test. It is never used where the C can be compiled.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.frontend_contract import FrontendContract
from host.reference.frontend_tables import (
    PAIR_BYTES,
    FrontendNumbers,
    FrontendTables,
    make_numbers,
    make_tables,
    window_places,
)

Floats = npt.NDArray[np.float32]
_LOGARITHM = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_EXPONENTIAL = (
    *(1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1),
    5.0000001201e-1,
)
_HALF_ROOT = 0x3F3504F3
_WINDOW_GRID = 2.0**18


@dataclass(frozen=True, eq=False)
class _Complex:
    re: Floats
    im: Floats

    def __add__(self, other: "_Complex") -> "_Complex":
        return _Complex(self.re + other.re, self.im + other.im)

    def __sub__(self, other: "_Complex") -> "_Complex":
        return _Complex(self.re - other.re, self.im - other.im)

    def __getitem__(self, place: Any) -> "_Complex":
        return _Complex(self.re[place], self.im[place])

    def turned(self, re: Floats, im: Floats) -> "_Complex":
        """Times a twiddle."""
        return _Complex(self.re * re - self.im * im, self.re * im + self.im * re)


def features(chunks: npt.NDArray[np.int16], contract: FrontendContract) -> Floats:
    """Features as the model sees them.

    Args:
        chunks: int16 [n, chunk_samples].

    Returns:
        float32 [n, rows, frames].
    """
    tables = make_tables(contract)
    return np.stack([compute(chunk, contract, tables) for chunk in chunks])


def compute(
    chunk: npt.NDArray[np.int16],
    contract: FrontendContract,
    tables: FrontendTables,
    whole: bool = True,
) -> Floats:
    """Features of one chunk, float32 [rows, frames]; without `whole`, the spectrogram that they are made of."""
    if contract.spectrum == "none":
        peak = np.float32(np.abs(chunk.astype(np.int32)).max())
        factor = np.float32(1) / (peak + np.float32(1e-6) * np.float32(32768))
        return np.asarray(chunk.astype(np.float32) * factor)[np.newaxis]
    rows = _columns(_spectrum(_fft(chunk, contract, tables), contract, tables), contract, tables)
    return _finish(rows, contract, tables, make_numbers(contract)) if whole else rows


def transform(
    chunk: npt.NDArray[np.int16], contract: FrontendContract, tables: FrontendTables
) -> tuple[Floats, Floats]:
    """Windowed samples [frames, n] and FFT of the pairs [frames, n / 2, 2]."""
    found = _fft(chunk, contract, tables)
    return windowed(chunk, contract, tables), np.stack([found.re.T, found.im.T], axis=-1)


def quantize(values: Floats, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """Steps, as `host.reference.frontend.quantize` gives them."""
    value = np.clip(values / np.float32(scale), np.float32(-1024), np.float32(1024))
    whole = value.astype(np.int32)
    fraction = value - whole.astype(np.float32)
    steps = whole + (fraction >= 0.5) - (fraction <= -0.5) + zero_point
    return np.asarray(np.clip(steps, -128, 127), dtype=np.int8)


def windowed(
    chunk: npt.NDArray[np.int16], contract: FrontendContract, tables: FrontendTables
) -> Floats:
    length = contract.fft_length
    padded = np.pad(chunk, (length // 2, length + contract.hop))
    starts = contract.hop * np.arange(contract.frames)
    places = starts[:, np.newaxis] + np.arange(length)
    frames, window = padded[places], tables.window[window_places(length)]
    if contract.window_dc == "keep":
        return np.asarray(frames.astype(np.float32) * window)
    inside = (places >= length // 2) & (places < length // 2 + len(chunk))
    count = inside.sum(axis=1, dtype=np.int32, keepdims=True)
    total = frames.sum(axis=1, dtype=np.int32, keepdims=True)
    above = (count * frames - total).astype(np.float32)
    share = np.float32(1) / count.astype(np.float32)
    snapped = _snap(above * share * window, _WINDOW_GRID)
    return np.where(inside, snapped, np.float32(0))


def _fft(
    chunk: npt.NDArray[np.int16], contract: FrontendContract, tables: FrontendTables
) -> _Complex:
    """[n / 2, frames]: of pairs, even samples the real parts, odd ones the imaginary parts."""
    frames, points = windowed(chunk, contract, tables).T, contract.fft_length // 2
    pairs = _Complex(frames[0::2], frames[1::2])
    first = tables.order.astype(np.intp) // PAIR_BYTES
    if points & 0x55555555:
        parts = [pairs[first + points // 4 * part] for part in (0, 1, 2, 3)]
        numbers, done = _joined(_fours(*parts)), 4
    else:
        one, other = pairs[first], pairs[first + points // 2]
        numbers, done = _joined((one + other, one - other)), 2
    twiddles = tables.twiddle
    while done < points:
        numbers = _pass_of_fours(numbers, done, twiddles[: 6 * done].reshape(done, 3, 2))
        twiddles, done = twiddles[6 * done :], 4 * done
    return numbers


def _joined(parts: tuple[_Complex, ...]) -> _Complex:
    """Blocks behind one another, the parts of each behind one another."""
    frames = parts[0].re.shape[-1]
    return _Complex(
        np.stack([part.re for part in parts], 1).reshape(-1, frames),
        np.stack([part.im for part in parts], 1).reshape(-1, frames),
    )


def _fours(a: _Complex, b: _Complex, c: _Complex, d: _Complex) -> tuple[_Complex, ...]:
    """The 4-point DFT."""
    sum02, difference02, sum13, difference13 = a + c, a - c, b + d, b - d
    return (
        sum02 + sum13,
        _Complex(difference02.re + difference13.im, difference02.im - difference13.re),
        sum02 - sum13,
        _Complex(difference02.re - difference13.im, difference02.im + difference13.re),
    )


def _pass_of_fours(numbers: _Complex, quarter: int, twiddle: Floats) -> _Complex:
    """Blocks of four quarters, bit-reversed: 0, 2, 1, 3. The first number of each is not turned."""
    shape = (-1, 4, quarter, numbers.re.shape[-1])
    blocks = _Complex(numbers.re.reshape(shape), numbers.im.reshape(shape))
    turned = []
    for place, power in ((2, 0), (1, 1), (3, 2)):
        part = blocks[:, place]
        factor = twiddle[1:, power, :, np.newaxis]
        rest = part[:, 1:].turned(factor[:, 0], factor[:, 1])
        turned.append(
            _Complex(
                np.concatenate([part.re[:, :1], rest.re], 1),
                np.concatenate([part.im[:, :1], rest.im], 1),
            )
        )
    return _joined(_fours(blocks[:, 0], *turned))


def _spectrum(numbers: _Complex, contract: FrontendContract, tables: FrontendTables) -> Floats:
    """[bins, frames]."""
    points = contract.fft_length // 2
    out = np.empty((contract.bins, contract.frames), np.float32)
    first, none = numbers[0], np.zeros(contract.frames, np.float32)
    out[0] = _measure(_Complex((first.re + first.im) * np.float32(2), none), contract)
    if contract.bins > points:
        out[points] = _measure(_Complex((first.re - first.im) * np.float32(2), none), contract)
    k = np.arange(1, points // 2 + 1)
    split = tables.split.reshape(-1, 2)[k][:, :, np.newaxis]
    low, high = numbers[k], numbers[points - k]
    odd = _Complex(low.im + high.im, high.re - low.re)
    even = _Complex(low.re + high.re, low.im - high.im)
    turned = odd.turned(split[:, 0], split[:, 1])
    out[points - k] = _measure(_Complex(even.re - turned.re, turned.im - even.im), contract)
    out[k] = _measure(even + turned, contract)
    return out


def _measure(value: _Complex, contract: FrontendContract) -> Floats:
    """Magnitude, its root, or power."""
    anchor = np.float32(2.0**-14)
    x, y = value.re + anchor - anchor, value.im + anchor - anchor
    power = x * x + y * y
    if contract.spectrum == "power":
        return _zero_below(power * np.float32(2.0**-32), np.float32(2.0**-40))
    magnitude = np.sqrt(power)
    rooted = contract.compression == "sqrt" and not contract.mel_bands
    return np.asarray(np.sqrt(magnitude) if rooted else magnitude)


def _columns(rows: Floats, contract: FrontendContract, tables: FrontendTables) -> Floats:
    """Mel bands and the square root behind them, or behind a power."""
    if contract.mel_bands:
        bands, start = [], 0
        for first, count in tables.band.reshape(-1, 2).astype(np.intp):
            weights = tables.weight[start : start + count]
            total = rows[first] * weights[0]
            for i in range(1, count):
                total = total + rows[first + i] * weights[i]
            bands.append(total)
            start += count
        rows = np.stack(bands)
    if contract.compression == "sqrt" and (contract.mel_bands or contract.spectrum == "power"):
        rows = np.sqrt(rows)
    return rows


def _finish(
    rows: Floats, contract: FrontendContract, tables: FrontendTables, numbers: FrontendNumbers
) -> Floats:
    """Logarithm, DCT and normalization."""
    if contract.compression == "log":
        relative = rows.max() * np.float32(numbers.log_floor)
        floor = max(relative, np.float32(numbers.log_least))
        rows = _logarithm(np.maximum(rows, floor), numbers.log_scale)
    if contract.compression == "log1p":
        audible = np.maximum(rows, np.float32(numbers.log_least))
        rows = _logarithm(audible * np.float32(numbers.factor) + np.float32(1), numbers.log_scale)
    if contract.compression == "pcen":
        rows = pcen(rows * np.float32(numbers.factor), np.float32(numbers.smoothing))
    if contract.mfcc:
        cosine = tables.cosine.reshape(contract.mfcc, -1)
        total = cosine[:, :1] * rows[0]
        for band in range(1, len(rows)):
            total = total + cosine[:, band : band + 1] * rows[band]
        rows = total
    least, gain = np.float32(numbers.least), np.float32(numbers.gain)
    if contract.normalization == "fixed":
        guarded = _zero_below(rows, least) if least > 0 else rows
        return np.asarray(guarded * gain + np.float32(numbers.offset))
    clamped = contract.normalization == "percentile" or numbers.norm_row > 0
    if contract.normalization == "percentile":
        values = np.sort(rows[numbers.norm_row :], axis=None)
        low, high = values[numbers.rank_low], values[numbers.rank_high]
    else:
        low, high = rows[numbers.norm_row :].min(), rows[numbers.norm_row :].max()
    factor = np.float32(1) / ((high - low) + gain)
    if clamped:
        return np.asarray(np.minimum(_zero_below(rows - low, least) * factor, np.float32(1)))
    if least > 0:
        return np.asarray(_zero_below(rows - low, least) * factor + np.float32(0))
    return np.asarray((rows - low) * factor)


def _logarithm(x: Floats, scale: int) -> Floats:
    bits = x.view(np.int32) - np.int32(_HALF_ROOT)
    exponent = ((bits >> 23) - np.int32(scale)).astype(np.float32)
    f = ((bits & 0x7FFFFF) + np.int32(_HALF_ROOT)).view(np.float32) - np.float32(1)
    square = f * f
    y: Floats = np.full_like(x, _LOGARITHM[0])
    for coefficient in _LOGARITHM[1:]:
        y = y * f + np.float32(coefficient)
    y = y * f * square + exponent * np.float32(-2.12194440e-4) - square * np.float32(0.5)
    return np.asarray(f + y + exponent * np.float32(0.693359375))


def exponential(x: Floats) -> Floats:
    n = _snap(x * np.float32(1.44269504), 1.5 * 2.0**23)
    r = x - n * np.float32(0.693359375) - n * np.float32(-2.12194440e-4)
    y: Floats = np.full_like(x, _EXPONENTIAL[0])
    for coefficient in _EXPONENTIAL[1:]:
        y = y * r + np.float32(coefficient)
    y = y * (r * r) + r + np.float32(1)
    return (y.view(np.int32) + (n.astype(np.int32) << 23)).view(np.float32)


def pcen(energy: Floats, s: np.float32) -> Floats:
    """Of mel bands [bands, frames] that carry 2^31."""
    steady = _snap(energy, 2.0**-40)
    mean, lost = steady[:, 0], np.zeros(len(energy), np.float32)
    past = np.empty_like(energy)
    for frame in range(energy.shape[1]):
        step = _snap((steady[:, frame] - mean) * s, 2.0**-40) + lost
        before, mean = mean, mean + step
        lost = step - (mean - before)
        past[:, frame] = mean + np.float32(1e-6)
    slow = exponential(_logarithm(past, 0) * np.float32(0.02))
    silence = np.float32(2.0**-100)
    x = np.where(energy >= past * silence, energy, np.float32(0)) / past * slow
    root = np.sqrt(x + np.float32(2)) + np.sqrt(np.float32(2))
    return _zero_below(x / root, silence)


def _snap(value: Floats, anchor: float) -> Floats:
    """To a multiple of the anchor's last bit, where the value is smaller than the anchor."""
    return np.asarray(value + np.float32(anchor) - np.float32(anchor))


def _zero_below(value: Floats, least: np.float32) -> Floats:
    return np.where(value >= least, value, np.float32(0))
