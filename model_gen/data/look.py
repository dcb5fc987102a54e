"""A look at a data folder before anything is trained on it: what there is, what is wrong with it,
how it is split."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from host.errors import BadInput
from model_gen.data.dataset import Dataset, Recording, find_outside, index_dataset
from model_gen.data.hearing import LookOptions
from model_gen.data.inspect import inspect
from model_gen.data.measure import Measures
from model_gen.data.rules import OF_NAMES, judge
from model_gen.data.rules.scene import Finding, Outside, Scene
from model_gen.data.split import Assignment, split_dataset
from model_gen.data.table import SPLITS
from model_gen.data.walk import Ignored, text_of
from model_gen.progress import bar

SCHEMA = "nightjar/data/1"
SCHEMA_FILE = Path(__file__).with_name("data.schema.json")
# A guess, of a model of the default size on two idle cores, in seconds: until the first
# step, for a second of sound, for a window that trains and for one that validates. What is looked at
# says nothing of the model's pace, and loading it to measure that would take longer than the look.
_BEGIN, _DECODED, _TRAINED, _PREDICTED = 15.0, 0.001, 0.005, 0.002
_TOLD = 5  # findings that an error tells; the command tells all


@dataclass(frozen=True)
class Look:
    """What a look found. `dataset` and `assignment` are what training takes."""

    scene: Scene
    findings: tuple[Finding, ...]
    epochs: int

    @property
    def dataset(self) -> Dataset:
        return self.scene.dataset

    @property
    def assignment(self) -> Assignment:
        return self.scene.assignment

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that training does not begin with."""
        return tuple(f for f in self.findings if f.rule.severity == "refuse")

    @property
    def unheard_share(self) -> float:
        """Share of the recorded time that lies in no window of training, in [0, 1]."""
        total = sum(found.seconds for _, found in self.scene.readable)
        heard = sum(found.heard for _, found in self.scene.readable)
        return min(1.0, max(0.0, 1 - heard / total)) if total else 0.0

    @property
    def expected_seconds(self) -> float:
        """A guess how long training takes, right within a factor of three or so: it counts windows
        and epochs, but knows neither the model nor the computer. Two digits of it are told."""
        windows = dict.fromkeys(SPLITS, 0)
        for recording, found in self.scene.readable:
            windows[self.scene.split_of(recording)] += found.windows
        read = sum(found.read for _, found in self.scene.readable)
        epoch = _TRAINED * windows["train"] + _PREDICTED * windows["val"]
        return float(f"{_BEGIN + _DECODED * read + self.epochs * epoch:.2g}")

    def require(self) -> None:
        """Refuse data that a rule refuses.

        Raises:
            BadInput: with the first findings.
        """
        refused = self.refusals
        if not refused:
            return
        told = "; ".join(f"{one.rule.name}: {one.where()}" for one in refused[:_TOLD])
        more = f"; and {len(refused) - _TOLD} more" if len(refused) > _TOLD else ""
        raise BadInput(
            f"the data cannot be trained on as they are: {refused[0].rule.says}",
            evidence=f"Received: {self.dataset.root}: {told}{more}",
            next_step=f"{refused[0].rule.mend}; `nightjar data` tells all",
        )

    def as_json(self) -> dict[str, Any]:
        """The result as `nightjar/data/1`."""
        classes = [
            {"name": label, **self._sums({r for r, _ in self.scene.readable if label in r.labels})}
            for label in self.dataset.labels
        ]
        return {
            "schema": SCHEMA,
            "recordings": len(self.scene.everything),
            "classes": classes,
            "negative": self._sums({r for r, _ in self.scene.readable if r.is_negative}),
            "findings": [finding.as_json() for finding in self.findings],
            "ignored": [{"path": i.path, "reason": i.reason} for i in self.scene.ignored],
            "unheard_share": round(self.unheard_share, 4),
            "expected_seconds": self.expected_seconds,
        }

    def _sums(self, chosen: Set[Recording]) -> dict[str, dict[str, float]]:
        """Recordings, windows and minutes of some recordings by split; those that cannot be read do
        not count."""
        sums: dict[str, dict[str, float]] = {
            "recordings": dict.fromkeys(SPLITS, 0),
            "windows": dict.fromkeys(SPLITS, 0),
            "minutes": dict.fromkeys(SPLITS, 0.0),
        }
        for recording, found in self.scene.readable:
            if recording in chosen:
                split = self.scene.split_of(recording)
                sums["recordings"][split] += 1
                sums["windows"][split] += found.windows
                sums["minutes"][split] += found.seconds / 60
        sums["minutes"] = {split: round(value, 3) for split, value in sums["minutes"].items()}
        return sums


