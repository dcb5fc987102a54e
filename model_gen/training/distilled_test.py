"""What a student learns of a teacher: the loss written out, and whole runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.files import write_atomically
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, load_checkpoint, save_checkpoint
from model_gen.runtime import tensorflow
from model_gen.teaching.files import read_scores, write_scores
from model_gen.training import run
from model_gen.training.batch import Batch
from model_gen.training.configure import configure
from model_gen.training.distilled import Distilled
from model_gen.training.engine_test import CONFIG
from model_gen.training.losses import loss_of
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.run import train
from model_gen.training.testing import refused
from model_gen.training.testing_tiny import ALONE, tiny


def test_the_loss_of_a_step_is_its_naive_definition() -> None:
    tensorflow()
    options = TrainOptions(
        Path("data"), label_smoothing=0.2, teacher_weight=0.3, embedding_weight=0.5
    )
    model = build_model(CONFIG, seed=3)
    step = Distilled(model, loss_of(options, 2), None, options, 5)
    rng = np.random.default_rng(1)
    said = np.array([[0.9, np.nan], [0.2, 0.7], [np.nan, np.nan]], np.float32)
    embedding = rng.normal(size=(3, 5)).astype(np.float32)
    embedding[2] = np.nan
    y = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    logits, own = (rng.normal(size=(3, n)).astype(np.float32) for n in (2, 16))
    judged = {"targets": y, "teacher": said, "embedding": embedding}
    got = step.compute_loss(None, judged, [logits, own])
    total = 0.0
    for row in range(3):
        for column in range(2):
            target = 0.8 * y[row, column] + 0.1
            if not np.isnan(said[row, column]):
                target = 0.7 * target + 0.3 * said[row, column]
            p = 1 / (1 + np.exp(-float(logits[row, column])))
            total -= (target * np.log(p) + (1 - target) * np.log(1 - p)) / 6
    (projector,) = (np.asarray(v) for v in step.own_variables)
    for row in range(2):
        a, b = own[row] @ projector, embedding[row]
        total += 0.5 * (1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)) / 2
    assert float(got) == pytest.approx(total, rel=1e-5)
    assert not {id(v) for v in step.own_variables} & {id(v) for v in model.variables}
    batch = Batch(own, y, teacher=said, embedding=embedding)
    assert set(batch.for_keras()[1]) == {"targets", "teacher", "embedding"}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    """Of a student; its teacher is a network of another seed, which says something at least."""
    tensorflow()
    root = tmp_path_factory.mktemp("distilled")
    given: dict[str, Any] = {
        **TINY,
        **ALONE,
        "epochs": 2,
        "data_path_train": write_tiny_dataset(root / "data", per_class=5),
        "checkpoint_path": root / "straight" / "x.keras",
        "cache_dir": root / "cache",
        "teacher": root / "teacher.keras",
        "num_workers": 0,
    }
    made = TrainOptions(**given)
    config = configure(made, ("down", "up"))
    save_checkpoint(tiny(config, seed=9), root / "teacher.keras")
    for path, content in config_files(config, root / "teacher.keras").items():
        write_atomically(path, content)
    return made


def test_runs_that_were_cut_or_have_another_class_order_learn_the_same(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "build_model", tiny)
    straight = train(options)
    model, _ = load_checkpoint(options.checkpoint_path)
    assert "projector" not in {layer.name for layer in model.layers}
    said = read_scores(options.checkpoint_path.with_name("x_teacher.npz"))
    assert said.embedding is not None
    assert said.embedding.shape[1] == 8
    root = options.checkpoint_path.parents[1]
    turned = replace(said, scores=said.scores[:, ::-1].copy(), labels=said.labels[::-1])
    write_scores(root / "turned.npz", turned)
    cut = replace(options, teacher=root / "turned.npz", checkpoint_path=root / "cut" / "x.keras")
    assert len(train(cut, stop_after=1).progress.history) == 1
    other = replace(said, scores=1 - said.scores)
    write_scores(root / "turned.npz", other)
    refused(replace(cut, resume=True), "--resume needs the recordings", digests=True)
    write_scores(root / "turned.npz", turned)
    resumed = train(replace(cut, resume=True))
    assert resumed.weights_sha256 == straight.weights_sha256
    assert resumed.progress == straight.progress


@pytest.mark.parametrize(
    ("labels", "given", "words"),
    [
        (("robin", "wren"), {}, ("one of the student's classes", "robin, wren")),
        (("up", "wren"), {"teacher_config": Path("x.json")}, ("--teacher-config is of a model",)),
        ((), {}, ("which is none",)),
        ((), {"teacher": Path("x.npz")}, ("which does not exist",)),
        ((), {"teacher": None, "teacher_config": Path("x")}, ("--teacher-config needs --teacher",)),
    ],
)
def test_a_teacher_that_cannot_teach_is_refused(
    options: TrainOptions, tmp_path: Path, labels: tuple[str, ...], given: Any, words: Any
) -> None:
    from model_gen.teaching.match_test import scores

    path = tmp_path / "said.npz"
    if labels:
        rows = [("", "up/a0_0.wav", 0.0)]
        said = scores(rows, scores=np.ones((1, 2), np.float32), labels=labels)
        write_scores(path, said)
    told = {"teacher": path if labels else Path("none.keras"), **given}
    refused(replace(options, checkpoint_path=tmp_path / "run" / "x.keras", **told), *words)


def test_what_there_is_no_teacher_for_counts_for_nothing() -> None:
    with pytest.raises(BadInput, match="--teacher left out leaves --teacher-weight nothing"):
        options_of("release", {"data_path_train": Path("data"), "teacher_weight": 0.1})
