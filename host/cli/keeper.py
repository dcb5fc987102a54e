"""Keeps the recording of a command, `--record FILE`: written when it ends, whatever ends it but an interrupt.

Without that option the recording of a session that failed is kept with its project, and no other.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import click

from host.cli import as_nightjar
from host.cli.gating import Gating
from host.compare.session import Session
from host.errors import HostFailure, NightjarError
from host.project import ATTEMPT, FAILED
from host.recording import archive
from host.recording.manifest import Manifest, SuiteRun, stated
from host.recording.recorder import Recorder
from host.recording.recording import (
    KEPT,
    Recording,
    clear_attempts,
    kept_anyway,
    part_of,
    parts_of,
)
from host.report.regression import Baseline
from host.report.verdict import Verdict
from host.results import remove_result, write_result


class Keeper:
    """Writes to `path` when its block ends; with None only a session that failed, to where `beside` says.

    What keeps the file from being written is an error only where all else is well: no verdict is hidden by it.

    verdict: what was concluded, and `code` its exit code. suite: how the suite ended. baseline, min_coverage, gating:
    what the verdict is held against; gating as it was settled for it.
    """

    def __init__(self, path: Path | None, *, faults: str | None) -> None:
        self.path = path
        self.verdict: Verdict | None = None
        self.code: int | None = None
        self.suite: SuiteRun | None = None
        self.baseline: Baseline | None = None
        self.min_coverage: float | None = None
        self.gating: Gating | None = None
        self._faults = faults
        self._recorder: Recorder | None = None
        self._parts: list[tuple[Path, Recording]] | None = None
        self._ended: NightjarError | None = None
        self._asked_for = path is not None
        self._folder: Path | None = None
        if path is not None:
            self._clear(path)

    def beside(self, folder: Path) -> None:
        """The folder of a project, where the recording of a failure is kept unasked, and of attempts that failed."""
        self._folder = folder
        clear_attempts(folder)
        if self.path is None:
            self.path = folder / FAILED
            self._clear(self.path)

    def keep_attempt(self, number: int) -> None:
        """Keep the session that has just failed, before another one is recorded."""
        if self._folder is None or self._recorder is None or not self._recorder.begun:
            return
        try:
            path = self._folder / ATTEMPT.format(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_result(path, self._completed(self._recorder.recording()).to_bytes())
            click.echo(kept_anyway([path]), err=True)
        except (NightjarError, OSError) as failure:
            click.echo(f"no recording: {as_nightjar(failure)}", err=True)

    @staticmethod
    def _clear(path: Path) -> None:
        for part in parts_of(path):  # of an earlier run
            remove_result(part)

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            return
        try:
            if self._asked_for or self._failed(error):
                self._write()
        except (NightjarError, OSError) as failure:
            if error is None and self.verdict is not None and self.verdict.exit_code == 0:
                raise
            click.echo(f"no recording: {as_nightjar(failure)}", err=True)

    def _failed(self, error: BaseException | None) -> bool:
        """Whether a session failed, and not merely what comes before or behind it."""
        ended = as_nightjar(error) if isinstance(error, Exception) else None
        begun = bool(self._parts) or (self._recorder is not None and self._recorder.begun)
        return begun and (self.code if ended is None else ended.exit_code) in KEPT

    def _write(self) -> None:
        for path, recording in self._recordings():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_result(path, self._completed(recording).to_bytes())
            if not self._asked_for:
                click.echo(kept_anyway([path]), err=True)

    def record(self, session: Session) -> Session:
        """The same session, which is recorded from now on, if that is wanted."""
        if self.path is None:
            return session
        self._recorder = Recorder(session, faults=self._faults, trusts=not self._asked_for)
        return replace(session, tape=self._recorder)

    @contextmanager
    def session(self) -> Iterator[None]:
        """What raises in the block is what ends the session."""
        self._ended = None
        try:
            yield
        except Exception as error:
            self._ended = as_nightjar(error)
            raise

    def take(self, file: Path) -> None:
        """Take what the processes of the suite recorded to `file`, or parts of it."""
        if self.path is not None:
            suffix = len(file.stem)
            self._parts = [
                (part_of(self.path, part.stem[suffix + 1 :]), Recording.read(part))
                for part in parts_of(file)
            ]

    def _recordings(self) -> list[tuple[Path, Recording]]:
        if self.path is None or self._recorder is None:
            return []
        elsewhere = self.suite is not None and self.suite.proof and not self._recorder.begun
        if self._parts or elsewhere:
            if not self._parts:
                raise HostFailure(
                    "the suite left no recording",
                    evidence=self.suite.ended if self.suite is not None else "",
                    next_step="look at what pytest said",
                )
            return self._parts
        return [(self.path, self._recorder.recording())]

    def _completed(self, recording: Recording) -> Recording:
        """With what the command knows of its session."""
        members, reason = dict(recording.members), ""
        if self.verdict is not None and self.verdict.passes:
            reason = self.verdict.coverage_reason
            if self.verdict.coverage is not None:
                members[archive.COVERAGE] = self.verdict.coverage.to_bytes()
        if self.baseline is not None:
            members[archive.BASELINE] = json.dumps(self.baseline.raw).encode()
        against = None if self.gating is None else self.gating.against
        if against is not None and against.raw is not None:
            members[archive.GATES_BASELINE] = json.dumps(against.raw).encode()
        manifest: Manifest = replace(
            recording.manifest,
            line=shlex.join(["nightjar", *sys.argv[1:]]),
            ended=None if self._ended is None else stated(self._ended),
            exit_code=self.code if self._ended is None else self._ended.exit_code,
            suite=self.suite,
            min_coverage=self.min_coverage,
            baseline="" if self.baseline is None else str(self.baseline.path),
            coverage_reason=reason,
            gates=() if self.gating is None else tuple(gate.text for gate in self.gating.gates),
            no_baseline="" if against is None or against.raw is not None else against.reason,
        )
        return Recording(manifest, members)
