"""What a frontend's contract may ask for; anything else is refused when the contract is made."""

import math
import re
from typing import TYPE_CHECKING, NoReturn

from host.errors import BadInput
from host.reference.frontend_mel import empty_band

if TYPE_CHECKING:
    from host.contract import Contract, FrontendContract, TensorContract

MEMBERS = {
    "name": ("hybrid", "precomputed", "raw"),
    "window": ("hann", "hamming", "none"),
    "compression": ("none", "sqrt", "log"),
    "normalization": ("minmax", "fixed", "peak"),
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
)
ACTIVATIONS = ("none", "sigmoid", "softmax")
FILE = re.compile(r"[^/.][^/]{0,254}")
MOST_AXES = 8
MOST_ELEMENTS = 1 << 28  # of a model input or output; above any board's memory
LARGEST = 1e30  # of any number, so that all of them are finite
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-40, 2.0**40  # so that no product is denormal


def check_contract(contract: "Contract") -> None:
    """Refuse what a `model.json` may say by its types, and no bundle has.

    Raises:
        BadInput: with what was expected and what was received.
    """
    check_tensor("input", contract.input)
    check_tensor("output", contract.output)
    if len(contract.labels) != math.prod(contract.output.shape):
        _refuse(
            f"a contract has one label for each of its {math.prod(contract.output.shape)} outputs",
            f"{len(contract.labels)} labels",
        )
    if contract.output_activation not in ACTIVATIONS:
        _refuse(
            f"the output's activation must be one of {', '.join(ACTIVATIONS)}",
            contract.output_activation[:40],
        )
    for name in contract.files:
        if not FILE.fullmatch(name) or not name.isprintable():
            _refuse(
                "a file of a bundle lies in its folder, and begins with no dot", repr(name[:80])
            )


def check_tensor(name: str, tensor: "TensorContract") -> None:
    """Refuse a model input or output that no model has.

    Raises:
        BadInput: with what was expected and what was received.
    """
    low, high = (-128, 127) if tensor.dtype == "int8" else (0, 0)
    if tensor.dtype not in ("int8", "float32"):
        _refuse(f"the model's {name} must be int8 or float32", tensor.dtype[:40])
    if len(tensor.shape) > MOST_AXES or any(size < 1 for size in tensor.shape):
        _refuse(f"the model's {name} has up to {MOST_AXES} sizes of at least 1", tensor.shape[:20])
    if math.prod(tensor.shape) > MOST_ELEMENTS:
        _refuse(f"the model's {name} has at most {MOST_ELEMENTS:,} elements", tensor.shape)
    if not (low <= tensor.zero_point <= high and (tensor.scale > 0 or tensor.dtype != "int8")):
        _refuse(
            f"the model's {name} has a scale above 0 and a zero point from {low} to {high}",
            f"scale {tensor.scale}, zero point {str(tensor.zero_point)[:40]}",
        )


def check_frontend(contract: "FrontendContract") -> None:
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
    for name in ("mel_low", "mel_high", "fixed_scale", "fixed_offset"):
        value = getattr(contract, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            _refuse(f"the frontend's {name} must be a number", value)
        if name != "fixed_scale" and not abs(value) < LARGEST:
            _refuse(
                f"the frontend's {name} must be a number of at most {LARGEST:g}", str(value)[:40]
            )
    if contract.sample_rate < 1:
        _refuse("the sample rate must be at least 1 Hz", contract.sample_rate)
    if contract.spectrum == "none" or contract.name == "raw" or contract.normalization == "peak":
        _check_raw(contract)
        return
    _check_geometry(contract)
    _check_mel(contract)
    if contract.normalization == "fixed":
        _check_fixed(contract)


def _check_raw(contract: "FrontendContract") -> None:
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
    if (
        contract.chunk_samples < 1
        or contract.bins != 1
        or contract.frames != contract.chunk_samples
    ):
        _refuse(
            "a raw waveform has bins=1 and frames=chunk_samples, at least 1",
            f"bins={contract.bins}, frames={contract.frames}, chunk_samples={contract.chunk_samples}",
        )


def _check_geometry(contract: "FrontendContract") -> None:
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


def _check_mel(contract: "FrontendContract") -> None:
    bands, half = contract.mel_bands, contract.sample_rate / 2
    if not 0 <= bands <= contract.bins:
        _refuse(f"mel bands must be from 0 (none) to the number of bins, {contract.bins}", bands)
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


def _check_fixed(contract: "FrontendContract") -> None:
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
