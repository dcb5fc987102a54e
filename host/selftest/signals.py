"""Commands ended by signals at drawn moments: each gives the signal's code, and leaves nothing."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from host.boards.folder import private_folder
from host.errors import HostFailure
from host.project import Project
from host.selftest.commands import KINDS, Kind, Place, Scene, called
from host.selftest.leftovers import files, not_whole, processes, processes_left
from host.selftest.pool import Ended, spread
from host.testing_children import with_default_signals
from host.tools import leashed

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EARLY = 0.2  # share of the moments that lie in the first second, where Python and we begin
_TWO = 0.4  # share of the cases with two signals
_GAPS = (0.0, 0.05, 1.0)  # seconds between two signals, at most
_ORDER = 0.25  # seconds between two that are needed to know in which order they came
_LIMIT = 300.0  # seconds of one command
_END = 60.0  # seconds in which a command must have ended after a signal
_EXITING = 0x4  # of a process's flags: the kernel takes it down, and it hears no signal any more
_SAID = 1000  # characters of what a command said that are kept


@dataclass(frozen=True)
class Shot:
    """A signal. at: seconds from the begin of the command. group: sent to all its group, as a terminal does."""

    at: float
    signal: int
    group: bool


@dataclass(frozen=True)
class Drawn:
    """A case. moment: of the first signal, in seconds where `early`, else in parts of the command's time. second: the
    signal that follows after `gap` seconds."""

    number: int
    kind: str
    early: bool
    moment: float
    first: int
    second: int | None
    gap: float
    group: bool

    def shots(self, seconds: float) -> list[Shot]:
        """For a command that takes so many seconds when nothing disturbs it."""
        at = self.moment if self.early else self.moment * seconds
        shots = [Shot(at, self.first, self.group)]
        return shots if self.second is None else [*shots, Shot(at + self.gap, self.second, False)]

    @property
    def decides(self) -> set[int]:
        """Whose code is right."""
        ordered = self.second is None or self.gap >= _ORDER
        return {self.first} if ordered or self.second is None else {self.first, self.second}


@dataclass(frozen=True)
class Undisturbed:
    """A command to which nothing happened: its seconds, and what it leaves, relative to the folder of the case."""

    seconds: float
    left: frozenset[str]


@dataclass(frozen=True)
class Result:
    """How a case ended.

    code: of the command. hit: whether the signal came before it had ended by itself. begun: whether our first line had
    run by then. at: seconds. wrong: what is not as it must be; "" where all is.
    """

    number: int
    kind: str
    signals: tuple[str, ...]
    at: float
    code: int
    hit: bool
    begun: bool
    wrong: str


def draw(seed: int, number: int, kinds: Sequence[str] = tuple(KINDS)) -> Drawn:
    """Case `number` of a campaign; the kinds take turns."""
    generator = random.Random(f"signal {seed} {number}")
    early = generator.random() < _EARLY
    two = generator.random() < _TWO
    return Drawn(
        number,
        kinds[number % len(kinds)],
        early,
        generator.random(),
        generator.choice(SIGNALS),
        generator.choice(SIGNALS) if two else None,
        generator.random() * generator.choice(_GAPS),
        generator.random() < 0.5,
    )


def undisturbed(scene: Scene, kind: Kind, folder: Path) -> Undisturbed:
    """Run a command of a kind; what it keeps is there for all that come.

    Raises:
        HostFailure: it does not end with 0, or leaves processes or temporary files.
    """
    place = Place.make(folder, scene)
    _around(scene, kind, kind.before, place)
    code, seconds, said = _run(scene, kind, place, []).told
    wrong = "" if code == 0 else f"its code is {code}: {said}"
    wrong = wrong or _around(scene, kind, kind.after, place)
    wrong = wrong or "; ".join([*processes_left(place.folder), *_names(place.folder / "tmp")])
    if wrong:
        raise HostFailure(
            "a command does not what it must where nothing disturbs it",
            evidence=f"{' '.join(kind.arguments)}: {wrong}",
            next_step="`nightjar doctor` checks the tools",
        )
    _keep(place.folder / "cache", scene.cache)
    return Undisturbed(seconds, files(place.folder))


def run(
    scene: Scene,
    kinds: Mapping[str, Kind],
    known: Mapping[str, Undisturbed],
    folder: Path,
    drawn: Drawn,
) -> Result:
    """Run a command, end it, and look at what is left."""
    kind, calm = kinds[drawn.kind], known[drawn.kind]
    place = Place.make(folder / f"{drawn.number}", scene)
    shots = drawn.shots(calm.seconds)
    wrong = _around(scene, kind, kind.before, place)
    allowed = calm.left | files(place.folder)
    ran = _run(scene, kind, place, shots)
    wrong = wrong or _wrong_code(drawn, ran) or _wrong_rest(kind, place, ran, allowed)
    wrong = wrong or _around(scene, kind, kind.after, place)
    if kind.again and not wrong:
        code, _, said = _run(scene, kind, place, []).told
        wrong = f"called again, it gives {code}: {said}" if code else ""
    left = processes_left(place.folder)
    wrong = wrong or "; ".join(f"it still runs: {line}" for line in left)
    for pid in processes(place.folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    names = tuple(signal.Signals(shot.signal).name for shot in shots)
    return Result(drawn.number, drawn.kind, names, shots[0].at, ran.code, ran.hit, ran.begun, wrong)


@dataclass(frozen=True)
class _Ran:
    """A command that has ended. hung: it had to be killed. known: processes that ran before it."""

    code: int
    seconds: float
    said: str
    hit: bool = False
    begun: bool = False
    hung: bool = False
    known: frozenset[int] = frozenset()

    @property
    def told(self) -> tuple[int, float, str]:
        return self.code, self.seconds, self.said


def _run(scene: Scene, kind: Kind, place: Place, shots: Sequence[Shot]) -> _Ran:
    known = frozenset(processes(place.folder))
    line = with_default_signals(scene.line(kind, kind.arguments))
    said = place.folder / "said"
    with said.open("wb") as stream:
        process = subprocess.Popen(
            leashed(line),
            cwd=place.work,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    began, hit, begun, hung = time.monotonic(), False, False, False
    try:
        for shot in shots:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, began + shot.at - time.monotonic()))
            caught, exiting = _state(process)
            if exiting:
                break
            hit, begun = True, caught if not hit else begun
            (os.killpg if shot.group else os.kill)(process.pid, shot.signal)
        code = process.wait(_END if hit else _LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        code, hung = process.wait(), True
    seconds = time.monotonic() - began
    text = said.read_text(errors="replace")[-_SAID:]
    said.unlink()
    return _Ran(code, seconds, text, hit, begun, hung, known)


def _state(process: "subprocess.Popen[bytes]") -> tuple[bool, bool]:
    """Whether it catches the last signal that our first line takes; and whether it hears none any more."""
    if process.poll() is not None:
        return False, True
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        flags = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[6]
    except OSError:
        return False, True
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (SIGNALS[-1] - 1) & 1), bool(int(flags) & _EXITING)


def _wrong_code(drawn: Drawn, ran: _Ran) -> str:
    if ran.hung:
        return f"it did not end; it said: {ran.said}"
    right = {128 + number for number in drawn.decides} if ran.hit else {0}
    if ran.hit and not ran.begun:  # Python itself answers
        both = {drawn.first, drawn.first if drawn.second is None else drawn.second}
        right |= {1} | {-number for number in both} | {128 + number for number in both}
    if ran.code in right:
        return ""
    return f"code {ran.code} instead of {sorted(right)}; it said: {ran.said}"


def _wrong_rest(kind: Kind, place: Place, ran: _Ran, allowed: frozenset[str]) -> str:
    """What is left that should not be. What a command that went on to its end keeps is ended later."""
    halves = [not_whole(place.work / name) for name in kind.results]
    wrong = "; ".join(half for half in halves if half)
    if wrong or not ran.hit:
        return wrong
    left = processes_left(place.folder, ran.known)
    new = sorted(files(place.folder) - allowed)
    return "; ".join([*(f"it left the process {line}" for line in left), *_left(new)])


def _left(names: Sequence[str]) -> list[str]:
    return [f"it left {', '.join(names)}"] if names else []


def _around(scene: Scene, kind: Kind, commands: Sequence[tuple[str, ...]], place: Place) -> str:
    """Run commands that nothing disturbs; what is wrong."""
    for command in commands:
        done = called(scene.line(kind, command), place.work, place.environment, _LIMIT)
        if done.returncode != 0:
            return f"{' '.join(command)} gives {done.returncode}: {done.stdout[-_SAID:]}"
    return ""


def _keep(cache: Path, kept: Path) -> None:
    """Let the cache of one case be that of all."""
    shutil.rmtree(kept)
    shutil.copytree(cache, kept)


def _names(folder: Path) -> list[str]:
    return [f"it left {path.name}" for path in folder.iterdir()]


@contextmanager
def scene(
    bundle: Path | None = None, projects: Mapping[str, Project] | None = None
) -> Iterator[tuple[Scene, Path]]:
    """A scene, and a private folder for the cases, which is short enough for sockets; both end with the block."""
    private = private_folder(None, make=True)
    with (
        TemporaryDirectory(prefix="nightjar-signals-") as folder,
        TemporaryDirectory(prefix="sg-", dir=private) as cases,
    ):
        yield Scene.make(Path(folder), bundle, projects), Path(cases)


def campaign(
    given: Scene,
    known: Mapping[str, Undisturbed],
    folder: Path,
    cases: Sequence[Drawn],
    workers: int,
    kinds: Mapping[str, Kind] = KINDS,
) -> Iterator[Ended[Drawn, Result]]:
    """These cases, as they end."""
    start: Callable[[], Callable[[Drawn], Result]] = partial(_start, given, kinds, known, folder)
    return spread(cases, start, workers=workers, limit=4 * _LIMIT)


def _start(
    given: Scene, kinds: Mapping[str, Kind], known: Mapping[str, Undisturbed], folder: Path
) -> Callable[[Drawn], Result]:
    return partial(run, given, kinds, known, folder)
