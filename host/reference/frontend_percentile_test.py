"""The selection of two percentiles, as C, against a sort; and what the normalization does with them."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.frontend_contract import FrontendContract, changed
from host.reference import frontend_library as library
from host.reference.frontend import aligned, features
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_tables import make_numbers

Floats = npt.NDArray[np.float32]
COUNTERS = 2048  # NJ_PERCENTILE_COUNTERS: 8 KiB
GUARD = 64


def selected(values: Floats, ranks: tuple[int, int], wider: Floats | None = None) -> Floats:
    """By C; the counters' room must be enough. wider: holds the range that C is told."""
    room = aligned(COUNTERS + GUARD).view(np.uint32)
    room[:] = 0xA5A5A5A5  # what was there before decides nothing
    told = values if wider is None else wider
    bound = np.array([told.min(), told.max()], np.float32)
    given_ranks = np.array(ranks, np.uint32)
    given_values = aligned(values.size)
    given_values[:] = values
    library.load().nj_percentile(
        given_values.ctypes, values.size, given_ranks.ctypes, room.ctypes, bound.ctypes
    )
    assert (room[COUNTERS:] == 0xA5A5A5A5).all()
    assert given_values.tobytes() == values.tobytes()
    return bound


def drawn_values(kind: str, count: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=count)
    made = {
        "normal": normal,
        "positive": np.abs(normal),
        "negative": -np.abs(normal) - 1e-3,
        "logarithms": 4 * normal - 2,
        "ties": rng.integers(-3, 4, count) / 4,
        "two": rng.choice([1.0, 1.0000001], count),
        "mostly the lowest": np.where(rng.random(count) < 0.7, -2.5, normal**2),
        "mostly zero": np.where(rng.random(count) < 0.9, 0.0, np.abs(normal)),
        "mostly the highest": np.where(rng.random(count) < 0.9, 5.0, np.minimum(normal, 4)),
        "huge": normal * 2.0**120,
        "tiny": normal * 2.0**-120,
        "every size": np.exp2(rng.uniform(-125, 127, count)) * rng.choice([-1, 1], count),
        "neighbours": np.nextafter(np.float32(3), np.float32(4)) + rng.integers(0, 9, count) * 2e-7,
        "one": np.full(count, -7.25),
    }[kind]
    return np.asarray(made + 0.0).astype(np.float32) + np.float32(0)  # no -0


