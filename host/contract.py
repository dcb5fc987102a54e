"""The contract of a bundle: everything that host and board must agree on, besides the model's bytes."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from host.contract_checks import check_contract, check_frontend
from host.errors import BadInput, IdentityFailure
from host.reading import load_json
from host.typed import typed

SCHEMA = "nightjar/bundle/1"
# The contract's own hash within it: of all its bytes, with zeros in the place of the hash.
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_AGAIN = "make the bundle again with `nightjar quantize`"
_NO_SEAL = b'"seal": "' + b"0" * 64 + b'"'


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
    compression: str = "sqrt"  # none | sqrt | log (80 dB below the chunk's peak at most)
    normalization: str = (
        "minmax"  # (S - min) / (max - min + 1e-10) over the chunk | fixed | peak (raw only)
    )
    spectrum: str = "magnitude"  # magnitude | power | none (raw only)
    mel_bands: int = 0  # 0: the bins themselves
    mel_scale: str = "slaney"  # slaney | htk
    mel_norm: str = "slaney"  # slaney: each triangle times 2 / (its width in Hz) | none: peak 1
    mel_low: float = 150.0  # Hz
    mel_high: float = 0.0  # Hz; 0: half the sample rate
    mfcc: int = 0  # coefficients of the orthonormal DCT-II over the log mel bands; 0: no DCT
    fixed_scale: float = 1.0  # normalization fixed: y = fixed_scale * S + fixed_offset
    fixed_offset: float = 0.0

    def __post_init__(self) -> None:
        check_frontend(self)

    @property
    def rows(self) -> int:
        """Rows of the features."""
        return self.mfcc or self.mel_bands or self.bins


@dataclass(frozen=True)
class TensorContract:
    """Shape, type and quantization of a model input or output: real = scale * (step - zero_point)."""

    shape: tuple[int, ...]
    dtype: str  # int8 | float32
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Contract:
    """What `model.json` says."""

    frontend: FrontendContract
    labels: tuple[str, ...]
    output_activation: (
        str  # what the host applies to the model's dequantized output: none | sigmoid | softmax
    )
    input: TensorContract
    output: TensorContract
    rounding: dict[str, str]  # op name -> single | double
    files: dict[str, str]  # file of the bundle -> SHA-256
    tools: dict[str, str]  # tool -> version
    quality: dict[str, Any] = field(default_factory=dict)  # gates and what they measured

    def to_json(self) -> bytes:
        """The bytes of `model.json`; the same contract always gives the same bytes."""
        content = {"schema": SCHEMA, "seal": "0" * 64, **asdict(self)}
        text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
        seal = hashlib.sha256(text.encode()).hexdigest()
        return text.encode().replace(_NO_SEAL, f'"seal": "{seal}"'.encode())

    @classmethod
    def from_json(cls, data: bytes) -> "Contract":
        """Parse `model.json`.

        Raises:
            BadInput: when it is not JSON of this schema, or says what no bundle has.
        """
        raw = load_json(data, "model.json", next_step=_AGAIN)
        try:
            if raw.pop("schema") != SCHEMA:
                raise KeyError("schema")
            raw.pop("seal", None)
            contract = typed(cls, raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"model.json must follow the schema {SCHEMA}",
                evidence=f"Received: {type(error).__name__}: {error}",
                next_step=_AGAIN,
            ) from error
        check_contract(contract)
        return contract


def check_seal(model_json: bytes) -> None:
    """Refuse a `model.json` of which any byte is not the one that was written.

    Raises:
        IdentityFailure: it was changed, or carries no seal.
    """
    found = _SEAL.search(model_json)
    actual = hashlib.sha256(_SEAL.sub(_NO_SEAL, model_json, count=1)).hexdigest()
    if found is None or found[1].decode() != actual:
        said = "no seal in it" if found is None else f"its seal says {found[1].decode()}"
        raise IdentityFailure(
            "model.json is not the file that this bundle was made with",
            evidence=f"Received: SHA-256 {actual} apart from the seal; {said}",
            next_step="restore the file, or make the bundle again with `nightjar quantize`",
        )


def contract_sha256(model_json: bytes | None) -> str:
    """What HELLO carries as the contract's hash: of the bytes of model.json, or of nothing for a bare .tflite."""
    return hashlib.sha256(model_json or b"").hexdigest()