def begin(options: LookOptions) -> Look:
    """What can be said of a data folder before a recording is opened: nothing is measured, no copies
    are known, and only the rules about names have been asked.

    Raises:
        BadInput: there are no recordings, or the options or the table make no sense.
    """
    dataset = index_dataset(
        options.data_path_train,
        labels=options.labels,
        use_split_file=options.split_file,
        max_samples=options.max_samples,
        max_classes=options.max_classes,
        seed=options.seed,
    )
    # With --multi-label recordings are left out yet, that need no split then.
    split = Assignment() if options.multi_label else _split(dataset, options)
    scene = Scene(
        dataset=dataset,
        outside=Outside() if options.test_data is None else _outside(options.test_data),
        assignment=split,
        measures={},
        copies=(),
        sample_rate=options.sample_rate,
        needs_test=options.test_share > 0,
        grouped=options.group_by is not None,
    )
    return Look(scene, judge(scene, OF_NAMES), options.epochs)


def look(options: LookOptions, *, begun: Look | None = None, rehash: bool = False) -> Look:
    """Index, inspect and split a data folder, and hold it against the rules.

    Args:
        options: of the training that is to follow.
        begun: what `begin` gave for them.
        rehash: whether every file is read again, though it was before and has not changed.

    Raises:
        BadInput: as `begin`.
    """
    scene = (begin(options) if begun is None else begun).scene
    everything, dataset = scene.everything, scene.dataset
    with bar("recordings inspected", len(everything), plain=False) as show:
        found = inspect(
            [r.path for r in everything],
            options.hearing,
            rehash=rehash,
            workers=options.num_workers,
            on_progress=show,
        )
    measures = {r.relative: one for r, one in zip(everything, found, strict=True)}
    known = (replace(r, sha256=measures[r.relative].sha256) for r in dataset.recordings)
    dataset = replace(dataset, recordings=tuple(known))
    if options.multi_label:
        dataset = merge_copies(dataset, _copies(dataset.recordings, measures))
    copies = _copies((*dataset.recordings, *scene.outside.recordings), measures)
    scene = replace(
        scene,
        dataset=dataset,
        assignment=_split(dataset, options, [[r.relative for r in same] for same in copies]),
        measures=measures,
        copies=copies,
    )
    return Look(scene, judge(scene), options.epochs)


def _split(
    dataset: Dataset, options: LookOptions, together: Iterable[Sequence[str]] = ()
) -> Assignment:
    return split_dataset(
        dataset,
        seed=options.seed,
        val_share=options.val_split,
        test_share=options.test_share,
        group_by=options.group_by,
        use_split_file=options.split_file,
        test_group=options.test_group,
        val_group=options.val_group,
        together=together,
    )


def merge_copies(dataset: Dataset, copies: Iterable[Sequence[Recording]]) -> Dataset:
    """The data set with one recording, of all their labels, in place of each line of equal ones."""
    kept: dict[str, Recording] = {}
    dropped: list[Ignored] = []
    for first, *others in copies:
        labels = tuple(sorted({label for r in (first, *others) for label in r.labels}))
        kept[first.relative] = replace(first, given=labels)
        reason = f"the same bytes as {first.relative}, which has its labels, too"
        dropped += [Ignored(r.relative, reason) for r in others]
    gone = {i.path for i in dropped}
    return replace(
        dataset,
        recordings=tuple(
            kept.get(r.relative, r) for r in dataset.recordings if r.relative not in gone
        ),
        ignored=tuple(sorted((*dataset.ignored, *dropped), key=lambda i: i.path)),
    )


def _outside(folder: Path) -> Outside:
    prefix = text_of(str(folder)).rstrip("/") + "/"
    recordings, ignored = find_outside(folder)
    return Outside(
        prefix,
        tuple(replace(r, relative=prefix + r.relative) for r in recordings),
        tuple(replace(i, path=prefix + i.path) for i in ignored),
    )


def _copies(
    recordings: Iterable[Recording], measures: Mapping[str, Measures]
) -> tuple[tuple[Recording, ...], ...]:
    """Recordings with the same bytes, in the order of their paths; those that cannot be read have
    none."""
    same: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        found = measures[recording.relative]
        if not found.unreadable:
            same[found.sha256].append(recording)
    return tuple(tuple(group) for group in same.values() if len(group) > 1)
