from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.data.dataset import Dataset, Recording
from model_gen.data.split import (
    Assignment,
    from_csv,
    of_split,
    read_split,
    split_dataset,
    to_csv,
)


def _dataset(counts: dict[str, int], root: Path = Path("nowhere")) -> Dataset:
    names = [f"{c}/{'pqrst'[i % 5]}_{i}.wav" for c, n in counts.items() for i in range(n)]
    return Dataset(
        root,
        tuple(Recording(root / n, n, n.split("/")[0]) for n in sorted(names)),
        tuple(sorted(c for c in counts if c != "noise")),
    )


@given(
    st.dictionaries(st.sampled_from(["a", "b", "noise"]), st.integers(3, 40), min_size=3),
    st.integers(0, 1000),
)
def test_splits_are_disjoint_whole_and_stratified(counts: dict[str, int], seed: int) -> None:
    dataset = _dataset(counts)
    assignment = split_dataset(dataset, seed=seed, val_share=0.2, test_share=0.2)
    parts = {s: of_split(dataset.recordings, assignment, s) for s in ("train", "val", "test")}
    paths = [r.relative for part in parts.values() for r in part]
    assert sorted(paths) == sorted(r.relative for r in dataset.recordings)
    for part in parts.values():
        assert {r.folder for r in part} == set(counts)
    assert assignment == split_dataset(dataset, seed=seed, val_share=0.2, test_share=0.2)


def test_the_seed_moves_recordings() -> None:
    dataset = _dataset({"a": 30, "b": 30})
    one, two = (split_dataset(dataset, seed=s, val_share=0.2, test_share=0.2) for s in (1, 2))
    assert one != two


def test_groups_stay_together() -> None:
    dataset = _dataset({"a": 20, "b": 20})
    assignment = split_dataset(dataset, seed=3, val_share=0.2, test_share=0.2, group_by="/([a-z])_")
    split_of: dict[str, set[str]] = {}
    for path, split in assignment.items():
        split_of.setdefault(path.split("/")[1][0], set()).add(split)
    assert len(split_of) == 5
    assert all(len(splits) == 1 for splits in split_of.values())
    assert {s for splits in split_of.values() for s in splits} == {"train", "val", "test"}


@pytest.mark.parametrize("pattern", ["(", "no-group", "(never)", "^(a|b)/"])
def test_expressions_that_cannot_group_are_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match="group-by"):
        split_dataset(
            _dataset({"a": 9, "b": 9}), seed=0, val_share=0.2, test_share=0.2, group_by=pattern
        )


def test_the_split_file_is_honoured_unless_told_otherwise(tmp_path: Path) -> None:
    dataset = _dataset({"a": 6, "b": 6}, tmp_path)
    wanted = {
        r.relative: ("test", "val", "train", "train", "train", "train")[i % 6]
        for i, r in enumerate(dataset.recordings)
    }
    (tmp_path / "split.csv").write_text(to_csv(Assignment(wanted)))
    shares: dict[str, Any] = {"seed": 0, "val_share": 0.2, "test_share": 0.2}
    assert split_dataset(dataset, **shares) == wanted
    assert split_dataset(dataset, **shares, use_split_file=False) != wanted
    grouped = split_dataset(dataset, **shares, group_by="/([a-z])_")
    assert grouped != wanted
    (tmp_path / "split.csv").write_text("path,split\na/p_0.wav,train\n")
    with pytest.raises(BadInput, match="every recording"):
        split_dataset(dataset, **shares)


def test_a_recording_with_another_label_keeps_its_split(tmp_path: Path) -> None:
    dataset = _dataset({"a": 6, "b": 6}, tmp_path)
    rows = {
        r.relative: ("test", "val", "train", "train", "train", "train")[i % 6]
        for i, r in enumerate(dataset.recordings)
    }
    rows["c/" + Path(dataset.recordings[0].relative).name] = rows.pop(
        dataset.recordings[0].relative
    )
    (tmp_path / "split.csv").write_text(to_csv(Assignment(rows)))
    shares: dict[str, Any] = {"seed": 0, "val_share": 0.2, "test_share": 0.2}
    assert split_dataset(dataset, **shares)[dataset.recordings[0].relative] == "test"


def test_a_line_gives_its_split_to_one_recording_that_was_moved_or_to_none(tmp_path: Path) -> None:
    """Recorders name their files by the hour: two that share a name are no one's copy."""
    dataset = _dataset({"a": 6, "b": 6}, tmp_path)
    first = dataset.recordings[0]
    twin = f"d/{Path(first.relative).name}"
    rows = {r.relative: ("test", "val", "train")[i % 3] for i, r in enumerate(dataset.recordings)}
    rows[f"c/{Path(first.relative).name}"] = rows.pop(first.relative)
    both = replace(
        dataset, recordings=(*dataset.recordings, replace(first, relative=twin, folder="d"))
    )
    (tmp_path / "split.csv").write_text(to_csv(Assignment(rows)))
    with pytest.raises(BadInput, match="2 of them"):
        split_dataset(both, seed=0, val_share=0.2, test_share=0.2)


