import numpy as np
import pytest

from model_gen.models.blocks import testing as naive
from model_gen.models.blocks.squeeze_excite import squeeze_excite


@pytest.mark.parametrize(("reduction", "middle"), [(1, 24), (5, 4), (8, 3), (25, 1)])
def test_it_is_its_formula(reduction: int, middle: int) -> None:
    image, got, of = naive.run((5, 4, 24), lambda x: squeeze_excite(x, reduction, "b"))
    np.testing.assert_allclose(got, naive.squeeze_excite(image, of, "b"), atol=1e-5)
    assert [w.shape for w in of("b_reduce")] == [(24, middle)]  # no biases
    assert [w.shape for w in of("b_excite")] == [(middle, 24)]
