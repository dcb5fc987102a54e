"""Per-channel energy normalization: against librosa, and against numbers of every size that a mel band can have."""

import ctypes
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.frontend_contract import FrontendContract
from host.reference import frontend_library, frontend_numpy
from host.reference.frontend import describe, features, magnitudes
from host.reference.frontend_cases import hard_chunks, real_chunks
from host.reference.frontend_members import MEMBERS
from host.reference.frontend_tables import make_numbers

Samples = npt.NDArray[np.int16]
TINY = np.finfo(np.float32).tiny


def pcen(**more: Any) -> FrontendContract:
    given: dict[str, Any] = {
        "bins": 257, "mel_bands": 40, "compression": "pcen", "normalization": "fixed", **more
    }  # fmt: skip
    return FrontendContract(**given)


CONTRACTS = {
    "2.5 s at 24 kHz": pcen(),
    "1 s at 16 kHz": pcen(sample_rate=16000, chunk_samples=16000, hop=160, frames=100),
    "4096 frames": pcen(hop=14, frames=4096, fft_length=128, bins=65, mel_bands=8),
    "slow": pcen(
        sample_rate=384000, hop=1, frames=4096, fft_length=128, bins=65, mel_bands=2, mel_low=0.0
    ),
    "fast": pcen(sample_rate=8000, hop=3200, frames=80, chunk_samples=256000),
    "5 bands": pcen(sample_rate=8000, hop=80, frames=99, chunk_samples=8000, mel_bands=5),
}


