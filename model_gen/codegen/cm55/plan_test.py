"""The memory plan: nothing alive is written over, and `last_step` is the truth."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.codegen.cm55.plan import ALIGNMENT, Block, aligned, peak, place

STEPS = 12


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    found = []
    for key in range(draw(st.integers(0, 14))):
        first = draw(st.integers(-1, STEPS - 1))
        last = draw(st.integers(max(first, 0), STEPS - 1))
        found.append(Block(key, draw(st.integers(1, 200)), first, last))
    return found


def overlap(plan_offsets: dict[int, int], a: Block, b: Block) -> bool:
    start_a, start_b = plan_offsets[a.key], plan_offsets[b.key]
    return start_a < start_b + b.bytes and start_b < start_a + a.bytes


@given(blocks())
@settings(deadline=None)
def test_blocks_alive_together_never_overlap(given_blocks: list[Block]) -> None:
    plan = place(given_blocks)
    for a in given_blocks:
        assert plan.offsets[a.key] % ALIGNMENT == 0
        assert plan.offsets[a.key] + a.bytes <= plan.bytes
        for b in given_blocks:
            together = a.first <= b.last and b.first <= a.last
            if a.key != b.key and together:
                assert not overlap(plan.offsets, a, b)
    assert peak(given_blocks) <= plan.bytes <= sum(aligned(b.bytes) for b in given_blocks)


@given(blocks())
@settings(deadline=None)
def test_last_step_is_when_another_block_is_written_there(given_blocks: list[Block]) -> None:
    plan = place(given_blocks)
    for block in given_blocks:
        # Naive: play the steps until one writes over the block.
        expected = STEPS - 1
        for step in range(max(block.first, 0) + 1, STEPS):
            writers = [other for other in given_blocks if other.first == step]
            if any(overlap(plan.offsets, block, other) for other in writers):
                expected = step - 1
                break
        assert plan.last_step(block.key, STEPS) == expected >= block.last


@given(blocks())
@settings(deadline=None)
def test_the_order_of_blocks_does_not_matter(given_blocks: list[Block]) -> None:
    shuffled = list(reversed(given_blocks))
    assert place(shuffled).offsets == place(given_blocks).offsets


def test_best_fit_takes_the_smallest_gap() -> None:
    # Three blocks that stay leave gaps of 64 and 32 behind blocks that end; 32 bytes go into the smaller.
    fixed = [Block(0, 160, 0, 1), Block(1, 144, 0, 9), Block(2, 128, 0, 1), Block(3, 112, 0, 9)]
    plan = place([*fixed, Block(4, 96, 5, 9)])
    assert plan.offsets[4] == plan.offsets[2]


@pytest.mark.parametrize(("size", "wanted"), [(0, 0), (1, 16), (16, 16), (17, 32)])
def test_aligned(size: int, wanted: int) -> None:
    assert aligned(size) == wanted


@given(blocks(), st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=8))
@settings(deadline=None)
def test_in_place_pairs_overlap_only_where_one_ends_as_the_other_begins(
    given_blocks: list[Block], pairs: list[tuple[int, int]]
) -> None:
    keys = {b.key for b in given_blocks}
    known = [(a, b) for a, b in pairs if a in keys and b in keys and a != b]
    plan = place(given_blocks, in_place=known)
    for a in given_blocks:
        for b in given_blocks:
            if a.key >= b.key or not overlap(plan.offsets, a, b):
                continue
            together = a.first <= b.last and b.first <= a.last
            handed_on = any(
                x.last == y.first and (x.key, y.key) in known for x, y in ((a, b), (b, a))
            )
            assert not together or handed_on


def test_in_place_saves_the_second_block() -> None:
    two = [Block(0, 64, 0, 1), Block(1, 64, 1, 2)]
    assert place(two).bytes == 128
    assert place(two, in_place=[(0, 1)], behind=15).bytes == 64 + 16
