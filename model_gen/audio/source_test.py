"""Damaged recordings, as recorders, cards and transfers leave them; each is made here."""

import ctypes
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from model_gen.audio.decode import decode, to_int16
from model_gen.audio.source import Unreadable, open_source

RATE = 8000
SOUND: npt.NDArray[np.int16] = (
    np.random.default_rng(1).integers(-9999, 9999, 3 * RATE).astype(np.int16)
)
SOUND[-1] = 1234  # not silent to its end


def _file(path: Path, name: str, damage: Callable[[bytearray], bytes]) -> Path:
    whole = path / name
    soundfile.write(whole, SOUND, RATE, subtype="PCM_16")
    made = damage(bytearray(whole.read_bytes()))
    whole.write_bytes(made)
    return whole


def _size(name: bytes, value: bytes, after: int = 4) -> Callable[[bytearray], bytes]:
    """Write `value` over the size of the chunk `name`."""

    def change(data: bytearray) -> bytes:
        at = data.index(name) + after
        data[at : at + len(value)] = value
        return bytes(data)

    return change


def _flac_total(frames: int) -> Callable[[bytearray], bytes]:
    def change(data: bytearray) -> bytes:
        field = int.from_bytes(data[18:26], "big") >> 36 << 36
        data[18:26] = (field | frames).to_bytes(8, "big")
        return bytes(data)

    return change


def _au(data: bytearray) -> bytes:
    data[8:12] = bytes(4)
    return bytes(data)


def _rf64(data: bytearray) -> bytes:
    data[20:44] = bytes(24)
    return bytes(data)


