"""`nightjar npu` on the command line: folders, models, files, codes, and what is refused."""

import hashlib
import json
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.cli import main
from host.npu.comparison.testing_network import exchanged, write
from host.npu.compiler.model import compile_model
from host.npu.compiler.testing_chain import chain
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.shared import DATA, needs_data
from model_gen.codegen.testing.bundle import write_small_bundle
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.testing.single_ops import q

NET, OTHER = make_net(3).tflite(), make_net(4).tflite()


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = write(tmp_path / "st_ai_output", compile_model(NET, "2.2"), NET)
    (made / "bird.tflite").write_bytes(NET)
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "bird.tflite"
    path.write_bytes(NET)
    return path


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_folder_is_executed_and_judged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (("--json", "r.json"), ("--save", "t.npz"), ("--html", "p.html"))
    options = [part for name, file in files for part in (name, tmp_path / file)]
    assert run("npu", folder, "--vectors", 3, *options) == 0
    text = capsys.readouterr().out
    assert "NPU executed, dialect 2.2, stedgeai 2.2.0-20266" in text
    assert "c_info sign the very .tflite" in text
    found = _json(tmp_path / "r.json")
    assert found["schema"] == "nightjar/npu/1"
    assert (found["vectors"], found["inputs"]) == (3, "3 drawn with seed 0")
    assert [layer["op"] for layer in found["layers"]] == [0, 1, 2, 3, 4]
    assert all(layer["observed"] for layer in found["layers"])
    assert all(layer["as_predicted"]["largest"] == 0 for layer in found["layers"])
    assert found["layers"][0]["place"]["name"] == "Conv2D_2_off_bias_out_3"
    arrays = np.load(tmp_path / "t.npz")
    assert list(arrays) == [
        "000 Input_0_out_0",
        "001 Conv2D_2_off_bias_out_3",
        "002 Conv2D_5_off_bias_out_6",
        "003 Conv2D_8_off_bias_out_9",
        "004 AveragePool_11_out_0",
        "005 Gemm_14_off_bias_out_15",
    ]
    assert {len(arrays[name]) for name in arrays} == {3}
    page = (tmp_path / "p.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "At most a step" in page
    assert "DEPTHWISE_CONV_2D" in page.replace("<wbr>", "")


def test_a_model_is_predicted_and_says_the_same(folder: Path, model: Path, tmp_path: Path) -> None:
    assert run("npu", folder, "--json", tmp_path / "a.json", "--save", tmp_path / "a.npz") == 0
    predicted = ("--dialect", "2.2", "--json", tmp_path / "b.json", "--save", tmp_path / "b.npz")
    assert run("npu", model, *predicted) == 0
    a, b = _json(tmp_path / "a.json"), _json(tmp_path / "b.json")
    for one, other in zip(a["layers"], b["layers"], strict=True):
        for kind in ("teacher_forced", "end_to_end"):
            assert one[kind] == other[kind]
    assert a["effects"] == b["effects"]
    assert b["npu"]["kind"] == "predicted"
    first, second = np.load(tmp_path / "a.npz"), np.load(tmp_path / "b.npz")
    for x, y in zip(first, second, strict=True):
        assert np.array_equal(first[x].ravel(), second[y].ravel())


def test_a_planted_fault_is_named_and_gated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = compile_model(NET, "4.0")
    folder = write(tmp_path / "out", model, NET, lambda i, one: exchanged(one) if i == 2 else one)
    (folder / "bird.tflite").write_bytes(NET)
    assert run("npu", folder) == 0, "it compared, whatever differed"
    assert "op 2, CONV_2D: layout" in capsys.readouterr().out
    assert run("npu", folder, "--max-steps", 1, "--json", tmp_path / "r.json") == 16
    assert "op 2, CONV_2D differs" in capsys.readouterr().err
    found = _json(tmp_path / "r.json")
    assert (found["above_max_steps"], found["exit_code"]) == ([2], 16)
    assert found["layers"][2]["cause"]["fault"]
    assert run("npu", folder, "--max-steps", 255) == 0


def test_the_gate_is_not_passed_by_a_layer_that_nobody_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(chain("LOGISTIC", None))
    given = ("npu", path, "--dialect", "4.0", "--json", tmp_path / "r.json")
    assert run(*given) == 0, "without a gate it compared"
    assert run(*given, "--max-steps", 255) == 18
    error = capsys.readouterr().err
    assert "INCOMPLETE" in error
    assert "not judged: op 1, LOGISTIC" in error
    found = _json(tmp_path / "r.json")
    assert (found["not_judged"], found["exit_code"]) == ([1], 18)


def test_an_epoch_of_the_processor_is_no_layer_that_a_gate_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(small_model())
    given = ("npu", path, "--dialect", "4.0", "--json", tmp_path / "r.json")
    assert run(*given, "--max-steps", 255) == 0
    found = _json(tmp_path / "r.json")
    assert found["layers"][1]["name"] == "SOFTMAX"
    assert (found["not_judged"], found["exit_code"]) == ([], 0)


def test_inputs_with_and_without_the_axis_of_the_batch(model: Path, tmp_path: Path) -> None:
    numbers = np.random.default_rng(1)
    values = numbers.integers(-128, 128, (2, 10, 8, 3), dtype=np.int8)
    results = []
    for name, array in (("bare", values), ("whole", values[:, None])):
        np.save(tmp_path / f"{name}.npy", array)
        given = ("--inputs", tmp_path / f"{name}.npy", "--json", tmp_path / "r.json")
        assert run("npu", model, "--dialect", "4.0", *given) == 0
        results.append(_json(tmp_path / "r.json")["layers"])
    assert results[0] == results[1]
    more = ("--inputs", tmp_path / "bare.npy", "--vectors", 3, "--json", tmp_path / "r.json")
    assert run("npu", model, "--dialect", "4.0", *more) == 0
    assert _json(tmp_path / "r.json")["inputs"] == "2 of bare.npy, 1 drawn with seed 0"


def test_a_bundle_gives_its_windows_and_takes_budgets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = write_small_bundle(tmp_path / "bundle"), tmp_path / "budgeted"
    assert run("npu", bundle, "--dialect", "4.0", "--budget", out) == 0
    text = capsys.readouterr().out
    assert "2 vectors (2 of the bundle's own windows)" in text
    assert "threshold 0.5:" in text
    assert run("npu", out, "--dialect", "4.0", "--json", tmp_path / "r.json") == 0
    assert "budgets of the bundle, dialect 4.0, compiler model" in capsys.readouterr().out
    found = _json(tmp_path / "r.json")
    assert found["npu_budget"]["layers"] == found["budgets"]["layers"]
    (out / "note").write_text("mine")
    assert run("npu", bundle, "--dialect", "4.0", "--budget", out) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["{model}"], 2, "needs the dialect"),
        (["{model}", "--dialect", "4.2"], 2, "must be one of 2.1, 2.2, 3.0, 4.0"),
        (["{model}", "--dialect", "4.0", "--model", "{model}"], 2, "--model is for a folder"),
        (["{model}", "--dialect", "4.0", "--vectors", "0"], 2, "at least 1"),
        (["{model}", "--dialect", "4.0", "--max-steps", "-1"], 2, "at least 0"),
        (["{model}", "--dialect", "4.0", "--inputs", "{model}"], 2, "inputs of this model are"),
        (["{model}", "--dialect", "4.0", "--budget", "x"], 2, "written to a bundle"),
        (["{folder}", "--dialect", "4.0"], 2, "the network is of dialect 2.2"),
        (["{folder}", "--model", "{other}"], 15, "compiled from another model"),
        (["{tmp}/none", "--dialect", "4.0"], 2, "does not exist"),
        (["{tmp}"], 2, "network.c"),
        (["{tmp}"], 2, "give the folder that stedgeai wrote (st_ai_output), whole"),
    ],
)
def test_what_does_not_fit_is_refused(
    folder: Path,
    model: Path,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other" / "o.tflite"
    other.parent.mkdir()
    other.write_bytes(OTHER)
    places = {"folder": folder, "model": model, "other": other, "tmp": tmp_path}
    assert run("npu", *(one.format(**places) for one in arguments)) == code
    error = capsys.readouterr().err
    assert told in error
    assert "--from" not in error, "it has no such option"


def test_a_folder_that_generate_wrote_has_its_model_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "generated-here"
    made = write(folder / "generated", compile_model(NET, "4.0"), NET)
    (folder / "model.tflite").write_bytes(NET)
    files = {
        str(path.relative_to(folder)): {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in (*made.iterdir(), folder / "model.tflite")
    }
    manifest = {"schema": "nightjar/neural-art/1", "files": files}
    (folder / "neural_art.json").write_text(json.dumps(manifest))
    assert run("npu", folder, "--vectors", 1, "--json", tmp_path / "r.json") == 0
    assert _json(tmp_path / "r.json")["npu"]["kind"] == "executed"
    (made / "network.c").write_text((made / "network.c").read_text() + " ")
    assert run("npu", folder, "--vectors", 1) == 15


def test_a_folder_needs_one_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "second.tflite").write_bytes(NET)
    assert run("npu", folder) == 2
    assert "give --model" in capsys.readouterr().err
    assert run("npu", folder, "--model", folder / "second.tflite", "--vectors", 1) == 0


def test_a_network_that_does_not_compile_leaves_no_earlier_result(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.json").write_text("{}")
    source = folder / "network.c"
    source.write_text(source.read_text().replace("LL_Streng_TensorInit(", "LL_Nobodys_Init(", 1))
    assert run("npu", folder, "--json", tmp_path / "r.json") == 2
    assert "LL_Nobodys_Init" in capsys.readouterr().err
    assert not (tmp_path / "r.json").exists()


@needs_data
def test_a_prediction_of_keyword_spotting_is_fast(tmp_path: Path) -> None:
    path = DATA.parent / "models" / "mlperf_tiny_kws_int8.tflite"
    assert run("npu", path, "--dialect", "4.0", "--json", tmp_path / "r.json") == 0
    before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    assert run("npu", path, "--dialect", "4.0", "--json", tmp_path / "r.json") == 0
    assert sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - before < 5
    found = _json(tmp_path / "r.json")
    seen = [layer for layer in found["layers"] if layer["observed"]]
    assert [layer["op"] for layer in seen] == list(range(12)), "the reference stands in for SOFTMAX"
    assert all(layer["teacher_forced"]["largest"] <= 1 for layer in seen)
    assert "reference stands in" in found["layers"][12]["place"]["reason"]


def test_a_virtual_cortex_m55_says_the_same(
    folder: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = []
    for name, more in (("here", ()), ("there", ("--virtual",))):
        made = tmp_path / f"{name}.npz"
        assert run("npu", folder, "--vectors", 2, "--save", made, *more) == 0
        arrays.append(dict(np.load(made)))
    assert "ran on a virtual Cortex-M55" in capsys.readouterr().out
    assert list(arrays[0]) == list(arrays[1])
    assert all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])
    assert run("npu", folder, "--runtime", tmp_path / "nothing") == 2
    assert "must hold one" in capsys.readouterr().err
    assert run("npu", model, "--dialect", "2.2", "--virtual") == 2
    assert "is for a folder of generated code" in capsys.readouterr().err


@pytest.mark.parametrize("place", [".", "inner", ".."])
def test_a_budget_goes_into_a_bundle_of_its_own(tmp_path: Path, place: str) -> None:
    bundle = write_small_bundle(tmp_path / "here" / "bundle")
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    assert run("npu", bundle, "--dialect", "4.0", "--budget", bundle / place, "--force") == 2
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def test_a_model_of_which_nothing_is_predicted_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"SoftmaxOptions": {"beta": 1.0}}
    model = tmp_path / "m.tflite"
    model.write_bytes(single("SOFTMAX", [q((1, 8), 0.1, 0)], q((1, 8), 1 / 256, -128), options))
    assert run("npu", model, "--dialect", "4.0", "--vectors", 1) == 2
    told = capsys.readouterr().err
    assert "no layer of the model can be predicted" in told
    assert "in memory" not in told


