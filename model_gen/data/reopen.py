"""The recordings of a trained model again: the same split, found in a data folder."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.data.dataset import Recording, find_outside, find_recordings
from model_gen.data.selection import Selection
from model_gen.data.split import Assignment
from model_gen.data.walk import Ignored
from model_gen.models.config import ModelConfig

EVALUATION_OVERLAP = 0.5  # of a chunk, where a whole recording is heard


def train_selection(config: ModelConfig) -> Selection:
    """Which chunks training, validation and calibration see."""
    return Selection(max_duration=config.max_duration, salient=config.max_chunks_per_file)


def recordings_of(
    root: Path,
    labels: Sequence[str],
    assignment: Assignment,
    split: str,
    *,
    on_ignored: Callable[[Sequence[Ignored]], None] = lambda ignored: None,
) -> list[Recording]:
    """The recordings below `root` that belong to `split`, or all of them for "all".

    `on_ignored` is told what lies besides in an outside folder.

    Raises:
        BadInput: the split is empty, or a recording of it is missing, or, for "all", there are no
            class folders, or one is no class of the model.
    """
    if split == "all":
        inside, ignored = find_outside(root)
        on_ignored(ignored)
        unknown = sorted({label for r in inside for label in r.labels} - set(labels))
        if unknown:
            raise BadInput(
                f"expected class folders that the model knows: {', '.join(labels)}",
                evidence=f"Received: {root} with {', '.join(unknown)}." + _meant(unknown, labels),
                next_step="rename a folder of the same sound, and move sounds that the model does not "
                "know to a folder named other",
            )
        return inside
    everything = {r.relative: r for r in find_recordings(root)[0]}
    wanted = sorted(path for path, part in assignment.items() if part == split)
    missing = [path for path in wanted if path not in everything]
    if not wanted:
        raise BadInput(
            f"the model's split has no {split} recordings",
            evidence=f"Received: the split {split} of {len(assignment)} recordings",
            next_step="give another --split, or --split all for a folder that training never saw",
        )
    if missing:
        raise BadInput(
            f"expected the {split} recordings that the model's split names",
            evidence=f"Received: {root} without {len(missing)} of {len(wanted)}"
            + (f", first {missing[0]}" if missing else ""),
            next_step="give the data folder that the model was trained on"
            + ("" if split == "train" else ", or --split all for other recordings"),
        )
    said = assignment.labels
    return [replace(everything[path], given=said.get(path)) for path in wanted]


def _meant(unknown: Sequence[str], labels: Sequence[str]) -> str:
    """For folders that are none of `labels`: the nearest of them, whatever the case."""
    known = {label.casefold(): label for label in labels}
    return next(
        (
            said
            for name in unknown
            if (said := did_you_mean(known.get(name.casefold(), name), labels))
        ),
        "",
    )
