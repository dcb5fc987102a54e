"""Data as users have them, wrong in every way that a rule knows; each is made here."""

import json
import os
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from host.errors import BadInput
from model_gen.data.hearing import LookOptions
from model_gen.data.look import SCHEMA_FILE, Look, look
from model_gen.data.rules import TABLE
from model_gen.data.rules.document import PLACE, text
from model_gen.training.options import TrainOptions

RATE = 8000
OPTIONS = LookOptions(
    data_path_train=Path(),
    sample_rate=RATE,
    chunk_duration=0.25,
    max_duration=60,
    max_chunks_per_file=3,
    val_split=0.2,
    test_split=0.2,
    seed=42,
)
Samples = npt.NDArray[Any]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))


def song(seed: int, seconds: float = 0.3) -> Samples:
    """Sound that no other seed gives, float [samples]."""
    return np.random.default_rng(seed).normal(0, 0.1, round(RATE * seconds)).clip(-0.5, 0.5)


def write(path: Path, samples: Samples, rate: int = RATE, **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **more)


def folder(root: Path, *classes: str, files: int = 6) -> Path:
    """Class folders of good recordings, all different."""
    for number, name in enumerate(classes):
        for i in range(files):
            write(root / name / f"{i}.wav", song(1000 * number + i))
    return root


def see(root: Path, **options: Any) -> Look:
    """A look, whose JSON follows its schema."""
    found = look(replace(OPTIONS, data_path_train=root, **options))
    payload = json.loads(json.dumps(found.as_json(), allow_nan=False))
    jsonschema.validate(payload, json.loads(SCHEMA_FILE.read_text()))
    return found


def hits(found: Look) -> dict[str, list[tuple[str, ...]]]:
    """Rule -> the paths of each of its findings."""
    made: dict[str, list[tuple[str, ...]]] = {}
    for finding in found.findings:
        made.setdefault(finding.rule.name, []).append(finding.hit.paths)
    return made


def refused(found: Look) -> set[str]:
    names = {finding.rule.name for finding in found.refusals}
    if names:
        with pytest.raises(BadInput) as caught:
            found.require()
        assert caught.value.evidence.startswith("Received: ")
        assert caught.value.next_step
    else:
        found.require()
    return names


def test_good_data_have_no_findings_and_are_counted(tmp_path: Path) -> None:
    found = see(folder(tmp_path / "d", "wren", "robin", "noise", files=10))
    assert (found.findings, refused(found)) == ((), set())
    payload = found.as_json()
    assert list(payload) == [
        "schema",
        "recordings",
        "classes",
        "negative",
        "findings",
        "ignored",
        "unheard_share",
        "expected_seconds",
    ]
    assert payload["recordings"] == 30
    assert [row["name"] for row in payload["classes"]] == ["robin", "wren"]
    for row in (*payload["classes"], payload["negative"]):
        assert row["recordings"] == row["windows"] == {"train": 6, "val": 2, "test": 2}
        assert row["minutes"]["train"] == pytest.approx(6 * 0.3 / 60, abs=1e-3)


