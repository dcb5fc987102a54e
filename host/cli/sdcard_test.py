"""`nightjar sdcard` makes a card, adds to it, shows it and its log."""

import json
import signal
import struct
import subprocess
import sys
import wave
import zlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from host.cli.sdcard import command
from host.errors import BadInput
from host.installed import ROOT
from host.listen.card import BLOCK, Entry, EntryKind, log_block
from host.sdcard.testing_card import read_file


def sdcard(*arguments: object) -> dict[str, Any]:
    """The JSON."""
    words = [*map(str, arguments), "--json", "-"]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0
    payload: dict[str, Any] = json.loads(done.stdout)
    return payload


def lines(*arguments: object) -> list[str]:
    done = CliRunner().invoke(command, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output.splitlines()


def recorded(path: Path, rate: int, samples: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{samples}h", *range(samples)))
    return path


def test_a_card_is_made_filled_and_read(tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    made = sdcard("make", card, "--size", "64M", "--log", "64K")
    assert made["files"] == [{"kind": "log", "name": "NIGHTJAR.LOG", "first": 10178, "blocks": 128}]
    heard = recorded(tmp_path / "heard.wav", 24000, 5000)
    assert len(sdcard("add", card, heard, "--rate", 24000)["files"]) == 2
    assert read_file(card, "REC001.WAV")[BLOCK:] == struct.pack("<5000h", *range(5000))
    assert sdcard("show", card)["files"][1]["name"] == "REC001.WAV"
    assert sdcard("log", card)["entries"] == []
    assert lines("log", card) == ["nothing has been logged yet"]


def logged(card: Path, entries: list[Entry]) -> None:
    """As firmware writes them on a new card."""
    (log,) = sdcard("make", card, "--size", "64M", "--log", "2K")["files"]
    with card.open("r+b") as file:
        file.seek(log["first"] * BLOCK + 8)
        log_id = struct.unpack("<I", file.read(4))[0]
        file.seek((log["first"] + 1) * BLOCK)
        file.write(log_block(log_id, 1, entries))


def entries(crc: int) -> list[Entry]:
    return [
        Entry(EntryKind.START, 1, crc, 0, 24000, 0x1234),
        Entry(EntryKind.DETECTION, 1, 36000, 60000, 200, 4),
        Entry(EntryKind.LOST, 1, 70_000, 7, 0, 0),
        Entry(EntryKind.END, 1, 100_000, 7, 1, 0),
    ]


def test_a_log_is_shown_in_words_and_times(tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    logged(card, entries(0xABCD))
    assert lines("log", card) == [
        "start: microphone, 24000 Hz, image 00001234",
        "detection: label 1, 0:00:01.500000 to 0:00:02.500000, score 200, 4 chunks",
        "lost: 7 samples of sound by now, when 70,000 had come",
        "end: 100,000 samples heard, 7 lost, 1 detections, 0 events lost",
    ]
    told = sdcard("log", card)
    assert [one["kind"] for one in told["entries"]] == ["start", "detection", "lost", "end"]
    assert told["damaged_blocks"] == 0


def test_labels_are_those_of_the_firmware_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.cli.sdcard._labels", lambda bundle: ("wren", "r\x1bobin"))
    card = tmp_path / "card.img"
    logged(card, entries(zlib.crc32(b"wren\nr\x1bobin\n")))
    (_, shown, *_) = lines("log", card, "--bundle", tmp_path)
    assert shown.startswith(r"detection: r\x1bobin, 0:00:01.5")
    assert sdcard("log", card, "--bundle", tmp_path)["entries"][1]["name"] == "r\x1bobin"
    card.unlink()
    logged(card, entries(0xABCD))
    with pytest.raises(BadInput, match="firmware with other labels") as caught:
        lines("log", card, "--bundle", tmp_path)
    assert "the log has 0000abcd" in caught.value.evidence


def test_recordings_need_their_rate_and_nothing_is_half_made(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="need the rate"):
        sdcard("add", tmp_path / "card.img", tmp_path / "heard.wav")
    with pytest.raises(BadInput, match="nothing to add"):
        sdcard("add", tmp_path / "card.img")
    with pytest.raises(BadInput, match=r"no room for NIGHTJAR\.LOG"):
        sdcard("make", tmp_path / "card.img", "--size", "64M", "--log", "64M")
    assert not (tmp_path / "card.img").exists()
    with pytest.raises(BadInput, match="must be a number of bytes"):
        sdcard("make", tmp_path / "card.img", "--size", "64 MB")


def test_all_is_added_or_nothing(tmp_path: Path) -> None:
    card, bad = tmp_path / "card.img", tmp_path / "bad.wav"
    sdcard("make", card, "--size", "64M", "--log", "64K")
    good = recorded(tmp_path / "good.wav", 24000, 5000)
    bad.write_bytes(b"no sound")
    with pytest.raises(BadInput, match=r"cannot decode .*bad\.wav"):
        sdcard("add", card, good, bad, "--rate", 24000)
    assert [one["name"] for one in sdcard("show", card)["files"]] == ["NIGHTJAR.LOG"]
    with pytest.raises(BadInput, match="has a log already"):
        sdcard("add", card, good, "--rate", 24000, "--log", "64K")
    added = sdcard("add", card, good, good, "--rate", 24000)["files"]
    assert [one["name"] for one in added] == ["NIGHTJAR.LOG", "REC001.WAV", "REC002.WAV"]


def test_an_image_that_a_signal_breaks_off_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    words = ["make", str(tmp_path / "c"), "--size", "64M"]
    for place in ("host.sdcard.image.os.fsync", "host.sdcard.card.Card.commit"):
        with monkeypatch.context() as patched:
            patched.setattr(place, interrupted)
            assert CliRunner().invoke(command, words).exit_code != 0
        assert list(tmp_path.iterdir()) == []


def test_an_image_that_a_kill_breaks_off_is_absent(tmp_path: Path) -> None:
    """Nothing can be removed then: the image has its name only when it is whole."""
    code = (
        "import os, sys, host.sdcard.card as card, host.cli\n"
        "card.Card.commit = lambda self: os.kill(os.getpid(), 9)\n"
        "host.cli.run(sys.argv[1:])"
    )
    line = [sys.executable, "-c", code, "sdcard", "make", str(tmp_path / "c"), "--size", "64M"]
    done = subprocess.run(line, check=False, timeout=300, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "c").exists()
    assert len(sdcard("make", tmp_path / "c", "--size", "64M", "--log", "64K")["files"]) == 1


def test_an_image_is_made_over_nothing_and_where_no_links_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("make", tmp_path / "c", "--size", "64M")

    def another(self: Path, target: Path) -> None:
        self.write_text("another's")
        raise FileExistsError

    def none(self: Path, target: Path) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.hardlink_to", another)
        with pytest.raises(BadInput, match="is there already"):
            sdcard(*words)
    assert (tmp_path / "c").read_text() == "another's"
    with pytest.raises(BadInput, match="is there already"):
        sdcard(*words)
    (tmp_path / "c").unlink()
    monkeypatch.setattr("pathlib.Path.hardlink_to", none)
    assert len(sdcard(*words)["files"]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["c"]
