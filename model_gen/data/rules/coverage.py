"""Rules about what each split has of each class."""

from collections.abc import Iterator

from model_gen.data.rules.scene import Hit, Scene, paths_of, rule


@rule(
    "untrained-classes",
    "refuse",
    limit=1,
    says="A class has no usable recording in train: nothing can be learned of it.",
    mend="add recordings (three a class at least), replace those that cannot be read, or split "
    "otherwise",
)
def untrained_classes(scene: Scene, limit: int) -> Iterator[Hit]:
    yield from _missing(scene, "train", limit)


@rule(
    "unvalidated-classes",
    "warn",
    limit=1,
    says="A class has no usable recording in validation: its metrics are undefined, and the best "
    "epoch is "
    "chosen without it.",
    mend="add recordings (three a class at least), or split otherwise",
)
def unvalidated_classes(scene: Scene, limit: int) -> Iterator[Hit]:
    yield from _missing(scene, "val", limit)


@rule(
    "untested-classes",
    "warn",
    limit=1,
    says="A class has no usable test recording: nothing says how well it is told apart.",
    mend="add recordings (three a class at least), split otherwise, or give --test-data FOLDER",
)
def untested_classes(scene: Scene, limit: int) -> Iterator[Hit]:
    if scene.needs_test or scene.outside.recordings:
        yield from _missing(scene, "test", limit)


@rule(
    "empty-splits",
    "refuse",
    limit=1,
    says="Validation has no usable recording of any class, or test has none though some are asked "
    "for.",
    mend="add recordings (three a class at least), split otherwise, or give --test-split 0",
)
def empty_splits(scene: Scene, limit: int) -> Iterator[Hit]:
    for split in ("val", "test") if scene.needs_test else ("val",):
        count = sum(1 for r, _ in scene.readable if r.labels and scene.split_of(r) == split)
        if count < limit:
            yield Hit((split,), count)


@rule(
    "unasked-test",
    "warn",
    says="The table keeps recordings for testing, though --test-split 0 asks for none, or "
    "--test-data names others: they do not train, and both are tested.",
    mend="give them another split in the table; --no-split-file splits without it; or leave "
    "--test-split or --test-data out",
)
def unasked_test(scene: Scene, _: None) -> Iterator[Hit]:
    if not scene.needs_test:
        kept = [r for r in scene.dataset.recordings if scene.split_of(r) == "test"]
        if kept:
            yield Hit(paths_of(kept), len(kept))


@rule(
    "outside-classes",
    "refuse",
    says="The outside test set has a class that training does not know.",
    mend="name its folder as the class is named in training, or other for sounds that the model "
    "is to reject",
)
def outside_classes(scene: Scene, _: None) -> Iterator[Hit]:
    outside = scene.outside.recordings
    strange = {label for r in outside for label in r.labels} - set(scene.dataset.labels)
    for label in sorted(strange):
        yield Hit(paths_of([r for r in outside if label in r.labels]), label)


def _missing(scene: Scene, split: str, limit: int) -> Iterator[Hit]:
    for label in scene.dataset.labels:
        count = len(scene.having(label, split))
        if count < limit:
            yield Hit((label,), count)
