"""What faithful and shadow training round, and what they minimize, held against NumPy."""

from typing import Any

import keras
import numpy as np
import pytest

from model_gen.runtime import tensorflow
from model_gen.training.losses import Loss, bce
from model_gen.training.qat import fake, losses
from model_gen.training.qat.shadow import Shadow, rounded_kernel

tf = tensorflow()
RNG = np.random.default_rng(3)


def test_an_activation_is_in_steps_and_its_gradient_ends_with_the_range() -> None:
    x = RNG.uniform(-3, 6, 1000).astype(np.float32)
    scale, zero = 0.021, -70
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        found = fake.activation(given, tf.constant([scale, zero], tf.float32))
    steps = np.clip(np.round(x / scale) + zero, -128, 127)
    np.testing.assert_allclose(found, (steps - zero) * scale, atol=1e-6)
    inside = (x > scale * (-128 - zero)) & (x < scale * (127 - zero))
    np.testing.assert_array_equal(tape.gradient(found, given), inside.astype(np.float32))
    assert 0 < inside.mean() < 1


@pytest.mark.parametrize("shift", [None, 5.0, RNG.integers(0, 9, 64).astype(np.float32)])
def test_what_is_fused_into_one_pass_has_the_bits_of_many(shift: Any) -> None:
    """Values at halves of a step and at the ends of the range, too; but for the sign of a gradient that is 0."""
    steps = tf.constant([0.0217, -70.0], tf.float32)
    x = RNG.uniform(-3, 6, (3, 8, 8, 64)).astype(np.float32)
    x[0] = np.float32(0.0217) * RNG.integers(-200, 400, x[0].shape) / 2
    x[1, 0, 0, :3] = np.nan, np.inf, -np.inf
    slope = RNG.normal(size=x.shape).astype(np.float32)
    found = []
    for given in (x, x.reshape(-1, 64)):  # of a row, 64 values are too few
        with tf.GradientTape() as tape:
            value = tf.constant(given)
            tape.watch(value)
            made = fake.activation(value, steps, shift, (0.0, 5.0))
        assert fake._is_large(value) == (given is x)
        got = tape.gradient(made, value, tf.reshape(slope, given.shape))
        found.append([np.reshape(each, x.shape) for each in (made, got)])
    for fused, one_by_one in zip(*found, strict=True):
        np.testing.assert_array_equal(fused, one_by_one)


def test_a_fused_activation_cuts_off_where_the_range_does_not() -> None:
    x = np.array([-1.0, 0.5, 5.0, 7.0], np.float32)
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        found = fake.activation(given, tf.constant([0.1, 0.0], tf.float32), ends=(0.0, 6.0))
    np.testing.assert_allclose(found, [0, 0.5, 5, 6], atol=1e-6)
    np.testing.assert_array_equal(tape.gradient(found, given), [0, 1, 1, 0])


