"""The arrays that a page shows, in a file: from the process that saw them to the one that writes the page."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from host.report.verdict import Exhibits, Spectrogram


def save_exhibits(path: Path, exhibits: Exhibits) -> None:
    """Write the arrays to a .npz."""
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
    for shown in exhibits.spectrograms:
        arrays[f"host {shown.vector}"] = shown.host
        arrays[f"board {shown.vector}"] = shown.board
    if exhibits.steps is not None:
        arrays["steps"] = exhibits.steps
    np.savez(path, allow_pickle=False, **arrays)


def load_exhibits(paths: Iterable[Path]) -> Exhibits:
    """The spectrograms of the first file that has any, and the steps likewise."""
    found = Exhibits()
    for path in paths:
        with np.load(path, allow_pickle=False) as arrays:
            vectors = [int(name.split()[1]) for name in arrays if name.startswith("host ")]
            shown = tuple(
                Spectrogram(vector, arrays[f"host {vector}"], arrays[f"board {vector}"])
                for vector in sorted(vectors)
            )
            steps = arrays.get("steps")
        found = Exhibits(found.spectrograms or shown, steps if found.steps is None else found.steps)
    return found