def test_split_files_round_trip_and_bad_rows_are_named() -> None:
    rows = {"a/x, y.wav": "train", "b/z.wav": "val"}
    assert from_csv(to_csv(Assignment(rows)), Path("split.csv")) == rows
    with pytest.raises(BadInput, match="columns"):
        from_csv("path,split\nx.wav,both\n", Path("split.csv"))


@pytest.mark.parametrize(
    "data", [b"path,split\n\xff.wav,train\n", b'path,split\n"' + b"x" * 200_000]
)
def test_a_split_file_that_is_no_text_or_no_csv_is_bad_input(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput, match="a split file must be") as caught:
        read_split(path)
    assert str(path) in caught.value.evidence


SHARES: dict[str, Any] = {"seed": 3, "val_share": 0.2, "test_share": 0.2}
SPEAKER = "/([a-z])_"


def _groups(dataset: Dataset, assignment: Assignment) -> dict[str, set[str]]:
    """Split -> the groups that SPEAKER finds in it."""
    found: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for recording in dataset.recordings:
        found[assignment[recording.relative]].add(recording.relative.split("/")[1][0])
    return found


def test_without_a_share_there_are_no_test_recordings() -> None:
    dataset = _dataset({"a": 20, "b": 2})
    none = {**SHARES, "test_share": 0}
    assignment = split_dataset(dataset, **none)
    assert set(assignment.values()) == {"train", "val"}
    assert {r.folder for r in of_split(dataset.recordings, assignment, "val")} == {"a", "b"}
    assert set(split_dataset(dataset, **none, group_by=SPEAKER).values()) == {"train", "val"}
    for wrong in ({"val_share": 0}, {"test_share": -0.1}, {"test_share": 0.9}):
        with pytest.raises(BadInput, match="share"):
            split_dataset(dataset, **{**SHARES, **wrong})


def test_named_groups_are_held_out_and_the_others_train() -> None:
    dataset = _dataset({"a": 20, "b": 20})
    both = split_dataset(
        dataset, **SHARES, group_by=SPEAKER, test_group=("p", "s"), val_group=("q",)
    )
    assert _groups(dataset, both) == {"train": {"r", "t"}, "val": {"q"}, "test": {"p", "s"}}
    one = _groups(dataset, split_dataset(dataset, **SHARES, group_by=SPEAKER, test_group=["p"]))
    assert one["test"] == {"p"}
    assert (len(one["train"]), len(one["val"])) == (3, 1)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"test_group": ["pp"], "group_by": SPEAKER}, "p, q, r, s, t"),
        ({"val_group": ["p"]}, "needs --group-by"),
        ({"test_group": ["p"], "val_group": ["p"], "group_by": SPEAKER}, "not for both"),
        ({"test_group": list("pqrst"), "group_by": SPEAKER}, "must find at least two groups"),
    ],
)
def test_groups_that_cannot_be_held_out_are_named(named: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        split_dataset(_dataset({"a": 20, "b": 20}), **SHARES, **named)


@given(st.integers(0, 1000))
def test_what_belongs_together_is_never_torn_apart(seed: int) -> None:
    """Copies, recordists and groups, which may overlap in chains."""
    dataset = _dataset({"a": 12, "b": 12})
    copies = [[r.relative for r in dataset.recordings[i : i + 2]] for i in (0, 1, 6, 11, 20)]
    shares = {**SHARES, "seed": seed}
    assignment = split_dataset(dataset, **shares, together=copies)
    assert all(len({assignment[path] for path in line}) == 1 for line in copies)
    told = replace(
        dataset,
        recordings=tuple(
            replace(r, recordist=f"R{i // 3}") for i, r in enumerate(dataset.recordings)
        ),
    )
    assignment = split_dataset(told, **shares, together=copies)
    sides: dict[str, set[str]] = {}
    for recording in told.recordings:
        sides.setdefault(recording.recordist, set()).add(assignment[recording.relative])
    assert all(len(side) == 1 for side in sides.values())
    assert set(assignment.values()) == {"train", "val", "test"}
    assert all(len({assignment[path] for path in line}) == 1 for line in copies)


def test_labels_that_are_not_the_folders_travel_with_the_split() -> None:
    dataset = _dataset({"a": 6, "b": 6, "noise": 3})
    first, second, *others = dataset.recordings
    changed = (replace(first, given=("a", "b")), replace(second, given=()), *others)
    assignment = split_dataset(replace(dataset, recordings=changed), **SHARES)
    assert assignment.labels == {first.relative: ("a", "b"), second.relative: ()}
    again = from_csv(to_csv(assignment), Path("split.csv"))
    assert again == assignment
    assert again.labels[first.relative] == ("a", "b")
    assert again.labels[second.relative] == again.labels["noise/p_0.wav"] == ()
    assert again.labels["b/p_0.wav"] == ("b",)
