"""A teacher's pass over recordings, in parts that outlive an interruption and that machines can share.

A part is of some recordings and lies in a folder beside the result, under a name that says what
decided it. Whoever makes the pass finds there what was made before; when all parts are there, they
become the result.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from host.errors import BadInput
from host.places import check_files, check_folder
from model_gen.data.cache import Skipped
from model_gen.data.dataset import Recording, find_recordings
from model_gen.data.digests import digests
from model_gen.data.features import extract
from model_gen.data.reopen import EVALUATION_OVERLAP
from model_gen.data.selection import Selection
from model_gen.data.shard import WHOLE, Shard
from model_gen.progress import bar, line, warn
from model_gen.teaching.files import check_suffix, read_scores, write_scores
from model_gen.teaching.scores import Scores, joined
from model_gen.teaching.teacher import Teacher

RECORDINGS = 32  # of a part
_PART = re.compile(r"\d{6}-[0-9a-f]{64}\.npz")


@dataclass(frozen=True)
class TeachOptions:
    """One pass. config: the file of --teacher-config. overlap: of the windows, a share. max_duration:
    seconds read of a recording, 0 for all. embedding: whether embeddings are kept. cache_dir: None is the
    cache `windows`. force: whether a file that is there is replaced."""

    model: Path
    data_path: Path
    out: Path
    config: Path | None = None
    overlap: float = EVALUATION_OVERLAP
    max_duration: float = 60.0
    embedding: bool = True
    shard: Shard = WHOLE
    num_workers: int = 2
    cache_dir: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class TeachResult:
    """What came out: `scores` is None where parts are still to come; `done` of `parts` are there."""

    scores: Scores | None
    parts: int
    done: int
    skipped: tuple[
        str, ...
    ]  # recordings of the parts that are there, of which no window could be heard


def teach(options: TeachOptions) -> TeachResult:
    """Hear every recording below a folder, and write what the teacher says.

    Raises:
        BadInput: model, configuration, data or places are unusable.
        HostFailure: .parquet is asked for, and the extra is not there.
    """
    check_suffix("--out", options.out)
    check_files("--out", [options.out])
    check_folder("--cache-dir", options.cache_dir)
    teacher = Teacher(options.model, options.config, embedding=options.embedding)
    return hear_all(teacher, find_recordings(options.data_path)[0], options)


def hear_all(
    teacher: Teacher, recordings: Sequence[Recording], options: TeachOptions
) -> TeachResult:
    """As `teach`, of recordings that are known.

    Raises:
        BadInput: `out` holds something else and is not to be replaced; or nothing can be heard.
    """
    parts = _parts_of(teacher, recordings, options)
    whole = _digest([name for name, _ in parts])
    folder = options.out.with_name(f"{options.out.name}.parts")
    if options.out.exists():
        same = _whole(options, whole)
        if same is not None:
            line(f"{options.out} has these scores already")
            _forget(folder)  # parts of a share that was late
            return TeachResult(same, len(parts), len(parts), _unheard(same, recordings))
    check_folder("--out", folder)
    made: list[Scores | None] = []
    recalled = 0
    try:
        with bar("recordings heard by the teacher", len(recordings)) as show:
            done = 0
            for number, (key, some) in enumerate(parts):
                path = folder / f"{number:06}-{key}.npz"
                found = _recalled(path, key)
                recalled += found is not None
                if found is None and options.shard.has(number):
                    found = _heard(teacher, some, options, key)
                    write_scores(path, found)
                made.append(found)
                if found is not None:
                    done += len(some)
                show(done)
    except BaseException:
        if any(part is not None for part in made):
            line(f"what was heard lies in {folder}: the same command goes on from there")
        raise
    if recalled:
        line(f"{recalled} of {len(parts)} parts were there before")
    there = [part for part in made if part is not None]
    if len(there) < len(parts):
        known = zip(parts, made, strict=True)
        skipped = [s for (_, some), part in known if part is not None for s in _unheard(part, some)]
        return TeachResult(None, len(parts), len(there), tuple(skipped))
    result = joined(there, whole)
    if not len(result):
        raise BadInput(
            "expected recordings that can be decoded",
            evidence=f"Received: {len(recordings)}, none of them readable",
            next_step="check the files with a player, or convert them to WAV or FLAC",
        )
    write_scores(options.out, result)
    _forget(folder)
    if result.silent:
        warn(f"{result.silent} of {len(result)} windows have scores that are not finite")
    return TeachResult(result, len(parts), len(parts), _unheard(result, recordings))


def _parts_of(
    teacher: Teacher, recordings: Sequence[Recording], options: TeachOptions
) -> list[tuple[str, list[Recording]]]:
    """(what decides a part, its recordings with their digests), in order."""
    common = [teacher.identity, options.overlap, options.max_duration]
    unknown = [one for one in recordings if not one.sha256]
    found = iter(digests(unknown, options.num_workers))
    known = [one if one.sha256 else replace(one, sha256=next(found)) for one in recordings]
    parts = [known[i : i + RECORDINGS] for i in range(0, len(known), RECORDINGS)]
    return [(_digest([*common, *((r.relative, r.sha256) for r in p)]), p) for p in parts]


def _digest(told: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _whole(options: TeachOptions, identity: str) -> Scores | None:
    """The scores that lie at `out`, where they are those that are asked for.

    Raises:
        BadInput: it is something else, and is not to be replaced.
    """
    try:
        found = read_scores(options.out)
    except BadInput:
        found = None
    if found is not None and found.identity == identity:
        return found
    if options.force:
        return None
    raise BadInput(
        "a file that is there is not overwritten",
        evidence=f"Received: {options.out}, which holds something else than these scores",
        next_step="give --force, or another --out",
    )


def _recalled(path: Path, key: str) -> Scores | None:
    """A part that was made before; None where there is none, or it is damaged."""
    if not path.is_file():
        return None
    try:
        found = read_scores(path)
    except BadInput:
        return None
    return found if found.identity == key else None


def _heard(
    teacher: Teacher, recordings: Sequence[Recording], options: TeachOptions, key: str
) -> Scores:
    skipped: list[Skipped] = []

    def skip(one: Skipped) -> None:
        skipped.append(one)
        warn(f"skipped {one.path}: {one.reason}")

    contract = teacher.config.contract
    try:
        chunks = extract(
            recordings,
            contract,
            Selection(options.max_duration, overlap=options.overlap),
            cache_dir=options.cache_dir,
            num_workers=options.num_workers,
            on_skip=skip,
        )
    except BadInput:
        if len(skipped) < len(recordings):
            raise
        return _nothing(teacher, key)
    said, embedding = teacher(chunks)
    owners = [chunks.recordings[i] for i in chunks.owner]
    return Scores(
        sha256=np.array([r.sha256 for r in owners], np.str_),
        path=np.array([r.relative for r in owners], np.str_),
        start_seconds=chunks.starts / contract.sample_rate,
        scores=said,
        labels=teacher.labels,
        kind=teacher.config.output,
        embedding=embedding,
        window_seconds=contract.chunk_samples / contract.sample_rate,
        identity=key,
    )


def _nothing(teacher: Teacher, key: str) -> Scores:
    """What is said of no window."""
    contract, none = teacher.config.contract, np.zeros(0, "<U1")
    return Scores(
        sha256=none,
        path=none,
        start_seconds=np.zeros(0),
        scores=np.zeros((0, len(teacher.labels)), np.float32),
        labels=teacher.labels,
        kind=teacher.config.output,
        window_seconds=contract.chunk_samples / contract.sample_rate,
        identity=key,
    )


def _unheard(scores: Scores, recordings: Sequence[Recording]) -> tuple[str, ...]:
    heard = set(scores.path.tolist())
    return tuple(r.relative for r in recordings if r.relative not in heard)


def _forget(folder: Path) -> None:
    """Drop the parts, and the folder where nothing else lies in it."""
    for path in folder.glob("*.npz"):
        if _PART.fullmatch(path.name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
