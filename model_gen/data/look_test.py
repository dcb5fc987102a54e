"""Data as users have them, wrong in every way that a rule knows; each is made here."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.files import sha256_file
from model_gen.audio.testing import count_reads
from model_gen.data.features import extract
from model_gen.data.hearing import LookOptions
from model_gen.data.rules import TABLE
from model_gen.data.rules.document import PLACE, text
from model_gen.data.selection import Selection
from model_gen.data.tell import ignored as told_ignored
from model_gen.data.testing import CONTRACT
from model_gen.data.testing_look import RATE, folder, hits, refused, see, song, write
from model_gen.training.options import TrainOptions


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))


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


def test_a_recordist_is_one_however_the_cells_write_the_name(tmp_path: Path) -> None:
    """Case, blanks and Unicode form: a table is typed by several hands, on several systems."""
    forms = (
        "Zo\u00eb Ek",
        "zo\u00eb ek",
        "Zoe\u0308  Ek",
        "Zo\u00eb\u00a0Ek",
        "Zo\u00ebEk",
        "ZO\u00cb EK",
    )
    data = folder(tmp_path / "data", "down", "up", files=12)
    names = sorted(p.relative_to(data).as_posix() for p in data.rglob("*.wav"))
    writers = [forms[i // 2] if i % 2 else f"R{i % 5}" for i in range(12)] * 2
    table = tmp_path / "t.csv"
    lines = [f"{path};{writer}" for path, writer in zip(names, writers, strict=True)]
    table.write_text("\n".join(["path;recordist", *lines]))
    found = see(data, labels=table)
    one = {found.assignment[p] for p, w in zip(names, writers, strict=True) if w in forms}
    assert len(one) == 1
    sides = ["val" if w == forms[1] else "train" for w in writers]
    lines = [f"{line};{side}" for line, side in zip(lines, sides, strict=True)]
    table.write_text("\n".join(["path;recordist;split", *lines]))
    assert "recordists-of-splits" in refused(see(data, labels=table))


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


def test_what_is_ignored_outside_is_told_and_a_class_of_it_refused(tmp_path: Path) -> None:
    root, outside = folder(tmp_path / "d", "wren", "robin"), tmp_path / "o"
    for number, name in enumerate(("wren", "robin")):
        write(outside / name / "0.wav", song(700 + number))
    write(outside / "bare.wav", song(750))
    (outside / "wren/x.m4a").write_bytes(b"x")
    found = see(root, test_data=outside)
    assert hits(found) == {}
    ignored = {one["path"]: one["reason"] for one in found.as_json()["ignored"]}
    assert set(ignored) == {f"{outside}/bare.wav", f"{outside}/wren/x.m4a"}
    assert "ffmpeg" in ignored[f"{outside}/wren/x.m4a"]
    assert any(f"{outside}/bare.wav" in told for told in told_ignored(found.scene.ignored))
    (outside / "robin/0.wav").rename(outside / "robin/0.wma")
    found = see(root, test_data=outside)
    assert hits(found)["ignored-class"] == [(f"{outside}/robin", f"{outside}/robin/0.wma")]
    assert "ignored-class" in refused(found)


def test_test_recordings_that_nobody_asks_for_are_told(tmp_path: Path) -> None:
    root, outside = folder(tmp_path / "d", "wren", "robin"), tmp_path / "o"
    for number, name in enumerate(("wren", "robin")):
        write(outside / name / "0.wav", song(700 + number))
    sides = ["train", "val", "test", "train", "train", "train"]
    rows = [f"{name}/{i}.wav,{sides[i]}" for name in ("wren", "robin") for i in range(6)]
    (root / "split.csv").write_text("\n".join(["path,split", *rows]))
    assert hits(see(root)) == {}
    for name, value in (("test_split", 0.0), ("test_data", outside)):
        found = see(root, **{name: value})
        assert hits(found) == {"unasked-test": [("robin/2.wav", "wren/2.wav")]}
        assert refused(found) == set()


def test_the_expected_time_grows_with_windows_and_epochs(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    few, many = see(root, epochs=1), see(root, epochs=10_001)
    windows = sum(row["windows"]["train"] for row in few.as_json()["classes"])
    assert few.expected_seconds < 20
    assert many.expected_seconds > 10_000 * 0.005 * windows
    folder(root, "owl", files=30)
    assert see(root, epochs=10_001).expected_seconds > 2 * many.expected_seconds


def test_a_recording_is_read_once_for_the_look_and_once_for_its_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "d", "wren", "robin", files=3)
    paths = sorted(root.rglob("*.wav"))
    for path in paths:
        os.utime(path, ns=(10**18, 10**18))
    opened = count_reads(monkeypatch)
    for _ in range(2):
        recordings = see(root).dataset.recordings
        assert [r.sha256 for r in recordings] == [sha256_file(path) for path in paths]
        extract(recordings, CONTRACT, Selection(), cache_dir=tmp_path / "c")
        assert sorted(opened) == sorted([*paths, *paths])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group_by": "("}, "regular expression"),
        ({"group_by": "/([0-2])", "test_group": ("0",)}, "match the path of every recording"),
        ({"group_by": "/([0-9])", "test_group": ("owl",)}, "groups that --group-by finds: 0, 1"),
        ({"val_split": 0.6, "test_split": 0.5}, "both together below 1"),
        ({"split_file": True}, "must give every recording a split"),
    ],
)
def test_a_split_that_cannot_be_is_refused_before_a_recording_is_read(
    options: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    (root / "split.csv").write_text("path,split\nwren/0.wav,train\n")
    opened = count_reads(monkeypatch)
    with pytest.raises(BadInput, match=said) as caught:
        see(root, **{"split_file": False, **options})
    assert caught.value.next_step
    assert opened == []


def test_training_looks_with_its_own_options(tmp_path: Path) -> None:
    options = TrainOptions(
        tmp_path, labels=tmp_path / "t.csv", test_group=("a",), multi_label=True, num_workers=3
    )
    found = LookOptions.of(options)
    for field in fields(LookOptions):
        assert getattr(found, field.name) == getattr(options, field.name)
    assert found.hearing.chunk == 60_000


def test_every_rule_is_seen_to_hold_by_a_test() -> None:
    here = Path(__file__).parent
    source = "".join(
        p.read_text() for p in (*here.glob("look_test.py"), *here.glob("rules/*_test.py"))
    )
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


@pytest.mark.parametrize("what", ["bare files", "nothing", "what is not read"])
def test_an_outside_test_set_without_classes_is_refused(what: str, tmp_path: Path) -> None:
    root, outside = folder(tmp_path / "d", "wren", "robin"), tmp_path / "o"
    outside.mkdir()
    if what == "bare files":
        write(outside / "x.wav", song(7))
    elif what == "what is not read":
        (outside / "wren").mkdir()
        (outside / "wren/x.m4a").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"outside test set|expected subfolders") as caught:
        see(root, test_data=outside)
    assert ("ffmpeg" in caught.value.next_step) == (what == "what is not read")


def test_one_class_that_is_left_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    with pytest.raises(BadInput, match="two classes"):
        see(root, max_classes=1)
    write(root / "noise/x.wav", song(9))
    assert see(root, max_classes=1).dataset.labels == ("robin",)


def test_a_class_whose_every_file_is_a_copy_is_no_class_that_is_lost(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin", "tit")
    for path in (root / "wren").iterdir():
        path.write_bytes((root / "robin" / path.name).read_bytes())
    assert "ignored-class" not in hits(see(root, multi_label=True))


@pytest.mark.parametrize("name", [" wren ", "wr\nen", "wr|en"])
def test_names_that_no_table_can_say_are_refused(name: str, tmp_path: Path) -> None:
    """unspeakable-names"""
    assert "unspeakable-names" in refused(see(folder(tmp_path / "d", name, "robin")))


def test_a_file_whose_name_has_a_line_s_end_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    write(root / "wren/r\r\n0.wav", song(5))
    assert "unspeakable-names" in refused(see(root))


def test_a_table_of_other_data_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "d", "wren", "robin")
    paths = [f"{name}/{i}.wav" for name in ("wren", "robin") for i in range(6)]
    for column, cells in (("labels", ["wren"]), ("split", ["train", "val", "test"])):
        rows = [f"base/{path},{cells[i % len(cells)]}" for i, path in enumerate(paths)]
        (tmp_path / "t.csv").write_text("\n".join([f"path,{column}", *rows]))
        with pytest.raises(BadInput, match="none of its paths fits") as caught:
            see(root, labels=tmp_path / "t.csv")
        assert "line 2: base/wren/0.wav; the folder has" in caught.value.evidence
        assert caught.value.next_step.endswith("write robin/0.wav, not base/wren/0.wav")
    (tmp_path / "t.csv").write_text("path,labels\nx.wav,wren\n")
    with pytest.raises(BadInput, match="none of its paths fits") as caught:
        see(root, labels=tmp_path / "t.csv")
    assert caught.value.evidence.endswith("x.wav; the folder has robin/0.wav")