def chunks_of(samples: int) -> dict[str, Samples]:
    """The hard ones, and the very quiet after the very loud."""
    rng = np.random.default_rng(1)
    time = np.arange(samples)
    loud = rng.integers(-32768, 32768, samples)
    quiet = rng.integers(-1, 2, samples)
    made = {
        "steps after noise": np.where(time < samples // 20, loud, quiet),
        "silence after noise": np.where(time < samples // 8, loud, 0),
        "noise after silence": np.where(time < samples // 2, 0, loud),
        "one step after silence after noise": np.where(
            time < samples // 8, loud, time == samples // 2
        ),
        "noise that fades": np.rint(loud * np.exp(-14.0 * time / samples)),
        "quiet tone after a loud one": np.rint(
            np.where(time < samples // 20, 32767, 3) * np.sin(0.06 * time)
        ),
    }
    return hard_chunks(samples) | {name: chunk.astype(np.int16) for name, chunk in made.items()}


@pytest.mark.parametrize("spectrum", ["magnitude", "power"])
@pytest.mark.parametrize("name", CONTRACTS)
def test_it_is_that_of_librosa(name: str, spectrum: str) -> None:
    """Of the same mel bands, within 1e-5 of each value; what is below 2^-100 is 0."""
    librosa = pytest.importorskip("librosa")
    made = replace(CONTRACTS[name], spectrum=spectrum)
    chunks = [*chunks_of(made.chunk_samples).values(), *real_chunks(made.chunk_samples)]
    got = features(np.stack(chunks), made)
    bands = magnitudes(np.stack(chunks), replace(made, compression="none"))
    frames = 0.4 * made.sample_rate / made.hop
    s = (np.sqrt(1 + 4 * frames**2) - 1) / (2 * frames**2)
    for one, found in zip(bands, got, strict=True):
        energy = one.astype(np.float64) * 2.0**31
        want = librosa.pcen(
            energy, sr=made.sample_rate, hop_length=made.hop, gain=0.98, bias=2, power=0.5,
            time_constant=0.4, eps=1e-6, zi=(1 - s) * energy[:, :1],
        )  # fmt: skip
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=2.0**-100)


def test_it_depends_on_the_past() -> None:
    """The same sound behind silence, behind itself, and behind something louder."""
    made = CONTRACTS["1 s at 16 kHz"]
    sound = np.random.default_rng(2).integers(-500, 500, made.chunk_samples).astype(np.int16)
    ways = np.stack([sound, sound, sound])
    ways[0, :8000] = 0
    ways[2, :8000] *= 60
    later = slice(52, 56)  # frames that hold only what all three share
    plain = magnitudes(ways, replace(made, compression="none"))[:, :, later]
    np.testing.assert_array_equal(plain[0], plain[1])
    np.testing.assert_array_equal(plain[0], plain[2])
    silence, itself, louder = features(ways, made)[:, :, later].mean(axis=(1, 2))
    assert silence > 2 * itself > 4 * louder
    logarithmic = features(ways, replace(made, compression="log1p"))[:, :, later]
    np.testing.assert_array_equal(logarithmic[0], logarithmic[2])


class Watched(np.ndarray[Any, np.dtype[np.float32]]):
    """Float32 in which no operation may meet or make a denormal or what is not finite."""

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **more: Any) -> Any:
        plain = [np.asarray(one) for one in given]
        more.pop("out", None)
        found = np.asarray(getattr(ufunc, method)(*plain, **more))
        for one in (*plain, found):
            if one.dtype == np.float32:
                size = np.abs(one[one != 0])
                assert np.isfinite(size).all(), ufunc
                assert (size >= TINY).all(), (ufunc, size.min())
        return found.view(Watched) if found.dtype == np.float32 else found


SIZES = ("loud", "quiet", "any", "lone", "fading", "grid")


def bands_of(size: str, made: FrontendContract, seed: int) -> npt.NDArray[np.float32]:
    """[bands, frames] that carry their unit: 0 or at least the smallest that a mel band can be, 2^-80 or 2^-78."""
    rng = np.random.default_rng(seed)
    shape = (made.mel_bands, made.frames)
    low, high = (-80, 95) if made.spectrum == "power" else (-78, 64)
    time = np.linspace(0, 1, made.frames)
    exponents = {
        "loud": rng.uniform(high - 3, high, shape),
        "quiet": rng.uniform(low, low + 3, shape),
        "any": rng.uniform(low, high, shape),
        "lone": np.where(rng.random(shape) < 0.003, rng.uniform(low, high, shape), -np.inf),
        "fading": high - (high - low) * rng.uniform(0.2, 3, (made.mel_bands, 1)) * time,
        "grid": rng.integers(low, high, shape).astype(np.float64),
    }[size]
    values = 2.0**exponents
    return np.where(values < 2.0**low, 0, values).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    size=st.sampled_from(SIZES),
    bands=st.integers(1, 11),
    frames=st.sampled_from((1, 2, 63, 900)),
    rate=st.sampled_from((8000, 24000, 384000)),
    hop=st.sampled_from((1, 30, 234, 3200)),
    power=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_bands_of_any_size_have_one_result_and_no_denormal(
    size: str, bands: int, frames: int, rate: int, hop: int, power: bool, seed: int
) -> None:
    """The C beside its operations in NumPy, each of which is watched."""
    made = pcen(
        sample_rate=rate, hop=hop, frames=frames, chunk_samples=4000 + frames * hop, fft_length=2048,
        bins=1025, mel_bands=bands, spectrum="power" if power else "magnitude",
    )  # fmt: skip
    check(bands_of(size, made, seed), made)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("spectrum", ["magnitude", "power"])
def test_4096_frames_have_no_denormal(size: str, spectrum: str) -> None:
    made = replace(CONTRACTS["4096 frames"], spectrum=spectrum)
    check(bands_of(size, made, 7), made)


def check(given: npt.NDArray[np.float32], made: FrontendContract) -> None:
    numbers = make_numbers(made)
    factor, s = np.float32(numbers.factor), np.float32(numbers.smoothing)
    want = np.asarray(frontend_numpy.pcen(given.view(Watched) * factor, s))
    assert (want[want != 0] >= 2.0**-100).all()
    got, ends = given.copy(), np.empty((2, frontend_library.lanes()), np.float32)
    loaded = frontend_library.load()
    loaded.nj_pcen(ctypes.byref(describe(made)), got.ctypes, ends.ctypes)
    assert got.tobytes() == want.tobytes()
    assert (ends[0].min(), ends[1].max()) == (want.min(), want.max())


def test_a_watched_denormal_is_found() -> None:
    with pytest.raises(AssertionError):
        np.full(3, 2.0**-100, np.float32).view(Watched) * np.float32(2.0**-40)


def test_the_exponential_is_within_two_ulp() -> None:
    x = np.concatenate([np.linspace(-80, 80, 200001), np.linspace(-1, 1, 200001)])
    x = np.concatenate([x, 2.0 ** np.linspace(-60, -1, 1001)]).astype(np.float32)
    want = np.exp(x.astype(np.float64))
    error = np.abs(frontend_numpy.exponential(x).astype(np.float64) - want)
    assert (error <= 2 * np.spacing(want.astype(np.float32))).all()


def test_silence_and_what_it_is_of_are_finite() -> None:
    for name in ("pcen", "pcen-power-fixed", "n128-pcen"):
        silence = np.zeros((1, MEMBERS[name].chunk_samples), np.int16)
        made = replace(MEMBERS[name], normalization="fixed", fixed_scale=1.0, fixed_offset=0.0)
        assert (features(silence, made) == 0).all()
