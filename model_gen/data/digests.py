"""What recordings are by their bytes, wherever they lie and whatever they are called."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from host.files import sha256_file
from model_gen.data.dataset import Recording
from model_gen.progress import bar


def digests(recordings: Sequence[Recording], num_workers: int) -> list[str]:
    """SHA-256 of each recording's bytes, "" where they cannot be read."""
    with (
        ThreadPoolExecutor(max(1, num_workers)) as pool,
        bar("digests of recordings", len(recordings), plain=False) as show,
    ):
        found = []
        for content in pool.map(_digest, recordings):
            found.append(content)
            show(len(found))
    return found


def _digest(recording: Recording) -> str:
    try:
        return sha256_file(recording.path)
    except OSError:  # looking at it, or decoding it, tells of it
        return ""
