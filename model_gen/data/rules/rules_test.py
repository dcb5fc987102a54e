"""What recordings sound like and how they are named, wrong in every way that a rule knows."""

import os
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.testing_look import RATE, Samples, folder, hits, refused, see, song, write


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))


# What a file is like -> (the rule that says so, what is measured).
SOUNDS: dict[str, tuple[str, Samples, dict[str, Any]]] = {
    "silent": ("silence", np.zeros(RATE), {}),
    "almost silent": ("silence", np.full(RATE, 0.5) * 0 + 1e-5, {"subtype": "FLOAT"}),
    "offset": ("dc", song(1) + 0.1, {}),
    "clipped": ("clipping", (song(1) * 40).clip(-1, 1), {}),
    "unscaled": ("beyond-full-scale", song(1) * 32768, {"subtype": "FLOAT"}),
    "cancelling": ("cancelling-channels", np.stack([song(1), -song(1)], axis=1), {}),
    "slow": ("low-rate", song(1), {"samplerate": RATE // 2}),
    "not finite": ("unreadable", np.where(np.arange(RATE) == 9, np.nan, 0.1), {"subtype": "FLOAT"}),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_bad_sound_is_found_where_it_is_and_only_there(name: str, tmp_path: Path) -> None:
    rule, samples, how = SOUNDS[name]
    root = folder(tmp_path / "d", "wren", "robin")
    write(root / "wren/odd.wav", samples, how.get("samplerate", RATE), subtype=how.get("subtype"))
    found = see(root)
    made = hits(found)
    assert made[rule] == [("wren/odd.wav",)]
    assert set(made) <= {rule, "silence"}  # what cancels or is cut may be silent, too
    assert refused(found) == set()


def test_what_is_quiet_loud_or_of_several_channels_is_no_fault(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    time = np.arange(RATE) / RATE
    write(root / "wren/quiet.wav", song(1) / 300)
    write(root / "wren/full.wav", np.sin(700 * time), subtype="PCM_16")
    write(root / "wren/stereo.wav", np.stack([song(1), song(2)], axis=1))
    write(root / "wren/half.wav", np.stack([song(1), 0 * song(2)], axis=1))
    write(root / "silence/nothing.wav", np.zeros(RATE))
    assert hits(see(root)) == {}


def _with_data_size(data: bytes, size: int) -> bytes:
    at = data.index(b"data") + 4
    return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "truncated FLAC": ("x.flac", lambda data: data[: len(data) // 2], "damaged"),
    "preallocated FLAC": (
        "x.flac",
        lambda data: data[: len(data) // 2] + bytes(len(data)),
        "damaged",
    ),
    "data size 0": (
        "x.wav",
        lambda data: data[: data.index(b"data") + 4] + bytes(4) + data[data.index(b"data") + 8 :],
        "damaged",
    ),
    "truncated WAV": ("x.wav", lambda data: data[: len(data) // 2], "damaged"),
    "truncated OGG": ("x.ogg", lambda data: data[: len(data) // 2], "damaged"),
    "truncated Opus": ("x.opus", lambda data: data[: len(data) // 2], "damaged"),
    "data size too small": (
        "x.wav",
        lambda data: _with_data_size(data, RATE * 3 // 2),
        "damaged",
    ),
    "empty": ("x.wav", lambda data: b"", "unreadable"),
    "no sound at all": ("x.mp3", lambda data: b"<html>not found</html>" * 99, "unreadable"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_warn_and_what_is_good_of_them_counts(name: str, tmp_path: Path) -> None:
    file, damage, rule = DAMAGE[name]
    root = folder(tmp_path / "d", "wren", "robin")
    path = root / "wren" / file
    how: dict[str, Any] = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
    write(path, song(1, 9), **how)
    path.write_bytes(damage(path.read_bytes()))
    found = see(root)
    assert hits(found) == {rule: [(f"wren/{file}",)]}
    assert found.findings[0].hit.value
    assert refused(found) == set()
    counted = sum(found.as_json()["classes"][1]["recordings"].values())
    assert counted == 6 + (rule == "damaged")
    measured = found.scene.measures[f"wren/{file}"]
    assert (measured.seconds > 0.5) == (rule == "damaged")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("wren", "Wren"),
        ("wren", "wr en"),
        ("wren", "wren "),
        ("wren", "wren\u200b"),
        ("Möwe", unicodedata.normalize("NFD", "Möwe")),
        ("straße", "STRASSE"),
    ],
)
def test_class_names_that_are_alike_are_refused(one: str, other: str, tmp_path: Path) -> None:
    found = see(folder(tmp_path / "d", one, other, "robin"))
    assert hits(found)["alike-classes"] == [tuple(sorted((one, other)))]
    (finding,) = (f for f in found.findings if f.rule.name == "alike-classes")
    assert all(ascii(name) in finding.where() for name in (one, other))
    assert refused(found) - {"unspeakable-names"} == {"alike-classes"}


@pytest.mark.parametrize("split", ["train", "Val", "test", "validation"])
def test_classes_that_are_called_as_splits_are_refused(split: str, tmp_path: Path) -> None:
    found = see(folder(tmp_path / "d", split, "robin"))
    assert hits(found) == {"split-names": [(split,)]}
    assert refused(found) == {"split-names"}


def test_parts_with_class_folders_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for part in ("train", "val", "test"):
        for name in ("wren", "robin"):
            for i in range(6):
                write(
                    root / part / name / f"{i}.wav", song(zlib.crc32(f"{part}{name}{i}".encode()))
                )
    found = see(root)
    assert hits(found)["split-names"] == [("test",), ("train",), ("val",)]
    assert "split-names" in refused(found)


def test_classes_in_classes_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    folder(root / "wren", "robin", "noise", "train", files=1)
    write(root / "wren/robin/0.wav", song(77))
    write(root / "wren/noise/0.wav", song(78))
    write(root / "wren/train/0.wav", song(79))
    found = see(root)
    assert hits(found)["nested-classes"] == [("wren/noise", "wren/robin", "wren/train")]
    assert refused(found) == {"nested-classes"}


def test_folders_below_a_class_warn_unless_they_are_groups(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for i in range(12):
        write(root / ("birds" if i % 2 else "frogs") / f"place{i % 3}" / f"{i}.wav", song(i))
    found = see(root)
    assert set(hits(found)) == {"nested-folders"}
    assert refused(found) == set()
    assert hits(see(root, group_by="/(place.)/")) == {}


def test_a_class_whose_every_file_is_ignored_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    for name in ("owl/a.m4a", "owl/b.WMA", "owl/notes.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    found = see(root)
    assert hits(found) == {"ignored-class": [("owl", "owl/a.m4a", "owl/b.WMA", "owl/notes.txt")]}
    assert refused(found) == {"ignored-class"}
    reasons = {i["path"]: i["reason"] for i in found.as_json()["ignored"]}
    assert "ffmpeg -i a.m4a a.flac" in reasons["owl/a.m4a"]
    assert "ffmpeg -i b.WMA b.flac" in reasons["owl/b.WMA"]


def test_a_class_that_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    (root / "owl").symlink_to(tmp_path / "card-that-is-not-there")
    (root / "up").symlink_to(root)
    found = see(root)
    assert hits(found) == {"ignored-class": [("owl",), ("up",)]}
    (root / "up").unlink()
    (root / "owl").unlink()
    (root / "owl").mkdir()
    assert hits(see(root)) == {}
    assert [i.reason for i in see(root).dataset.ignored] == ["an empty folder"]


def test_nothing_but_files_that_are_not_read_is_refused_with_the_command(tmp_path: Path) -> None:
    root = tmp_path / "d"
    (root / "red owl").mkdir(parents=True)
    for i in range(4):
        (root / f"red owl/{i}.M4A").write_bytes(b"x")
    command = f"""for f in '{root}/red owl'/*.M4A; do ffmpeg -i "$f" "${{f%.*}}.flac"; done"""
    for others in ((), ("wren",)):  # alone, and beside one good class
        folder(root, *others)
        with pytest.raises(BadInput) as caught:
            see(root)
        shown = "red owl/0.M4A, red owl/1.M4A, red owl/2.M4A, ..."
        assert caught.value.evidence.endswith(f"ends in .M4A (AAC or ALAC) is not read: {shown}")
        assert caught.value.next_step == f"convert them: {command}"
    folder(root, "wren", "robin")
    (finding,) = see(root).findings
    assert "ffmpeg -i 0.M4A 0.flac" in finding.where()


def test_names_that_are_no_utf8_are_used_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    write(root / "wren/x.wav", song(7))
    (root / "wren/x.wav").rename(root / "wren" / os.fsdecode(b"M\xf6nch.wav"))
    found = see(root)
    assert hits(found) == {"name-encoding": [("wren/M\\xf6nch.wav",)]}
    assert refused(found) == set()
    assert not found.scene.measures["wren/M\\xf6nch.wav"].unreadable
    (root / "robin").rename(root / os.fsdecode(b"r\xf6bin"))
    assert refused(see(root)) == {"class-encoding"}


def test_linked_folders_are_looked_into(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren")
    folder(tmp_path / "card", "robin", files=7)
    for i in range(7):
        write(tmp_path / "card/robin" / f"{i}.wav", song(500 + i))
    (root / "robin").symlink_to(tmp_path / "card/robin")
    (root / "robin/back").symlink_to(root)
    found = see(root)
    assert found.as_json()["recordings"] == 13
    assert [i.path for i in found.dataset.ignored] == ["robin/back"]
