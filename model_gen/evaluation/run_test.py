"""Whole evaluations, of every kind of model, on recordings that take seconds."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.bundle import load_subject
from host.cache import UNFINISHED
from host.cli import main
from host.errors import BadInput
from host.exit_codes import Exit
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.evaluation.models import Bundle
from model_gen.evaluation.run import EvaluateOptions, evaluate
from model_gen.models.checkpoint import beside, load_checkpoint, save_checkpoint
from model_gen.models.config import config_path
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.run import QuantizeOptions, quantize
from model_gen.training.options import TrainOptions
from model_gen.training.run import train


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EvaluateOptions:
    """A checkpoint of one epoch and its bundle."""
    root = tmp_path_factory.mktemp("evaluation")
    tiny: dict[str, Any] = {**TINY, "epochs": 1}
    options = TrainOptions(
        data_path_train=write_tiny_dataset(root / "data", per_class=10),
        checkpoint_path=root / "model" / "best.keras",
        cache_dir=root / "cache",
        **tiny,
    )
    train(options)
    bundle = root / "bundle"
    quantize(
        QuantizeOptions(
            options.checkpoint_path,
            options.data_path_train,
            bundle,
            max_drop=1.0,
            cache_dir=root / "cache",
        )
    )
    return EvaluateOptions(
        options.data_path_train,
        options.checkpoint_path,
        bundle,
        cache_dir=root / "cache",
        draws=20,
        timed=False,
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "nightjar"))


class Same:
    """A board that computes what the reference does, or a step more of the first score."""

    identity, description = "same", "a board for tests"

    def __init__(self, bundle: Path, off: int = 0) -> None:
        subject = load_subject(bundle)
        assert subject.contract is not None
        self._frontend = subject.contract.frontend
        self._model = Int8Model(subject.model)
        self._off = off

    def scores(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
        from host.reference.frontend import features

        given = self._model.steps(features(samples[None], self._frontend)[0])
        out = self._model.scores(given).copy()
        out[0] += self._off
        return out


def ran(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    shown = capsys.readouterr()
    code = ended.value.code
    assert isinstance(code, int)
    return code, shown.out, shown.err


def test_float_int8_and_board_side_by_side(made: EvaluateOptions) -> None:
    assert made.bundle is not None
    found = evaluate(made, Same(made.bundle))
    assert list(found.kinds) == ["float", "int8", "board"]
    assert found.differing == 0
    assert found.metrics["board"] == found.metrics["int8"]
    assert set(found.compared) == {("float", "int8"), ("float", "board"), ("int8", "board")}
    same = found.compared[("int8", "board")]["lme"]["average_precision"]
    assert same is not None
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    assert found.negatives > 0
    assert found.kinds["float"].alarms.negatives.keys() == {"Noise"}
    less = replace(made, checkpoint=None)
    wrong = evaluate(less, Same(made.bundle, off=1))
    assert wrong.differing == wrong.chunks
    assert evaluate(less).as_json() == evaluate(less).as_json()
    payload = json.loads(json.dumps(found.as_json(), allow_nan=False))
    row = payload["metrics"]["int8"]["lme"]
    assert {"roc_auc", "average_precision", "top1", "per_class"} < set(row)
    assert {"recordings", "roc_auc", "average_precision"} < set(row["per_class"]["up"])


def test_a_bare_model_like_the_bundle_scores_as_it(
    made: EvaluateOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made.bundle is not None
    assert made.checkpoint is not None
    bare = tmp_path / "bare.tflite"
    bare.write_bytes((made.bundle / "model.tflite").read_bytes())
    found = evaluate(replace(made, checkpoint=None, tflite=bare, timed=True))
    assert found.metrics["tflite"] == found.metrics["int8"]
    cost = found.kinds["tflite"].latency
    assert cost is not None
    assert 0 < cost.median_ms <= cost.largest_ms
    assert cost.model_bytes == len(bare.read_bytes())
    only = replace(made, bundle=None, checkpoint=None, tflite=bare, like=made.checkpoint)
    assert list(evaluate(only).kinds) == ["tflite"]
    rng = np.random.default_rng(0)
    whole = bare.read_bytes()
    data = ["--data", str(made.data_path), "--cache-dir", str(made.cache_dir)]
    spoiled = [whole[: len(whole) // 2], b"", b"TFL3" * 9]
    blank = bytearray(whole)
    blank[100 : len(whole) // 3] = rng.bytes(len(whole) // 3 - 100)
    for damaged in (*spoiled, bytes(blank)):
        bare.write_bytes(damaged)
        code, _, error = ran(
            ["evaluate", str(bare), "--like", str(made.bundle), *data, "--json", "-"], capsys
        )
        assert code == 2
        assert "Traceback" not in error
        assert str(bare) in json.loads(error.splitlines()[-1])["evidence"]


def test_a_second_model_is_compared_where_the_labels_are_the_same(
    made: EvaluateOptions, tmp_path: Path
) -> None:
    assert made.checkpoint is not None
    other = tmp_path / "other.keras"
    model, config = load_checkpoint(made.checkpoint)
    for weight in model.trainable_weights:
        weight.assign(weight * 0.5)
    save_checkpoint(model, other)
    config_path(other).write_text(config.to_json())
    shutil.copy(beside(made.checkpoint, "split.csv"), beside(other, "split.csv"))
    found = evaluate(replace(made, bundle=None, against=other, thresholds="val"))
    assert list(found.kinds) == ["float", "against"]
    assert "validation recordings" in found.thresholds_from
    foreign = replace(config, labels=("down", "wren"))
    config_path(other).write_text(foreign.to_json())
    with pytest.raises(BadInput) as caught:
        evaluate(replace(made, bundle=None, against=other))
    assert "lacks up and has wren besides" in caught.value.evidence
    with pytest.raises(BadInput, match="same labels"):
        evaluate(replace(made, checkpoint=other))
    bare = tmp_path / "bare.tflite"
    assert made.bundle is not None
    bare.write_bytes((made.bundle / "model.tflite").read_bytes())
    config_path(other).write_text(replace(config, labels=("a", "b", "c")).to_json())
    with pytest.raises(BadInput, match="an output for each of the 3 labels"):
        evaluate(replace(made, checkpoint=None, bundle=None, tflite=bare, like=other))


def test_a_class_without_recordings_is_said_and_none_of_any_is_refused(
    made: EvaluateOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(made.data_path / "down", data / "down")
    shutil.copytree(made.data_path / "Noise", data / "noise")
    given = replace(made, data_path=data, split="all", checkpoint=None)
    found = evaluate(given)
    assert found.absent == ("up",)
    assert found.kinds["int8"].quality["lme"].per_class["up"]["f1"] is None
    assert "no judged recording is of up" in capsys.readouterr().err
    shutil.rmtree(data / "down")
    with pytest.raises(BadInput, match="class folders"):
        evaluate(given)
    split = made.bundle
    assert split is not None
    rows = (split / "split.csv").read_text().splitlines()
    only = [rows[0], *(r.replace(",train", ",test") for r in rows[1:] if r.startswith("Noise"))]
    assert made.checkpoint is not None
    other = tmp_path / "noise.keras"
    shutil.copy(made.checkpoint, other)
    shutil.copy(config_path(made.checkpoint), config_path(other))
    beside(other, "split.csv").write_text("\n".join(only))
    with pytest.raises(BadInput, match="one of the model's classes: down, up"):
        evaluate(replace(made, checkpoint=other, bundle=None))


def test_an_interrupted_evaluation_goes_on_where_it_was(
    made: EvaluateOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    want = evaluate(replace(made, checkpoint=None, split="train"))
    logits: Callable[..., Any] = Bundle.logits
    asked: list[int] = []

    def slow(self: Bundle, chunks: Any) -> Any:
        asked.append(len(chunks))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return logits(self, chunks)

    monkeypatch.setattr(Bundle, "logits", slow)
    given = replace(made, checkpoint=None, split="train")
    with pytest.raises(KeyboardInterrupt):
        evaluate(given)
    assert "the same command goes on from there" in capsys.readouterr().err
    assert len(UNFINISHED.folder.entries()) == 1
    got = evaluate(given)
    assert asked[0] + sum(asked[2:]) == got.chunks
    assert got.as_json() == want.as_json()
    assert not UNFINISHED.folder.entries()


def test_events_and_groups_on_the_command_line(
    made: EvaluateOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    for path in (made.data_path / "up").iterdir():
        (tables / f"{path.stem}.txt").write_text("0.1\t0.5\tup\n9\t10\tup\n")
    out, page = tmp_path / "e.json", tmp_path / "e.html"
    common = ["evaluate", str(made.bundle), "--data", str(made.data_path)]
    common += ["--cache-dir", str(made.cache_dir), "--draws", "20"]
    code, said, _ = ran(
        [
            *(*common, "--annotations", str(tables), "--group-by", "/([ab])", "--thresholds", "0"),
            *("--json", str(out), "--html", str(page), "--top_k", "1", "--pool", "max"),
        ],
        capsys,
    )
    assert code == Exit.OK
    found = json.loads(out.read_text())
    events = found["events"]["int8"]
    assert events["micro"] == 1
    assert events["unheard"] == events["events"] > 0
    assert (found["bootstrap"]["unit"], found["bootstrap"]["units"]) == ("group", 2)
    assert found["metrics"]["int8"]["max"]["recall"] == 1
    assert "events: recall 1.0000" in said
    assert "float" not in said.splitlines()[2]
    assert "</html>" in page.read_text()
    for more, told in (
        (["--thresholds", "judge"], "Did you mean judged?"),
        (["--thresholds", "1.5"], "nearest is 1"),
        (["--pooling", "mean"], "must be one of max, average, lme"),
        (["--top-k", "0"], "the nearest is 1"),
        (["--like", "x"], "--like goes with a bare .tflite"),
        (["--annotations", "nowhere"], "not a folder"),
        (["--group-by", "("], "regular expression"),
        (["--labels", "nowhere.csv"], "does not exist"),
        (["--board", "native", "--project", "nowhere"], "nowhere"),
    ):
        code, _, error = ran([*common, *more], capsys)
        assert code == 2, more
        assert told in error, more
