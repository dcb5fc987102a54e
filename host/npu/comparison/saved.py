"""The NPU's tensors of all vectors as .npz: what a board must give."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from host.npu.comparison.side import Pass

_LONGEST = 4000  # characters of a name that is a member of a zip


@dataclass
class Kept:
    """The tensors of every vector, to be saved."""

    names: list[str] = field(default_factory=list)
    arrays: list[list[Any]] = field(default_factory=list)

    def add(self, made: Pass) -> None:
        """Take what one vector gave."""
        if not self.names:
            self.names = [name for name, _ in made.everything]
            self.arrays = [[] for _ in self.names]
        for kept, (_, array) in zip(self.arrays, made.everything, strict=True):
            kept.append(array)

    def npz(self) -> bytes:
        """One array a tensor, "NNN name" in order of computation, batch first.

        The same tensors always give the same bytes.
        """
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for number, (name, arrays) in enumerate(zip(self.names, self.arrays, strict=True)):
                member = io.BytesIO()
                np.lib.format.write_array(member, _stacked(arrays), allow_pickle=False)
                key = f"{number:03d} {_usable(name)}"
                archive.writestr(zipfile.ZipInfo(f"{key}.npy"), member.getvalue())
        return stream.getvalue()


def _stacked(arrays: Sequence[Any]) -> Any:
    """Of all vectors, along the axis of the batch."""
    return np.concatenate([one if one.ndim else one[None] for one in arrays], axis=0)


def _usable(name: str) -> str:
    """The name as a part of a path below the archive."""
    kept = "".join(c if c.isprintable() else "_" for c in name)
    return kept.replace("..", "__")[:_LONGEST]