def test_firmware_is_built_of_a_model_and_of_what_was_made_of_it(
    folder: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "firmware"
    asked = ("--backend", "neural_art", "--from", folder, "--board", "n6-virtual", "--out", out)
    assert (
        run("build", model, *asked, "--npu-runtime", "nightjar", "--json", tmp_path / "b.json") == 0
    )
    built = _json(tmp_path / "b.json")
    assert (built["board"], built["backend"]) == ("stm32n6570-dk", "neural_art")
    described = _json(out / "nightjar.json")
    assert described["model_sha256"] == hashlib.sha256(NET).hexdigest()
    assert {"CONV_2D", "FULLY_CONNECTED"} <= {tap["op"] for tap in described["taps"]}
    assert (out / "neural_art.json").is_file()
    # The folder beside it, which `generate` writes too: the same firmware again, and nothing built anew.
    assert (
        run("build", tmp_path / "firmware-network", "--out", out, "--json", tmp_path / "c.json")
        == 0
    )
    assert _json(tmp_path / "c.json")["elf_sha256"] == built["elf_sha256"]
    capsys.readouterr()
    assert run("build", model, *asked, "--npu-runtime", tmp_path / "none") == 2
    assert "a runtime is nightjar, st, or a folder of ST's" in capsys.readouterr().err
    assert run("build", model, "--npu-runtime", "nightjar") == 2
    assert "--npu-runtime is for backend neural_art" in capsys.readouterr().err
