"""Whole evaluations, of every kind of model, on recordings that take seconds."""

import json
import shutil
import subprocess
import sys
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
from host.reference.frontend import features
from model_gen.codegen.testing.bundle import LABELS, write_small_bundle
from model_gen.data.testing import write_clips
from model_gen.evaluation import bare
from model_gen.evaluation.models import Bundle
from model_gen.evaluation.run import EvaluateOptions, evaluate
from model_gen.models import dscnn
from model_gen.models.build import build_model
from model_gen.models.checkpoint import beside, config_files, save_checkpoint
from model_gen.models.config import ModelConfig, config_path
from model_gen.quantization.int8 import Int8Model
from model_gen.runtime import tensorflow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EvaluateOptions:
    """A bundle whose weights are noise, and recordings of all its classes but the last."""
    root = tmp_path_factory.mktemp("evaluation")
    lengths = [1500, 3000, 5000]  # one is shorter than a chunk
    data = write_clips(root / "data", lengths, (*LABELS[:-1], "noise"))
    return EvaluateOptions(
        data,
        bundle=write_small_bundle(root / "bundle"),
        split="all",
        cache_dir=root / "cache",
        draws=20,
        timed=False,
    )


@pytest.fixture(scope="module")
def checkpoint(made: EvaluateOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained checkpoint of the bundle's geometry and labels, with a split."""
    path = tmp_path_factory.mktemp("checkpoint") / "best.keras"
    write_checkpoint(path, made, LABELS)
    rows = []
    for label in (*LABELS[:-1], "noise"):
        rows += [f"{label}/{i}.wav,{part}" for i, part in enumerate(("test", "val", "test"))]
    beside(path, "split.csv").write_text("\n".join(["path,split", *rows]))
    return path


def write_checkpoint(path: Path, made: EvaluateOptions, labels: tuple[str, ...]) -> None:
    assert made.bundle is not None
    contract = load_subject(made.bundle).contract
    assert contract is not None
    tensorflow()
    options = dscnn.Options(alpha=0.25, depth_multiplier=0.25, embeddings_size=16)
    config = ModelConfig(contract.frontend, labels, num_mels=8, options=options)
    save_checkpoint(build_model(config, seed=len(labels)), path)
    for file, content in config_files(config, path).items():
        file.write_bytes(content)


class Same:
    """A board that computes what the reference does, or a step more of the first score."""

    identity, description = "same", "a board for tests"

    def __init__(self, bundle: Path, off: int = 0) -> None:
        subject = load_subject(bundle)
        assert subject.contract is not None
        self._frontend = subject.contract.frontend
        self._model = Int8Model(subject.model)
        self._off = off
        self.is_ready = False

    def ready(self) -> None:
        self.is_ready = True

    def scores(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
        assert self.is_ready
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


def test_int8_and_board_side_by_side(made: EvaluateOptions) -> None:
    assert made.bundle is not None
    found = evaluate(made, Same(made.bundle))
    assert list(found.kinds) == ["int8", "board"]
    assert found.differing == 0
    assert found.metrics["board"] == found.metrics["int8"]
    same = found.compared[("int8", "board")]["lme"]["average_precision"]
    assert same is not None
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    assert (found.negatives, found.recordings) == (3, 18)
    assert found.kinds["int8"].alarms.negatives.keys() == {"noise"}
    wrong = evaluate(made, Same(made.bundle, off=1))
    assert wrong.differing == wrong.chunks
    payload = json.loads(json.dumps(found.as_json(), allow_nan=False))
    row = payload["metrics"]["int8"]["lme"]
    assert {"roc_auc", "average_precision", "top1", "per_class"} < set(row)
    assert {"recordings", "roc_auc", "average_precision"} < set(row["per_class"]["wren"])
    assert evaluate(made).as_json() == evaluate(made).as_json()


def test_a_bare_model_like_the_bundle_scores_as_it(
    made: EvaluateOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made.bundle is not None
    file = tmp_path / "bare.tflite"
    whole = (made.bundle / "model.tflite").read_bytes()
    file.write_bytes(whole)
    found = evaluate(replace(made, tflite=file, timed=True))
    assert found.metrics["tflite"] == found.metrics["int8"]
    cost = found.kinds["tflite"].latency
    assert cost is not None
    assert 0 < cost.median_ms <= cost.largest_ms
    assert cost.model_bytes == len(whole)
    only = replace(made, bundle=None, tflite=file, like=made.bundle)
    assert list(evaluate(only).kinds) == ["tflite"]
    blank = bytearray(whole)
    blank[100 : len(whole) // 3] = np.random.default_rng(0).bytes(len(whole) // 3 - 100)
    line = ["evaluate", str(file), "--like", str(made.bundle), "--data", str(made.data_path)]
    for damaged in (whole[: len(whole) // 2], b"", b"TFL3" * 9, bytes(blank)):
        file.write_bytes(damaged)
        code, _, error = ran([*line, "--all", "--json", "-"], capsys)
        assert code == 2
        assert "Traceback" not in error
        assert str(file) in json.loads(error.splitlines()[-1])["evidence"]


def test_what_ends_tflites_process_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"model")
    dying = [sys.executable, "-c", "import os; os.abort()"]
    run = subprocess.run
    monkeypatch.setattr(
        "model_gen.evaluation.bare.subprocess.run", lambda command, **more: run(dying, **more)
    )
    with pytest.raises(BadInput) as caught:
        bare.read_bare(path)
    assert "ended its process (-6)" in caught.value.evidence


def test_scores_that_are_no_numbers_are_refused(
    made: EvaluateOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bundle, "logits", lambda self, c: np.full((len(c), 6), np.nan))
    with pytest.raises(BadInput, match="finite scores"):
        evaluate(
            replace(made, overlap=0.3)
        )  # windows of which no test beside this one keeps scores


def test_checkpoints_alone_beside_a_bundle_and_against_another(
    made: EvaluateOptions, checkpoint: Path, tmp_path: Path
) -> None:
    assert made.bundle is not None
    lone = replace(made, bundle=None, checkpoint=checkpoint, split="test")
    found = evaluate(replace(lone, against=made.bundle, thresholds="val"))
    assert list(found.kinds) == ["float", "against"]
    assert found.recordings == 12
    assert "on 6 validation recordings" in found.thresholds_from
    with pytest.raises(BadInput, match="the same split"):
        evaluate(replace(made, checkpoint=checkpoint))
    other = tmp_path / "other.keras"
    write_checkpoint(other, made, (*LABELS[:-1], "zebra finch"))
    for given, names in (
        (replace(lone, against=other), ("yellowhammer", "zebra finch")),
        (replace(made, checkpoint=other), ("zebra finch", "yellowhammer")),
    ):
        with pytest.raises(BadInput, match="same labels") as caught:
            evaluate(given)
        assert f"lacks {names[0]} and has {names[1]} besides" in caught.value.evidence
    fewer = tmp_path / "fewer.keras"
    write_checkpoint(fewer, made, LABELS[:3])
    file = tmp_path / "bare.tflite"
    file.write_bytes((made.bundle / "model.tflite").read_bytes())
    with pytest.raises(BadInput, match="an output for each of the 3 labels"):
        evaluate(replace(made, bundle=None, tflite=file, like=fewer, data_path=three(tmp_path)))


def test_a_second_model_is_compared_label_by_label_whatever_their_order(
    made: EvaluateOptions, checkpoint: Path, tmp_path: Path
) -> None:
    import keras

    turned = tmp_path / "turned.keras"
    write_checkpoint(turned, made, LABELS[::-1])
    model = keras.models.load_model(checkpoint)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel[:, ::-1], bias[::-1]])
    save_checkpoint(model, turned)
    lone = replace(made, bundle=None, checkpoint=checkpoint)
    found = evaluate(replace(lone, against=turned))
    assert found.metrics["against"] == found.metrics["float"]
    row = found.as_json()["metrics"]["float"]["max"]["per_class"]
    assert len({one["roc_auc"] for one in row.values()}) > 2


def test_a_board_is_made_ready_once_the_data_is_known_to_be_usable(
    made: EvaluateOptions, checkpoint: Path, tmp_path: Path
) -> None:
    assert made.bundle is not None
    board = Same(made.bundle)
    for wrong in (
        {"data_path": tmp_path / "none"},
        {"annotations": tmp_path / "none"},
        {"thresholds": "val"},
    ):
        with pytest.raises(BadInput):
            evaluate(replace(made, **wrong), board)
    assert not board.is_ready


def test_a_damaged_checkpoint_is_refused_before_recordings_are_decoded(
    made: EvaluateOptions, checkpoint: Path, tmp_path: Path
) -> None:
    assert made.bundle is not None
    cut = tmp_path / "cut.keras"
    shutil.copy(config_path(checkpoint), config_path(cut))
    cut.write_bytes(b"PK")
    with pytest.raises(BadInput, match="expected a Keras model"):
        evaluate(replace(made, against=cut, cache_dir=tmp_path / "windows"))
    assert not (tmp_path / "windows").exists()


def three(root: Path) -> Path:
    """Recordings of the first three labels."""
    return write_clips(root / "three", [3000], LABELS[:3])


def test_events_that_no_window_covers_are_said(
    made: EvaluateOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / LABELS[0]).mkdir()
    (tmp_path / LABELS[0] / "0.txt").write_text("1000\t1001\t\n")
    found = evaluate(replace(made, annotations=tmp_path))
    assert found.kinds["int8"].events is None
    assert "covers any of the 1 annotated events" in capsys.readouterr().err


def test_a_class_without_recordings_is_said_and_none_of_any_is_refused(
    made: EvaluateOptions,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = evaluate(made)
    assert found.absent == ("yellowhammer",)
    assert found.kinds["int8"].quality["lme"].per_class["yellowhammer"]["f1"] is None
    assert "no judged recording is of yellowhammer" in capsys.readouterr().err
    with pytest.raises(BadInput, match="class folders"):
        evaluate(replace(made, data_path=write_clips(tmp_path / "quiet", [3000], ("noise",))))
    other = tmp_path / "noise.keras"
    shutil.copy(checkpoint, other)
    shutil.copy(config_path(checkpoint), config_path(other))
    beside(other, "split.csv").write_text("path,split\nnoise/0.wav,test\nwren/0.wav,train\n")
    with pytest.raises(BadInput, match="one of the model's classes: chiffchaff, goldcrest"):
        evaluate(replace(made, checkpoint=other, bundle=None, split="test"))


def test_an_interrupted_evaluation_goes_on_where_it_was(
    made: EvaluateOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    want = evaluate(made)
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path))
    logits: Callable[..., Any] = Bundle.logits
    asked: list[int] = []

    def slow(self: Bundle, chunks: Any) -> Any:
        asked.append(len(chunks))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return logits(self, chunks)

    monkeypatch.setattr(Bundle, "logits", slow)
    with pytest.raises(KeyboardInterrupt):
        evaluate(made)
    assert "the same command goes on from there" in capsys.readouterr().err
    assert len(UNFINISHED.folder.entries()) == 1
    got = evaluate(made)
    assert asked[0] + sum(asked[2:]) == got.chunks
    assert got.as_json() == want.as_json()
    assert not UNFINISHED.folder.entries()


def test_events_and_groups_on_the_command_line(
    made: EvaluateOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "wren").mkdir()
    for number in range(2):
        (tables / "wren" / f"{number}.txt").write_text("0.05\t0.15\twren\n9\t10\twren\n")
    out, page = tmp_path / "e.json", tmp_path / "e.html"
    common = ["evaluate", str(made.bundle), "--data", str(made.data_path), "--all"]
    common += ["--cache-dir", str(made.cache_dir), "--draws", "20"]
    code, said, _ = ran(
        [
            *(
                *common,
                "--annotations",
                str(tables),
                "--group-by",
                "/([01]|2)",
                "--thresholds",
                "0",
            ),
            *("--json", str(out), "--html", str(page), "--top_k", "1", "--pool", "max"),
        ],
        capsys,
    )
    assert code == Exit.OK
    found = json.loads(out.read_text())
    events = found["events"]["int8"]
    assert events["micro"] == 1
    assert events["unheard"] == events["events"] > 0
    assert (found["bootstrap"]["unit"], found["bootstrap"]["units"]) == ("group", 3)
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
