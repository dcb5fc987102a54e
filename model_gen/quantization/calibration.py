"""Which chunks set the ranges of the int8 model: a stratified manifest, recorded in the bundle."""

import csv
import io
from collections import defaultdict

from model_gen.data.dataset import stable_order
from model_gen.data.features import Chunks


def stratified(chunks: Chunks, count: int, seed: int) -> list[int]:
    """Indices of up to `count` chunks, taken in turn from each class folder, shuffled within it by `seed`."""
    queues: dict[str, list[int]] = defaultdict(list)
    for i in range(len(chunks)):
        queues[chunks.kind(i)].append(i)
    for queue in queues.values():
        queue.sort(key=lambda i: stable_order(seed, f"{_path(chunks, i)}:{chunks.starts[i]}"))
    chosen: list[int] = []
    for turn in range(max(map(len, queues.values()))):
        chosen.extend(
            queues[folder][turn] for folder in sorted(queues) if turn < len(queues[folder])
        )
    return chosen[:count]


def manifest_csv(chunks: Chunks, indices: list[int]) -> str:
    """The manifest's text: path relative to the data folder, first sample of the chunk, class folder."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("path", "start_sample", "class"))
    for i in indices:
        writer.writerow((_path(chunks, i), int(chunks.starts[i]), chunks.kind(i)))
    return stream.getvalue()


def _path(chunks: Chunks, index: int) -> str:
    return chunks.recording(index).relative
