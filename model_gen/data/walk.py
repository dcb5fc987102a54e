"""What lies in a data folder: recordings, and all else with the reason why it is not used."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_gen.audio.formats import is_recording, why_ignored


@dataclass(frozen=True)
class Ignored:
    """A file or folder that is not used: its path relative to the data folder, and why.

    lost: whether it may be a folder of recordings that nobody can look into.
    """

    path: str
    reason: str
    lost: bool = False


@dataclass(frozen=True)
class Found:
    """Recordings and what is ignored, both sorted by relative path.

    A relative path is text with slashes; bytes of a name that are no UTF-8 stand there as `\\xNN`,
    so that every path can be written into a table.
    """

    files: tuple[tuple[str, Path], ...]
    ignored: tuple[Ignored, ...]


def walk(root: Path) -> Found:
    """Look through a folder; links to folders are followed, but not to one that holds them.

    Raises:
        OSError: `root` cannot be listed.
    """
    files: dict[str, Path] = {}
    ignored: list[Ignored] = []
    for relative, found in _walk(root, "", ()):
        if isinstance(found, Ignored):
            ignored.append(found)
        elif relative in files:
            ignored.append(Ignored(relative, "another file's name reads the same"))
        else:
            files[relative] = found
    return Found(tuple(sorted(files.items())), tuple(sorted(ignored, key=lambda i: i.path)))


def text_of(name: str) -> str:
    """The name of a file as text that UTF-8 can encode.

    >>> text_of("M\\udcf6nch.wav")
    'M\\\\xf6nch.wav'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(
    folder: Path, prefix: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, Path | Ignored]]:
    """(relative path, the file or why it is ignored) of everything in a folder."""
    here = folder.stat()
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    if not entries and prefix:
        yield prefix, Ignored(prefix.rstrip("/"), "an empty folder")
    for entry in entries:
        relative = prefix + text_of(entry.name)
        if entry.name.startswith("."):
            yield relative, Ignored(relative, "its name begins with a dot")
            continue
        try:
            about = entry.stat()
            if entry.is_dir():
                if (about.st_dev, about.st_ino) in (*above, (here.st_dev, here.st_ino)):
                    yield relative, Ignored(relative, "a link to a folder that holds it", lost=True)
                else:
                    chain = (*above, (here.st_dev, here.st_ino))
                    yield from _walk(folder / entry.name, f"{relative}/", chain)
            elif not entry.is_file():
                yield relative, Ignored(relative, "neither a file nor a folder")
            elif is_recording(entry.name):
                yield relative, folder / entry.name
            else:
                yield relative, Ignored(relative, why_ignored(text_of(entry.name)))
        except FileNotFoundError:
            yield relative, Ignored(relative, "a link that leads nowhere", lost=True)
        except OSError as error:
            yield relative, Ignored(relative, f"it cannot be read: {error.strerror}", lost=True)
