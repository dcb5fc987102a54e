import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.contract import FrontendContract
from host.errors import BadInput, HostFailure
from host.reference import frontend_library
from host.reference.frontend import features, magnitudes, quantize
from host.reference.frontend_cases import hard_chunks

Floats = npt.NDArray[np.float64]
LENGTHS = (128, 256, 512, 1024, 2048)


def oracle(chunks: npt.NDArray[np.int16], contract: FrontendContract) -> Floats:
    """|rfft| in float64, from the definition: np.fft, no table and no line of the C."""
    length = contract.fft_length
    padded = np.pad(chunks / 32768.0, ((0, 0), (length // 2, length // 2)))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    out = np.empty((len(chunks), contract.bins, contract.frames))
    for frame in range(contract.frames):
        piece = padded[:, frame * contract.hop :][:, :length]
        spectrum = np.abs(np.fft.rfft(piece * window, axis=1))
        out[:, :, frame] = spectrum[:, : contract.bins]
    return out


def oracle_features(chunks: npt.NDArray[np.int16], contract: FrontendContract) -> Floats:
    spectrum = oracle(chunks, contract)
    if contract.compression == "sqrt":
        spectrum = np.sqrt(spectrum)
    low = spectrum.min(axis=(1, 2), keepdims=True)
    high = spectrum.max(axis=(1, 2), keepdims=True)
    scaled: Floats = (spectrum - low) / (high - low + 1e-10)
    return scaled


def plain(length: int, samples: int = 5000, hop: int = 97, **more: object) -> FrontendContract:
    given: dict[str, object] = {
        "frames": 1 + samples // hop,
        "bins": length // 2 + 1,
        "compression": "none",
        **more,
    }
    return FrontendContract(chunk_samples=samples, fft_length=length, hop=hop, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", LENGTHS)
def test_magnitudes_are_within_4e_7_of_the_peak(length: int) -> None:
    contract = plain(length)
    cases = hard_chunks(contract.chunk_samples)
    chunks = np.stack(list(cases.values()))
    want = oracle(chunks, contract)
    worst = np.abs(magnitudes(chunks, contract) - want).max(axis=(1, 2))
    peaks = want.max(axis=(1, 2))
    for name, error, peak in zip(cases, worst, peaks, strict=True):
        assert error <= 4e-7 * peak, f"{name}: {error / peak:.3g} of the peak"


@settings(max_examples=60, deadline=None)
@given(
    length=st.sampled_from(LENGTHS),
    extra=st.integers(0, 900),
    hop=st.integers(1, 1500),
    nyquist=st.booleans(),
    loudness=st.sampled_from((1, 3, 200, 32768)),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_any_geometry_agrees_with_the_oracle(
    length: int,
    extra: int,
    hop: int,
    nyquist: bool,
    loudness: int,
    seed: int,
    data: st.DataObject,
) -> None:
    samples = length + extra
    frames = data.draw(st.integers(1, min(40, 1 + samples // hop)))
    contract = plain(length, samples, hop, frames=frames, bins=length // 2 + nyquist)
    noise = np.random.default_rng(seed).integers(-loudness, loudness, (2, samples))
    chunks = noise.astype(np.int16)
    want = oracle(chunks, contract)
    error = np.abs(magnitudes(chunks, contract) - want).max(axis=(1, 2))
    assert (error <= 4e-7 * want.max(axis=(1, 2))).all()


@pytest.mark.parametrize("compression", ["none", "sqrt"])
def test_features_are_the_normalized_spectrogram(compression: str) -> None:
    contract = plain(512, compression=compression, bins=256)
    rng = np.random.default_rng(4)
    chunks = rng.normal(0, 2000, (3, contract.chunk_samples)).astype(np.int16)
    got = features(chunks, contract)
    assert got.dtype == np.float32
    assert got.shape == (3, 256, contract.frames)
    np.testing.assert_allclose(got, oracle_features(chunks, contract), atol=2e-5, rtol=0)
    assert got.min() == 0.0
    assert got.max() <= 1.0


def test_compressed_magnitudes_are_roots() -> None:
    chunks = hard_chunks(5000)["noise"][None]
    root = np.sqrt(magnitudes(chunks, plain(512)))
    np.testing.assert_array_equal(magnitudes(chunks, plain(512, compression="sqrt")), root)


@pytest.mark.parametrize("compression", ["none", "sqrt"])
def test_features_of_hard_chunks_are_finite_and_normal(compression: str) -> None:
    for length in LENGTHS:
        contract = plain(length, compression=compression)
        chunks = np.stack(list(hard_chunks(contract.chunk_samples).values()))
        got = features(chunks, contract)
        assert np.isfinite(got).all()
        assert got.min() >= 0
        assert got.max() <= 1
        assert not ((got > 0) & (got < np.finfo(np.float32).tiny)).any()
        assert (got[0] == 0).all()  # silence


def test_a_chunk_does_not_depend_on_its_neighbours() -> None:
    contract = plain(256)
    chunks = np.stack(list(hard_chunks(contract.chunk_samples).values()))
    together = features(chunks, contract)
    for index in range(len(chunks)):
        np.testing.assert_array_equal(
            features(chunks[index : index + 1], contract)[0], together[index]
        )
    assert features(chunks[:0], contract).shape == (0, contract.bins, contract.frames)


def test_chunks_of_the_wrong_kind_are_refused() -> None:
    contract = plain(256)
    wrongs: list[npt.NDArray[Any]] = [
        np.zeros((1, 4999), np.int16),
        np.zeros((1, 5000), np.float32),
        np.zeros(5000, np.int16),
    ]
    for wrong in wrongs:
        with pytest.raises(BadInput, match=r"\[n, 5000\]") as caught:
            features(wrong, contract)
        assert caught.value.evidence.startswith("Received: ")


def naive_quantize(values: npt.NDArray[np.float32], scale: float, zero_point: int) -> list[int]:
    steps = []
    for value in values.ravel():
        quotient = float(np.float32(value) / np.float32(scale))
        whole = int(abs(quotient) + 0.5) if abs(quotient) < 1e6 else 10**6  # exact in float64
        steps.append(max(-128, min(127, (whole if quotient >= 0 else -whole) + zero_point)))
    return steps


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=50),
    scale=st.floats(2.0**-20, 1024, width=32),
    zero_point=st.integers(-128, 127),
)
def test_quantize_rounds_half_away_and_saturates(
    values: list[float], scale: float, zero_point: int
) -> None:
    array = np.array(values, np.float32)
    assert quantize(array, scale, zero_point).tolist() == naive_quantize(array, scale, zero_point)


def test_quantize_at_the_halves_and_just_below() -> None:
    halves = np.arange(-140, 140, dtype=np.float32) + np.float32(0.5)
    below = np.nextafter(halves, np.float32(0))
    for values in (halves, below, -halves, np.array([0.49999997, -0.49999997], np.float32)):
        assert quantize(values, 1.0, 3).tolist() == naive_quantize(values, 1.0, 3)
    assert quantize(np.array([0.5, -0.5, 1.5], np.float32), 1.0, 0).tolist() == [1, -1, 2]
    with pytest.raises(BadInput, match="positive scale"):
        quantize(halves, 0.0, 0)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "libraries"


def test_two_processes_can_compile_at_once(cache: Path) -> None:
    code = "from host.reference.frontend_library import build; print(build())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    built = {process.communicate(timeout=600)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(built) == 1
    assert [str(path) for path in cache.glob("*.so")] == [built.pop().strip()]


def test_a_missing_compiler_is_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostFailure, match="gcc") as caught:
        frontend_library.build()
    assert "apt-get install gcc" in caught.value.next_step


def test_the_library_is_compiled_once_a_source(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = frontend_library.build()
    assert first.parent == cache
    monkeypatch.setenv("PATH", str(tmp_path))  # no compiler any more
    assert frontend_library.build() == first


def test_fast_math_is_refused() -> None:
    done = subprocess.run(
        ["gcc", "-std=c11", "-ffast-math", "-fsyntax-only", frontend_library.SOURCES / "nj_fft.c"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode != 0
    assert "-fno-fast-math" in done.stderr
