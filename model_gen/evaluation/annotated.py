"""Which annotations belong to which recording: a folder of tables beside a folder of recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.data.dataset import Recording, is_negative_name
from model_gen.evaluation.annotations import read_annotations

# What follows a recording's name, with and without its own suffix, in the order looked for.
ENDINGS = (".Table.1.selections.txt", ".selections.txt", ".txt", ".csv", ".tsv")


@dataclass(frozen=True)
class Annotated:
    """Of each recording its events, (start, end, label by index); empty where it has no table.

    tables: how many recordings have one.
    """

    events: tuple[tuple[tuple[float, float, int], ...], ...]
    tables: int


def annotated(root: Path, recordings: Sequence[Recording], labels: Sequence[str]) -> Annotated:
    """Read the table of each recording: of wren/a.wav wren/a.csv, a.csv, wren/a.wav.txt, ...

    An event without a label is of the recording's own, if it has one only. One whose label is
    that of a negative folder, as noise, is none.

    Raises:
        BadInput: `root` is no folder, no recording has a table, two have the same, a table makes
            no sense, or names a label that the model does not know.
    """
    if not root.is_dir():
        raise BadInput(
            "--annotations needs a folder of tables",
            evidence=f"Received: {root}, which is not a folder",
            next_step="give the folder with a table for each recording, named after it",
        )
    found = [_table_of(root, recording) for recording in recordings]
    tables = sum(path is not None for path in found)
    if not tables:
        first = recordings[0].relative
        stem = PurePosixPath(first).with_suffix("")
        raise BadInput(
            "expected a table of annotations for one of the judged recordings at least",
            evidence=f"Received: {root} with none named after any of {len(recordings)}, first {first}",
            next_step=f"name them after their recordings, as {stem}.txt or {stem}.csv",
        )
    for path, others in groupby(
        sorted((path, one.relative) for path, one in zip(found, recordings, strict=True) if path),
        key=itemgetter(0),
    ):
        names = [name for _, name in others]
        if len(names) > 1:
            raise BadInput(
                "a table of annotations must belong to one recording",
                evidence=f"Received: {path}, which is named after {' and '.join(names[:3])}",
                next_step="put tables into folders like those of the recordings, as "
                f"{PurePosixPath(names[0]).with_suffix('')}.txt, or name them after the whole "
                f"file, as {names[0]}.txt",
            )
    return Annotated(
        tuple(
            () if path is None else _events(path, recording, labels)
            for path, recording in zip(found, recordings, strict=True)
        ),
        tables,
    )


def _table_of(root: Path, recording: Recording) -> Path | None:
    """Below the class folder first, then in the folder itself; under the recording's whole name, or
    without its suffix."""
    whole = PurePosixPath(recording.relative)
    for base in (whole, PurePosixPath(whole.name)):
        for stem in (base.with_suffix(""), base):
            for ending in ENDINGS:
                path = root / f"{stem}{ending}"
                if path.is_file():
                    return path
    return None


def _events(
    path: Path, recording: Recording, labels: Sequence[str]
) -> tuple[tuple[float, float, int], ...]:
    kept = []
    for event in read_annotations(path):
        label = event.label
        if label is None:
            if len(recording.labels) != 1:
                if recording.is_negative:
                    continue
                raise BadInput(
                    "an event of a recording with several labels must say its own",
                    evidence=f"Received: {path} with one at {event.start:g} s",
                    next_step="fill its label in",
                )
            label = recording.labels[0]
        if is_negative_name(label):
            continue
        if label not in labels:
            raise BadInput(
                f"an annotated event must have a label that the model knows: {', '.join(labels)}",
                evidence=f"Received: {path}: {label!r} at {event.start:g} s."
                + did_you_mean(label, labels),
                next_step="correct the label, or call it other, which is no event of any class",
            )
        kept.append((event.start, event.end, list(labels).index(label)))
    return tuple(kept)
