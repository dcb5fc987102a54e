from dataclasses import replace
from pathlib import Path

import pytest

from model_gen.evaluation.learning import recipes
from model_gen.evaluation.learning.recipes import GEOMETRY, TODAY, options_for, version_of
from model_gen.evaluation.learning.speakers import Fold
from model_gen.training.presets import preset, table

FOLD = Fold("ada", "bo", ("cy",))
# What is no part of a recipe: where data lies, how it is split, and what the fold gives.
OUTSIDE = {
    *("data_path_train", "test_data", "max_samples", "max_classes", "labels", "split_file"),
    *("val_split", "test_split", "group_by", "test_group", "val_group", "seed"),
    *("callback", "teacher", "teacher_config", "noise_bank"),
}


def test_today_pins_every_option_that_decides_the_weights() -> None:
    """An option that is new says here what training did before there was one."""
    deciding = {name for name, one in table().items() if one.declared.part != "run"}
    assert set(TODAY) | set(GEOMETRY) == deciding - OUTSIDE
    assert not set(TODAY) & set(GEOMETRY)


def test_release_leaves_all_to_the_preset_but_geometry_and_head(tmp_path: Path) -> None:
    found = options_for("release", FOLD, 3, tmp_path, tmp_path)
    assert found.class_activation == "softmax"  # a digit is one of ten
    for name, value in preset("release").items():
        if name in GEOMETRY:
            assert getattr(found, name) == GEOMETRY[name]
        elif name not in (*OUTSIDE, "class_activation") and table()[name].declared.part != "run":
            assert getattr(found, name) == value, name
    assert (found.test_group, found.val_group, found.seed) == (("ada",), ("bo",), 3)
    assert (found.contract.hop, found.contract.chunk_samples) == (125, 8000)


def test_today_stays_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = options_for("today", FOLD, 1, tmp_path, tmp_path)
    for name, value in TODAY.items():
        assert getattr(found, name) == value, name
    other = replace(found, epochs=7, learning_rate=0.01)
    monkeypatch.setattr(recipes, "options_of", lambda name, given: replace(other, **given))
    assert options_for("today", FOLD, 1, tmp_path, tmp_path) == found


def test_another_release_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = version_of("release")
    assert version_of("release") == before
    assert version_of("release", 1) != before
    monkeypatch.setitem(recipes.GEOMETRY, "num_mels", 32)
    assert version_of("release") != before
