from hypothesis import given
from hypothesis import strategies as st

from model_gen.training.randomness import keyed

PARTS = st.lists(st.integers(0, 99) | st.sampled_from(["a/b.wav", "\udcff.wav", ""]), max_size=4)


@given(PARTS, PARTS)
def test_the_numbers_depend_on_the_whole_key(one: list[int | str], other: list[int | str]) -> None:
    same = [*map(str, one)] == [*map(str, other)]
    drawn = [keyed("mask", *key).integers(2**62) for key in (one, other)]
    assert (drawn[0] == drawn[1]) == same


def test_two_purposes_have_nothing_in_common() -> None:
    assert keyed("order", 1, 2).integers(2**62) != keyed("mixup", 1, 2).integers(2**62)


def test_the_numbers_are_the_same_on_every_computer() -> None:
    assert keyed("mask", 42, 1, "up/a.wav", 0).integers(0, 1000, 4).tolist() == [385, 673, 129, 253]