UNFINISHED: dict[str, Callable[[bytearray], bytes]] = {
    "size0.wav": _size(b"data", bytes(4)),
    "riff0.wav": lambda data: _size(b"RIFF", bytes(4))(bytearray(_size(b"data", bytes(4))(data))),
    "preallocated.wav": lambda data: _size(b"data", bytes(4))(data) + bytes(100_000),
    "size0.au": _au,
    "size0.caf": _size(b"data", bytes(8)),
    "size0.rf64": _rf64,
    "total0.flac": _flac_total(0),
    "toolong.flac": _flac_total(300 * RATE),
    "any.flac": _flac_total((1 << 36) - 1),
    "total0-preallocated.flac": lambda data: _flac_total(0)(data) + bytes(100_000),
    "toolong-preallocated.flac": lambda data: _flac_total(300 * RATE)(data) + bytes(100_000),
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_file_that_was_never_finished_gives_all_its_sound(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, name, UNFINISHED[name])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(decode(path, RATE), SOUND)
    assert [name in record.getMessage() for record in caplog.records] == [True]


CUT: dict[str, Callable[[bytearray], bytes]] = {
    "cut.wav": lambda data: bytes(data[: len(data) // 2]),
    "cut.aiff": lambda data: bytes(data[: len(data) // 2]),
    "cut.au": lambda data: bytes(data[: len(data) // 2]),
    "cut.w64": lambda data: bytes(data[: len(data) // 2]),
    "cut.rf64": lambda data: bytes(data[: len(data) // 2]),
    "cut.caf": lambda data: bytes(data[: len(data) // 2]),
    "cut.flac": lambda data: bytes(data[: len(data) // 2]),
    "zeros.flac": lambda data: bytes(data[: len(data) // 2]) + bytes(50_000),
    "hole.flac": lambda data: bytes(data[: len(data) // 2] + bytes(900) + data[-9000:]),
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_breaks_off_gives_what_was_before(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, name, CUT[name])
    with caplog.at_level(logging.WARNING):
        got = decode(path, RATE)
    assert len(SOUND) // 3 < len(got) < len(SOUND) * 0.55
    np.testing.assert_array_equal(got, SOUND[: len(got)])
    assert [name in record.getMessage() for record in caplog.records] == [True]


def _ogg(path: Path, subtype: str, seconds: float = 3) -> bytes:
    """A stream of a page a second, or of less than one."""
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * 48_000))
    soundfile.write(path, noise, 48_000, format="OGG", subtype=subtype)
    return path.read_bytes()


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_stream_that_breaks_off_is_said_to(subtype: str, tmp_path: Path) -> None:
    """Between pages and within them, the last one too; with reserved space behind it."""
    path = tmp_path / "x.ogg"
    for seconds in (0.5, 3):
        whole = _ogg(path, subtype, seconds)
        last = whole.rindex(b"OggS")
        cuts = {last + 20, last + 100, len(whole) - 1}
        cuts |= {len(whole) // 2, len(whole) * 2 // 3, last} if seconds == 3 else set()
        for cut in cuts:
            path.write_bytes(whole[:cut])
            assert _told(path), (seconds, cut)
            path.write_bytes(whole[: min(cut, last)] + bytes(200_000))
            assert _told(path), (seconds, cut)
        # Of an Opus stream with something behind it, libsndfile does not read the last page.
        tails = (b"", b"TAG" + bytes(125), bytes(200_000)) if subtype == "VORBIS" else (b"",)
        for behind in tails:
            path.write_bytes(whole + behind)
            assert _told(path) == ""


def _chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"".join(
        name + len(data).to_bytes(4, "little") + data + bytes(len(data) & 1)
        for name, data in chunks
    )


def test_a_header_that_counts_less_than_there_is_is_said_to(tmp_path: Path) -> None:
    path = _file(tmp_path, "x.wav", bytes)
    whole = path.read_bytes()
    samples = whole[44:]
    for frames in (RATE, 2 * RATE + 1):
        path.write_bytes(_size(b"data", (2 * frames).to_bytes(4, "little"))(bytearray(whole)))
        assert f"{2 * (len(SOUND) - frames):,} bytes" in _told(path)
    behind = {
        "chunks": _chunks((b"LIST", b"INFOIART\2\0\0\0ab"), (b"bext", bytes(603)), (b"id3 ", b"x")),
        "zeros": bytes(100_000),
        "tag": b"TAG" + b"a song".ljust(125),
        "chunk and zeros": _chunks((b"cue ", samples[:99])) + bytes(4000),
    }
    for name, data in behind.items():
        path.write_bytes(whole + data)
        assert _told(path) == "", name


WHOLE: dict[str, Callable[[bytearray], bytes]] = {
    "as-it-is.wav": bytes,
    "piped.wav": lambda data: _size(b"RIFF", b"\xff" * 4)(
        bytearray(_size(b"data", b"\xff" * 4)(data))
    ),
    "as-it-is.flac": bytes,
    "zeros-behind.flac": lambda data: bytes(data) + bytes(50_000),
}


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_said_of_whole_files(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, name, WHOLE[name])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(decode(path, RATE), SOUND)
    assert not caplog.records


def test_what_is_not_asked_for_is_not_missed(tmp_path: Path) -> None:
    path = _file(tmp_path, "cut.flac", CUT["cut.flac"])
    with open_source(path) as source:
        assert sum(map(len, source.blocks(RATE // 2))) == RATE // 2
        assert source.damage == ""


def test_blocks_of_any_size_give_the_same_samples(tmp_path: Path) -> None:
    time = np.arange(5 * RATE) / RATE
    stereo = np.stack([np.sin(2000 * time), np.sin(3000 * time)], axis=1) * 0.4
    for suffix in ("mp3", "ogg", "flac", "wav"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, stereo, RATE)
        with soundfile.SoundFile(path) as file:  # soundfile.read seeks first, and MP3 then differs
            want = file.read(dtype="float32", always_2d=True)
        for size in (999, 4096, 1 << 16):
            with open_source(path) as source:
                np.testing.assert_array_equal(np.concatenate(list(source.blocks(size=size))), want)


def test_a_name_that_is_no_utf8_is_opened(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"M\xf6nch.flac")
    path.write_bytes(_file(tmp_path, "a.flac", bytes).read_bytes())
    np.testing.assert_array_equal(decode(path, RATE), SOUND)


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"caff", b"RF64" * 9]
)
def test_what_holds_nothing_good_is_unreadable(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(Unreadable), open_source(tmp_path / "a.wav") as source:
        list(source.blocks())


@pytest.mark.parametrize("samples", [32_700, 32_746, 32_747, 32_768, 40_000, 400_000])
def test_a_header_that_was_never_finished_costs_no_sound(samples: int, tmp_path: Path) -> None:
    sound = np.random.default_rng(2).integers(-9999, 9999, samples).astype(np.int16)
    path = tmp_path / "x.wav"
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = bytes(4)
    path.write_bytes(data)
    np.testing.assert_array_equal(decode(path, RATE), sound)


def test_what_a_decoder_notes_reaches_no_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    libc = ctypes.CDLL(None)
    stream = ctypes.c_void_p.in_dll(libc, "stderr")
    before = stream.value
    sound = np.random.default_rng(2).normal(0, 0.1, 3 * RATE)
    path = tmp_path / "x.mp3"
    soundfile.write(path, sound, RATE)
    whole = path.read_bytes()
    third = len(whole) // 3
    holed = whole[:third] + np.random.default_rng(3).bytes(third) + whole[2 * third :]
    for data in (holed, whole[: 2 * third], whole[:200] + bytes(9000), holed[third : 2 * third]):
        path.write_bytes(data)
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(_told, [path] * 8))
        assert len(set(told)) == 1
        assert told[0]
        assert "b'" not in told[0]
        assert path.name not in told[0]
    assert capfd.readouterr().err == ""
    assert stream.value == before


def test_a_disk_that_fails_while_it_is_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Failing(FileIO):
        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            if self.tell() > 200_000:
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    path = tmp_path / "x.wav"
    soundfile.write(path, np.tile(SOUND, 20), RATE, subtype="PCM_16")
    whole = decode(path, RATE)
    monkeypatch.setattr("model_gen.audio.stream.FileIO", Failing)
    with open_source(path) as source:
        good = np.concatenate(list(source.blocks()))[:, 0]
        assert source.damage.endswith(" of 60.000 s can be read: Input/output error")
        with pytest.raises(Unreadable, match="Input/output error"):
            source.sha256()
    assert 90_000 < len(good) < len(whole)
    np.testing.assert_array_equal(to_int16(good), whole[: len(good)])
    assert capfd.readouterr().err == ""


def _told(path: Path) -> str:
    """What is wrong with a recording."""
    try:
        with open_source(path) as source:
            for _ in source.blocks():
                pass
            return source.damage
    except Unreadable as error:
        return str(error)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.mp3", b"", "an empty file"),
        ("x.wav", b"", "an empty file"),
        ("x.mp3", bytes(range(256)) * 9, "nothing in it can be decoded"),
        ("x.wav", b"RIFFxxxx", "Format not recognised."),
    ],
)
def test_an_unreadable_file_is_told_in_words(
    name: str, data: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Unreadable) as caught, open_source(tmp_path / name):
        pass
    assert str(caught.value) == said
