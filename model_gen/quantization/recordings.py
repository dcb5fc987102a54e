"""The recordings that a quantization or conversion hears: those that training had, by split."""

from pathlib import Path

from model_gen.data.features import Chunks, extract
from model_gen.data.reopen import recordings_of, train_selection
from model_gen.data.split import Assignment, read_split
from model_gen.models.checkpoint import beside
from model_gen.models.config import ModelConfig
from model_gen.progress import bar, warn

SPLIT = "split.csv"


def assignment_of(checkpoint: Path) -> Assignment:
    """The split that a checkpoint was trained on.

    Raises:
        BadInput: it is missing or damaged.
    """
    return read_split(beside(checkpoint, SPLIT))


def chunks_of(
    split: str,
    config: ModelConfig,
    assignment: Assignment,
    data_path: Path,
    *,
    num_workers: int,
    cache_dir: Path | None,
) -> Chunks:
    """The chunks of the recordings of a split, as training took them.

    Raises:
        BadInput: the data folder is not the one of the split, or nothing in it can be decoded.
    """
    recordings = recordings_of(data_path, config.labels, assignment, split)
    with bar(f"recordings of {split}", len(recordings)) as show:
        return extract(
            recordings,
            config.frontend,
            train_selection(config),
            cache_dir=cache_dir,
            num_workers=num_workers,
            on_skip=lambda s: warn(f"skipped {s.path}: {s.reason}"),
            on_progress=show,
        )
