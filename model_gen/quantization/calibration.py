"""Which chunks set the ranges of the int8 model: a stratified manifest, recorded in the bundle.

Those of recordings that are shorter than a chunk lie at start, middle and end of the window in turn.
"""

import csv
import io
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.data.dataset import stable_order
from model_gen.data.features import Chunks
from model_gen.data.places import PLACES, in_turn, start_at

CALIBRATION = "calibration.csv"  # of a bundle, and beside a checkpoint that was trained with it


def calibration(chunks: Chunks, count: int, seed: int) -> Chunks:
    """Up to `count` of the chunks, as `stratified` chooses them, short ones at their three places in
    turn."""
    return in_turn(chunks.take(stratified(chunks, count, seed)))


def calibration_features(manifest: Chunks) -> npt.NDArray[np.float32]:
    """What the ranges are of: float32 [n, rows, frames]."""
    return of_both_signs(manifest.features(range(len(manifest))), manifest.contract)


def of_both_signs(
    features: npt.NDArray[np.float32], contract: FrontendContract
) -> npt.NDArray[np.float32]:
    """Features [n, rows, frames] that calibrate; of spectra as they are.

    Of waveforms, which are divided by their peak, the first that is not silent is there upside down, too: int8 then
    holds both signs alike, as a microphone's polarity is nobody's choice.
    """
    if contract.normalization != "peak":
        return features
    sounding = np.flatnonzero(np.abs(features).max(axis=(1, 2)) > 0)[:1]
    return np.concatenate([features, -features[sounding]])


def stratified(chunks: Chunks, count: int, seed: int) -> list[int]:
    """Indices of up to `count` chunks, taken in turn from each class folder, shuffled within it by `seed`.

    Each round begins with another folder, so that what else is given in turn meets each of them.
    """
    queues: dict[str, list[int]] = defaultdict(list)
    for i in range(len(chunks)):
        queues[chunks.kind(i)].append(i)
    for queue in queues.values():
        queue.sort(key=lambda i: stable_order(seed, f"{_path(chunks, i)}:{chunks.starts[i]}"))
    chosen: list[int] = []
    folders = sorted(queues)
    for turn in range(max(map(len, queues.values()))):
        chosen.extend(queues[folder][turn] for folder in folders if turn < len(queues[folder]))
        folders = [*folders[1:], folders[0]]
    return chosen[:count]


def manifest_csv(chunks: Chunks) -> str:
    """The manifest's text: path relative to the data folder, first sample of the chunk, class folder.

    A first sample below 0 stands for that many zeros before the recording.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("path", "start_sample", "class"))
    for i in range(len(chunks)):
        writer.writerow((_path(chunks, i), int(chunks.starts[i]), chunks.kind(i)))
    return stream.getvalue()


def read_manifest(path: Path, chunks: Chunks) -> Chunks:
    """The chunks that a manifest names, in its order; `chunks` are all of the recordings that calibrate.

    Raises:
        BadInput: it is no manifest, is empty, or names something else than chunks of these recordings.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = [(row["path"], int(row["start_sample"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise _no_manifest(path, f"{type(error).__name__}: {error}") from error
    places = _places(chunks)
    unknown = next((row for row in rows if row not in places), None)
    if unknown is not None or not rows:
        raise _no_manifest(path, f"{unknown[0]} at sample {unknown[1]}" if unknown else "no chunk")
    indices = np.array([places[row] for row in rows])
    starts = np.array([start for _, start in rows], np.int64)
    return replace(chunks.take(indices), starts=starts)


def _places(chunks: Chunks) -> dict[tuple[str, int], int]:
    """(path, first sample) -> index of a chunk, short recordings at each of their places."""
    found = {}
    for index in range(len(chunks)):
        starts = [int(chunks.starts[index])]
        if chunks.is_short(index):
            samples = chunks.entries[int(chunks.owner[index])].samples
            starts = [start_at(i, samples, chunks.contract.chunk_samples) for i in range(PLACES)]
        found.update({(_path(chunks, index), start): index for start in starts})
    return found


def _no_manifest(path: Path, why: str) -> BadInput:
    return BadInput(
        "a manifest must name chunks of the training recordings",
        evidence=f"Received: {path}: {why}",
        next_step="give the data folder that it was made of, or take the file away: another one is then drawn",
    )


def _path(chunks: Chunks, index: int) -> str:
    return chunks.recording(index).relative
