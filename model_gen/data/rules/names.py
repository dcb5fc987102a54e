"""Rules about the names of folders, files and classes."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from model_gen.audio.formats import UNREAD, suffix_of
from model_gen.data.alike import key
from model_gen.data.dataset import Recording, folder_of, is_negative_name
from model_gen.data.rules.scene import Hit, Scene, paths_of, rule
from model_gen.data.walk import Ignored

_SPLIT_NAMES = frozenset(
    {"train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval"}
)


@rule(
    "alike-classes",
    "refuse",
    says="Names of classes differ only by case, blanks or Unicode form: one species would be "
    "trained as several.",
    mend="give the folders (or the labels in the table) one name",
)
def alike_classes(scene: Scene, _: None) -> Iterator[Hit]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in scene.dataset.labels:
        alike[key(label)].append(label)
    for names in alike.values():
        if len(names) > 1:  # with their code points, since they may look the same
            yield Hit(tuple(names), " and ".join(ascii(name) for name in names))


@rule(
    "split-names",
    "refuse",
    says="A class has the name of a split: the folder holds parts of a data set, not recordings "
    "of a species.",
    mend="give one part alone and the test part with --test-data, or put the classes side by side "
    "and "
    "say the splits in split.csv",
)
def split_names(scene: Scene, _: None) -> Iterator[Hit]:
    for label in scene.dataset.labels:
        if key(label) in _SPLIT_NAMES:
            yield Hit((label,), label)


@rule(
    "nested-classes",
    "refuse",
    says="A class folder holds folders that are named as a class, as a negative folder or as a "
    "split.",
    mend="move each class's folder directly into the data folder",
)
def nested_classes(scene: Scene, _: None) -> Iterator[Hit]:
    known = {key(label) for label in scene.dataset.labels} | _SPLIT_NAMES
    inner: dict[str, set[str]] = defaultdict(set)
    for recording in _by_folder(scene):
        for name in PurePosixPath(recording.relative).parts[1:-1]:
            if (key(name) in known and key(name) != key(recording.folder)) or is_negative_name(
                name
            ):
                inner[recording.folder].add(name)
    for folder, names in sorted(inner.items()):
        yield Hit(tuple(f"{folder}/{name}" for name in sorted(names)), len(names))


@rule(
    "nested-folders",
    "warn",
    limit=2,
    says="All recordings of a class lie in several folders below its own: if these are classes, "
    "they are "
    "trained as one; if they are places or recordists, they may be torn apart by the split.",
    mend="move the folders of classes up, or name what they are with --group-by, for example "
    "--group-by '/([^/]+)/'",
)
def nested_folders(scene: Scene, limit: int) -> Iterator[Hit]:
    if scene.grouped:
        return
    inner: dict[str, set[str]] = defaultdict(set)
    for recording in _by_folder(scene):
        if recording.labels and not recording.recordist:
            parts = PurePosixPath(recording.relative).parts
            inner[recording.folder].add(parts[1] if len(parts) > 2 else "")
    for folder, names in sorted(inner.items()):
        if "" not in names and len(names) >= limit:
            yield Hit(tuple(f"{folder}/{name}" for name in sorted(names)), len(names))


@rule(
    "ignored-class",
    "refuse",
    says="Nothing in a class folder is used: the class would be left out without a word.",
    mend="convert its files, as the reason says; or move the folder out, or begin its name with a "
    "dot",
)
def ignored_class(scene: Scene, _: None) -> Iterator[Hit]:
    data, outside = scene.dataset, scene.outside
    for prefix, recordings, ignored in (
        ("", data.recordings, data.ignored),
        (outside.prefix, outside.recordings, outside.ignored),
    ):
        used = {folder_of(r.relative.removeprefix(prefix)) for r in recordings}
        used |= {label for r in recordings for label in r.labels}
        unused: dict[str, list[Ignored]] = defaultdict(list)
        for one in ignored:
            path = one.path.removeprefix(prefix)
            folder = folder_of(path) or (path if one.lost else "")
            if folder and folder not in used:
                unused[prefix + folder].append(one)
        for place, found in sorted(unused.items()):
            first = next((one for one in found if suffix_of(one.path) in UNREAD), found[0])
            paths = (one.path for one in found if one.path != place)
            yield Hit((place, *paths), first.reason)


@rule(
    "unspeakable-names",
    "refuse",
    says="A path or a class has a control character, or begins or ends with a blank, or a class has "
    "the bar of tables: no table and no list of labels can say it.",
    mend="rename the file or folder, or the label in the table",
)
def unspeakable_names(scene: Scene, _: None) -> Iterator[Hit]:
    recordings = scene.dataset.recordings
    odd = [r.relative for r in recordings if not _is_sayable(r.relative)]
    labels = [label for label in scene.dataset.labels if not _is_sayable(label) or "|" in label]
    for name in (*odd, *labels):
        yield Hit((name,), name)


@rule(
    "class-encoding",
    "refuse",
    says="The name of a class folder is no UTF-8: the class would be called by the bytes of its "
    "name.",
    mend="rename the folder, or all: convmv -f latin1 -t utf8 -r --notest FOLDER",
)
def class_encoding(scene: Scene, _: None) -> Iterator[Hit]:
    found = {r.folder for r in _by_folder(scene) if r.labels and not _is_text(r, 0)}
    for folder in sorted(found):
        yield Hit((folder,), folder)


@rule(
    "name-encoding",
    "warn",
    says="A path is no UTF-8. The recording is used; in tables its path has `\\xNN` for such "
    "bytes.",
    mend="rename the files: convmv -f latin1 -t utf8 -r --notest FOLDER",
)
def name_encoding(scene: Scene, _: None) -> Iterator[Hit]:
    odd = [r for r in scene.dataset.recordings if not _is_text(r)]
    if odd:
        yield Hit(paths_of(odd), len(odd))


@rule(
    "unknown-rows",
    "warn",
    says="Lines of the table name recordings that are not there.",
    mend="paths are relative to the data folder; take lines out that belong to nothing",
)
def unknown_rows(scene: Scene, _: None) -> Iterator[Hit]:
    table = scene.dataset.table
    if table is None:
        return
    known = table.match(scene.dataset.found)
    lines = {row.line for row in known.values()}
    paths = tuple(row.path for row in table.rows if row.line not in lines)
    if paths:
        yield Hit(paths, len(paths))


def _by_folder(scene: Scene) -> list[Recording]:
    """Recordings whose folder says what is heard."""
    return [r for r in scene.dataset.recordings if r.given is None]


def _is_sayable(name: str) -> bool:
    return name == name.strip() and not any(unicodedata.category(c) == "Cc" for c in name)


def _is_text(recording: Recording, part: int | None = None) -> bool:
    """Whether the path below the data folder, or that part of it, is UTF-8."""
    depth = len(PurePosixPath(recording.relative).parts)
    parts = recording.path.parts[-depth:]
    try:
        os.fsencode("/".join(parts) if part is None else parts[part]).decode()
    except UnicodeDecodeError:
        return False
    return True
