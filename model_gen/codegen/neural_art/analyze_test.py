"""An analysis with a program that stands in for stedgeai, and with reports that real ones printed."""

import json
from pathlib import Path

import pytest

from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from model_gen.codegen.neural_art.analyze import analyze, as_json, lines
from model_gen.codegen.neural_art.regions import BOARDS
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.output import stand_in
from model_gen.codegen.neural_art.testing.reports import report
from model_gen.codegen.neural_art.testing.shared import DATA, needs_data
from model_gen.codegen.neural_art.testing.written import VERSIONS, Small

SOON = 60.0


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEDGEAI_CORE_DIR", str(tmp_path / "core"))
    return tmp_path / "core"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_analysis_is_called_for_the_npu_and_read(
    tmp_path: Path, core: Path, version: str
) -> None:
    small = Small(version, small_model())
    recorded = stand_in(core, small, said=report(small, command="analyze"))
    found = analyze(small_model(), BOARDS[0], tmp_path / "log", Deadline.after(SOON))
    told = as_json(found)
    assert told["epochs"]["hardware"] == 1
    assert told["not_in_hardware"][0]["ops"] == ["Softmax"]
    assert told["macs"] == 2560
    assert any("Softmax" in line for line in lines(found))
    (given, _) = json.loads((recorded / "calls").read_text().splitlines()[-1])
    assert given[0] == "analyze"
    assert "stm32n6" in given
    assert (recorded / "given-model.tflite").read_bytes() == small_model()
    assert not (tmp_path / "log").exists()


@needs_data
@pytest.mark.parametrize("folder", ["st_audio_v2.2_yamnet", "muazzam_v2.2_blazeface_n6"])
def test_a_recorded_analysis_is_read(tmp_path: Path, core: Path, folder: str) -> None:
    said = (DATA / folder / "network_analyze_report.txt").read_text()
    stand_in(core, Small("2.2", small_model()), said=said)
    told = as_json(analyze(small_model(), BOARDS[0], tmp_path / "log", Deadline.after(SOON)))
    assert told["epochs"]["hardware"] > 30
    assert told["weights"] > 100_000


def test_an_analysis_without_the_npu_is_refused_and_its_log_kept(
    tmp_path: Path, core: Path
) -> None:
    small = Small("4.0", small_model(), npu=False)
    written = stand_in(core, small) / "output/network_analyze_report.txt"
    written.write_text(report(small, command="analyze"))
    log = tmp_path / "log"
    with pytest.raises(BadInput, match="did not compile this network for the NPU") as caught:
        analyze(small_model(), BOARDS[0], log, Deadline.after(SOON))
    assert str(log) in caught.value.evidence
    assert " analyze --model " in log.read_text()


def test_without_stedgeai_the_environment_lacks_something(tmp_path: Path, core: Path) -> None:
    core.mkdir()
    with pytest.raises(HostFailure, match="without stedgeai"):
        analyze(small_model(), BOARDS[0], tmp_path / "log", Deadline.after(SOON))
