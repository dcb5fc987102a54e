"""The reference recipe against librosa and loops."""

import librosa
import numpy as np
import pytest

from model_gen.evaluation.learning import reference
from model_gen.evaluation.learning.conditions import WINDOW
from model_gen.evaluation.learning.reference import at_random, log_mel, mixup, spec_augment
from model_gen.evaluation.learning.speakers import Clip


# Not marked as slow: it is quick where librosa's code was compiled before, by the run of the recipe in run_test.
def test_log_mel_is_librosas_of_each_window_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    windows = (rng.standard_normal((5, WINDOW)) * [[9], [99], [999], [9999], [1]]).astype(np.int16)
    windows[0, 3000:] = 0
    monkeypatch.setattr(reference, "_AT_ONCE", 2)
    found = log_mel(windows)
    assert found.shape == (5, 40, 64, 1)
    assert found.dtype == np.float32
    for window, one in zip(windows, found, strict=True):
        power = librosa.feature.melspectrogram(
            y=window.astype(np.float32) / 32768, sr=8000, n_fft=256, hop_length=125, n_mels=40
        )[:, :64]
        wanted = np.log(power + 1e-6)
        wanted = (wanted - wanted.mean()) / (wanted.std() + 1e-6)
        np.testing.assert_allclose(one[..., 0], wanted, atol=1e-3)


def test_silence_stays_finite() -> None:
    assert np.isfinite(log_mel(np.zeros((1, WINDOW), np.int16))).all()


def test_clips_lie_anywhere_in_the_window() -> None:
    rng = np.random.default_rng(1)
    clip = Clip("a/b_0.wav", "a", "b", np.ones(5000, np.int16))
    starts = [int(np.argmax(at_random(clip, rng))) for _ in range(300)]
    assert min(starts) < 100
    assert 2900 < max(starts) <= 3000
    assert all(at_random(clip, rng).sum() == 5000 for _ in range(20))
    long = Clip("a/b_0.wav", "a", "b", np.arange(9000, dtype=np.int16))
    firsts = {int(at_random(long, rng)[0]) for _ in range(50)}
    assert len(firsts) > 10
    assert max(firsts) <= 1000
    assert len(at_random(long, rng)) == WINDOW


def test_mixup_mixes_input_and_label_by_the_same_share() -> None:
    rng = np.random.default_rng(2)
    y = np.eye(80, dtype=np.float32)
    x = np.broadcast_to(y[:, None, :, None], (80, 3, 80, 1)).copy()
    mixed_x, mixed_y = mixup(x, y, rng)
    np.testing.assert_allclose(mixed_x[:, 0, :, 0], mixed_y, atol=1e-6)
    np.testing.assert_allclose(mixed_y.sum(axis=1), 1, atol=1e-6)
    assert ((mixed_y > 0).sum(axis=1) <= 2).all()
    assert 8 <= (mixed_y != y).any(axis=1).sum() <= 32  # a quarter of 80


def test_masks_are_bands_and_frames_of_the_mean() -> None:
    x = np.ones((50, 40, 64, 1), np.float32)
    found = spec_augment(x, np.random.default_rng(3))
    assert x.all()
    bands = (found == 0).all(axis=(2, 3)).sum(axis=1)
    frames = (found == 0).all(axis=(1, 3)).sum(axis=1)
    assert 5 <= bands.max() <= 8
    assert 7 <= frames.max() <= 12
    for row, b, f in zip(found, bands, frames, strict=True):
        assert (row == 0).sum() == b * 64 + f * 40 - b * f  # nothing else is masked
