"""Where CMake builds a project: it does not take every folder that a user may have."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from host.project import Project

# CMake itself fails on these in a path: they part its lists, end its strings and its lines.
REFUSED = frozenset(';"\\\n\r\t')


@contextmanager
def buildable(project: Project) -> Iterator[Project]:
    """The project; or, where CMake could not build in its folder, a copy elsewhere, whose ELF comes back when the
    block ends well, with what a build leaves beside it under the ELF's name. The bytes are the same in any folder."""
    if REFUSED.isdisjoint(str(project.path.resolve())):
        yield project
        return
    with tempfile.TemporaryDirectory(prefix="nightjar-build-") as name:
        place = replace(project, path=Path(name).resolve() / "project")
        shutil.copytree(project.path, place.path, ignore=shutil.ignore_patterns("build"))
        yield place
        project.elf.parent.mkdir(exist_ok=True)
        for file in sorted(place.elf.parent.glob(f"{place.elf.name}*")):
            new = project.elf.parent / f".{file.name}.new"
            shutil.copy2(file, new)
            new.replace(project.elf.parent / file.name)
