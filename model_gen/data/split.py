"""Train, validation and test: by recording, or by group, never by chunk."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from host.errors import BadInput
from host.reading import read_text
from model_gen.data.dataset import Dataset, Recording, stable_order

SPLITS = ("train", "val", "test")
SPLIT_FILE = "split.csv"

Assignment = dict[str, str]  # relative path -> train | val | test


def split_dataset(
    dataset: Dataset,
    *,
    seed: int,
    val_share: float,
    test_share: float,
    group_by: str | None = None,
    use_split_file: bool = True,
) -> Assignment:
    """Assign each recording to train, val or test.

    With `group_by` (a regular expression, searched in the relative path), recordings with the same first group stay
    together. Without it a `split.csv` in the data folder is honoured if `use_split_file`. Else each class folder is
    shuffled by `seed` and cut by the shares.

    Raises:
        BadInput: shares, expression or file are unusable, or a label has no recording in train.
    """
    if not (0 < val_share < 1 and 0 < test_share < 1 and val_share + test_share < 1):
        raise BadInput(
            "the shares for validation and test must be above 0 and together below 1",
            evidence=f"Received: {val_share} and {test_share}",
        )
    file = dataset.root / SPLIT_FILE
    if group_by is not None:
        assignment = _by_group(dataset.recordings, group_by, seed, val_share, test_share)
    elif use_split_file and file.is_file():
        assignment = _from_file(dataset.recordings, file)
    else:
        assignment = _by_recording(dataset.recordings, seed, val_share, test_share)
    _require_all(dataset, assignment)
    return assignment


def of_split(
    recordings: Sequence[Recording], assignment: Assignment, split: str
) -> list[Recording]:
    """The recordings of one split, in order."""
    return [r for r in recordings if assignment.get(r.relative) == split]


def to_csv(assignment: Assignment) -> str:
    """The text of a split file: columns path and split, sorted by path."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("path", "split"))
    writer.writerows(sorted(assignment.items()))
    return stream.getvalue()


def read_split(path: Path) -> Assignment:
    """Read a split file.

    Raises:
        BadInput: it cannot be read, or as `from_csv`.
    """
    return from_csv(read_text(path, "a split file"), path)


def from_csv(text: str, source: Path) -> Assignment:
    """Parse a split file; other columns are ignored.

    Raises:
        BadInput: it is no CSV, lacks the columns path and split, or names another split.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise BadInput(
            "a split file must be CSV", evidence=f"Received: {source}: {error}"
        ) from error
    assignment: Assignment = {}
    for row in rows:
        split = {"validation": "val", "valid": "val"}.get(
            row.get("split") or "", row.get("split") or ""
        )
        if not row.get("path") or split not in SPLITS:
            raise BadInput(
                f"a split file has the columns path and split, the latter one of {', '.join(SPLITS)}",
                evidence=f"Received: {source} with the row {row}",
            )
        assignment[row["path"]] = split
    return assignment


def _cut(items: list[str], seed: int, val_share: float, test_share: float) -> Assignment:
    """Shuffle `items` and cut them; with three or more, no part is empty."""
    order = sorted(items, key=lambda item: stable_order(seed, item))
    least = 1 if len(order) >= 3 else 0
    test = max(least, round(len(order) * test_share))
    val = max(least, round(len(order) * val_share))
    while test + val >= len(order) and test + val > 0:
        test, val = (test - 1, val) if test >= val else (test, val - 1)
    return {
        item: "test" if i < test else "val" if i < test + val else "train"
        for i, item in enumerate(order)
    }


def _by_recording(
    recordings: Sequence[Recording], seed: int, val_share: float, test_share: float
) -> Assignment:
    folders: dict[str, list[str]] = defaultdict(list)
    for recording in recordings:
        folders[recording.folder].append(recording.relative)
    assignment: Assignment = {}
    for items in folders.values():
        assignment.update(_cut(items, seed, val_share, test_share))
    return assignment


def _by_group(
    recordings: Sequence[Recording], pattern: str, seed: int, val_share: float, test_share: float
) -> Assignment:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise BadInput(
            "--group-by must be a regular expression", evidence=f"Received: {pattern!r}: {error}"
        ) from error
    if expression.groups < 1:
        raise BadInput(
            "--group-by must have a group in parentheses: what it matches keeps recordings together",
            evidence=f"Received: {pattern!r}",
            next_step="for a speaker before the underscore: --group-by '/([a-z]+)_'",
        )
    group_of: dict[str, str] = {}
    for recording in recordings:
        match = expression.search(recording.relative)
        if match is None or match.group(1) is None:
            raise BadInput(
                "--group-by must match the path of every recording",
                evidence=f"Received: {pattern!r}, which does not match {recording.relative}",
            )
        group_of[recording.relative] = match.group(1)
    groups = sorted(set(group_of.values()))
    if len(groups) < 3:
        raise BadInput(
            "--group-by must find at least three groups, for train, validation and test",
            evidence=f"Received: {pattern!r}, which finds only {', '.join(groups)}",
        )
    split_of = _cut(groups, seed, val_share, test_share)
    return {relative: split_of[group] for relative, group in group_of.items()}


def _from_file(recordings: Sequence[Recording], file: Path) -> Assignment:
    """What the file says; a recording that was moved to another class folder keeps its split, by its name."""
    listed = read_split(file)
    present = {r.relative for r in recordings}
    moved: dict[str, list[str]] = defaultdict(list)
    for path in listed:
        if path not in present:
            moved[Path(path).name].append(path)
    for recording in recordings:
        origins = moved.get(Path(recording.relative).name, [])
        if recording.relative not in listed and len(origins) == 1:
            listed[recording.relative] = listed[origins[0]]
    missing = [r.relative for r in recordings if r.relative not in listed]
    if missing:
        raise BadInput(
            f"{SPLIT_FILE} must list every recording",
            evidence=f"Received: {file} without {len(missing)} of them, first {missing[0]}",
            next_step="complete it, delete it, or give --no-split-file",
        )
    return {r.relative: listed[r.relative] for r in recordings}


def _require_all(dataset: Dataset, assignment: Assignment) -> None:
    trained = {r.folder for r in of_split(dataset.recordings, assignment, "train")}
    absent = [label for label in dataset.labels if label not in trained]
    empty = [split for split in SPLITS if split not in assignment.values()]
    if absent or empty:
        raise BadInput(
            "every class needs a recording in train, and validation and test need some",
            evidence=f"Received: {len(assignment)} recordings; classes without one in train: "
            f"{', '.join(absent) or 'none'}; empty splits: {', '.join(empty) or 'none'}",
            next_step="add recordings (three a class at least), or use another --group-by or split",
        )