def test_the_unheard_share_is_that_of_the_time_in_no_window(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    quiet = np.zeros(RATE * 10)
    quiet[RATE : RATE + 800] = song(1)[:800]
    for number, name in enumerate(("wren", "robin")):
        write(root / name / "long.wav", quiet + song(number, 10) / 1000)
    found = see(root)
    long = found.scene.measures["wren/long.wav"]
    assert long.windows == 3
    assert long.heard == pytest.approx(3 * 0.25, abs=0.01)
    total = 12 * 0.3 + 20
    heard = 12 * 0.25 + 6 * 0.25
    assert found.unheard_share == pytest.approx(1 - heard / total, abs=0.01)
    cut = see(root, max_duration=2)
    assert cut.scene.measures["wren/long.wav"].seconds == pytest.approx(10)
    assert cut.scene.measures["wren/long.wav"].read == pytest.approx(2)
    assert cut.unheard_share > 0.7
    everything = see(root, max_duration=0)
    assert everything.scene.measures["wren/long.wav"].read == pytest.approx(10)


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
    "empty": ("x.wav", lambda data: b"", "unreadable"),
    "no sound at all": ("x.mp3", lambda data: b"<html>not found</html>" * 99, "unreadable"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_warn_and_what_is_good_of_them_counts(name: str, tmp_path: Path) -> None:
    file, damage, rule = DAMAGE[name]
    root = folder(tmp_path / "d", "wren", "robin")
    path = root / "wren" / file
    write(path, song(1, 2))
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
    assert hits(found) == {"alike-classes": [tuple(sorted((one, other)))]}
    assert refused(found) == {"alike-classes"}


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
    (tmp_path / "d/owl").mkdir(parents=True)
    (tmp_path / "d/owl/a.m4a").write_bytes(b"x")
    with pytest.raises(BadInput) as caught:
        see(tmp_path / "d")
    assert "ffmpeg -i a.m4a a.flac" in caught.value.evidence
    folder(tmp_path / "d", "wren")
    with pytest.raises(BadInput) as caught:
        see(tmp_path / "d")
    assert "ffmpeg -i a.m4a a.flac" in caught.value.evidence


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


def test_copies_in_two_classes_are_refused_or_made_one(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin", "noise")
    for name in ("robin/copy.wav", "noise/copy.wav"):
        (root / name).write_bytes((root / "wren/0.wav").read_bytes())
    found = see(root)
    same = ("noise/copy.wav", "robin/copy.wav", "wren/0.wav")
    assert hits(found) == {"copies-of-classes": [same]}
    assert refused(found) == {"copies-of-classes"}
    merged = see(root, multi_label=True)
    assert hits(merged) == {}
    labels = {r.relative: r.labels for r in merged.dataset.recordings}
    assert labels["noise/copy.wav"] == ("robin", "wren")
    assert "wren/0.wav" not in labels
    assert merged.assignment.labels == {"noise/copy.wav": ("robin", "wren")}
    assert {i.path for i in merged.dataset.ignored} == {"robin/copy.wav", "wren/0.wav"}


def test_copies_of_a_class_are_kept_together_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin", files=9)
    for i in range(4):
        (root / f"wren/z{i}.wav").write_bytes((root / f"wren/{i}.wav").read_bytes())
    for seed in range(5):
        found = see(root, seed=seed)
        assert set(hits(found)) == {"copies"}
        assert len(hits(found)["copies"]) == 4
        assert refused(found) == set()


def test_copies_on_two_sides_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    (root / "wren/copy.wav").write_bytes((root / "wren/0.wav").read_bytes())
    sides = ["train", "val", "test", "train", "train", "train"]
    rows = [f"{name}/{i}.wav,{sides[i]}" for name in ("wren", "robin") for i in range(6)]
    (root / "split.csv").write_text("\n".join(["path,split", *rows, "wren/copy.wav,test"]))
    found = see(root)
    assert hits(found) == {"copies-of-splits": [("wren/0.wav", "wren/copy.wav")]}
    assert refused(found) == {"copies-of-splits"}
    outside = tmp_path / "outside"
    (outside / "wren").mkdir(parents=True)
    (outside / "wren/x.wav").write_bytes((root / "wren/0.wav").read_bytes())
    (root / "split.csv").unlink()
    (root / "wren/copy.wav").unlink()
    found = see(root, test_data=outside)
    assert hits(found)["copies-of-splits"] == [("wren/0.wav", f"{outside}/wren/x.wav")]


def test_recordists_are_never_on_two_sides(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin", files=12)
    names = [f"{name}/{i}.wav" for name in ("wren", "robin") for i in range(12)]
    sides = ["train", "train", "train", "val", "test", "train"]
    table = tmp_path / "t.csv"
    rows = [f"{path};{sides[i % 6]};R{i % 6}" for i, path in enumerate(names)]
    table.write_text("\n".join(["path;split;recordist", *rows]))
    assert hits(see(root, labels=table)) == {}
    table.write_text("\n".join(["path;split;recordist", *rows[:-1], f"{names[-1]};test;R5"]))
    found = see(root, labels=table)
    assert set(hits(found)) == {"recordists-of-splits"}
    assert refused(found) == {"recordists-of-splits"}
    table.write_text(
        "\n".join(["path;recordist", *(f"{path};R{i % 6}" for i, path in enumerate(names))])
    )
    free = see(root, labels=table)
    sides_of: dict[str, set[str]] = {}
    for recording in free.dataset.recordings:
        sides_of.setdefault(recording.recordist, set()).add(free.assignment[recording.relative])
    assert all(len(one) == 1 for one in sides_of.values())
    assert len(sides_of) == 6


def test_a_table_gives_labels_to_what_lies_anywhere(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for i in range(16):
        write(root / ("audio" if i % 2 else "") / f"{i}.wav", song(i))
    write(root / "unnamed.wav", song(99))
    labels = ["wren", "robin", "wren|robin", ""]
    rows = [f"{'AUDIO' + chr(92) if i % 2 else ''}{i}.WAV\t{labels[i // 4]}" for i in range(16)]
    table = tmp_path / "labels.txt"
    table.write_bytes("\r\n".join(["Path\tLabels", *rows, "gone.wav\twren"]).encode("utf-16"))
    found = see(root, labels=table)
    assert found.dataset.labels == ("robin", "wren")
    of = {r.relative: r.labels for r in found.dataset.recordings}
    assert of["0.wav"] == ("wren",)
    assert of["audio/9.wav"] == ("robin", "wren")
    assert of["audio/15.wav"] == ()
    assert hits(found) == {"unknown-rows": [("gone.wav",)]}
    assert [i.path for i in found.dataset.ignored] == ["unnamed.wav"]


def test_a_split_file_of_excel_is_honoured(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "Möwe")
    sides = ["Train", "VAL", "Test", "train", "train", "train"]
    rows = [f"{name}\\{i}.wav;{sides[i]}" for name in ("wren", "möwe") for i in range(6)]
    (root / "split.csv").write_bytes("\r\n".join(["Path;Split", *rows]).encode("latin-1"))
    found = see(root)
    assert hits(found) == {}
    assert [found.assignment[f"Möwe/{i}.wav"] for i in range(3)] == ["train", "val", "test"]
    assert not found.dataset.ignored
    assert see(root, split_file=False).assignment != found.assignment


def test_classes_that_a_split_lacks_are_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    folder(root, "owl", files=2)
    write(root / "owl/0.wav", song(301))
    write(root / "owl/1.wav", song(302))
    found = see(root)
    assert hits(found) == {"unvalidated-classes": [("owl",)], "untested-classes": [("owl",)]}
    assert refused(found) == set()
    for path in (root / "owl").iterdir():
        path.write_bytes(b"")
    assert refused(see(root)) == {"untrained-classes"}


def test_splits_without_a_class_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin", files=2)
    found = see(root)
    assert hits(found)["empty-splits"] == [("val",), ("test",)]
    assert refused(found) == {"empty-splits"}


def test_without_a_test_share_nothing_is_missed(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    found = see(root, test_split=0.0)
    assert hits(found) == {}
    assert "test" not in found.assignment.values()


def test_an_outside_test_set_takes_the_place_of_the_share(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    outside = tmp_path / "o"
    for i in range(3):
        write(outside / "wren" / f"{i}.wav", song(700 + i))
        write(outside / "owl" / f"{i}.wav", song(800 + i))
    found = see(root, test_data=outside)
    assert "test" not in found.assignment.values()
    assert hits(found)["untested-classes"] == [("robin",)]
    assert hits(found)["outside-classes"] == [tuple(f"{outside}/owl/{i}.wav" for i in range(3))]
    assert refused(found) == {"outside-classes"}
    rows = {row["name"]: row["recordings"] for row in found.as_json()["classes"]}
    assert rows["wren"]["test"] == 3


def test_the_expected_time_grows_with_windows_and_epochs(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    one, many = see(root, epochs=1), see(root, epochs=101)
    windows = sum(row["windows"]["train"] for row in one.as_json()["classes"])
    assert many.expected_seconds - one.expected_seconds > 100 * 0.005 * windows
    folder(root, "owl", files=30)
    assert see(root, epochs=101).expected_seconds > 2 * many.expected_seconds - one.expected_seconds


def test_training_looks_with_its_own_options(tmp_path: Path) -> None:
    options = TrainOptions(
        tmp_path, labels=tmp_path / "t.csv", test_group=("a",), multi_label=True, num_workers=3
    )
    found = LookOptions.of(options)
    for field in fields(LookOptions):
        assert getattr(found, field.name) == getattr(options, field.name)
    assert found.hearing.chunk == 60_000


def test_every_rule_is_seen_to_hold_by_a_test_here() -> None:
    source = Path(__file__).read_text()
    assert [rule.name for rule in TABLE if f'"{rule.name}"' not in source] == []
    assert len({rule.name for rule in TABLE}) == len(TABLE)
    severities = [rule.severity for rule in TABLE]
    assert severities == sorted(severities)  # what refuses is told first


def test_the_document_is_made_from_the_table() -> None:
    assert PLACE.read_text() == text()


def test_no_tensorflow_is_needed(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    code = (
        "import sys\nfrom host.cli import run\n"
        "code = run(['data', sys.argv[1], '--sample-rate', '8000', '-q'])\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(code or (3 if heavy else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], check=False)
    assert done.returncode == 0
