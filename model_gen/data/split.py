"""Train, validation and test: by recording, or by what must stay together, never by chunk."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from host.errors import BadInput
from host.reading import read_text
from model_gen.data.dataset import (
    SPLIT_FILE,
    Dataset,
    Recording,
    folder_of,
    labels_of_folder,
    stable_order,
)
from model_gen.data.groups import groups_of, held_out, units_of
from model_gen.data.table import SEPARATOR, Row, Table, parse, read_table

_AGAIN = "give the file that `nightjar train` wrote beside the checkpoint, or train again"


class Assignment(dict[str, str]):
    """Relative path -> train, val or test; and the labels of recordings that have others than their
    folder's."""

    def __init__(
        self,
        splits: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        labels: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(splits)
        self.labels = dict(labels or {})


def split_dataset(
    dataset: Dataset,
    *,
    seed: int,
    val_share: float,
    test_share: float,
    group_by: str | None = None,
    use_split_file: bool = True,
    test_group: Sequence[str] = (),
    val_group: Sequence[str] = (),
    together: Iterable[Sequence[str]] = (),
) -> Assignment:
    """Assign each recording to train, val or test.

    With `group_by` recordings with the same group stay together, as those of one recordist always
    do. `test_group` and `val_group` name groups that are held out, the others train; a part that
    names none gets its share of them. Without `group_by` the splits of the dataset's table are
    honoured, or of a `split.csv` in the data folder, if `use_split_file`. Else each class is
    shuffled by `seed` and cut by the shares, or recordists are.

    Args:
        dataset: the recordings.
        seed: of the shuffle.
        val_share: of the recordings or groups, above 0.
        test_share: likewise; 0 for none but those that a table or `test_group` names.
        group_by: a regular expression, searched in the relative path; its first group counts.
        use_split_file: whether splits of a table count.
        test_group: groups that `group_by` finds.
        val_group: likewise.
        together: relative paths a line that stay on one side, too, if no table says otherwise.

    Raises:
        BadInput: shares, expression, groups or table are unusable.
    """
    if not (0 < val_share < 1 and 0 <= test_share < 1 and val_share + test_share < 1):
        raise BadInput(
            "the share for validation must be above 0, that for test at least 0, both together "
            "below 1",
            evidence=f"Received: --val-split {val_share} and --test-split {test_share}",
            next_step="give smaller shares, as --val-split 0.2 --test-split 0.2; --test-split 0 "
            "tests nothing",
        )
    recordings = dataset.recordings
    groups = {} if group_by is None else groups_of(recordings, group_by)
    unit_of = units_of(recordings, groups, together)
    named = held_out(unit_of, groups, {"test": test_group, "val": val_group})
    table = _table_of(dataset) if use_split_file and group_by is None else None
    if table is not None:
        splits = _by_table(recordings, table)
    elif groups or any(r.recordist for r in recordings):
        shares = [0 if test_group else test_share, 0 if val_group else val_share]
        what = "the column recordist" if group_by is None else f"--group-by {group_by!r}"
        splits = _by_unit(unit_of, named, seed, shares, what)
    else:
        splits = _by_class(recordings, unit_of, seed, val_share, test_share)
    return Assignment(
        splits, {r.relative: r.labels for r in recordings if r.labels != labels_of_folder(r.folder)}
    )


def of_split(
    recordings: Sequence[Recording], assignment: Mapping[str, str], split: str
) -> list[Recording]:
    """The recordings of one split, in order."""
    return [r for r in recordings if assignment.get(r.relative) == split]


def to_csv(assignment: Assignment) -> str:
    """The text of a split file: columns path and split, sorted by path; labels, where any are not
    the folder's."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows = sorted(assignment.items())
    if not assignment.labels:
        writer.writerows([("path", "split"), *rows])
        return stream.getvalue()
    writer.writerow(("path", "split", "labels"))
    for path, split in rows:
        labels = assignment.labels.get(path, labels_of_folder(folder_of(path)))
        writer.writerow((path, split, SEPARATOR.join(labels)))
    return stream.getvalue()


def read_split(path: Path) -> Assignment:
    """Read a split file of ours.

    Raises:
        BadInput: it cannot be read, or as `from_csv`.
    """
    return from_csv(read_text(path, "a split file", next_step=_AGAIN), path)


def from_csv(text: str, source: Path) -> Assignment:
    """Parse a split file; other columns are ignored.

    Raises:
        BadInput: it is no CSV, lacks the columns path and split, or names another split.
    """
    table = parse(text, source)
    for row in table.rows:
        if not row.split:
            raise table.wrong(row.line, f"{row.path} without a split")
    labels = {row.path: row.labels for row in table.rows if row.labels is not None}
    return Assignment({row.path: row.split for row in table.rows}, labels)


def _cut(items: Sequence[str], seed: int, val_share: float, test_share: float) -> dict[str, str]:
    """Shuffle `items` and cut them; with enough for every part that has a share, none is empty."""
    order = sorted(items, key=lambda item: stable_order(seed, item))
    enough = len(order) >= 1 + (val_share > 0) + (test_share > 0)
    test = max(int(enough and test_share > 0), round(len(order) * test_share))
    val = max(int(enough and val_share > 0), round(len(order) * val_share))
    while test + val >= len(order) and test + val > 0:
        test, val = (test - 1, val) if test >= val else (test, val - 1)
    return {
        item: "test" if i < test else "val" if i < test + val else "train"
        for i, item in enumerate(order)
    }


def _by_class(
    recordings: Sequence[Recording],
    unit_of: Mapping[str, str],
    seed: int,
    val_share: float,
    test_share: float,
) -> dict[str, str]:
    """Each class by itself; a unit goes with the class of its first recording."""
    kind_of: dict[str, str] = {}
    for recording in recordings:
        kind_of.setdefault(unit_of[recording.relative], recording.kind)
    kinds: dict[str, list[str]] = defaultdict(list)
    for unit, kind in kind_of.items():
        kinds[kind].append(unit)
    split_of: dict[str, str] = {}
    for items in kinds.values():
        split_of.update(_cut(items, seed, val_share, test_share))
    return {r.relative: split_of[unit_of[r.relative]] for r in recordings}


def _by_unit(
    unit_of: Mapping[str, str],
    named: Mapping[str, str],
    seed: int,
    shares: Sequence[float],
    what: str,
) -> dict[str, str]:
    """The units that are `named` where they belong, the others by the shares of test and
    validation."""
    test_share, val_share = shares
    others = sorted(set(unit_of.values()) - set(named))
    needed = 1 + (test_share > 0) + (val_share > 0)
    if len(others) < needed:
        count = {1: "one group", 2: "two groups", 3: "three groups"}[needed]
        raise BadInput(
            f"{what} must find at least {count} for training and what no group is named for",
            evidence=f"Received: only {', '.join(others) or 'none'}",
            next_step="name fewer groups, use another expression, or --test-split 0",
        )
    split_of = {**_cut(others, seed, val_share, test_share), **named}
    return {relative: split_of[unit] for relative, unit in unit_of.items()}


def _table_of(dataset: Dataset) -> Table | None:
    """The table with splits that the dataset was made with, or that lies in its folder."""
    table, file = dataset.table, dataset.root / SPLIT_FILE
    if table is None and file.is_file():
        table = read_table(file)
    return table if table is not None and table.splits else None


def _by_table(recordings: Sequence[Recording], table: Table) -> dict[str, str]:
    """What the table says; a recording that was moved to another class folder keeps its split, by
    its name, where no other is called so."""
    listed = table.match(r.relative for r in recordings)
    taken = {row.line for row in listed.values()}
    moved: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        if row.line not in taken:
            moved[Path(row.path).name].append(row)
    splits = {relative: row.split for relative, row in listed.items()}
    unlisted = [r.relative for r in recordings if r.relative not in listed]
    names = Counter(Path(relative).name for relative in unlisted)
    for relative in unlisted:
        name = Path(relative).name
        if len(moved[name]) == names[name] == 1:
            splits[relative] = moved[name][0].split
    missing = [r.relative for r in recordings if not splits.get(r.relative)]
    if missing:
        raise BadInput(
            f"{table.source.name} must give every recording a split, or none",
            evidence=f"Received: {table.source} without {len(missing)} of them, first {missing[0]}",
            next_step="complete it, leave its column split out, or give --no-split-file",
        )
    return splits
