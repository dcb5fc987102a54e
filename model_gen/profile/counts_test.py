"""The counts beside loops that are walked naively."""

from hypothesis import given
from hypothesis import strategies as st

from model_gen.profile.counts import counts_of, form_of
from model_gen.profile.work import (
    AVERAGE_POOL,
    CONV,
    DEPTHWISE,
    TRANSPOSE,
    Work,
    broadcast,
    padded,
    permuted,
)


@st.composite
def windows(draw: st.DrawFn, kernel: str) -> Work:
    """A window of TensorFlow Lite's SAME padding over an image."""
    size = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    window = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    inputs = draw(st.sampled_from([1, 3, 8, 16, 40]))
    outputs = inputs if kernel != CONV else draw(st.sampled_from([1, 8, 30]))
    out = -(-size[0] // stride[0]), -(-size[1] // stride[1])
    pad = [
        max(0, (o - 1) * s + k - n) // 2
        for o, s, k, n in zip(out, stride, window, size, strict=True)
    ]
    return Work(kernel, (*size, inputs), (*out, outputs), window, stride, (pad[0], pad[1]))


def _inside(work: Work) -> list[bool]:
    """Of each place in order, whether its window sees no padding."""
    found = []
    for y in range(work.target[0]):
        for x in range(work.target[1]):
            first = y * work.stride[0] - work.pad[0], x * work.stride[1] - work.pad[1]
            found.append(
                all(
                    at >= 0 and at + k <= n
                    for at, k, n in zip(first, work.window, work.source, strict=False)
                )
            )
    return found


@given(windows(CONV))
def test_a_convolution_takes_every_place_once_in_pairs(work: Work) -> None:
    counts = counts_of(work)
    assert counts is not None
    places = work.target[0] * work.target[1]
    assert places / 2 <= counts["pairs"] <= places
    groups = -(-work.target[2] // 4)
    assert counts["groups"] == counts["pairs"] * groups
    if form_of(work).endswith("gathered"):
        at_edges = counts.get("edges", 0) + counts.get("edges, narrow", 0)
        assert counts["gathered"] == sum(_inside(work))
        assert counts["gathered"] + at_edges == places


@given(windows(DEPTHWISE))
def test_a_depthwise_convolution_takes_every_place_once(work: Work) -> None:
    counts = counts_of(work)
    assert counts is not None
    places = work.target[0] * work.target[1]
    side = 16 // work.target[2] if work.stride[1] == 1 and 16 % work.target[2] == 0 else 1
    assert places / side <= counts["turns"] <= places
    assert 1 <= counts["runs"] <= places
    if side == 1:
        assert counts["turns"] == places


@given(windows(AVERAGE_POOL))
def test_a_pool_counts_the_places_inside(work: Work) -> None:
    counts = counts_of(work)
    assert counts is not None
    seen = 0
    for y in range(work.target[0]):
        for x in range(work.target[1]):
            rows = range(
                y * work.stride[0] - work.pad[0], y * work.stride[0] - work.pad[0] + work.window[0]
            )
            columns = range(
                x * work.stride[1] - work.pad[1], x * work.stride[1] - work.pad[1] + work.window[1]
            )
            seen += sum(
                0 <= r < work.source[0] and 0 <= c < work.source[1] for r in rows for c in columns
            )
    assert counts["places"] == seen * -(-work.source[2] // 8)


def test_a_kernel_that_is_not_known_has_no_counts() -> None:
    assert counts_of(Work("nj_gather_s8")) is None


def test_rows_of_broadcasts_moves_and_paddings() -> None:
    gate = broadcast("nj_mul_s8", (4, 8, 32), (1, 1, 32), (4, 8, 32))
    assert (gate.rows, gate.length) == (32, 32)
    scores = broadcast("nj_mul_s8", (4, 8, 32), (4, 8, 1), (4, 8, 32))
    assert (scores.rows, scores.length) == (32, 32)
    whole = broadcast("nj_mul_s8", (4, 8, 32), (4, 8, 32), (4, 8, 32))
    assert (whole.rows, whole.length) == (1, 1024)
    assert permuted((256, 1, 1), (2, 1, 0)) is None
    assert permuted((256, 64, 1), (2, 1, 0)) == Work(TRANSPOSE, rows=64, length=256, step=64)
    assert permuted((6, 10, 40), (1, 0, 2)) == Work(TRANSPOSE, rows=60, length=40)
    rows = padded((257, 64, 1), (0, 0, 0), (7, 0, 0))
    assert (rows.rows, rows.length, rows.target[2]) == (1, 257 * 64, 264 * 64)
    around = padded((4, 6, 3), (1, 1, 0), (1, 1, 0))
    assert (around.rows, around.length) == (4, 18)
