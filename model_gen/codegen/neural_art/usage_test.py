"""Memory over time, against a naive count of bytes."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.codegen.neural_art.c_info import parse_c_info
from model_gen.codegen.neural_art.compilation import Compilation
from model_gen.codegen.neural_art.testing.written import Small, c_info
from model_gen.codegen.neural_art.usage import picture, usage


def small() -> Compilation:
    return parse_c_info(c_info(Small("4.0", b"")))


def test_the_picture_is_what_buffers_say() -> None:
    made = small()
    lines = picture(made, next(pool for pool in made.pools if pool.name == "npuRAM5"))
    assert lines[0].startswith("npuRAM5: one column one epoch from 0, one row 64 bytes")
    # 768 bytes in 12 rows: input and scores lie in the first 256, the convolution's in the last 256.
    assert [line.split()[-1] for line in lines[1:]] == [
        *["o##o#"],
        *["...o#"] * 3,
        *["....."] * 4,
        *["..o#."] * 4,
    ]


@st.composite
def places(draw: st.DrawFn) -> tuple[str, int, int, int, int]:
    """(pool, offset, bytes, first, last)."""
    first = draw(st.integers(0, 8))
    return (
        draw(st.sampled_from(["npuRAM5", "npuRAM6"])),
        draw(st.integers(0, 30)),
        draw(st.integers(0, 12)),
        first,
        first + draw(st.integers(0, 4)),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(places(), min_size=1, max_size=8))
def test_a_byte_counts_once_an_epoch_however_many_have_it(drawn: list[Any]) -> None:
    made = small()
    template = made.buffers[0]
    buffers = tuple(
        replace(template, id=n, pool=pool, offset=at, bytes=size, first=first, last=last)
        for n, (pool, at, size, first, last) in enumerate(drawn)
    )
    found = usage(replace(made, buffers=buffers))
    assert found is not None
    for epoch, alive in zip(found.epochs, found.alive, strict=True):
        held = {
            (pool, byte)
            for pool, at, size, first, last in drawn
            if first <= epoch <= last
            for byte in range(at, at + size)
        }
        assert alive == len(held)
    assert found.peak_bytes == max(found.alive)
    assert {b.id for b in found.peak} == {
        n for n, one in enumerate(drawn) if one[3] <= found.peak_epoch <= one[4]
    }


def test_a_file_that_tells_absurd_epochs_ends_soon() -> None:
    made = small()
    far = replace(made.buffers[0], last=1 << 60)
    found = usage(replace(made, buffers=(far, *made.buffers[1:])))
    assert found is not None
    assert len(found.epochs) == 4096


def test_reports_tell_no_buffers() -> None:
    assert usage(replace(small(), buffers=())) is None
