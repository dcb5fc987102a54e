"""Members of the family of frontends that tests and recorded vectors cover, and the signal they are given."""

from host.frontend_contract import FrontendContract

SAMPLES = 6000


def _contract(**more: object) -> FrontendContract:
    given: dict[str, object] = {"chunk_samples": SAMPLES, "hop": 234, "frames": 24, **more}
    length = given.get("fft_length", 512)
    assert isinstance(length, int)
    return FrontendContract(**{"bins": length // 2, **given})  # type: ignore[arg-type]


_MEL = {"mel_bands": 40, "bins": 257}
MEMBERS: dict[str, FrontendContract] = {
    "default": _contract(),
    "n128-nyquist": _contract(fft_length=128, bins=65, hop=97, frames=61, compression="none"),
    "n256-hamming": _contract(fft_length=256, window="hamming", hop=300, frames=21),
    "n512-no-window": _contract(window="none", compression="none", frames=26),
    "n1024-power": _contract(
        fft_length=1024, spectrum="power", compression="none", hop=500, frames=12
    ),
    "n2048-power-root": _contract(fft_length=2048, spectrum="power", hop=1111, frames=5, bins=1025),
    "linear-log": _contract(compression="log"),
    "power-log": _contract(compression="log", spectrum="power", fft_length=256),
    "mel-slaney": _contract(**_MEL, name="precomputed", compression="none"),
    "mel-htk-root": _contract(**_MEL, name="precomputed", mel_scale="htk", mel_norm="none"),
    "mel-log": _contract(**_MEL, name="precomputed", compression="log"),
    "mel-power-log-2048": _contract(
        name="precomputed", fft_length=2048, bins=1025, mel_bands=64, mel_low=0.0, mel_high=11000.0,
        spectrum="power", compression="log", hop=600, frames=10,
    ),
    "mfcc": _contract(
        **_MEL, name="precomputed", spectrum="power", compression="log", mfcc=13
    ),
    "fixed-root": _contract(normalization="fixed", fixed_scale=0.125),
    "fixed-mel-log": _contract(
        **_MEL, name="precomputed", compression="log", normalization="fixed", fixed_scale=0.0625,
        fixed_offset=0.75,
    ),
    "fixed-power": _contract(
        spectrum="power", compression="none", normalization="fixed", fixed_scale=0.001
    ),
    "log1p": _contract(compression="log1p"),
    "mel-log1p-loud": _contract(
        **_MEL, name="precomputed", compression="log1p", log1p_gain=1 << 20
    ),
    "power-log1p-fixed": _contract(
        fft_length=256, spectrum="power", compression="log1p", log1p_gain=1, normalization="fixed",
        fixed_scale=0.25, fixed_offset=-0.5,
    ),
    "pcen": _contract(**_MEL, name="precomputed", compression="pcen"),
    "pcen-power-fixed": _contract(
        **_MEL, name="precomputed", compression="pcen", spectrum="power", normalization="fixed",
        fixed_scale=0.25, fixed_offset=-1.0,
    ),
    "n128-pcen": _contract(
        fft_length=128, bins=65, hop=97, frames=61, name="precomputed", mel_bands=8,
        compression="pcen", normalization="fixed", fixed_scale=0.5,
    ),
    "percentile": _contract(normalization="percentile"),
    "percentile-mel-log": _contract(
        **_MEL, name="precomputed", compression="log", normalization="percentile", norm_low=500.0,
        percentile_low=500, percentile_high=9900,
    ),
    "percentile-power": _contract(
        fft_length=128, hop=250, spectrum="power", compression="none", normalization="percentile",
        norm_low=150.0, percentile_low=2500, percentile_high=10000,
    ),
    "minmax-high-rows": _contract(norm_low=150.0),
    "minmax-high-mel": _contract(**_MEL, name="precomputed", compression="none", norm_low=1000.0),
    "dc-n128": _contract(
        fft_length=128, bins=65, hop=97, frames=61, compression="none", window_dc="remove"
    ),
    "dc": _contract(window_dc="remove"),
    "dc-n1024-no-window": _contract(fft_length=1024, window="none", hop=500, frames=12, window_dc="remove"),
    "dc-n2048-mel-power-log": _contract(
        name="precomputed", fft_length=2048, bins=1025, mel_bands=64, mel_low=0.0, spectrum="power",
        compression="log", hop=600, frames=10, window_dc="remove",
    ),
    "dc-percentile-mel-root": _contract(
        **_MEL, name="precomputed", window_dc="remove", normalization="percentile", norm_low=200.0
    ),
    "dc-percentile-log1p": _contract(
        compression="log1p", window_dc="remove", normalization="percentile", norm_low=150.0,
        percentile_high=9200,
    ),
    "dc-percentile-pcen": _contract(
        **_MEL, name="precomputed", compression="pcen", window_dc="remove",
        normalization="percentile", norm_low=300.0,
    ),
    "raw": FrontendContract(
        name="raw", chunk_samples=SAMPLES, hop=1, frames=SAMPLES, bins=1, compression="none",
        spectrum="none", normalization="peak",
    ),
}  # fmt: skip
# Each stage's every path once: the other members are more of the same code.
PATHS = (
    *("default", "n128-nyquist", "n256-hamming", "n512-no-window", "n1024-power"),
    *("n2048-power-root", "mel-power-log-2048", "mfcc", "fixed-mel-log", "mel-log1p-loud"),
    *("pcen-power-fixed", "n128-pcen", "minmax-high-rows", "dc-percentile-mel-root", "raw"),
)
