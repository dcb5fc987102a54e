import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_gen.training.augment import mixup, spec_augment


@given(st.integers(3, 12), st.floats(0, 1), st.integers(0, 99))
def test_mixup_mixes_that_share_of_the_original_rows(n: int, share: float, seed: int) -> None:
    x = np.eye(n, dtype=np.float32)[:, :, None]
    y = np.eye(n, dtype=np.float32)
    mixed_x, mixed_y = mixup(x, y, np.random.default_rng(seed), alpha=0.5, probability=share)
    changed = [i for i in range(n) if mixed_y[i].sum() > 1]
    assert len(changed) == int(n * share)
    np.testing.assert_allclose(mixed_x.sum(axis=(1, 2)), 1, rtol=1e-5)
    for i in range(n):
        sources = np.flatnonzero(mixed_y[i])
        assert i in sources
        assert len(sources) == (1 if i not in changed else len(sources))
        assert len(sources) in ((2, 3) if i in changed else (1,))
        assert set(np.flatnonzero(mixed_x[i, :, 0])) <= set(sources)
    np.testing.assert_array_equal(x[:, :, 0], np.eye(n))


def both(seed: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed), np.random.default_rng(seed + 1)]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_masks_are_narrow_bands_of_zeros(freq: int, time: int, seed: int) -> None:
    x = np.ones((2, 20, 30), np.float32)
    masked = spec_augment(x, both(seed), freq_mask_max=freq, time_mask_max=time)
    assert (x == 1).all()
    for row in masked:
        bins = (row == 0).all(axis=1).sum()
        frames = (row == 0).all(axis=0).sum()
        assert bins <= 2 * (freq - 1)
        assert frames <= 2 * (time - 1)
        assert (row == 0).sum() == bins * 30 + frames * 20 - bins * frames


def test_no_masks_when_both_widths_are_zero() -> None:
    x = np.ones((2, 4, 4), np.float32)
    got = spec_augment(x, both(0), freq_mask_max=0, time_mask_max=0)
    np.testing.assert_array_equal(got, x)


def test_the_masks_of_a_row_depend_on_its_own_generator() -> None:
    x = np.ones((2, 20, 30), np.float32)
    drawn = {"freq_mask_max": 9, "time_mask_max": 9}
    first = spec_augment(x, both(5), **drawn)
    swapped = spec_augment(x, both(5)[::-1], **drawn)
    np.testing.assert_array_equal(first, swapped[::-1])


def test_an_alpha_of_0_mixes_nothing() -> None:
    x, y = np.ones((9, 2, 2), np.float32), np.eye(9, dtype=np.float32)
    mixed_x, mixed_y = mixup(x, y, np.random.default_rng(0), alpha=0, probability=1)
    np.testing.assert_array_equal(mixed_x, x)
    np.testing.assert_array_equal(mixed_y, y)
