import numpy as np
import pytest

from model_gen.models.blocks import testing as naive
from model_gen.models.blocks.inverted_residual import inverted_residual


@pytest.mark.parametrize(
    ("channels", "stride", "expansion", "reduction"),
    [(8, 1, 2, None), (8, 1, 6, 4), (16, 1, 1, None), (8, 2, 3, 100)],
)
def test_it_is_its_formula(
    channels: int, stride: int, expansion: int, reduction: int | None
) -> None:
    image, got, of = naive.run(
        (6, 9, 8),
        lambda x: inverted_residual(
            x,
            channels,
            stride,
            "b",
            seed=1,
            dropout=0.1,
            expansion=expansion,
            se_reduction=reduction,
        ),
    )
    x = naive.relu6(naive.batch_norm(naive.convolution(image, of("b_expand")), of("b_expand_bn")))
    assert x.shape[-1] == 8 * expansion
    x = naive.relu6(naive.batch_norm(naive.depthwise(x, of("b_dw"), stride), of("b_dw_bn")))
    if reduction is not None:
        x = naive.squeeze_excite(x, of, "b_se")
        assert of("b_se_reduce")[0].shape[1] == {4: 12, 100: 1}[reduction]
    x = naive.batch_norm(naive.convolution(x, of("b_project")), of("b_project_bn"))
    if stride == 1 and channels == 8:
        x = x + image
    np.testing.assert_allclose(got, x, atol=1e-4)
    assert (got < 0).any()  # no activation at its end
