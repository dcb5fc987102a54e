"""Class folders of recordings, as an index: nothing is decoded here."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from model_gen.audio.formats import TAKEN, UNREAD, convert_all, suffix_of
from model_gen.data.table import SEPARATOR, Row, Table, read_table
from model_gen.data.walk import Ignored, walk

# Folders whose recordings belong to no class: all-zero labels, which teach the model to reject.
NEGATIVE_FOLDERS = frozenset({"noise", "silence", "background", "other"})
SPLIT_FILE = "split.csv"
_SHOWN = 3  # paths that an error names
NO_CLASS = "it lies in no class folder, and no table gives it labels"


@dataclass(frozen=True)
class Recording:
    """One file: where it is, its path relative to the data folder with slashes, and its class
    folder.

    folder: "" where it lies in none. given: the labels that a table says, None for those of the
    folder. recordist: who made it, "" where no table says. sha256: of its bytes, when it was looked
    at; "" where nobody did.
    """

    path: Path
    relative: str
    folder: str
    given: tuple[str, ...] | None = None
    recordist: str = ""
    sha256: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes; none for a negative."""
        if self.given is None:
            return labels_of_folder(self.folder)
        return tuple(name for name in self.given if not is_negative_name(name))

    @property
    def is_negative(self) -> bool:
        """Whether its labels are all zero."""
        return not self.labels

    @property
    def kind(self) -> str:
        """Its labels as one text, or a negative folder, or "": what a split keeps the shares of."""
        return SEPARATOR.join(self.labels) or (self.folder if is_negative_name(self.folder) else "")


