import numpy as np
import pytest

from model_gen.models.blocks import testing as naive
from model_gen.models.blocks.attention_pooling import attention_pooling, doubtful_places


def test_it_is_its_formula() -> None:
    image, got, of = naive.run((5, 4, 24), attention_pooling)
    np.testing.assert_allclose(got, naive.attention_pooling(image, of, "pool"), atol=1e-5)


def test_places_of_the_same_kind_give_their_mean() -> None:
    image, got, _ = naive.run((3, 2, 8), attention_pooling, lambda x: np.ones_like(x))
    np.testing.assert_allclose(got, image.mean(axis=(0, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("height", "width", "told"), [(4, 8, False), (8, 8, False), (5, 13, True), (1, 1, True)]
)
def test_many_places_and_a_single_one_are_told(height: int, width: int, told: bool) -> None:
    said = doubtful_places(height, width)
    assert (said is not None) == told
    assert said is None or f"over {height * width} place" in said
