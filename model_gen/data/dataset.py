"""Class folders of recordings, as an index: nothing is decoded here."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import BadInput

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
# Folders whose recordings belong to no class: all-zero labels, which teach the model to reject.
NEGATIVE_FOLDERS = frozenset({"noise", "silence", "background", "other"})


@dataclass(frozen=True)
class Recording:
    """One file: where it is, its path relative to the data folder with slashes, and its class folder."""

    path: Path
    relative: str
    folder: str

    @property
    def is_negative(self) -> bool:
        """Whether its labels are all zero."""
        return self.folder.lower() in NEGATIVE_FOLDERS


@dataclass(frozen=True)
class Dataset:
    """Recordings sorted by relative path, and the labels: the class folders without the negative ones, sorted."""

    root: Path
    recordings: tuple[Recording, ...]
    labels: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Recordings a folder."""
        return dict(sorted(Counter(r.folder for r in self.recordings).items()))


def index_dataset(
    root: Path,
    *,
    max_samples: int | None = None,
    max_classes: int | None = None,
    seed: int = 42,
) -> Dataset:
    """Find the recordings below `root`/CLASS/.

    `max_samples` keeps that many files of each folder, chosen by `seed`; `max_classes` keeps the classes with most
    files (ties by name) beside the negative folders.

    Raises:
        BadInput: no recordings, or one class only.
    """
    found = find_recordings(root)
    positive = {folder for folder, files in found.items() if not files[0].is_negative}
    if not positive or len(found) < 2:
        raise BadInput(
            "expected at least two class folders, or one and a noise folder",
            evidence=f"Received: {root} with only {', '.join(sorted(found))}",
            next_step="add recordings of another class, or of background in a folder named noise",
        )
    if max_classes is not None:
        kept = sorted(positive, key=lambda folder: (-len(found[folder]), folder))[:max_classes]
        found = {f: v for f, v in found.items() if f in kept or f not in positive}
        positive = set(kept)
    if max_samples is not None:
        found = {f: _sample(files, max_samples, seed) for f, files in found.items()}
    recordings = sorted((r for files in found.values() for r in files), key=lambda r: r.relative)
    return Dataset(root, tuple(recordings), tuple(sorted(positive)))


def find_recordings(root: Path) -> dict[str, list[Recording]]:
    """Class folder -> its recordings, both sorted; folders without any are left out.

    Raises:
        BadInput: `root` is not a folder, or holds no recording in a subfolder.
    """
    if not root.is_dir():
        raise BadInput(
            "expected a folder with one subfolder of recordings a class",
            evidence=f"Received: {root}, which is not a folder",
            next_step="give a data folder, or make one with `nightjar synth DIR`",
        )
    found: dict[str, list[Recording]] = {}
    for folder in sorted(root.iterdir()):
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        files = [
            Recording(path, path.relative_to(root).as_posix(), folder.name)
            for path in sorted(folder.rglob("*"))
            if path.suffix.lower() in SUFFIXES
            and path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
        ]
        if files:
            found[folder.name] = files
    if not found:
        raise BadInput(
            f"expected subfolders with {', '.join(s[1:].upper() for s in SUFFIXES)} files, one a class",
            evidence=f"Received: {root} without a recording in a subfolder",
            next_step="put each class's recordings into a folder of its name, or run `nightjar synth DIR`",
        )
    return found


def targets(recordings: Sequence[Recording], labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """One-hot labels, all zero for negative folders: float32 [recordings, labels]."""
    column = {label: i for i, label in enumerate(labels)}
    out = np.zeros((len(recordings), len(labels)), np.float32)
    for row, recording in enumerate(recordings):
        if not recording.is_negative:
            out[row, column[recording.folder]] = 1
    return out


def stable_order(seed: int, key: str) -> bytes:
    """A sort key that shuffles by `seed`, and does not move a recording when others come or go."""
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()


def _sample(files: list[Recording], most: int, seed: int) -> list[Recording]:
    return sorted(files, key=lambda r: stable_order(seed, r.relative))[:most]
