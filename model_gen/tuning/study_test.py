"""A study is joined by who searches the same, and by nobody else."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.data.dataset import index_dataset
from model_gen.data.testing import write_clips
from model_gen.training.presets import options_of
from model_gen.tuning import extra
from model_gen.tuning.identity import data_sha256, identity
from model_gen.tuning.plan import Plan
from model_gen.tuning.study import open_study
from model_gen.tuning.testing import OF, plan_in

optuna = pytest.importorskip("optuna")


def _joins(folder: Path, data: str = "d", **more: Any) -> None:
    plan = plan_in(folder, **more)
    open_study(plan, identity(plan, data))


def test_a_study_of_another_search_is_refused_and_says_how_it_differs(tmp_path: Path) -> None:
    _joins(tmp_path)
    _joins(tmp_path, n_trials=50, num_workers=1)  # which decide nothing
    for more, told in (
        ({"alpha": 0.5}, ["search of alpha absent", r"which was \[0.25, 1.5\]", "--alpha 0.5"]),
        ({"epochs": 7}, ["--epochs 7, which was 36"]),
        ({"objective": "ap"}, ["objective", "which was"]),
        ({"budget_macs": 5}, ["budget_macs 5, which was null"]),
        ({"data": "e"}, ["recordings"]),
        ({"seed": 1}, ["--seed 1, which was 42"]),
    ):
        for words in told:
            with pytest.raises(BadInput, match=words) as caught:
                _joins(tmp_path, **more)
        assert caught.value.what.startswith("a study must be of one search space")
        assert "another --study" in caught.value.next_step
    with pytest.raises(BadInput, match="pareto true, which was false"):
        _joins(tmp_path, pareto=True)


def test_a_study_that_somebody_else_began_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    optuna.create_study(storage=url, study_name="m").ask()
    with pytest.raises(BadInput, match="must be one that `nightjar train --tune` began"):
        open_study(plan_in(tmp_path, storage=url), OF)


def test_the_recordings_are_told_by_their_paths_sizes_and_labels(tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data", [4000, 5000, 6000])
    whole = data_sha256(index_dataset(data))
    assert whole == data_sha256(index_dataset(data))
    (data / "a" / "0.wav").rename(data / "b" / "9.wav")
    assert whole != data_sha256(index_dataset(data))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"n_trials": 5}, "--no-tune leaves --n-trials nothing to decide"),
        ({"objective": "ap"}, "--no-tune leaves --objective nothing"),
        ({"pareto": True}, "--no-tune leaves --pareto nothing"),
        ({"tune": True, "pareto": True, "pruner": "median"}, "--pareto needs --pruner none"),
        ({"tune": True, "resume": True}, "--tune leaves --resume nothing"),
        ({"tune": True, "overwrite": True}, "--tune leaves --overwrite nothing"),
        ({"tune": True, "backbone": "teacher", "budget_macs": 9}, "--backbone teacher leaves"),
        (
            {"tune": True, "backbone": "teacher", "objective": "int8-ap"},
            "needs --objective roc-auc",
        ),
        ({"tune": True, "objective": "loss"}, "--objective must be one of"),
        ({"tune": True, "study": "a/b"}, "--study must be letters"),
        ({"tune": True, "study": ".."}, "--study must be letters"),
        ({"tune": True, "study": "x" * 61}, "at most 60 of them"),
        (
            {"tune": True, "checkpoint_path": Path("my birds.keras")},
            "'my birds', the name of --checkpoint-path",
        ),
    ],
)
def test_what_makes_no_search_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        Plan.of("release", {"data_path_train": Path("data"), **given})


def test_two_objectives_run_unpruned_and_all_values_given_leave_nothing(tmp_path: Path) -> None:
    plan = plan_in(tmp_path, pareto=True)
    assert plan.options.pruner == "none"
    study = open_study(plan, OF)
    assert type(study.pruner).__name__ == "NopPruner"
    assert len(study.directions) == 2
    assert type(open_study(plan_in(tmp_path, study="x"), OF).pruner).__name__ == "MedianPruner"
    told = {one.name: one.default for one in plan.space.rows}
    with pytest.raises(BadInput, match="needs an option that is left to it"):
        plan_in(tmp_path, **told)
    assert options_of("release", {"data_path_train": "x", **told}).alpha == 1.0


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="needs the extra tune") as caught:
        extra.optuna()
    assert "[tune]" in caught.value.next_step
