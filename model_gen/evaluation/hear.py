"""The recordings of an evaluation: which they are, what is heard of them, and who made them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.audio.source import Unreadable, open_source
from model_gen.data.dataset import SPLIT_FILE, Recording
from model_gen.data.features import Chunks, extract
from model_gen.data.groups import groups_of, units_of
from model_gen.data.reopen import recordings_of
from model_gen.data.selection import Selection
from model_gen.data.split import Assignment
from model_gen.data.table import Table, read_table
from model_gen.data.tell import ignored
from model_gen.data.walk import Ignored
from model_gen.evaluation.subject import Listener, parts
from model_gen.progress import bar, line, warn


def judged_recordings(data_path: Path, listener: Listener, split: str) -> list[Recording]:
    """The recordings to judge; of "all" it is told how many are likely to be no test of the model.

    Raises:
        BadInput: there are none, or none of any class of the model.
    """
    everything = split == "all"
    if not everything and not listener.split.is_file():
        raise BadInput(
            "the model does not say which recordings it was trained on",
            evidence=f"Received: {listener.split}, which does not exist",
            next_step="give --split all for recordings that training never saw",
        )
    labels = listener.config.labels
    known = parts(listener.split) or Assignment()
    found = recordings_of(data_path, labels, known, split, on_ignored=_tell)
    if not any(label in labels for recording in found for label in recording.labels):
        raise BadInput(
            f"expected a recording of one of the model's classes: {', '.join(labels)}",
            evidence=f"Received: {data_path}, whose {len(found)} judged recordings have none of them",
            next_step="add recordings of these classes to the set, or give another --split",
        )
    seen = sum(known.get(recording.relative) in ("train", "val") for recording in found)
    if everything and seen:
        line(
            f"warning: {seen} of {len(found)} recordings have paths that the model was trained or "
            "chosen on: in its own data folder, --split test judges it fairly"
        )
    return found


def hear(
    recordings: Sequence[Recording],
    contract: FrontendContract,
    selection: Selection,
    *,
    split: str,
    cache_dir: Path | None,
    num_workers: int,
) -> Chunks:
    """The windows of whole recordings, with a bar.

    Raises:
        BadInput: none of them can be decoded.
    """
    with bar(f"recordings of {split}", len(recordings)) as show:
        chunks = extract(
            recordings,
            contract,
            selection,
            cache_dir=cache_dir,
            num_workers=num_workers,
            on_skip=lambda s: warn(f"skipped {s.path}: {s.reason}"),
            on_progress=show,
        )
    line(f"recordings of {split}: {chunks.summary}")
    for told in _slow(chunks.recordings, contract.sample_rate):
        warn(told)
    return chunks


def _slow(recordings: Sequence[Recording], rate: int) -> Iterator[str]:
    """What to tell of recordings of a lower rate than the model's; their headers alone are read."""
    slow = []
    for recording in recordings:
        with suppress(Unreadable), open_source(recording.path) as source:
            if source.rate < rate:
                slow.append((recording.relative, source.rate))
    if slow:
        (path, lowest), many = min(slow, key=lambda one: one[1]), len(slow)
        yield (
            f"{many} of {len(recordings)} recordings have a rate below the model's {rate} Hz, such as {path} "
            f"({lowest} Hz): above half their rate the model hears nothing, which training may not have heard"
        )


def units(
    recordings: Sequence[Recording], data_path: Path, group_by: str | None, labels: Path | None
) -> list[str]:
    """What each recording is drawn with: its group, its recordist, or itself.

    Args:
        recordings: the judged ones.
        data_path: a split.csv in it may name recordists, as `labels` does, a table for itself.
        group_by: a regular expression, as in training.

    Raises:
        BadInput: expression or table are unusable.
    """
    groups = {} if group_by is None else groups_of(recordings, group_by)
    table = _table(data_path, labels)
    rows = {} if table is None else table.match(r.relative for r in recordings)
    if labels is not None and table is not None and not rows:
        raise table.foreign(r.relative for r in recordings)
    told = [
        replace(r, recordist=rows[r.relative].recordist) if r.relative in rows else r
        for r in recordings
    ]
    found = units_of(told, groups)
    return [found[recording.relative] for recording in recordings]


def _table(data_path: Path, labels: Path | None) -> Table | None:
    if labels is not None:
        return read_table(labels)
    file = data_path / SPLIT_FILE
    return read_table(file) if file.is_file() else None


def _tell(found: Sequence[Ignored]) -> None:
    for told in ignored(found):
        line(told)
