import os
from pathlib import Path

from model_gen.data.walk import Ignored, text_of, walk


def test_recordings_are_found_and_all_else_has_its_reason(tmp_path: Path) -> None:
    for name in ("a/x.WAV", "a/deep/y.opus", "a/z.m4a", "a/.hidden.wav", ".git/x.wav", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "a/nowhere.wav").symlink_to("gone.wav")
    (tmp_path / "a/none").touch()
    os.mkfifo(tmp_path / "a/pipe.wav")
    found = walk(tmp_path)
    assert found.files == (
        ("a/deep/y.opus", tmp_path / "a/deep/y.opus"),
        ("a/x.WAV", tmp_path / "a/x.WAV"),
    )
    assert found.ignored == (
        Ignored(".git", "its name begins with a dot"),
        Ignored("a/.hidden.wav", "its name begins with a dot"),
        Ignored("a/none", "no recording (no suffix)"),
        Ignored("a/nowhere.wav", "a link that leads nowhere", lost=True),
        Ignored("a/pipe.wav", "neither a file nor a folder"),
        Ignored("a/z.m4a", "AAC or ALAC is not read; convert it: ffmpeg -i z.m4a z.flac"),
        Ignored("empty", "an empty folder"),
        Ignored("notes.txt", "no recording (.txt)"),
    )


def test_linked_folders_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    data, card = tmp_path / "data", tmp_path / "card"
    (data / "wren").mkdir(parents=True)
    card.mkdir()
    (card / "x.wav").touch()
    (data / "robin").symlink_to(card)
    (data / "wren/more").symlink_to(card)
    (data / "wren/up").symlink_to(data)
    (card / "self").symlink_to(card)
    found = walk(data)
    assert [name for name, _ in found.files] == ["robin/x.wav", "wren/more/x.wav"]
    assert [i.path for i in found.ignored] == ["robin/self", "wren/more/self", "wren/up"]
    assert {i.reason for i in found.ignored} == {"a link to a folder that holds it"}


def test_names_that_are_no_utf8_become_text_and_stay_apart(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"M\xf6nch")
    folder.mkdir()
    for name in (b"\xff.wav", b"\\xff.wav", "é.wav".encode()):
        (folder / os.fsdecode(name)).touch()
    found = walk(tmp_path)
    names = [name for name, _ in found.files]
    assert names == ["M\\xf6nch/\\xff.wav", "M\\xf6nch/é.wav"]
    assert all(path.is_file() for _, path in found.files)
    assert found.ignored[0].reason == "another file's name reads the same"
    assert text_of("ö") == "ö"


def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/loop.wav").symlink_to("loop.wav")
    assert "it cannot be read" in walk(tmp_path).ignored[0].reason
