"""Sound in blocks of real time through whole application firmware: its detections are those of `nightjar classify`."""

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from host.boards.virtual_n6.build import find
from host.cli import run
from model_gen.codegen.testing.bundle import write_small_bundle

HZ = 8000
BLOCK = HZ // 50
DETECTING = ("--threshold", "0.45", "--overlap", "0", "--pooled", "2", "--sustain", "0.95")
# Kept between runs: what has not changed is not compiled again.
HOME = Path(__file__).parents[2] / "build" / "tests" / "listen"


def record(path: Path, seconds: int) -> Path:
    """A chirp that comes and goes."""
    time = np.arange(HZ * seconds) / HZ
    sound = 9000 * np.sin(2 * np.pi * (700 + 300 * np.sin(3 * time)) * time) * (np.sin(time) > 0)
    noise = np.random.default_rng(1).normal(0, 200, time.size)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(HZ)
        file.writeframes((sound + noise).astype("<i2").tobytes())
    return path


needs_arm = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
needs_machine = pytest.mark.skipif(find() is None, reason="make n6-virtual")


@pytest.mark.parametrize(
    ("board", "kind", "seconds"),
    [
        pytest.param("virtual", "virtual", 20, marks=needs_arm),
        pytest.param("n6-virtual", "stm32n6570-dk", 20, marks=(needs_arm, needs_machine)),
    ],
)
def test_the_board_detects_what_classify_does(
    board: str, kind: str, seconds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = str(write_small_bundle(tmp_path / "bundle"))
    sound = str(record(tmp_path / "r.wav", seconds))
    project = str(HOME / kind)
    made = ["build", bundle, "--board", kind, "--out", project, "--application", *DETECTING]
    monkeypatch.chdir(tmp_path)
    heard, said = tmp_path / "heard.json", tmp_path / "said.json"
    assert run(made) == 0
    listen = ["listen", bundle, sound, "--project", project, "--board", board]
    assert run([*listen, "--block", str(BLOCK), "--json", str(heard)]) == 0
    classify = ["classify", bundle, sound, *DETECTING, "--board", "none", "--detections"]
    assert run([*classify, "--json", str(said)]) == 0
    (board_file,) = json.loads(heard.read_text())["files"]
    (host_file,) = json.loads(said.read_text())["files"]
    detections = board_file["detections"]
    assert len(detections) >= 2
    assert json.dumps(detections) == json.dumps(host_file["detections"])
    assert board_file["same"]
    assert board_file["lost_samples"] == 0
    assert board_file["blocks"] == -(-board_file["counts"]["taken"] // BLOCK) >= seconds * 50
    assert 0 < board_file["margin"]["worst"] < board_file["margin"]["budget"]


@needs_arm
@needs_machine
def test_the_card_of_a_bench_is_heard_and_logged_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = str(write_small_bundle(tmp_path / "bundle"))
    sounds = [str(record(tmp_path / f"{seconds}.wav", seconds)) for seconds in (3, 2)]
    project = str(HOME / "stm32n6570-dk")
    monkeypatch.chdir(tmp_path)
    made = ["build", bundle, "--board", "stm32n6570-dk", "--out", project, "--application"]
    assert run([*made, *DETECTING]) == 0
    assert run(["sdcard", "make", "card.img", "--size", "64M", "--log", "64K"]) == 0
    assert run(["sdcard", "add", "card.img", *sounds, "--rate", str(HZ)]) == 0
    (tmp_path / "bench.toml").write_text(
        '[board.field]\nkind = "n6-virtual"\nmachine = { card = "card.img" }\n'
    )
    there = ["--project", project, "--board", "field", "--bench", "bench.toml"]
    listen = ["listen", bundle, *sounds, *there, "--source", "card", "--json", "heard.json"]
    assert run(listen) == 0
    heard = json.loads((tmp_path / "heard.json").read_text())["files"]
    assert [one["same"] for one in heard] == [True, True]
    found = [row for one in heard for row in one["detections"]]
    assert len(found) >= 2
    assert run(["sdcard", "log", "card.img", "--bundle", bundle, "--json", "log.json"]) == 0
    entries = json.loads((tmp_path / "log.json").read_text())["entries"]
    logged = [entry for entry in entries if entry["kind"] == "detection"]
    assert [entry["name"] for entry in logged] == [row["name"] for row in found]
