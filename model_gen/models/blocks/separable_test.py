import numpy as np
import pytest

from model_gen.models.blocks import testing as naive
from model_gen.models.blocks.separable import ds_block


@pytest.mark.parametrize(("channels", "stride", "kernel"), [(8, 1, 3), (16, 1, 5), (8, 2, 5)])
def test_it_is_its_formula(channels: int, stride: int, kernel: int) -> None:
    image, got, of = naive.run(
        (6, 9, 8), lambda x: ds_block(x, channels, stride, "b", seed=1, dropout=0.1, kernel=kernel)
    )
    x = naive.depthwise(image, of("b_dw"), stride)
    x = naive.relu6(naive.batch_norm(x, of("b_dw_bn")))
    x = naive.batch_norm(naive.convolution(x, of("b_pw")), of("b_pw_bn"))
    if stride == 1 and channels == 8:
        x = x + image
    np.testing.assert_allclose(got, naive.relu6(x), atol=1e-4)
