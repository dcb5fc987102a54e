"""A recording as a whole: the manifest and its members, to and from a file."""

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from host.arrays import read_arrays
from host.bundle import CONTRACT, MODEL, Subject, load_subject
from host.compare.vectors import Inputs
from host.errors import BadInput, HostFailure, IdentityFailure
from host.exit_codes import Exit
from host.files import sha256_bytes
from host.link.cut import Cutter
from host.project import ATTEMPT, GENERATED, Project, load_project
from host.reading import MOST_JSON, read_file
from host.recording import archive
from host.recording.archive import MANIFEST, MOST_FILE, MOST_UNPACKED, PROJECT, SUBJECT, VECTORS
from host.recording.manifest import NEXT, Manifest, Member
from host.recording.records import Kind, Record, records
from host.results import remove_result
from host.zips import DAMAGED

# Whose recording is kept unasked: a replay shows anybody whose fault it was.
KEPT = frozenset(
    {
        *(Exit.FIRMWARE, Exit.IDENTITY, Exit.HOST, Exit.BOARD, Exit.FLASH, Exit.LINK),
        *(Exit.DEFECT, Exit.REGRESSION),
    }
)


@dataclass(frozen=True)
class Frame:
    """What passed one way between two frames' ends: a frame with its delimiters, or bytes outside frames.

    at: microseconds since the session began, of its last byte. whole: whether it is a frame, undamaged.
    """

    at: int
    data: bytes
    whole: bool


@dataclass(frozen=True)
class Recording:
    """A session in a file. members: every other file than the manifest, by name."""

    manifest: Manifest
    members: dict[str, bytes]

    def to_bytes(self) -> bytes:
        """The bytes of the file; always the same for the same recording.

        Raises:
            HostFailure: it is larger than a recording may be.
        """
        members = self.members | {archive.CONSOLE: self.console}
        total = sum(map(len, members.values()))
        if total > MOST_UNPACKED:
            raise too_long(total)
        listed = {name: Member(len(data), sha256_bytes(data)) for name, data in members.items()}
        manifest = replace(self.manifest, members=listed).to_json()
        if len(manifest) > MOST_JSON:
            raise too_long(len(manifest), MOST_JSON)
        return archive.pack({MANIFEST: manifest, **members})

    @property
    def networks(self) -> list[str]:
        """The files of a generated network: none where the firmware's model was compiled by ourselves."""
        start = f"{PROJECT}/{GENERATED}/"
        return [name for name in self.members if name.startswith(start)]

    @classmethod
    def read(cls, path: Path) -> "Recording":
        """Read a file.

        Raises:
            BadInput: it is no recording, or not a whole one.
        """
        data = read_file(path, "a recording", MOST_FILE, next_step=NEXT)
        try:
            members = archive.unpack(data)
            manifest = Manifest.from_json(members.pop(MANIFEST))
            found = {name: Member(len(one), sha256_bytes(one)) for name, one in members.items()}
            wrong = [
                name
                for name in sorted({*found, *manifest.members})
                if found.get(name) != manifest.members.get(name)
            ]
            if wrong:
                raise ValueError(f"{wrong[0]} is not the one that the manifest names")
            recording = cls(manifest, members)
            if recording.console != members.get(archive.CONSOLE):
                raise ValueError(f"{archive.CONSOLE} is not what came between the frames")
            return recording
        except DAMAGED as error:
            raise BadInput(
                "a recording is a zip as nightjar writes it, whole and unchanged",
                evidence=f"Received: {path}: {str(error)[:300] or type(error).__name__}",
                next_step=NEXT,
            ) from error

    def records(self) -> Iterator[Record]:
        """What happened, in order.

        Raises:
            ValueError: the stream is damaged.
        """
        return records(self.members.get(archive.FRAMES, b""))

    def frames(self, kind: Kind, line: int = 0) -> list[Frame]:
        """What passed a line one way: SENT to the board, or CAME from it."""
        cutter, found = Cutter(), []
        for record in self.records():
            if record.kind == kind and record.line == line:
                cuts = cutter.feed(record.data)
                found += [Frame(record.at, cut.data, cut.identity is not None) for cut in cuts]
        return found

    @property
    def console(self) -> bytes:
        """What came outside undamaged frames on the session's own link: crash text, a boot ROM's banner."""
        parts = (frame.data for frame in self.frames(Kind.CAME) if not frame.whole)
        return b"".join(part for part in parts if part.strip(b"\0"))

    def unfold(self, folder: Path) -> tuple[Subject, Project]:
        """What was judged, its files written below an empty folder; the paths in the subject are those of the session.

        Raises:
            BadInput: they are not those of a session.
        """
        manifest = self.manifest
        for name, data in self.members.items():
            if name.startswith((f"{SUBJECT}/", f"{archive.PROJECT}/")):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        given = folder / SUBJECT
        try:
            subject = load_subject(given if manifest.bundle else given / MODEL)
        except IdentityFailure as error:
            raise BadInput(
                "the bundle of a recording must be whole",
                evidence=f"{error.what}. {error.evidence}",
                next_step=NEXT,
            ) from error
        return replace(subject, path=Path(manifest.model)), load_project(folder / archive.PROJECT)

    def inputs(self, project: Project) -> tuple[Inputs, ...]:
        """The inputs that the session drew and was given, in order.

        Raises:
            BadInput: they are not those of the project's model.
        """
        count = self.manifest.vectors + self.manifest.given
        if not count:
            return ()
        ports = project.description.inputs
        wanted = {f"input{i}": (port.dtype, port.shape) for i, port in enumerate(ports)}
        data = self.members.get(VECTORS, b"")
        arrays = read_arrays(data, VECTORS, wanted, MOST_UNPACKED, next_step=NEXT)
        columns = [arrays[name] for name in wanted]
        if not columns or len(columns[0]) != count:
            raise BadInput(
                f"{VECTORS} must hold every input of the session",
                evidence=f"Received: {len(columns[0]) if columns else 0} of {count}",
                next_step=NEXT,
            )
        return tuple(tuple(column[i] for column in columns) for i in range(count))


