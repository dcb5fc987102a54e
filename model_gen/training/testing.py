"""What tests of refusals share: which files are opened meanwhile, and what is left."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.training.options import TrainOptions
from model_gen.training.run import train

_watching: list[tuple[str, Counter[str]]] = []  # folder, and how often each file there was opened


def _hear(event: str, given: tuple[Any, ...]) -> None:
    if event == "open" and _watching and isinstance(given[0], (str, bytes)):
        folder, opened = _watching[-1]
        if os.fsdecode(given[0]).startswith(folder):
            opened[os.fsdecode(given[0])] += 1


sys.addaudithook(_hear)  # it cannot be taken away again


@contextmanager
def watched(folder: Path) -> Iterator[Counter[str]]:
    """How often each file below `folder` is opened inside the block."""
    opened: Counter[str] = Counter()
    _watching.append((f"{folder}{os.sep}", opened))
    try:
        yield opened
    finally:
        _watching.pop()


def refused(options: TrainOptions, *words: str, digests: bool = False) -> str:
    """The refusal of a training, which has those words, opens no recording and changes no file.

    With `digests` recordings may be opened once each, for the digest of their bytes.
    """
    data, checkpoint = options.data_path_train, options.checkpoint_path
    before = _tree(checkpoint.parent.parent, data)
    with watched(data) as opened, pytest.raises(BadInput) as caught:
        train(options)
    heard = [count for path, count in opened.items() if path.endswith(".wav")]
    assert max(heard, default=0) <= int(digests), opened
    told = str(caught.value)
    for word in words:
        assert word in told, told
    assert caught.value.evidence.startswith("Received: ")
    assert _tree(checkpoint.parent.parent, data) == before
    return told


def _tree(root: Path, data: Path) -> dict[Path, bytes]:
    """Every file and folder below `root` but the data."""
    return {
        path: path.read_bytes() if path.is_file() else b""
        for path in sorted(root.rglob("*"))
        if not path.is_relative_to(data)
    }
