"""References for tests, as the documentation says and on whole recordings."""

from io import FileIO
from pathlib import Path

import numpy as np
import pytest

from model_gen.audio.chunks import Samples


def naive_starts(recording: Samples, chunk: int, most: int) -> list[int]:
    """The rule as its documentation says, on the whole recording at once, in float64."""
    if len(recording) <= chunk:
        return [0]
    frame = max(2, min(1024, chunk // 4))
    hop = frame // 2
    energy = np.array(
        [
            np.mean(recording[at : at + frame].astype(np.float64) ** 2)
            for at in range(0, len(recording) - frame + 1, hop)
        ]
    )
    bar = np.percentile(energy, 75)
    regions: list[list[int]] = []
    for at, value in enumerate(energy):
        if value >= bar and at and energy[at - 1] >= bar:
            regions[-1].append(at)
        elif value >= bar:
            regions.append([at])
    taken: list[int] = []
    for region in sorted(
        regions, key=lambda r: (-max(energy[r]), int(np.argmax(energy[r])) + r[0])
    ):
        centre = region[int(np.argmax(energy[region]))] * hop + frame // 2
        start = min(max(0, centre - chunk // 2), len(recording) - chunk)
        if all(abs(start - other) >= chunk / 2 for other in taken):
            taken.append(start)
    return taken[:most]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths of recordings that are opened from now on; each is read once from begin to end at
    most, and some of it."""
    opened: list[Path] = []

    class Counting(FileIO):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            opened.append(path)
            self._bytes, self._most = 0, path.stat().st_size

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            got = super().readinto(buffer)
            self._bytes += got
            assert self._bytes <= self._most
            return got

    monkeypatch.setattr("model_gen.audio.stream.FileIO", Counting)
    return opened
