import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import load_subject
from host.cli import main
from host.contract import Contract
from host.errors import BadInput
from host.reference.frontend import features
from host.reference.frontend import quantize as quantize_features
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.evaluation.run import EvaluateOptions, evaluate
from model_gen.models.checkpoint import beside, load_checkpoint, save_checkpoint
from model_gen.models.config import config_path
from model_gen.quantization import convert, run
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.npu_safe import Safe, npu_safe
from model_gen.quantization.ranges import own
from model_gen.quantization.ranges.own import owned_checkpoint
from model_gen.quantization.ranges.recorded import RANGES, recorded_in
from model_gen.quantization.run import QuantizeOptions, quantize
from model_gen.quantization.testing import Conversions
from model_gen.training.options import TrainOptions
from model_gen.training.run import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> QuantizeOptions:
    """A trained checkpoint, and the bundle made from it."""
    root = tmp_path_factory.mktemp("quantization")
    tiny: dict[str, Any] = {**TINY, "epochs": 6}
    options = TrainOptions(
        data_path_train=write_tiny_dataset(root / "data", per_class=8),
        checkpoint_path=root / "model" / "best_model.keras",
        cache_dir=root / "cache",
        **tiny,
    )
    train(options)
    given = QuantizeOptions(
        options.checkpoint_path,
        options.data_path_train,
        root / "bundle",
        max_drop=1.0,  # on six recordings that a model of six epochs can hardly tell apart
        cache_dir=root / "cache",
    )
    quantize(given)
    return given


@pytest.fixture(scope="module")
def conversions() -> Conversions:
    return Conversions()