@pytest.mark.parametrize("count", [1, 6, 24])
def test_a_sum_is_rescaled_as_tflite_does_by_a_high_product_and_a_shift(count: int) -> None:
    """For a mean, TFLite divides the multiplier by the count, and shifts by the whole powers of 2 in it."""
    sums = RNG.integers(-200000, 200000, (20000, 2))
    ratios = np.array([0.00087, 0.0123]) * count
    mantissa, exponent = np.frexp(ratios)
    powers = count.bit_length() - 1
    high = np.floor(sums * (np.round(mantissa * 2**31) * 2**powers // count) / 2**31 + 0.5)
    exponent -= powers
    wanted = np.sign(high) * np.floor(np.abs(high) * 2.0**exponent + 0.5)
    inside = np.abs(wanted) <= 127
    shift = fake.right_shift(tf.constant(ratios, tf.float32), count)
    np.testing.assert_array_equal(shift, -exponent)
    x = (sums * ratios / count).astype(np.float32)
    twice, once = (fake.activation(x, [1.0, 0.0], s).numpy() for s in (shift, None))
    assert (twice != wanted)[inside].mean() < 1e-4 < (once != wanted)[inside].mean()


@pytest.mark.parametrize("axis", [0, 3])
def test_a_kernel_is_symmetric_in_127_steps_of_each_channel(axis: int) -> None:
    kernel = RNG.normal(size=(5, 3, 2, 7)).astype(np.float32)
    kernel[(0,) if axis == 0 else (..., 0)] = 0
    with tf.GradientTape() as tape:
        given = tf.constant(kernel)
        tape.watch(given)
        found, scales = fake.kernel(given, axis)
    np.testing.assert_array_equal(tape.gradient(found, given), np.ones_like(kernel))
    for i in range(kernel.shape[axis]):
        one, got = (np.take(np.asarray(v), i, axis) for v in (kernel, found))
        step = max(np.abs(one).max(), 5e-7) / 127
        assert float(scales[i]) == pytest.approx(step, rel=1e-6)
        np.testing.assert_allclose(got, np.round(one / step) * step, atol=1e-6)


def test_halves_of_a_step_of_a_kernel_are_rounded_away_from_zero() -> None:
    """As the converter has them: a trained weight at -98.5 steps became -99."""
    kernel = np.array([[127.0, 0.5, -98.5, 2.5, 0.49999997]], np.float32)
    found, _ = fake.kernel(tf.constant(kernel), 0)
    np.testing.assert_array_equal(found, [[127, 1, -99, 3, 0]])


def test_a_bias_is_in_steps_of_its_channel() -> None:
    values, scales = np.array([0.3, -0.26], np.float32), np.array([0.1, 0.1], np.float32)
    np.testing.assert_allclose(fake.bias(tf.constant(values), scales), [0.3, -0.3], atol=1e-6)


def test_to_stay_the_teacher_costs_nothing_and_to_leave_it_its_formula() -> None:
    teacher, student = RNG.normal(size=(2, 20, 4)).astype(np.float32) * 2
    cosine = (
        (teacher * student).sum(1)
        / np.linalg.norm(teacher, axis=1)
        / np.linalg.norm(student, axis=1)
    )
    off = 1 - cosine
    p, q = (1 / (1 + np.exp(-x.astype(float))) for x in (teacher, student))
    bernoulli = np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    a, b = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (teacher, student))
    categorical = np.mean((a * np.log(a / b)).sum(1))
    besides = 0.1 * off.mean() + 0.75 * np.sort(off)[-2:].mean()
    for head, kl in (("sigmoid", bernoulli), ("softmax", categorical)):
        assert float(losses.staying(teacher, student, head)) == pytest.approx(
            kl + besides, rel=1e-4
        )
        assert float(losses.staying(teacher, teacher, head)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("per_tensor", [False, True])
def test_a_shadow_step_is_that_of_rounded_kernels(per_tensor: bool) -> None:
    """W + (W' - Wq), W' being what gradient descent makes of Wq."""
    kernel = RNG.normal(size=(4, 2)).astype(np.float32)
    x, y = RNG.normal(size=(8, 4)).astype(np.float32), RNG.integers(0, 2, (8, 2)).astype(np.float32)
    given = keras.Input((4,))
    model = keras.Model(given, keras.layers.Dense(2, name="logits")(given))
    model.get_layer("logits").set_weights([kernel, np.zeros(2, np.float32)])
    learner = Shadow(
        model, Loss(lambda t, z, p: bce(t, z), 0.0, 0.5), bits=4, per_tensor=per_tensor
    )
    learner.compile(optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
    learner.fit(x, {"targets": y}, batch_size=8, epochs=1, verbose=0, shuffle=False)

    low, high = (f(kernel, axis=None if per_tensor else 0) for f in (np.min, np.max))
    step = (high - low) / 15
    rounded = np.round((kernel - low) / step) * step + low
    gradient = x.T @ (1 / (1 + np.exp(-(x @ rounded))) - y) / y.size
    got = model.get_layer("logits").get_weights()[0]
    np.testing.assert_allclose(got, kernel - 0.5 * gradient, atol=1e-5)
    again = rounded_kernel(tf.constant(kernel), None if per_tensor else -1, 4)
    np.testing.assert_allclose(again, rounded, atol=1e-6)
