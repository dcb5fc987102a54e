"""Conversions against the float model, the reference kernels, ONNX Runtime and each other."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.cli import run
from host.errors import BadInput, HostFailure
from host.reference.frontend import quantize as quantize_features
from host.reference.model import ReferenceModel
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.evaluation.pooling import activate
from model_gen.models.checkpoint import load_checkpoint
from model_gen.quantization import conversion, convert, layer_loss, to_onnx
from model_gen.quantization.conversion import ConvertOptions, Made, beside_out, remarks
from model_gen.quantization.conversion import convert as convert_whole
from model_gen.quantization.form import Form
from model_gen.quantization.gates import GateResult, judge
from model_gen.quantization.layer_loss import Losses
from model_gen.quantization.testing import run_here
from model_gen.training.options import TrainOptions
from model_gen.training.run import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (convert, to_onnx, layer_loss):
            patch.setattr(module, "run_apart", run_here)
        yield


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> ConvertOptions:
    root = tmp_path_factory.mktemp("conversion")
    tiny: dict[str, Any] = {**TINY, "epochs": 1, "depth_multiplier": 0.25}
    options = TrainOptions(
        data_path_train=write_tiny_dataset(root / "data", per_class=8),
        checkpoint_path=root / "model" / "best_model.keras",
        cache_dir=root / "cache",
        **tiny,
    )
    train(options)
    return ConvertOptions(
        options.checkpoint_path,
        options.data_path_train,
        root / "model.tflite",
        calibration_samples=16,
        seeds=1,
        max_drop=1.0,
        layers=False,
        cache_dir=root / "cache",
    )


def data_beside(out: Path) -> dict[str, Any]:
    with np.load(beside_out(out, "validation.npz")) as found:
        return dict(found)


def test_what_was_trained_for_its_own_ranges_is_told_that_it_loses_them(tmp_path: Path) -> None:
    options = ConvertOptions(tmp_path / "m_qat.keras", tmp_path, tmp_path / "m.tflite")
    assert not list(remarks(options))
    (tmp_path / "m_qat_calibration.csv").touch()
    (told,) = remarks(options)
    assert "nightjar quantize" in told
    assert not list(remarks(replace(options, form=Form(scheme="float", ends="float32"))))


def test_every_seed_is_judged_and_the_first_is_written_with_its_report(
    given: ConvertOptions, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    outputs_of = layer_loss._outputs

    def watched(content: bytes, features: Any) -> Any:
        seen.append([op.name for op in ReferenceModel(content).ops])
        return outputs_of(content, features)

    monkeypatch.setattr(layer_loss, "_outputs", watched)
    result = convert_whole(replace(given, seeds=2, layers=True))
    first, second = result.made
    assert (first.seed, second.seed) == (42, 43)
    assert given.out.read_bytes() == first.content
    report = json.loads(beside_out(given.out, "report.json").read_text())
    assert report == json.loads(json.dumps(result.as_json()))
    assert [one["seed"] for one in report["seeds"]] == [42, 43]
    model = ReferenceModel(first.content)
    found = data_beside(given.out)
    (end,) = model.inputs
    steps = quantize_features(found["features"], end.scale, end.zero_point)
    np.testing.assert_array_equal(found["inputs"], steps)
    outputs = [model.run([x[None]])[model.outputs[0].tensor][0] for x in found["inputs"]]
    np.testing.assert_array_equal(found["outputs"], outputs)
    keras, _ = load_checkpoint(given.checkpoint)
    np.testing.assert_allclose(found["expected"], keras(found["features"]), rtol=1e-4, atol=1e-5)
    hold_losses(result.losses, len(model.ops))
    plain, whole, *kept = seen  # each layer was in float once
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(plain)
    assert whole.count("DEQUANTIZE") == 1  # of the output
    assert all(names.count("QUANTIZE") + names.count("DEQUANTIZE") > 2 for names in kept[1:-1])


def hold_losses(losses: Losses | None, ops: int) -> None:
    assert losses is not None
    assert len(losses.layers) == ops
    errors = [layer.error for layer in losses.layers]
    assert errors == sorted(errors)
    assert errors[0] < losses.error  # some layer loses something
    for layer in losses.layers:
        assert layer.gain == pytest.approx(1 - layer.error / losses.error)


@pytest.mark.parametrize(
    ("form", "most"),
    [
        (Form(scheme="float", ends="float32", output="scores"), 1e-5),
        (Form(scheme="dynamic", ends="float32"), 0.2),
        (Form(ends="float32", output="scores", per_tensor=True), 0.05),
        (Form("onnx", "float", ends="float32", output="scores"), 1e-5),
    ],
)
def test_each_form_computes_what_keras_does(
    form: Form, most: float, given: ConvertOptions, quick: None
) -> None:
    out = given.out.with_name(f"other{'.onnx' if form.format == 'onnx' else '.tflite'}")
    result = convert_whole(replace(given, form=form, out=out, force=True))
    found = data_beside(out)
    keras, config = load_checkpoint(given.checkpoint)
    wanted = np.asarray(keras(found["features"]))
    if form.output == "scores":
        wanted = activate(wanted, config.class_activation).astype(np.float32)
    np.testing.assert_allclose(found["expected"], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["outputs"], wanted, rtol=0, atol=most)
    assert (result.made[0].seed is None) == (form.scheme != "int8")
    if form.per_tensor:
        assert one_scale_each(result.made[0])


def one_scale_each(made: Made) -> bool:
    from model_gen.codegen.tflite.reader import read_tflite

    tensors = read_tflite(made.content).tensors
    return all(len(t.quantization.scales) <= 1 for t in tensors if t.quantization is not None)


def test_onnx_that_differs_or_is_damaged_is_refused() -> None:
    ours = np.zeros((2, 3), np.float32)
    assert to_onnx.check_equal(ours, ours + np.float32(1e-5)) > 0
    for wrong in (ours + np.float32(1e-3), ours * np.nan):
        with pytest.raises(HostFailure, match="does not compute what Keras computes"):
            to_onnx.check_equal(wrong, ours)
    with pytest.raises(BadInput, match="ONNX Runtime does not accept"):
        to_onnx.onnx_outputs(b"no model", np.zeros((1, 4, 4), np.float32))


def test_without_the_extra_its_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(HostFailure, match="needs the extra onnx") as caught:
        to_onnx.require_onnx()
    assert "tf2onnx" in str(caught.value)
    assert "[onnx]" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--out", "m.onnx"], "--out must name a file that ends in .tflite"),
        (["--out", "nowhere/m.tflite"], "mkdir -p"),
        (["--out", "there.tflite"], "there.tflite"),
        (["--out", "m.tflite", "--scheme", "dynamik"], "Did you mean dynamic?"),
        (["--out", "m.tflite", "--format", "onx"], "Did you mean onnx?"),
        (["--out", "m.onnx", "--format", "onnx", "--scheme", "int8"], "--scheme float"),
        (["--out", "m.tflite", "--scheme", "float", "--per-tensor"], "--per-tensor"),
        (["--out", "m.tflite", "--scheme", "dynamic", "--io", "int8"], "--io int8"),
        (["--out", "m.tflite", "--checkpoint_path", "x.keras"], "one checkpoint"),
        (["--out", "m.tflite", "--model_config", "nothing.json"], "nothing.json"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_computed(
    more: list[str],
    says: str,
    given: ConvertOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.tflite").write_bytes(b"somebody's")
    words = ["convert", str(given.checkpoint), "--data_path_train", str(given.data_path), *more]
    assert run(words) == 2
    assert says in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["there.tflite"]
    assert Path("there.tflite").read_bytes() == b"somebody's"


def test_a_gate_that_fails_leaves_nothing(
    given: ConvertOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two seeds the second one's model is bad: the first is not written either."""
    verdicts = iter((0.0, 2.0))

    def second_fails(*arguments: Any, **more: Any) -> GateResult:
        return replace(judge(*arguments, **more), required_mean_cosine=next(verdicts))

    monkeypatch.setattr(conversion, "judge", second_fails)
    monkeypatch.setattr(conversion, "convert_checkpoint", lambda *_, **__: given.out.read_bytes())
    result = convert_whole(replace(given, out=tmp_path / "model.tflite", seeds=2))
    assert [one.gates.passed for one in result.made] == [True, False]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="not shown to be near enough"):
        result.worst.require()


def test_quantize_makes_bundles_alone(
    given: ConvertOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    for scheme in ("dynamic", "float"):
        words = ["quantize", str(given.checkpoint), "--data-path", str(given.data_path)]
        assert run([*words, "--out", "b", "--scheme", scheme]) == 2
        assert f"convert {given.checkpoint} --scheme {scheme}" in capsys.readouterr().err