@pytest.fixture
def here(conversions: Conversions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversions in this process, which take a third of the time and name tensors otherwise."""
    for module in (convert, own):
        monkeypatch.setattr(module, "run_apart", conversions)


def _contract(made: QuantizeOptions) -> Contract:
    contract = load_subject(made.out).contract
    assert contract is not None
    return contract


def test_the_bundle_is_whole_and_its_model_is_int8_throughout(made: QuantizeOptions) -> None:
    contract = _contract(made)
    model = Int8Model(load_subject(made.out).model)
    assert contract.input.shape == model.input.shape == (1, 64, 32, 1)
    assert contract.output.shape == model.output.shape == (1, 2)
    assert contract.input.dtype == contract.output.dtype == "int8"
    assert contract.input.zero_point == -128
    assert contract.input.scale == pytest.approx(1 / 255, rel=1e-3)
    assert {op.name for op in model.reference.ops} <= {
        "TRANSPOSE", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED"
    }  # fmt: skip
    gates = contract.quality["gates"]
    assert gates["passed"] is True
    assert gates["float_top1"] - gates["int8_top1"] <= gates["max_drop"] == 1
    assert gates["recordings"] > 0
    assert contract.quality["vectors"] == {"split": "test"}
    for op, rule in contract.rounding.items():
        assert rule == rule_of(op, "tflite")


@pytest.mark.usefixtures("here")
def test_a_softmax_head_is_told_by_the_bundle_and_followed(
    made: QuantizeOptions, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(made.data_path, data, ignore=shutil.ignore_patterns("Noise"))
    tiny: dict[str, Any] = {**TINY, "epochs": 4}
    options = TrainOptions(
        data_path_train=data,
        checkpoint_path=tmp_path / "model" / "soft.keras",
        cache_dir=tmp_path / "cache",
        class_activation="softmax",
        **tiny,
    )
    train(options)
    out = tmp_path / "bundle"
    quantize(
        replace(
            made,
            checkpoint=options.checkpoint_path,
            data_path=data,
            out=out,
            cache_dir=tmp_path / "cache",
        )
    )
    contract = load_subject(out).contract
    assert contract is not None
    assert contract.output_activation == "softmax"
    given = EvaluateOptions(data, options.checkpoint_path, out, cache_dir=tmp_path / "cache")
    assert set(evaluate(given).metrics) == {"float", "int8"}
    with pytest.raises(BadInput, match="activation"):
        evaluate(replace(given, checkpoint=made.checkpoint))


def test_the_vectors_are_what_the_references_compute(made: QuantizeOptions) -> None:
    subject, contract = load_subject(made.out), _contract(made)
    vectors = subject.vectors()
    assert vectors is not None
    assert len(vectors.chunks) == 3
    np.testing.assert_array_equal(vectors.features, features(vectors.chunks, contract.frontend))
    steps = quantize_features(vectors.features, contract.input.scale, contract.input.zero_point)
    np.testing.assert_array_equal(vectors.inputs, steps[..., None])
    model = Int8Model(subject.model)
    for given, want in zip(vectors.inputs, vectors.scores, strict=True):
        np.testing.assert_array_equal(model.scores(given[None]), want)


def test_calibration_is_recorded_and_disjoint_from_what_judges(made: QuantizeOptions) -> None:
    rows = [line.split(",") for line in (made.out / "calibration.csv").read_text().splitlines()[1:]]
    split = dict(line.split(",") for line in (made.out / "split.csv").read_text().splitlines()[1:])
    assert {split[path] for path, _, _ in rows} == {"train"}
    assert {folder for _, _, folder in rows} == {"Noise", "down", "up"}
    assert len(rows) == _contract(made).quality["calibration"]["chunks"]


def test_the_same_inputs_give_the_same_bundle(made: QuantizeOptions, tmp_path: Path) -> None:
    quantize(replace(made, out=tmp_path / "again"))
    names = sorted(p.name for p in made.out.iterdir())
    assert names == sorted(p.name for p in (tmp_path / "again").iterdir())
    for name in names:
        assert (made.out / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


@pytest.mark.usefixtures("here")
def test_an_int8_model_unlike_the_float_model_promotes_nothing(
    made: QuantizeOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conversion is that of a model whose head has the opposite sign."""
    folder = tmp_path / "model"
    shutil.copytree(made.checkpoint.parent, folder)
    model, _ = load_checkpoint(made.checkpoint)
    head = model.get_layer("logits")
    head.set_weights([-weight for weight in head.get_weights()])
    save_checkpoint(model, folder / made.checkpoint.name)
    monkeypatch.setattr(
        run,
        "owned_checkpoint",
        lambda _, calibration, recorded: owned_checkpoint(
            folder / made.checkpoint.name, calibration
        ),
    )
    result = quantize(replace(made, out=tmp_path / "bundle"))
    assert result.contract is None
    assert not (tmp_path / "bundle").exists()
    with pytest.raises(BadInput, match="no bundle"):
        result.gates.require()


def test_the_converters_ranges_are_no_part_of_the_bundle(
    made: QuantizeOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `convert_checkpoint` makes is its own test's matter."""
    model = load_subject(made.out).model
    monkeypatch.setattr(run, "convert_checkpoint", lambda *_: model)
    monkeypatch.setattr(run, "owned_checkpoint", None)
    given = replace(made, out=tmp_path / "bundle", ranges="converter")
    quantize(given)
    assert load_subject(given.out).model == model
    assert RANGES not in load_subject(given.out).files
    assert "ranges" not in _contract(given).quality
    assert RANGES in load_subject(made.out).files


@pytest.mark.usefixtures("here")
def test_recorded_ranges_give_the_model_again_whatever_calibrates(
    made: QuantizeOptions, tmp_path: Path
) -> None:
    recorded = recorded_in(made.out)
    given = replace(made, out=tmp_path / "bundle", ranges_from=made.out, calibration_samples=3)
    quantize(given)
    one, two = (load_subject(out).vectors() for out in (made.out, given.out))
    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.inputs, two.inputs)
    np.testing.assert_array_equal(one.scores, two.scores)
    assert _contract(given).quality["ranges"] == {
        "measured": 0,
        "recorded": len(recorded.of),
        "model_sha256": load_subject(made.out).model_sha256,
    }


def test_recorded_ranges_are_not_the_converters(made: QuantizeOptions, tmp_path: Path) -> None:
    given = replace(made, out=tmp_path / "b", ranges="converter", ranges_from=made.out)
    with pytest.raises(BadInput, match="--ranges-from"):
        quantize(given)


def test_the_manifest_beside_a_checkpoint_calibrates(
    made: QuantizeOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(made.checkpoint.parent, folder)
    checkpoint = folder / made.checkpoint.name
    lines = (made.out / "calibration.csv").read_text().splitlines(keepends=True)
    chosen = "".join([lines[0], *reversed(lines[1:6])])
    beside(checkpoint, "calibration.csv").write_text(chosen)
    seen = []

    def stop(_: Path, calibration: Any, recorded: Any) -> Any:
        seen.append(calibration)
        raise BadInput("enough")

    monkeypatch.setattr(run, "owned_checkpoint", stop)
    given = replace(made, checkpoint=checkpoint, out=tmp_path / "bundle")
    for samples, count in ((None, 5), (7, 7)):
        with pytest.raises(BadInput, match="enough"):
            quantize(replace(given, calibration_samples=samples))
        assert len(seen[-1]) == count
    rows = (f"{lines[0]}{other}" for other in ("", "up/none.wav,0,up\n", "up/x.wav,y,up\n"))
    for text in rows:
        beside(checkpoint, "calibration.csv").write_text(text)
        with pytest.raises(BadInput, match="manifest"):
            quantize(given)


def _saturating(made: QuantizeOptions, folder: Path) -> Path:
    """The checkpoint with kernels of mean zero that fit what they read: their sums are large."""
    import keras

    shutil.copytree(made.checkpoint.parent, folder)
    model, _ = load_checkpoint(made.checkpoint)
    layer = [one for one in model.layers if one.name.endswith("_pw")][-1]
    vectors = load_subject(made.out).vectors()
    assert vectors is not None
    read = keras.Model(model.input, layer.input)(vectors.features[..., None], training=False)
    shape = np.asarray(read).mean(axis=(0, 1, 2))
    (weights,) = layer.get_weights()
    weights[...] = (shape - shape.mean())[:, None]
    layer.set_weights([weights])
    save_checkpoint(model, folder / made.checkpoint.name)
    return folder / made.checkpoint.name


@pytest.mark.usefixtures("here")
def test_sums_that_the_npu_would_cut_off_are_kept_from_it(
    made: QuantizeOptions,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bytes] = []

    def watched(content: bytes, inputs: list[Any]) -> Safe:
        seen.append(content)
        return npu_safe(content, inputs)

    monkeypatch.setattr(run, "npu_safe", watched)
    checkpoint = _saturating(made, tmp_path / "model")
    arguments = ["quantize", str(checkpoint), "--data", str(made.data_path), "--npu-safe"]
    arguments += ["--out", str(tmp_path / "safe"), "--max-drop", "1", "--json", "-"]
    assert _ended([*arguments, "--cache-dir", str(made.cache_dir)]) == 0
    told = json.loads(capsys.readouterr().out)["npu_safe"]
    safe = load_subject(tmp_path / "safe")
    assert safe.contract is not None
    assert safe.contract.quality["npu_safe"] == told
    assert len(told["done"]) == 1
    assert "a dummy kernel" in told["done"][0]
    assert told["left"] == []
    vectors = safe.vectors()
    assert vectors is not None
    (plain,) = seen
    for given, scores in zip(vectors.inputs, vectors.scores, strict=True):
        np.testing.assert_array_equal(Int8Model(plain).scores(given[None]), scores)
    (tmp_path / "plain.tflite").write_bytes(plain)
    np.save(tmp_path / "inputs.npy", vectors.inputs[:, None])
    real = ["--inputs", str(tmp_path / "inputs.npy"), "--fail-on", "warning"]
    assert _ended(["lint", str(tmp_path / "plain.tflite"), *real]) == 20
    assert _ended(["lint", str(tmp_path / "safe"), "--fail-on", "warning"]) == 0


def _ended(words: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def test_a_model_whose_sums_all_fit_stays_as_it_is(made: QuantizeOptions) -> None:
    subject = load_subject(made.out)
    vectors = subject.vectors()
    assert vectors is not None
    safe = npu_safe(subject.model, [value[None] for value in vectors.inputs])
    assert (safe.content, safe.done) == (subject.model, ())
    assert "npu_safe" not in _contract(made).quality


def test_evaluation_of_both_models_side_by_side(made: QuantizeOptions) -> None:
    result = evaluate(
        EvaluateOptions(made.data_path, made.checkpoint, made.out, "test", cache_dir=made.cache_dir)
    )
    assert set(result.metrics) == {"float", "int8"}
    assert result.kernels["int8"].endswith("BUILTIN_REF")
    for kind in result.metrics:
        assert set(result.metrics[kind]) == {"max", "average", "lme"}
    split = (made.out / "split.csv").read_text()
    assert result.recordings == split.count(",test")
    alone = evaluate(EvaluateOptions(made.data_path, bundle=made.out, cache_dir=made.cache_dir))
    assert alone.metrics["int8"] == result.metrics["int8"]


def test_evaluation_hears_as_much_as_it_is_told(
    made: QuantizeOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in training, where it is told nothing; 0 is everything. What is never heard is said."""
    folder = tmp_path / "short"
    shutil.copytree(made.checkpoint.parent, folder)
    config = json.loads(config_path(folder / made.checkpoint.name).read_text())
    config["max_duration"] = 0.5
    config_path(folder / made.checkpoint.name).write_text(json.dumps(config))
    heard = {}
    for most in (None, 0.6, 0):
        result = evaluate(
            EvaluateOptions(
                made.data_path,
                folder / made.checkpoint.name,
                max_duration=most,
                cache_dir=made.cache_dir,
            )
        )
        said = re.search(r"([\d.]+)% is never heard", capsys.readouterr().err)
        assert said is not None
        heard[most] = (result.chunks / result.recordings, float(said[1]))
    assert heard == {None: (1, 37.5), 0.6: (2, 25), 0: (3, 0)}


def test_all_of_the_folder_that_was_trained_on_is_told_to_be_so(
    made: QuantizeOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = write_tiny_dataset(tmp_path / "outside", per_class=3)
    for path in list(outside.rglob("*.wav")):
        path.rename(path.with_stem(f"other-{path.stem}"))
    for folder, told in ((made.data_path, True), (outside, False)):
        for checkpoint, bundle in ((made.checkpoint, None), (None, made.out)):
            cache = tmp_path / "cache"
            result = evaluate(EvaluateOptions(folder, checkpoint, bundle, "all", cache_dir=cache))
            said = capsys.readouterr().err
            known = len(re.findall(",(?:train|val)", (made.out / "split.csv").read_text()))
            line = f"{known} of {result.recordings} recordings have paths that the model"
            assert (line in said) == told


def test_data_of_another_model_is_refused(made: QuantizeOptions, tmp_path: Path) -> None:
    other = write_tiny_dataset(tmp_path / "data", per_class=3)
    with pytest.raises(BadInput, match="split names"):
        quantize(replace(made, data_path=other, out=tmp_path / "bundle"))
    (other / "up").rename(other / "sideways")
    with pytest.raises(BadInput, match="knows"):
        evaluate(EvaluateOptions(other, bundle=made.out, split="all", cache_dir=made.cache_dir))
    assert not (tmp_path / "bundle").exists()


@pytest.mark.usefixtures("here")
def test_without_test_recordings_vectors_come_from_validation_and_the_bundle_says_so(
    made: QuantizeOptions, tmp_path: Path
) -> None:
    """The split of the checkpoint has its test recordings in train instead."""
    shutil.copytree(made.checkpoint.parent, tmp_path / "model")
    checkpoint = tmp_path / "model" / made.checkpoint.name
    split = beside(checkpoint, "split.csv")
    split.write_text(split.read_text().replace(",test", ",train"))
    given = replace(made, checkpoint=checkpoint, out=tmp_path / "bundle")
    contract = quantize(given).contract
    assert contract is not None
    assert contract.quality["vectors"] == {"split": "val"}
    vectors = load_subject(given.out).vectors()
    assert vectors is not None
    assert len(vectors.chunks) == 3
    with pytest.raises(BadInput, match="split has no test recordings"):
        evaluate(EvaluateOptions(made.data_path, bundle=given.out, cache_dir=made.cache_dir))


@pytest.mark.usefixtures("here")
def test_validation_recordings_without_a_class_hold_no_metric_and_say_so(
    made: QuantizeOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The split of the checkpoint has its validation recordings of a class in train instead."""
    shutil.copytree(made.checkpoint.parent, tmp_path / "model")
    checkpoint = tmp_path / "model" / made.checkpoint.name
    split = beside(checkpoint, "split.csv")
    rows = split.read_text().splitlines()
    moved = [row if row.startswith("Noise") else row.replace(",val", ",train") for row in rows]
    split.write_text("\n".join(moved))
    out = tmp_path / "bundle"
    given = ["quantize", str(checkpoint), "--data", str(made.data_path), "--out", str(out)]
    given += ["--cache-dir", str(made.cache_dir)]
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert caught.value.code == 2
    assert re.search(r"top-1 that \d recordings cannot measure", capsys.readouterr().err)
    assert not out.exists()
    with pytest.raises(SystemExit) as caught:
        main([*given, "--max-drop", "1"])
    assert caught.value.code in (0, None)
    said = capsys.readouterr().out
    assert "class-mean AP not held: it cannot be measured, top-1 not held" in said
    assert "not held: down, up, of which no AP can be measured" in said
    contract = load_subject(out).contract
    assert contract is not None
    assert contract.quality["gates"]["not_held"] == ["class-mean AP", "top-1"]


def test_no_bundle_takes_the_place_of_what_it_is_made_from(
    made: QuantizeOptions, tmp_path: Path
) -> None:
    root = tmp_path / "work"
    data = shutil.copytree(made.data_path, root / "data")
    model = shutil.copytree(made.checkpoint.parent, root / "model")
    given = replace(made, data_path=data, checkpoint=model / made.checkpoint.name, force=True)
    before = sorted(root.rglob("*"))
    for out in (data, data / "up", data / "new", model, root, root / "model/../data/up"):
        with pytest.raises(BadInput, match="must lie apart"):
            quantize(replace(given, out=out))
    assert sorted(root.rglob("*")) == before


def test_a_bundle_of_another_training_is_not_set_beside_a_checkpoint(
    made: QuantizeOptions, tmp_path: Path
) -> None:
    """What one of them holds out for testing, the other may have been trained on."""
    shutil.copytree(made.checkpoint.parent, tmp_path / "model")
    checkpoint = tmp_path / "model" / made.checkpoint.name
    split = beside(checkpoint, "split.csv")
    text = split.read_text()
    first = re.findall(r"^\S+,(?=train$)", text, flags=re.MULTILINE)[0]
    split.write_text(text.replace(f"{first}train", f"{first}test"))
    given = EvaluateOptions(made.data_path, checkpoint, made.out, cache_dir=made.cache_dir)
    for part in ("test", "all"):
        with pytest.raises(BadInput, match="the same split") as caught:
            evaluate(replace(given, split=part))
        assert "nightjar quantize" in caught.value.next_step


def test_all_judges_every_recording_of_an_outside_folder(
    made: QuantizeOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = write_tiny_dataset(tmp_path / "outside", per_class=3)
    given = ["evaluate", str(made.out), "--data-path", str(outside)]
    for words in (["--split", "all"], ["--all"], ["--all", "--max-duration", "0"]):
        with pytest.raises(SystemExit) as caught:
            main([*given, *words, "--cache-dir", str(tmp_path / "cache")])
        assert caught.value.code in (0, None)
        assert "9 recordings" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main([*given, "--all", "--split", "val"])
    assert caught.value.code == 2
    assert "exclude each other" in capsys.readouterr().err
