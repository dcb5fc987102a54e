"""One trial, from what is drawn to what it is worth."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.cli import run
from host.errors import BadInput, HostFailure
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.checkpoint import load_checkpoint
from model_gen.quantization import run as quantization
from model_gen.training.judge import NotFinite
from model_gen.training.options import TrainOptions
from model_gen.training.presets import table
from model_gen.tuning import carry, objective
from model_gen.tuning.identity import identity
from model_gen.tuning.outcome import CHECKPOINT, CURVE, REASON
from model_gen.tuning.plan import Plan
from model_gen.tuning.study import open_study
from model_gen.tuning.watch import Pruned, Watch
from model_gen.tuning.work import work

optuna = pytest.importorskip("optuna")
LABELS = ("down", "up")
HEARD = ("sample_rate", "chunk_duration", "fft_length", "spec_width", "num_mels")
# What is left to be drawn is alpha, and whether there is squeeze and excitation.
SMALL: dict[str, Any] = {
    **{name: TINY[name] for name in (*HEARD, "freq_mask_max", "time_mask_max", "embeddings_size")},
    "stage_widths": (8, 8, 8, 16),
    "stage_repeats": (1, 1, 1, 1),
    **{"depth_multiplier": 0.25, "inverted_residual": False, "use_attention_pooling": False},
    **{"dropout": 0.1, "mixup_alpha": 0.2, "label_smoothing": 0.0, "optimizer": "adam"},
    **{"weight_decay": 0.0, "grad_clip": 1.0, "batch_size": 8, "learning_rate": 0.01},
    **{"epochs": 1, "se_reduction": 8, "tune": True, "objective": "ap"},
}


def _plan(folder: Path, **more: Any) -> Plan:
    places = {"data_path_train": folder / "data", "checkpoint_path": folder / "m.keras"}
    more = {"storage": f"journal:///{folder}/study.log", **more}
    return Plan.of("release", {**SMALL, **places, **more})


def _study(plan: Plan, trials: int) -> Any:
    """What comes of trials that are carried out as in earnest."""
    study = open_study(plan, identity(plan, "d"))
    work(
        study,
        trials,
        plan.held,
        lambda trial: carry.carry_out(plan, LABELS, trial),
    )
    return study


def _told(monkeypatch: pytest.MonkeyPatch, *ends: Any) -> list[TrainOptions]:
    """Let trainings of 1,000 multiply-accumulates end so in turn: by an exception, or with a curve."""
    trained: list[TrainOptions] = []

    def train(options: TrainOptions, *, callbacks: tuple[Watch, ...]) -> Any:
        options.checkpoint_path.parent.mkdir(parents=True, exist_ok=True)
        options.checkpoint_path.write_bytes(b"")
        trained.append(options)
        end = ends[len(trained) - 1]
        if isinstance(end, Exception):
            raise end
        for epoch, value in enumerate(end):
            callbacks[0].on_epoch_end(epoch, {"val_ap": value})
        history = [optuna.trial.create_trial(value=0.0) for _ in end]  # anything with attributes
        for epoch, (row, value) in enumerate(zip(history, end, strict=True), 1):
            row.epoch, row.val_ap, row.judged = epoch, value, not math.isnan(value)
        progress = type("Progress", (), {"history": history, "best": history[-1]})
        return type("Result", (), {"progress": progress})

    monkeypatch.setattr(carry, "train", train)
    monkeypatch.setattr(carry, "_size", lambda options, labels, trial: 1000)
    monkeypatch.setattr(carry, "_forget", lambda: None)
    return trained


def test_each_end_of_a_training_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nan = NotFinite("training must keep its numbers finite", evidence="Received: epoch 1: loss nan")
    ends = ([0.5, math.nan, 0.75], nan, [math.nan], [0.25])
    trained = _told(monkeypatch, *ends)
    plan = _plan(tmp_path, epochs=3)
    trials = _study(plan, 4).get_trials(deepcopy=False)
    assert [trial.state.name for trial in trials] == ["COMPLETE", "PRUNED", "PRUNED", "COMPLETE"]
    assert [trials[0].value, trials[3].value] == [0.75, 0.25]
    assert trials[0].user_attrs[CURVE] == [[1, 0.5], [3, 0.75]]
    assert trials[0].params == {"alpha": 1.0, "se": False}
    assert trials[1].user_attrs[REASON].endswith("Received: epoch 1: loss nan")
    assert "gives no ap" in trials[2].user_attrs[REASON]
    assert [plan.checkpoint(n).exists() for n in range(4)] == [True, False, False, True]
    for trial, options in zip(trials, trained, strict=True):
        assert trial.user_attrs[CHECKPOINT] == str(options.checkpoint_path)
        assert options.alpha == trial.params["alpha"]
        assert (options.overwrite, options.tune) == (True, False)


def test_a_trial_over_the_budget_or_that_cannot_be_built_is_not_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = _told(monkeypatch)
    study = _study(_plan(tmp_path, budget_macs=999), 1)
    assert (
        "1,000 multiply-accumulates, over the budget of 999" in study.trials[0].user_attrs[REASON]
    )
    monkeypatch.setattr(
        Plan, "trial_options", lambda *a, **b: (_ for _ in ()).throw(BadInput("--se needs more"))
    )
    study = _study(_plan(tmp_path, study="other"), 1)
    assert study.trials[0].user_attrs[REASON].startswith("--se needs more")
    assert [trial.state.name for trial in study.trials] == ["PRUNED"]
    assert not trained


def test_what_is_not_of_the_drawn_options_ends_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _told(monkeypatch, HostFailure("no room on the disk"))
    with pytest.raises(HostFailure, match="no room"):
        _study(_plan(tmp_path), 3)


def test_two_objectives_are_the_objective_and_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _told(monkeypatch, [0.5], [0.25])
    for trial in _study(_plan(tmp_path, pareto=True), 2).get_trials(deepcopy=False):
        assert trial.values[1] == 1000
        assert trial.intermediate_values == {}


def test_the_pruner_ends_what_is_below_the_median_but_not_at_the_end() -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(2, 0))
    for values in ([0.6, 0.7], [0.8, 0.9]):
        trial = study.ask()
        watch = Watch(trial, "val_ap", 2, prunes=True)
        for epoch, value in enumerate(values):
            watch.on_epoch_end(epoch, {"val_ap": value})
        study.tell(trial, values[-1])
    behind = Watch(study.ask(), "val_ap", 2, prunes=True)
    behind.on_epoch_end(1, {"val_ap": 0.1})
    with pytest.raises(Pruned, match=r"epoch 1 of 2: 0\.6500 is below the median"):
        Watch(study.ask(), "val_ap", 2, prunes=True).on_epoch_end(0, {"val_ap": 0.65})
    Watch(study.ask(), "val_ap", 2, prunes=False).on_epoch_end(0, {"val_ap": 0.65})


def test_int8_ap_is_of_the_bundle_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    gates = type("Gates", (), {"int8_ap": 0.5, "refused": ("cosine 0.1",)})
    found: Any = type("Result", (), {"gates": gates, "contract": object()})

    def quantize(options: Any) -> Any:
        asked.append(options)
        return found

    monkeypatch.setattr(quantization, "quantize", quantize)
    options = replace(_plan(tmp_path).options, tune=False)
    assert objective.judged(options, found, "int8-ap") == 0.5
    assert asked[0].out == tmp_path / "bundle"
    found.contract = None
    with pytest.raises(objective.NoValue, match=r"quantization refused: cosine 0\.1"):
        objective.judged(options, found, "int8-ap")


def test_the_command_searches_and_writes_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_dataset(tmp_path / "data", per_class=5)
    told = [table()[name].typed(value).split() for name, value in SMALL.items()]
    arguments = [word for words in told for word in words]
    places = ["--data-path-train", str(tmp_path / "data"), "--checkpoint-path"]
    places += [str(tmp_path / "m" / "best.keras"), "--cache-dir", str(tmp_path / "cache")]
    search = ["train", *places, *arguments, "--alpha", "1", "--n-trials", "1"]
    assert run([*search, "--json", str(tmp_path / "found.json")]) == 0
    said = capsys.readouterr()
    assert "study best: 1 trials, 1 complete" in said.out
    found = json.loads((tmp_path / "m" / "best_tuning.json").read_text())
    assert found == json.loads((tmp_path / "found.json").read_text())
    (trial,) = found["trials"]
    assert found["best"] == [0]
    assert [epoch for epoch, _ in trial["curve"]] == [1]
    assert trial["value"] == trial["curve"][0][1]
    model, _ = load_checkpoint(Path(trial["checkpoint"]))
    assert trial["macs"] > trial["parameters"] == model.count_params()
    assert "trial 0 is best" in (tmp_path / "m" / "best_tuning.html").read_text()
    assert run(search) == 0  # it has its trials
    assert "study best: 1 trials, 1 complete" in capsys.readouterr().out
    assert run([*search, "--no-se"]) == 2
    assert "search of se absent, which was" in capsys.readouterr().err
    report = (tmp_path / "m" / "best_tuning.html").read_bytes()
    assert run([*search, "--study", "small", "--budget-macs", "1"]) == 0
    assert "a higher --n-trials goes on" in capsys.readouterr().out
    assert (tmp_path / "m" / "best_tuning_small.json").is_file()
    assert (tmp_path / "m" / "best_tuning.html").read_bytes() == report
    assert run([*search, "--storage", f"journal://{tmp_path}/study.log"]) == 2
    assert "no trials of another one" in capsys.readouterr().err