@dataclass(frozen=True)
class Dataset:
    """Recordings sorted by relative path, and the labels, sorted.

    ignored: what lies in the folder besides. table: what split.csv or --labels says. found: the
    relative paths of all that were found, before any was left out.
    """

    root: Path
    recordings: tuple[Recording, ...]
    labels: tuple[str, ...]
    ignored: tuple[Ignored, ...] = ()
    table: Table | None = None
    found: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Recordings a folder."""
        return dict(sorted(Counter(r.folder for r in self.recordings).items()))


def is_negative_name(name: str) -> bool:
    """Whether a folder or label of this name means that no class is heard; case and blanks around
    do not matter."""
    return name.strip().casefold() in NEGATIVE_FOLDERS


def folder_of(relative: str) -> str:
    """The class folder in a relative path; "" for a file that lies in none."""
    return relative.partition("/")[0] if "/" in relative else ""


def labels_of_folder(folder: str) -> tuple[str, ...]:
    """The labels of recordings in that class folder, where no table says others."""
    return () if not folder or is_negative_name(folder) else (folder,)


def index_dataset(
    root: Path,
    *,
    labels: Path | None = None,
    use_split_file: bool = True,
    max_samples: int | None = None,
    max_classes: int | None = None,
    seed: int = 42,
) -> Dataset:
    """Find the recordings below `root`/CLASS/.

    A table, the file `labels` or else a split.csv in `root` (not without `use_split_file`), may
    give them other labels and recordists, and labels to recordings outside class folders.
    `max_samples` keeps that many files of each class and negative folder, chosen by `seed`;
    `max_classes` keeps the classes with most files (ties by name) beside the negative recordings.

    Raises:
        BadInput: no recordings, one class only, or the table makes no sense, or is of other data.
    """
    everything, ignored = find_recordings(root)
    table = _table(root, labels, use_split_file)
    if table is not None:
        rows = table.match(r.relative for r in everything)
        if not rows:
            raise table.foreign(r.relative for r in everything)
        everything = [_told(r, rows.get(r.relative)) for r in everything]
        ignored = [i for i in ignored if root / i.path != table.source]
    recordings = [r for r in everything if _is_told(r)]
    ignored += [Ignored(r.relative, NO_CLASS) for r in everything if not _is_told(r)]
    found = _by_kind(recordings)
    classes = Counter(label for r in recordings for label in r.labels)
    if not classes or len(found) < 2:
        raise _too_little(
            "expected at least two class folders, or one and a noise folder",
            f"{root} with only {', '.join(sorted(found)) or 'negatives'}",
            "add recordings of another class, or of background in a folder named noise",
            root,
            ignored,
        )
    if max_classes is not None:
        kept = largest(classes, max_classes)
        recordings = [r for r in (_only(r, kept) for r in recordings) if r is not None]
        classes = Counter({label: classes[label] for label in kept})
        if len(_by_kind(recordings)) < 2:
            raise BadInput(
                "expected at least two classes to train, or one and a noise folder",
                evidence=f"Received: --max-classes {max_classes}, which leaves {', '.join(kept)}",
                next_step="keep more classes, or add recordings of background in a folder named noise",
            )
    if max_samples is not None:
        groups = _by_kind(recordings).values()
        recordings = [r for files in groups for r in _sample(files, max_samples, seed)]
    return Dataset(
        root,
        tuple(sorted(recordings, key=lambda r: r.relative)),
        tuple(sorted(classes)),
        tuple(sorted(ignored, key=lambda i: i.path)),
        table,
        tuple(r.relative for r in everything),
    )


def largest(classes: Mapping[str, int], count: int) -> list[str]:
    """The classes with most recordings, ties by name; `classes` is label -> recordings."""
    return sorted(classes, key=lambda label: (-classes[label], label))[:count]


def find_recordings(root: Path) -> tuple[list[Recording], list[Ignored]]:
    """The recordings below `root`, sorted by relative path, those outside class folders too; and
    what is ignored.

    Raises:
        BadInput: `root` is not a folder, or holds no recording.
    """
    if not root.is_dir():
        raise BadInput(
            "expected a folder with one subfolder of recordings a class",
            evidence=f"Received: {root}, which is not a folder",
            next_step="give a data folder, or make one with `nightjar synth DIR`",
        )
    found = walk(root)
    recordings = [Recording(path, relative, folder_of(relative)) for relative, path in found.files]
    if not recordings:
        raise _too_little(
            f"expected subfolders with recordings, one a class; {TAKEN} are read",
            f"{root} without a recording in a subfolder",
            "put each class's recordings into a folder of its name, or run `nightjar synth DIR`",
            root,
            found.ignored,
        )
    return recordings, list(found.ignored)


def find_outside(root: Path) -> tuple[list[Recording], list[Ignored]]:
    """The recordings of an outside test set, all in class folders; and what is ignored, both sorted
    by path.

    Raises:
        BadInput: none of them is of a class.
    """
    everything, ignored = find_recordings(root)
    recordings = [r for r in everything if r.folder]
    ignored += [Ignored(r.relative, NO_CLASS) for r in everything if not r.folder]
    ignored.sort(key=lambda one: one.path)
    if not any(r.labels for r in recordings):
        raise _too_little(
            "expected class folders of recordings in the outside test set",
            f"{root} with " + ("nothing but negatives" if recordings else "no class folder"),
            "give a folder that holds one folder a class, as --data-path-train does",
            root,
            ignored,
        )
    return recordings, ignored


def targets(recordings: Sequence[Recording], labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """One column a label, 1 where a recording has it, all zero for negatives: float32 [recordings,
    labels]."""
    column = {label: i for i, label in enumerate(labels)}
    out = np.zeros((len(recordings), len(labels)), np.float32)
    for row, recording in enumerate(recordings):
        for label in recording.labels:
            out[row, column[label]] = 1
    return out


def stable_order(seed: int, key: str) -> bytes:
    """A sort key that shuffles by `seed`, and does not move a recording when others come or go."""
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()


def _table(root: Path, labels: Path | None, use_split_file: bool) -> Table | None:
    if labels is not None:
        return read_table(labels)
    file = root / SPLIT_FILE
    return read_table(file) if use_split_file and file.is_file() else None


def _told(recording: Recording, row: Row | None) -> Recording:
    if row is None:
        return recording
    return replace(recording, given=row.labels, recordist=row.recordist)


def _is_told(recording: Recording) -> bool:
    """Whether anything says what is heard in it."""
    return bool(recording.folder) or recording.given is not None


def _only(recording: Recording, kept: Sequence[str]) -> Recording | None:
    """The recording with those labels alone; None where it had others only."""
    labels = tuple(label for label in recording.labels if label in kept)
    if labels == recording.labels:
        return recording
    return replace(recording, given=labels) if labels else None


def _by_kind(recordings: Iterable[Recording]) -> dict[str, list[Recording]]:
    found: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        found[recording.kind].append(recording)
    return found


def _too_little(
    what: str, received: str, next_step: str, root: Path, ignored: Sequence[Ignored]
) -> BadInput:
    """The error for a folder without enough in it; sound that is not read may be why."""
    unread = [one for one in ignored if suffix_of(one.path) in UNREAD]
    if unread:
        path = PurePosixPath(unread[0].path)
        alike = [one.path for one in unread if PurePosixPath(one.path).suffix == path.suffix]
        shown = ", ".join(alike[:_SHOWN]) + (", ..." if len(alike) > _SHOWN else "")
        kind = UNREAD[suffix_of(path.name)]
        received += f"; what ends in {path.suffix} ({kind}) is not read: {shown}"
        next_step = f"convert them: {convert_all(root / path.parent, path.suffix)}"
    elif ignored:
        first = ignored[0]
        received += (
            f"; {len(ignored)} files and folders are ignored, as {first.path}: {first.reason}"
        )
    return BadInput(what, evidence=f"Received: {received}", next_step=next_step)


def _sample(files: list[Recording], most: int, seed: int) -> list[Recording]:
    return sorted(files, key=lambda r: stable_order(seed, r.relative))[:most]
