import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_gen.audio.chunks import Loudness, salient_starts
from model_gen.audio.decode import decode
from model_gen.data.hearing import Hearing
from model_gen.data.measure import measure


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_measures_are_those_of_the_whole_sound(tmp_path: Path, rate: int, channels: int) -> None:
    """Against plain formulas over everything at once; the recording has several blocks."""
    rng = np.random.default_rng(3)
    sound = rng.normal(0.01, 0.2, (200_000, channels)).astype(np.float32)
    sound[1000:1500] = 1.0
    sound[100_000:120_000] *= 0.01
    soundfile.write(tmp_path / "a.wav", sound, rate, subtype="FLOAT")
    hearing = Hearing(sample_rate=8000, chunk=4000, max_duration=0, most=5)
    found = measure(tmp_path / "a.wav", hearing)
    mono = sound.mean(axis=1, dtype=np.float64)
    assert (found.rate, found.channels, found.floats) == (rate, channels, True)
    assert found.seconds == found.read == pytest.approx(len(sound) / rate)
    assert found.peak == pytest.approx(np.abs(sound).max())
    assert found.dc == pytest.approx(mono.mean(), rel=1e-4)
    assert found.level == pytest.approx(mono.std(), rel=1e-4)
    assert found.clipped == pytest.approx(499 / len(sound), abs=1e-6)
    power = np.square(sound, dtype=np.float64).mean()
    assert found.kept == pytest.approx(np.square(mono).mean() / power, rel=1e-4)
    heard = decode(tmp_path / "a.wav", 8000)
    loudness = Loudness(4000)
    loudness.add(heard)
    starts = salient_starts(loudness, len(heard), 4000, 5)
    assert found.windows == len(starts)
    covered = np.zeros(len(heard), bool)
    for start in starts:
        covered[start : start + 4000] = True
    assert found.heard == pytest.approx(covered.sum() / 8000)


def test_only_what_is_read_counts(tmp_path: Path) -> None:
    sound = np.zeros(80_000)
    sound[40_000:] = 0.5
    soundfile.write(tmp_path / "a.flac", sound, 8000)
    found = measure(tmp_path / "a.flac", Hearing(8000, 4000, 2, 3))
    assert (found.seconds, found.read, found.peak) == (10, 2, 0)


def test_bytes_decide_the_digest_not_names(tmp_path: Path) -> None:
    hearing = Hearing(8000, 4000, 60, 3)
    for name in ("a.wav", "b.wav", "c.wav"):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes([name == "c.wav", 0]) * 100)
    a, b, c = (measure(tmp_path / f"{name}.wav", hearing).sha256 for name in "abc")
    assert a == b != c
