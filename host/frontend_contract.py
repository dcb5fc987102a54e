"""The part of a contract that says how sound becomes what a model sees, and what of it exists."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn

from host.errors import BadInput
from host.reference.frontend_mel import band_edges, empty_band

MEMBERS = {
    "name": ("hybrid", "precomputed", "raw"),
    "window": ("hann", "hamming", "none"),
    "window_dc": ("keep", "remove"),
    "compression": ("none", "sqrt", "log", "log1p", "pcen"),
    "normalization": ("minmax", "percentile", "fixed", "peak"),
    "spectrum": ("magnitude", "power", "none"),
    "mel_scale": ("slaney", "htk"),
    "mel_norm": ("slaney", "none"),
}
WHOLE = (
    "sample_rate",
    "chunk_samples",
    "hop",
    "fft_length",
    "frames",
    "bins",
    "mel_bands",
    "mfcc",
    "log1p_gain",
    "percentile_low",
    "percentile_high",
)
LARGEST = 1e30  # of any number, so that all of them are finite
PCEN_SECONDS = 0.4  # time constant of pcen
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-40, 2.0**40  # so that no product is denormal


@dataclass(frozen=True)
class FrontendContract:
    """How int16 PCM becomes what the model sees; every formula is in docs/frontend.md.

    The features are float32 [rows, frames], row-major (index row * frames + frame). Frame t is centred on sample
    t * hop of the chunk, which is padded with fft_length / 2 zeros on both sides. Bins are 0 .. bins - 1 of the
    real FFT; `bins` is fft_length / 2, or fft_length / 2 + 1 with the Nyquist bin. Rows are the `mfcc` coefficients
    if there are any, else the `mel_bands` if there are any, else the bins.

    A raw waveform (spectrum none, normalization peak) has one row of chunk_samples frames: bins=1,
    frames=chunk_samples.
    """

    name: str = "hybrid"  # of the model's input: hybrid | precomputed | raw
    sample_rate: int = 24000  # Hz
    chunk_samples: int = 60000
    fft_length: int = 512
    hop: int = 234  # samples
    frames: int = 256
    bins: int = 256
    window: str = "hann"  # periodic: hann | hamming | none
    # none | sqrt | log (80 dB below the chunk's peak at most) | log1p: ln(1 + log1p_gain * S) | pcen (mel bands only)
    compression: str = "sqrt"
    # minmax: (S - min) / (max - min + 1e-10) over the chunk | percentile: the same between two values of its sorted
    # ones, clamped to [0, 1] | fixed | peak (raw only)
    normalization: str = "minmax"
    spectrum: str = "magnitude"  # magnitude | power | none (raw only)
    mel_bands: int = 0  # 0: the bins themselves
    mel_scale: str = "slaney"  # slaney | htk
    mel_norm: str = "slaney"  # slaney: each triangle times 2 / (its width in Hz) | none: peak 1
    mel_low: float = 150.0  # Hz
    mel_high: float = 0.0  # Hz; 0: half the sample rate
    mfcc: int = 0  # coefficients of the orthonormal DCT-II over the log mel bands; 0: no DCT
    fixed_scale: float = 1.0  # normalization fixed: y = fixed_scale * S + fixed_offset
    fixed_offset: float = 0.0
    window_dc: str = "keep"  # remove: from each frame the mean of its samples inside the chunk
    log1p_gain: int = 1 << 10  # compression log1p: a power of two, 1 to 2^30
    # Hz: minmax and percentile look only at rows whose bin (mel: band centre) lies there or above, and clamp all rows
    norm_low: float = 0.0
    percentile_low: int = 100  # normalization percentile: of 10,000, what becomes 0, ...
    percentile_high: int = 9950  # ... and what becomes 1

    def __post_init__(self) -> None:
        _check(self)

    @property
    def rows(self) -> int:
        """Rows of the features."""
        return self.mfcc or self.mel_bands or self.bins

    @property
    def range(self) -> tuple[float, float] | None:
        """Least and most that a feature can be; None where that depends on the sound (normalization fixed)."""
        return {
            "peak": (-1.0, 1.0),
            "minmax": (0.0, 1.0),
            "percentile": (0.0, 1.0),
            "fixed": None,
        }[self.normalization]

    @property
    def norm_row(self) -> int:
        """First row that minmax and percentile look at: they rise in frequency."""
        if not self.norm_low:
            return 0
        if self.mel_bands:
            centres = band_edges(self)[1:-1]
            return sum(centre < self.norm_low for centre in centres)
        return math.ceil(self.norm_low * self.fft_length / self.sample_rate)


def _check(contract: FrontendContract) -> None:
    """Refuse what does not exist.

    Raises:
        BadInput: with what was expected and what was received.
    """
    for name, known in MEMBERS.items():
        if getattr(contract, name) not in known:
            _refuse(
                f"the frontend's {name} must be one of {', '.join(known)}", getattr(contract, name)
            )
    for name in WHOLE:
        value = getattr(contract, name)
        if not isinstance(value, int) or isinstance(value, bool):
            _refuse(f"the frontend's {name} must be a whole number", value)
        if abs(value) >= 1 << 31:
            _refuse(f"the frontend's {name} must be below 2^31", str(value)[:40])
    for name in ("mel_low", "mel_high", "fixed_scale", "fixed_offset", "norm_low"):
        value = getattr(contract, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            _refuse(f"the frontend's {name} must be a number", value)
        if name != "fixed_scale" and not abs(value) < LARGEST:
            _refuse(
                f"the frontend's {name} must be a number of at most {LARGEST:g}", str(value)[:40]
            )
    if contract.sample_rate < 1:
        _refuse("the sample rate must be at least 1 Hz", contract.sample_rate)
    _check_unused(contract)
    if contract.spectrum == "none" or contract.name == "raw" or contract.normalization == "peak":
        _check_raw(contract)
        return
    _check_geometry(contract)
    _check_mel(contract)
    _check_compression(contract)
    if contract.normalization == "fixed":
        _check_fixed(contract)
    else:
        _check_norm(contract)


def _check_raw(contract: FrontendContract) -> None:
    if (contract.spectrum, contract.name, contract.normalization) != ("none", "raw", "peak"):
        _refuse(
            "a raw waveform has name raw, spectrum none and normalization peak, and nothing else has",
            f"name={contract.name!r}, spectrum={contract.spectrum!r}, normalization={contract.normalization!r}",
        )
    if contract.compression != "none" or contract.mel_bands != 0 or contract.mfcc != 0:
        _refuse(
            "a raw waveform has compression none, no mel bands and no DCT",
            f"compression={contract.compression!r}, mel_bands={contract.mel_bands}, mfcc={contract.mfcc}",
        )
    if contract.window_dc != "keep":
        _refuse("a raw waveform has no frames: window_dc must be keep", contract.window_dc)
    if (
        contract.chunk_samples < 1
        or contract.bins != 1
        or contract.frames != contract.chunk_samples
    ):
        _refuse(
            "a raw waveform has bins=1 and frames=chunk_samples, at least 1",
            f"bins={contract.bins}, frames={contract.frames}, chunk_samples={contract.chunk_samples}",
        )


def _check_geometry(contract: FrontendContract) -> None:
    length, samples = contract.fft_length, contract.chunk_samples
    if length < 128 or length > 2048 or length & (length - 1):
        _refuse("the FFT length must be a power of two from 128 to 2048", length)
    if contract.hop < 1:
        _refuse("the hop must be at least one sample", contract.hop)
    if samples < length:
        _refuse(
            "a chunk must not be shorter than the FFT",
            f"a chunk of {samples} samples, an FFT of {length}",
            "use a longer --chunk-duration, a higher --sample-rate or a shorter --fft-length",
        )
    if not 1 <= contract.frames <= 1 + samples // contract.hop:
        _refuse(
            f"frames must be from 1 to 1 + chunk // hop = {1 + samples // contract.hop}",
            contract.frames,
        )
    if contract.bins not in (length // 2, length // 2 + 1):
        _refuse(f"bins must be {length // 2}, or one more with the Nyquist bin", contract.bins)


def _check_mel(contract: FrontendContract) -> None:
    bands, half = contract.mel_bands, contract.sample_rate / 2
    if not 0 <= bands <= contract.bins:
        _refuse(
            f"mel bands must be from 0 (none) to the number of bins, {contract.bins}",
            bands,
            "ask for fewer bands or a longer FFT",
        )
    if not 0 <= contract.mfcc <= bands:
        _refuse(
            f"the DCT takes from 0 (none) to as many coefficients as there are mel bands, {bands}",
            contract.mfcc,
        )
    if contract.mfcc and contract.compression != "log":
        _refuse("the DCT is of log mel bands: its compression must be log", contract.compression)
    if not bands:
        return
    high = contract.mel_high or half
    if not (math.isfinite(high) and 0 <= contract.mel_low < high <= half):
        _refuse(
            f"mel bands need 0 <= mel_low < mel_high <= {half:g} Hz, half the sample rate",
            f"mel_low={contract.mel_low}, mel_high={contract.mel_high}",
        )
    empty = empty_band(contract)
    if empty is not None:
        index, low, top = empty
        _refuse(
            "every mel band must hold at least one bin of the FFT, which lie"
            f" {contract.sample_rate / contract.fft_length:g} Hz apart",
            f"{bands} bands, of which band {index}, {low:.1f} to {top:.1f} Hz, holds none",
            "ask for fewer bands, a longer FFT or a higher mel_low",
        )


# A number that counts -> the field and the value under which it does.
_COUNTS_UNDER = {
    "log1p_gain": ("compression", ("log1p",)),
    "percentile_low": ("normalization", ("percentile",)),
    "percentile_high": ("normalization", ("percentile",)),
    "norm_low": ("normalization", ("minmax", "percentile")),
}


def changed(contract: FrontendContract, **values: Any) -> FrontendContract:
    """The contract with other values; the numbers that then count for nothing go back to their defaults."""
    for name, (of, under) in _COUNTS_UNDER.items():
        if values.get(of, getattr(contract, of)) not in under:
            values.setdefault(name, _defaults()[name])
    return replace(contract, **values)


def _defaults() -> dict[str, Any]:
    return {one.name: one.default for one in fields(FrontendContract)}


def _check_unused(contract: FrontendContract) -> None:
    """Refuse a number that would count for nothing."""
    defaults = _defaults()
    for name, (of, values) in _COUNTS_UNDER.items():
        given = getattr(contract, name)
        if given != defaults[name] and getattr(contract, of) not in values:
            _refuse(
                f"the frontend's {name} needs {of} {' or '.join(values)}",
                f"{name}={given} with {of} {getattr(contract, of)}",
                f"leave {name} at {defaults[name]}",
            )


def _check_compression(contract: FrontendContract) -> None:
    gain = contract.log1p_gain
    if not 1 <= gain <= 1 << 30 or gain & (gain - 1):
        _refuse("log1p_gain must be a power of two from 1 to 2^30", gain, "for example 1024")
    if contract.compression == "pcen" and not contract.mel_bands:
        _refuse(
            "compression pcen is of mel bands",
            "mel_bands=0",
            "ask for mel bands, or for another compression",
        )
    if contract.compression == "pcen" and contract.hop > PCEN_SECONDS * contract.sample_rate:
        _refuse(
            f"compression pcen smooths over {PCEN_SECONDS} s: the hop must not be longer",
            f"a hop of {contract.hop} samples at {contract.sample_rate} Hz",
        )


def _check_norm(contract: FrontendContract) -> None:
    low, high = contract.percentile_low, contract.percentile_high
    if not 0 <= low < high <= 10000:
        _refuse(
            "percentiles are of 10,000, and need 0 <= percentile_low < percentile_high <= 10000",
            f"percentile_low={low}, percentile_high={high}",
            "for example percentile_low 100 and percentile_high 9200",
        )
    if contract.norm_low < 0:
        _refuse("norm_low must be at least 0 Hz", contract.norm_low, "0 is all rows")
    if contract.norm_low and contract.mfcc:
        _refuse(
            "norm_low is of bins or bands, and coefficients of a DCT are neither",
            f"norm_low={contract.norm_low}, mfcc={contract.mfcc}",
            "leave norm_low at 0",
        )
    if contract.norm_row >= contract.rows:
        _refuse(
            "the normalization needs at least one row, and norm_low leaves it none",
            f"norm_low={contract.norm_low} Hz at {contract.sample_rate} Hz",
            "ask for a lower norm_low, or for 0, which is all rows",
        )


def _check_fixed(contract: FrontendContract) -> None:
    scale, offset = contract.fixed_scale, contract.fixed_offset
    if not SMALLEST_SCALE <= scale <= LARGEST_SCALE:
        _refuse("a fixed scale must be from 2^-40 to 2^40", scale)
    if offset != 0 and not 1e-20 <= abs(offset) <= 1e6:
        _refuse("a fixed offset must be 0 or from 1e-20 to 1e6 in size", offset)


def _refuse(what: str, received: object, next_step: str = "") -> NoReturn:
    evidence = f"Received: {received}"
    if next_step:
        raise BadInput(what, evidence=evidence, next_step=next_step)
    raise BadInput(what, evidence=evidence)
