"""`bench engine` proves and counts what the backend takes, and says what it does not take."""

import json
import shutil
from pathlib import Path

import pytest

from host.cli import main
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import q

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")


@pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason="needs " + str(TOOLS))
def test_a_model_that_is_refused_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.tflite").write_bytes(keras_models.quantized("res"))
    (tmp_path / "other.tflite").write_bytes(b"no model")
    # A LOGISTIC whose output has another scale than 1/256 is refused by the reference alone.
    odd = single("LOGISTIC", [q((1, 8))], q((1, 8), 1 / 200, -128))
    (tmp_path / "odd.tflite").write_bytes(odd)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "engine", "--models", str(tmp_path), "--json", "-"])
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in found["engine"]] == ["good"]
    assert found["engine"][0]["instructions"] > 0
    assert [row["model"] for row in found["refused"]] == ["odd", "other"]


def test_nothing_but_refused_models_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.tflite").write_bytes(b"no model")
    with pytest.raises(SystemExit) as ended:
        main(["bench", "engine", "--models", str(tmp_path)])
    assert ended.value.code == 2
    assert "none of the models can be taken" in capsys.readouterr().err
