"""Rules about copies and recordists: what a test set must not share with training."""

from collections import defaultdict
from collections.abc import Iterator

from model_gen.data.alike import key
from model_gen.data.dataset import Recording
from model_gen.data.rules.scene import Hit, Scene, paths_of, rule


@rule(
    "copies-of-classes",
    "refuse",
    says="The same bytes lie in two classes, or in a class and among negatives: one of the two is "
    "wrong, or "
    "both are heard.",
    mend="remove the wrong one; where both are heard, --multi-label makes them one recording of "
    "both classes",
)
def copies_of_classes(scene: Scene, _: None) -> Iterator[Hit]:
    for copies in scene.copies:
        kinds = {r.labels for r in copies}
        if len(kinds) > 1:
            yield Hit(paths_of(copies), len(kinds))


@rule(
    "copies-of-splits",
    "refuse",
    says="The same bytes are on two sides of the split, by a table or by --test-data: what is "
    "tested was trained.",
    mend="remove the copies, or give them one split in the table",
)
def copies_of_splits(scene: Scene, _: None) -> Iterator[Hit]:
    for copies in scene.copies:
        sides = scene.sides(copies)
        if len(sides) > 1:
            yield Hit(paths_of(copies), " and ".join(sides))


@rule(
    "copies",
    "warn",
    says="The same bytes lie in several files of a class; they are kept on one side of the split "
    "and count twice.",
    mend="remove the copies",
)
def copies(scene: Scene, _: None) -> Iterator[Hit]:
    for same in scene.copies:
        if len({r.labels for r in same}) == 1 and len(scene.sides(same)) == 1:
            yield Hit(paths_of(same), len(same))


@rule(
    "recordists-of-splits",
    "refuse",
    says="The table gives recordings of one recordist to two sides of the split.",
    mend="give a recordist's recordings one split, or leave the column split out: recordists are "
    "then kept together",
)
def recordists_of_splits(scene: Scene, _: None) -> Iterator[Hit]:
    by: dict[str, list[Recording]] = defaultdict(list)
    for recording in scene.dataset.recordings:
        if recording.recordist:
            by[key(recording.recordist)].append(recording)
    for recordings in by.values():
        if len(scene.sides(recordings)) > 1:
            yield Hit(paths_of(recordings), " and ".join(scene.sides(recordings)))
