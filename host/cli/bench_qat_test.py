"""`bench qat` from recordings to its table: each model is trained, quantized and proved, of clips of three speakers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from host.cli import bench_qat, main
from model_gen.evaluation.family import jobs as trainings
from model_gen.evaluation.learning.testing import SPEAKERS, write_clips
from model_gen.evaluation.qat.jobs import FAITHFUL, KINDS

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")


@pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason="needs " + str(TOOLS))
def test_a_seed_is_trained_quantized_and_proved_and_its_figures_are_those_of_its_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    clips = write_clips(tmp_path / "clips")
    one = trainings.Job(trainings.DIGITS, str(clips), "release", "ada", "bo", epochs=1)
    monkeypatch.setattr(trainings, "jobs_of", lambda *_, **__: [one])
    monkeypatch.setattr(bench_qat, "folders_of_data", lambda *_: (clips, SPEAKERS, clips))
    results = tmp_path / "results.json"

    def bench() -> tuple[str, str]:
        words = ["bench", "qat", "--preset", "release", "--seeds", "1", "--data-path", str(clips)]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--results", str(results)])
        assert not ended.value.code
        said = capsys.readouterr()
        return said.out, said.err

    told, _ = bench()
    rows = {row["kind"]: row for row in json.loads(results.read_text())["rows"]}
    assert tuple(rows) == KINDS
    assert {row["recordings"] for row in rows.values()} == {8}
    assert rows[FAITHFUL]["exact"] == 1
    assert f"{rows[FAITHFUL]['ap']:.4f}" in told
    home = bench_qat.HOME / f"{one.name}-seed-1"
    for kind, row in rows.items():
        with np.load(home / kind / "scores.npz") as kept:
            wanted, scores = kept["wanted"], kept[kind]
        assert row["ap"] == pytest.approx(average_precision_score(wanted, scores), abs=1e-6)
    models = {(home / kind / "bundle/model.tflite").read_bytes() for kind in KINDS[1:]}
    assert len(models) > 1  # ranges differ
    content = results.read_bytes()
    results.unlink()
    _, again = bench()
    assert again.count("made before") == len(KINDS) + 1  # the proof, too
    before, after = json.loads(content), json.loads(results.read_bytes())
    assert after["rows"] == before["rows"]
