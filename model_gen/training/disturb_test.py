from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.audio.decode import to_int16
from model_gen.training.disturb import DRAWN, Disturber, Floats
from model_gen.training.noise_bank import NoiseBank, generated
from model_gen.training.options import TrainOptions
from model_gen.training.presets import preset

BANK = generated(8000, 1)
OFF = TrainOptions(
    data_path_train=Path("data"),
    sample_rate=8000,
    gain_db=0.0,
    noise_probability=0.0,
    rain_probability=0.0,
    hum_probability=0.0,
    click_probability=0.0,
    dc_probability=0.0,
)
X = (np.random.default_rng(0).integers(-9000, 9000, 2000) / 32768).astype(np.float32)


def disturbed(key: int, bank: NoiseBank = BANK, x: Floats = X, **given: Any) -> Floats:
    return Disturber(replace(OFF, **given), bank)(x, 42, 1, "up/a.wav", key, 0)


@settings(deadline=None)
@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=300), st.integers(0, 99))
def test_with_all_of_it_off_the_bytes_of_a_window_are_what_they_were(
    samples: list[int], key: int
) -> None:
    pcm = np.array(samples, np.int16)
    assert not Disturber(OFF, None).acts
    x = pcm.astype(np.float32) / np.float32(32768)
    assert to_int16(disturbed(key, x=x)).tobytes() == pcm.tobytes()


@pytest.mark.parametrize("name", [*DRAWN, "gain"])
def test_each_acts_on_its_own(name: str) -> None:
    given_options: dict[str, Any] = {f"{name}_probability": 1.0}
    if name == "gain":
        given_options = {"gain_db": 6.0}
    assert Disturber(replace(OFF, **given_options), BANK).acts
    for key in range(20):
        assert disturbed(key, **given_options).tobytes() != X.tobytes()


@pytest.mark.parametrize("name", DRAWN)
def test_it_happens_to_the_stated_share_of_windows(name: str) -> None:
    short = X[:50]
    on: dict[str, Any] = {f"{name}_probability": 0.3}
    changed = [disturbed(key, x=short, **on).tobytes() != short.tobytes() for key in range(1000)]
    assert 0.26 < np.mean(changed) < 0.34


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(DRAWN), st.sets(st.sampled_from(DRAWN)), st.integers(0, 999))
def test_what_one_draws_does_not_depend_on_whether_others_are_on(
    name: str, others: set[str], key: int
) -> None:
    """Of a silent window, each adds what it would add alone; noise, gain aside, adds to nothing."""
    silence = np.zeros(500, np.float32)
    on: dict[str, Any] = {f"{other}_probability": 0.5 for other in {*others, name}}
    alone = np.zeros(500, np.float32)
    for one in on:
        only: dict[str, Any] = {one: 0.5}
        alone += disturbed(key, x=silence, **only)
    np.testing.assert_allclose(disturbed(key, x=silence, **on), alone, atol=1e-6)


def test_the_level_is_that_of_sound_and_noise_and_of_nothing_electric() -> None:
    silence = np.zeros(500, np.float32)
    for name in DRAWN:
        on: dict[str, Any] = {f"{name}_probability": 1.0}
        same = disturbed(3, x=silence, gain_db=40.0, **on) == disturbed(3, x=silence, **on)
        assert same.all() == (name != "noise")


def test_the_gain_is_uniform_in_decibels_either_way() -> None:
    one = np.array([0.5], np.float32)
    found = [float(disturbed(key, x=one, gain_db=12.0)[0]) / 0.5 for key in range(2000)]
    levels = 20 * np.log10(found)
    assert -12 <= levels.min() < -11.9
    assert 11.9 < levels.max() <= 12
    assert np.abs(np.histogram(levels, 8, (-12, 12))[0] - 250).max() < 70


def test_another_bank_leaves_the_ratio_and_all_else() -> None:
    on: dict[str, Any] = {"noise_probability": 1.0, "hum_probability": 1.0}
    silence = np.zeros(500, np.float32)
    other = NoiseBank((np.random.default_rng(3).normal(0, 700, 4001).astype(np.float32),))
    hum = disturbed(7, x=silence, hum_probability=1.0)
    one, two = (disturbed(7, bank, silence, **on) - hum for bank in (BANK, other))
    assert one.std() != 0
    assert np.mean(one**2) == pytest.approx(np.mean(two**2), rel=1e-3)


def test_windows_epochs_and_turns_draw_for_themselves() -> None:
    act = Disturber(replace(OFF, click_probability=1.0), None)
    keys = [(42, 1, "a", 0, 0), (43, 1, "a", 0, 0), (42, 2, "a", 0, 0)]
    keys += [(42, 1, "b", 0, 0), (42, 1, "a", 1, 0), (42, 1, "a", 0, 1)]
    assert len({act(X, *key).tobytes() for key in keys}) == len(keys)


def test_april_disturbs_nothing_and_release_everything() -> None:
    for name in ("gain_db", *(f"{one}_probability" for one in DRAWN)):
        assert preset("april")[name] == 0
        assert preset("release")[name] > 0


def test_the_ratios_of_noise_come_in_order() -> None:
    with pytest.raises(BadInput, match="--noise-snr") as caught:
        replace(OFF, noise_snr=(30, 0))
    assert caught.value.next_step == "give --noise-snr 0,30"
