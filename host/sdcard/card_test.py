"""Cards: what is added lies in one piece, everybody can read it, and nothing that was there has changed."""

import signal
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from host.errors import BadInput
from host.listen.card import (
    BLOCK,
    INDEX_BLOCK,
    Entry,
    EntryKind,
    FileKind,
    Log,
    log_block,
    read_index,
    read_log,
)
from host.sdcard.blocks import Blocks, opened
from host.sdcard.card import Card, Listed
from host.sdcard.image import LEAST, make_image
from host.sdcard.testing_card import fat16_image, read_file

SAMPLES = (np.arange(70_000) * 7919 & 0xFFFF).astype(np.uint16).astype(np.int16)


def fat32(path: Path) -> None:
    make_image(path, LEAST)


@pytest.fixture(params=[fat32, fat16_image], ids=["FAT32", "FAT16"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    make: Callable[[Path], None] = request.param
    make(tmp_path / "card")
    return tmp_path / "card"


def added(image: Path) -> tuple[Listed, ...]:
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        card.add_log(10_000)
        card.add_recording(24000, SAMPLES)
        card.commit()
        return card.files()


def test_a_log_and_a_recording_lie_in_one_piece_and_the_index_says_where(image: Path) -> None:
    log, recording = added(image)
    raw = image.read_bytes()
    index = read_index(raw[INDEX_BLOCK * BLOCK : (INDEX_BLOCK + 1) * BLOCK])
    assert [(one.first, one.blocks) for one in index] == [
        (one.first, one.blocks) for one in (log, recording)
    ]
    assert [one.kind for one in index] == [FileKind.LOG, FileKind.RECORDING]
    assert log.blocks == 20
    piece = raw[recording.first * BLOCK :][: BLOCK + 2 * SAMPLES.size]
    assert piece == read_file(image, "REC001.WAV")
    assert read_log(read_file(image, "NIGHTJAR.LOG")) == Log((), 0, full=False)
    assert raw[log.first * BLOCK :].startswith(b"NJLOG")


def test_a_recording_is_a_wav_file(image: Path, tmp_path: Path) -> None:
    added(image)
    (tmp_path / "r.wav").write_bytes(read_file(image, "REC001.WAV"))
    with wave.open(str(tmp_path / "r.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24000, 1, 2)
        assert file.readframes(file.getnframes()) == SAMPLES.astype("<i2").tobytes()


def test_what_firmware_logs_is_read(image: Path) -> None:
    log, _ = added(image)
    entry = Entry(EntryKind.DETECTION, 3, 24000, 48000, 200, 4)
    raw = bytearray(image.read_bytes())
    log_id = struct.unpack_from("<I", raw, log.first * BLOCK + 8)[0]
    raw[(log.first + 1) * BLOCK : (log.first + 2) * BLOCK] = log_block(log_id, 1, [entry])
    image.write_bytes(raw)
    with opened(image) as blocks:
        assert Card(blocks).log() == Log((entry,), 0, full=False)


def test_what_was_there_stays(tmp_path: Path) -> None:
    """A file in pieces is another's: it is kept, and never taken for one of ours."""
    fat16_image(tmp_path / "card")
    before = read_file(tmp_path / "card", "OLD.TXT")
    assert before.startswith(b"first")
    assert before[1024:].startswith(b"second")
    added(tmp_path / "card")
    assert read_file(tmp_path / "card", "OLD.TXT") == before
    with opened(tmp_path / "card") as blocks:
        card = Card(blocks)
        old = card.volume.find("OLD.TXT")
        assert old is not None
        assert card.volume.place(old) is None


def test_a_second_log_is_refused_and_more_recordings_are_not(image: Path) -> None:
    added(image)
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        with pytest.raises(BadInput, match="has a log already"):
            card.add_log(10_000)
        assert card.add_recording(24000, SAMPLES[:1]).name == "REC002.WAV"
        card.commit()
        assert len(card.files()) == 3
    assert len(read_file(image, "REC002.WAV")) == BLOCK + 2


def test_a_recording_that_was_removed_is_forgotten_and_its_place_is_not_taken_for_it(
    image: Path,
) -> None:
    added(image)
    raw = image.read_bytes()
    image.write_bytes(raw.replace(b"REC001  WAV", b"\xe5EC001  WAV"))
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        assert [one.name for one in card.files()] == ["NIGHTJAR.LOG", ""]
        card.add_recording(24000, SAMPLES[:1])
        card.commit()
        assert [one.name for one in card.files()] == ["NIGHTJAR.LOG", "REC001.WAV"]


def test_there_is_no_room_in_one_piece(tmp_path: Path) -> None:
    fat16_image(tmp_path / "card", clusters=4085)
    with (
        opened(tmp_path / "card", write=True) as blocks,
        pytest.raises(BadInput, match=r"no room for NIGHTJAR.LOG in one piece") as caught,
    ):
        Card(blocks).add_log(5000 * 1024)
    assert f"the longest free piece has {(4085 - 4) * 1024}" in caught.value.evidence
    assert b"NIGHTJAR" not in (tmp_path / "card").read_bytes(), "nothing is half written"


@pytest.mark.parametrize("half", [False, True])
def test_a_root_folder_that_is_full_is_told(tmp_path: Path, half: bool) -> None:
    fat16_image(tmp_path / "card", root_entries=16)
    with opened(tmp_path / "card", write=True) as blocks:
        card = Card(blocks)
        for _ in range(15):
            card.add_recording(24000, SAMPLES[:1])
            if half:
                card.commit()
        with pytest.raises(BadInput, match="root folder of the card is full"):
            card.add_recording(24000, SAMPLES[:1])


def test_the_index_names_thirty_files(tmp_path: Path) -> None:
    make_image(tmp_path / "card", LEAST)
    with opened(tmp_path / "card", write=True) as blocks:
        card = Card(blocks)
        for _ in range(30):
            card.add_recording(24000, SAMPLES[:1])
        with pytest.raises(BadInput, match="names at most 30 files"):
            card.add_recording(24000, SAMPLES[:1])


def test_what_was_not_committed_is_not_there(image: Path) -> None:
    added(image)
    raw = image.read_bytes()
    shown = [read_file(image, name) for name in ("NIGHTJAR.LOG", "REC001.WAV")]
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        names = [card.add_recording(24000, SAMPLES + i).name for i in range(2)]
        assert names == ["REC002.WAV", "REC003.WAV"]
        card.add_recording(24000, SAMPLES)
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        assert [one.name for one in card.files()] == ["NIGHTJAR.LOG", "REC001.WAV"]
        first, second = (card.add_recording(24000, SAMPLES + i) for i in range(2))
        card.commit()
        assert card.files()[2:] == (first, second)
    assert [read_file(image, name) for name in ("NIGHTJAR.LOG", "REC001.WAV")] == shown
    for i, name in enumerate(names):
        assert read_file(image, name)[BLOCK:] == (SAMPLES + i).astype("<i2").tobytes()
    assert len(image.read_bytes()) == len(raw)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_all_is_there(
    image: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    flush = Blocks.flush

    def struck(self: Blocks) -> None:
        signal.raise_signal(number)
        flush(self)

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, stop)
    try:
        with opened(image, write=True) as blocks:
            card = Card(blocks)
            card.add_recording(24000, SAMPLES)
            monkeypatch.setattr(Blocks, "flush", struck)
            with pytest.raises(KeyboardInterrupt):
                card.commit()
    finally:
        signal.signal(number, before)
    with opened(image) as blocks:
        assert [one.name for one in Card(blocks).files()] == ["REC001.WAV"]


def spoilt(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize(
    ("at", "data", "why"),
    [
        (510, b"\0\0", "its first block is no MBR"),
        (450, b"\xee", "a GUID partition table"),
        (450, b"\x07", "exFAT, or NTFS"),
        (450, b"\x83", "a first partition of type 0x83"),
        (454, struct.pack("<I", 1), "a first partition of type 0x0c at block 1"),
        (458, b"\xff\xff\xff\xff", "a first partition of type 0x0c at block 8192"),
        (8192 * BLOCK + 11, b"\0\x10", "does not begin as FAT"),
        (8192 * BLOCK + 13, b"\x80", "FAT with"),
    ],
)
def test_another_kind_of_card_is_refused(tmp_path: Path, at: int, data: bytes, why: str) -> None:
    make_image(tmp_path / "card", LEAST)
    spoilt(tmp_path / "card", at, data)
    with opened(tmp_path / "card") as blocks, pytest.raises(BadInput) as caught:
        Card(blocks)
    assert why in caught.value.evidence


@pytest.mark.parametrize("at", [8192 * BLOCK + 0x41, (8192 + 32) * BLOCK + 7])
def test_a_volume_that_was_not_unmounted_is_refused(tmp_path: Path, at: int) -> None:
    make_image(tmp_path / "card", LEAST)
    spoilt(tmp_path / "card", at, b"\x01")
    with opened(tmp_path / "card") as blocks, pytest.raises(BadInput, match="was not unmounted"):
        Card(blocks)


def test_what_lies_where_the_index_belongs_is_not_written_over(tmp_path: Path) -> None:
    make_image(tmp_path / "card", LEAST)
    spoilt(tmp_path / "card", BLOCK, b"GRUB")
    with opened(tmp_path / "card") as blocks, pytest.raises(BadInput, match="holds something else"):
        Card(blocks)


def test_a_card_that_was_formatted_since_has_no_files(image: Path) -> None:
    added(image)
    start = struct.unpack_from("<I", image.read_bytes(), 454)[0]
    spoilt(image, start * BLOCK + 3, b"ANEW")
    with opened(image) as blocks:
        assert Card(blocks).files() == ()
