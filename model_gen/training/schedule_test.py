import numpy as np
import pytest

from model_gen.training.schedule import learning_rate


def test_two_epochs_of_warm_up_then_a_cosine_to_about_zero() -> None:
    rates = [
        learning_rate(s, peak=0.01, steps_per_epoch=10, epochs=50, warmup_epochs=2)
        for s in range(500)
    ]
    np.testing.assert_allclose(np.diff(rates[:20]), 0.0005)
    assert rates[19] == max(rates) == pytest.approx(0.01)
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[20 + 240] == pytest.approx(0.005)
    assert 0 <= rates[-1] < 1e-6