KINDS = (
    *("normal", "positive", "negative", "logarithms", "ties", "two", "mostly the lowest"),
    *("mostly zero", "mostly the highest", "huge", "tiny", "every size", "neighbours", "one"),
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_selected_is_what_a_sort_finds(data: st.DataObject) -> None:
    draw = data.draw
    count = draw(st.one_of(st.integers(1, 40), st.integers(1, 5000)))
    values = drawn_values(draw(st.sampled_from(KINDS)), count, draw(st.integers(0, 99)))
    low, high = sorted(draw(st.integers(0, count - 1)) for _ in "ab")
    wider = np.append(values, draw(st.sampled_from([[], [-1e30], [1e30], [-1.0], [0.0]])))
    want = np.sort(values)[[low, high]]
    got = selected(values, (low, high), wider.astype(np.float32))
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 4096])
def test_the_ends_are_selected(kind: str, count: int) -> None:
    values = drawn_values(kind, count, 5)
    order = np.sort(values)
    for ranks in ((0, count - 1), (0, 0), (count - 1, count - 1), (count // 2, count // 2)):
        assert selected(values, ranks).tobytes() == order[list(ranks)].tobytes()


@pytest.mark.parametrize(
    ("low", "high", "frames", "ranks"),
    [(100, 9950, 24, (61, 6112)), (0, 10000, 24, (0, 6143)), (9999, 10000, 1, (254, 255))],
)
def test_ranks_are_floored_basis_points(
    low: int, high: int, frames: int, ranks: tuple[int, int]
) -> None:
    made = replace(MEMBERS["percentile"], percentile_low=low, percentile_high=high, frames=frames)
    numbers = make_numbers(made)
    assert (numbers.rank_low, numbers.rank_high) == ranks


def test_ranks_need_more_than_32_bits_on_the_way() -> None:
    """The product of basis points and values does; the ranks themselves are made here, exactly."""
    made = FrontendContract(
        chunk_samples=2_000_000, hop=1, frames=2_000_000, normalization="percentile"
    )
    count = 256 * 2_000_000
    assert make_numbers(made).rank_high == 9950 * (count - 1) // 10000


def test_values_beyond_the_ends_are_clamped_in_all_rows() -> None:
    made = MEMBERS["percentile-mel-log"]
    chunk = np.random.default_rng(1).normal(0, 3000, (1, SAMPLES)).astype(np.int16)
    chunk[0] += (8000 * np.sin(np.arange(SAMPLES) * 2 * np.pi * 200 / 24000)).astype(np.int16)
    plain = changed(made, normalization="fixed", fixed_scale=1.0, fixed_offset=0.0)
    logarithms, got = features(chunk, plain)[0], features(chunk, made)[0]
    judged = np.sort(logarithms[made.norm_row :], axis=None)
    low, high = (judged[p * (judged.size - 1) // 10000] for p in (500, 9900))
    assert 0 < made.norm_row < made.rows
    assert (got[logarithms <= low] == 0).all()
    assert (got[logarithms >= high] == 1).all()
    inside = (logarithms > low) & (logarithms < high)
    assert 0 < got[inside].min() < got[inside].max() < 1
    assert (got[: made.norm_row] == 1).any()  # the tone lies below


def test_a_click_does_not_decide_the_scale() -> None:
    """It is heard in 3 of 24 frames, an eighth of the values."""
    chunk = np.zeros((2, SAMPLES), np.int16)
    chunk[:] = np.random.default_rng(1).normal(0, 30, SAMPLES)
    chunk[1, SAMPLES // 2] = 32767
    robust = replace(MEMBERS["percentile"], percentile_high=8000)
    changes = []
    for made in (robust, MEMBERS["default"]):
        calm, clicked = features(chunk, made)[:, :, :8]  # frames that the click does not reach
        changes.append(float(np.abs(calm - clicked).max()))
    assert changes[0] < 0.2 < 0.6 < changes[1]


def test_where_both_percentiles_are_one_value() -> None:
    """Half of the chunk is silent, so that 1 % and 40 % are both 0."""
    made = replace(MEMBERS["percentile"], percentile_high=4000)
    chunk = np.zeros((1, SAMPLES), np.int16)
    chunk[0, 4000:] = np.random.default_rng(0).normal(0, 3000, SAMPLES - 4000)
    got = features(chunk, made)[0]
    assert set(np.unique(got)) == {0.0, 1.0}
    assert (got[:, :10] == 0).all()


def test_min_max_over_all_rows_is_what_it_was() -> None:
    """Where norm_low lies below every centre, nothing is beyond the ends."""
    plain = MEMBERS["mel-slaney"]
    lowest = replace(plain, norm_low=1.0)
    chunk = np.random.default_rng(1).normal(0, 3000, (1, SAMPLES)).astype(np.int16)
    assert lowest.norm_row == 0
    assert features(chunk, lowest).tobytes() == features(chunk, plain).tobytes()


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ({"norm_low": 0.0}, 0),
        ({"norm_low": 46.875}, 1),
        ({"norm_low": 46.9}, 2),
        ({"norm_low": 150.0, "fft_length": 128, "bins": 64}, 1),
        ({"norm_low": 1e-9}, 1),
        ({"norm_low": 1000.0, "mel_bands": 10, "mel_scale": "htk", "mel_low": 0.0}, 3),
    ],
)
def test_the_first_row_that_is_looked_at(values: dict[str, float], row: int) -> None:
    assert FrontendContract(**values).norm_row == row  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"percentile_low": 5}, "normalization percentile"),
        ({"normalization": "percentile", "percentile_low": 9950}, "of 10,000"),
        ({"normalization": "percentile", "percentile_high": 10001}, "of 10,000"),
        ({"norm_low": -1.0}, "at least 0"),
        ({"norm_low": 12000.0}, "at least one row"),
        ({"norm_low": 100.0, "normalization": "fixed"}, "minmax or percentile"),
        ({"norm_low": 100.0, "mel_bands": 20, "mfcc": 5, "compression": "log"}, "neither"),
        ({"norm_low": float("nan")}, "at most"),
        ({"percentile_low": 1.5}, "whole number"),
    ],
)
def test_what_cannot_be_normalized_is_refused(values: dict[str, object], expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        FrontendContract(**values)  # type: ignore[arg-type]
