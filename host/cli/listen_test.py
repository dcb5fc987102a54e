"""What `listen`, `build --application` and `classify --detections` refuse, before anything is built."""

import json
import re
import shutil
from pathlib import Path

import pytest

from host.cli import run
from host.cli.application_options import read
from host.compare.flip import find_symbol, overwrite
from host.elf_record import write_record
from host.errors import BadInput
from host.exit_codes import Exit
from host.listen.tiers_test import record
from host.owned import LIST
from host.project import DESCRIPTION, ELF, load_project
from model_gen.codegen.testing.bundle import LABELS, write_small_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_small_bundle(tmp_path_factory.mktemp("listen") / "bundle"))


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What is said of a command line that is bad input."""
    assert run(list(words)) == Exit.INPUT
    return capsys.readouterr().err


def test_thresholds_of_labels_are_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"{LABELS[0]},0.7\n\n{LABELS[1]}, 0.25\n")
    assert read(file) == {LABELS[0]: 0.7, LABELS[1]: 0.25}
    file.write_bytes(f"\ufeff{LABELS[0]},0.7\r\n".encode())  # as spreadsheets save it
    assert read(file) == {LABELS[0]: 0.7}
    for bad in (b"wren", b"wren,high", b"\xff,1", b"wren,0.7,0.2", b"wren,0.7\nwren,0.2", b"\0"):
        file.write_bytes(bad)
        with pytest.raises(BadInput, match=r"label,0\.7"):
            read(file)
    with pytest.raises(BadInput, match=r"label,0\.7"):
        read(tmp_path / "absent")


def test_what_is_no_detection_is_refused(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "t.csv"
    file.write_text("wrenn,0.7\n")
    made = ("build", bundle, "--application", "--out", "out")
    assert "no label 'wrenn'" in refused(capsys, *made, "--thresholds", str(file))
    assert "1 chunk on" in refused(capsys, *made, "--least", "5", "--most", "2")
    assert "only the application mode" in refused(capsys, "build", bundle, "--threshold", "0.7")
    model = str(Path(bundle) / "model.tflite")
    assert "only a bundle can listen" in refused(capsys, "build", model, "--application")
    assert not (tmp_path / "out").exists()


def test_recordings_are_for_the_link_and_the_card(
    bundle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("r.wav", "--source", "microphone"), ("--source", "card"), ()):
        assert "none for a microphone" in refused(capsys, "listen", bundle, *words)


def test_options_of_which_nothing_comes_are_refused(
    bundle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, told in (
        (("listen", bundle, "r.wav", "--seconds", "5"), "--seconds goes with --source microphone"),
        (
            ("listen", bundle, "--source", "microphone", "--real-time", "--block", "9"),
            "--real-time, --block goes with --source link",
        ),
        (
            ("classify", bundle, "r.wav", "--board", "none", "--threshold", "0.7"),
            "--threshold goes with --detections",
        ),
    ):
        assert told in refused(capsys, *words)


def test_a_project_has_settled_it(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listen = ("listen", bundle, "r.wav", "--project", "out", "--threshold", "0.7")
    assert "settled when the project was made" in refused(capsys, *listen)
    assert run(["generate", bundle, "--board", "native", "--out", "out"]) == 0
    assert (tmp_path / "out" / DESCRIPTION).is_file()
    model = str(Path(bundle) / "model.tflite")
    built = tmp_path / "out" / ELF
    built.parent.mkdir()
    built.write_bytes(b"")
    assert "only a bundle can listen" in refused(
        capsys, "listen", model, "r.wav", "--board", "native", "--project", "out"
    )
    assert "settled when its project" in refused(capsys, "build", "out", "--application")


NATIVE = ("--board", "native")
DETECTING = (
    *("--overlap", "0.77", "--pooled", "5", "--threshold", "0.4", "--sustain", "0.97"),
    *("--least", "2", "--most", "9"),
)


@pytest.fixture(scope="module")
def project(bundle: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Firmware that listens."""
    out = tmp_path_factory.mktemp("listen") / "out"
    assert run(["build", bundle, *NATIVE, "--out", str(out), "--application", *DETECTING]) == 0
    return out


def test_firmware_that_hangs_while_it_listens_is_named_with_its_line(
    bundle: str,
    project: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoiled = tmp_path / "out"
    shutil.copytree(project, spoiled)
    elf = spoiled / ELF
    overwrite(elf, find_symbol(elf, "nj_detector_take", "STT_FUNC"), b"\xeb\xfe")  # jumps to itself
    write_record(elf)
    monkeypatch.setattr("host.listen.application.PATIENCE", 2.0)
    sound = str(record(tmp_path / "r.wav", 3))
    assert run(["listen", bundle, sound, *NATIVE, "--project", str(spoiled)]) == Exit.FIRMWARE
    assert re.search(
        r"no answer to .*: the firmware is at \S*nj_detector\.c:\d+ \(nj_detector_take\)",
        capsys.readouterr().err,
    )


def test_what_a_project_says_of_detections_is_held(
    bundle: str, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edited nightjar.json would have other detections expected than the firmware was built for."""
    model, sound = NATIVE, str(record(tmp_path / "r.wav", 3))
    project = shutil.copytree(project, tmp_path / "out")
    listen = ("listen", bundle, sound, *model, "--project", str(project))
    classify = ("classify", bundle, sound, "--board", "none", "--detections", *DETECTING)
    heard = [tmp_path / "listen.json", tmp_path / "classify.json"]
    for words, file in zip((listen, classify), heard, strict=True):
        assert run([*words, "--json", str(file)]) == 0
    board, host = (json.loads(file.read_text())["files"][0]["detections"] for file in heard)
    assert board == host
    assert len(board) > 5
    assert run([*listen, "--faults", "seed=2,rate=0.02"]) == Exit.LINK
    capsys.readouterr()
    description = project / DESCRIPTION
    said = json.loads(description.read_text())
    said["application"]["labels"][0]["threshold"] += 1
    description.write_text(json.dumps(said))
    assert run([*listen]) == Exit.IDENTITY
    assert "nightjar.json was changed" in capsys.readouterr().err
    said["application"]["rate"] *= 2
    description.write_text(json.dumps(said))
    (project / LIST).unlink()  # as of a folder that was copied without
    assert run([*listen]) == Exit.IDENTITY
    assert "16000 samples a second where 8000 fit" in capsys.readouterr().err
    said["stream"] = False  # would have its tests left out
    description.write_text(json.dumps(said))
    with pytest.raises(BadInput, match=r"nightjar\.json must") as caught:
        load_project(project)
    assert "an application that does not stream" in caught.value.evidence