def part_of(path: Path, worker: str) -> Path:
    """Where a process of xdist leaves its part of what goes to `path`; "" is no such process."""
    return path.with_name(f"{path.stem}-{worker}{path.suffix}") if worker else path


def parts_of(path: Path) -> list[Path]:
    """What is at `path`, or else the parts of it, by name."""
    if path.exists():
        return [path]
    name = re.compile(rf"{re.escape(path.stem)}-gw\d+{re.escape(path.suffix)}")
    return sorted(one for one in path.parent.glob("*") if name.fullmatch(one.name))


def clear_attempts(folder: Path) -> None:
    """Remove the recordings of attempts that an earlier run left with a project."""
    for attempt in folder.glob(ATTEMPT.format("*")):
        remove_result(attempt)


def kept_anyway(parts: Sequence[Path]) -> str:
    """What is said of the recording of a failure, for which nobody has asked."""
    again = shlex.join(["nightjar", "replay", *map(str, parts)])
    return f"the session is kept, and can be judged again anywhere: {again}"


def vectors_npz(inputs: Sequence[Inputs]) -> bytes:
    """The bytes of vectors.npz; the same inputs always give the same bytes."""
    stream = io.BytesIO()
    columns = zip(*inputs, strict=True)
    np.savez(
        stream,
        allow_pickle=False,
        **{f"input{i}": np.stack(column) for i, column in enumerate(columns)},
    )
    return stream.getvalue()


def subject_members(subject: Subject) -> dict[str, bytes]:
    """The files of a subject, as members."""
    if subject.contract_json is None:
        return {f"{SUBJECT}/{MODEL}": subject.model}
    files = {**subject.files, CONTRACT: subject.contract_json}
    return {f"{SUBJECT}/{name}": data for name, data in files.items()}


def project_members(project: Project) -> dict[str, bytes]:
    """What it takes to judge a project, as far as it is there."""
    found = {f"{PROJECT}/{name}": (project.path / name).read_bytes() for name in project.judged}
    return found | {archive.DESCRIPTION: project.description.to_json()}


def too_long(size: int, most: int = MOST_UNPACKED) -> HostFailure:
    """The error for a session that no recording can hold."""
    return HostFailure(
        "the session is longer than a recording may be",
        evidence=f"{size:,} bytes; at most {most:,} may be there",
        next_step="record fewer vectors, or a shorter --soak",
    )
