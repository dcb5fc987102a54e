"""The commands that a campaign of signals ends, and the small model, firmware and recording that they work on."""

import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.compare.prepare import prepare
from host.installed import ROOT
from host.project import Project
from host.selftest.leftovers import MARK
from model_gen.codegen.testing.bundle import write_small_bundle

PROGRAM = (sys.executable, "-m", "host.entry")
_RATE, _SAMPLES = 8000, 5000  # of the recording: three chunks of the small bundle
_UP, _DOWN = ("board", "up"), ("board", "down", "--all")


@dataclass(frozen=True)
class Kind:
    """A command that is ended.

    arguments: of `program`; a word in braces is what the scene has of that name. results: files that it writes in its
    folder. before, after: commands around it that nothing disturbs, and that must end with 0. again: whether it is then
    called once more, and must do what it was to do.
    """

    arguments: tuple[str, ...]
    results: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[str, ...], ...] = ()
    again: bool = False
    program: tuple[str, ...] = PROGRAM


def _proof(command: str, board: str, *words: str) -> tuple[str, ...]:
    given = ("--board", board, "--project", f"{{{board}}}", "--vectors", "1")
    return (command, *words, *given, "--json", "verdict.json", "--html", "page.html")


_HIL = ("--soak", "2", "--junit", "junit.xml", "--", "-q", "-p", "no:cacheprovider")
_PROVED = ("verdict.json", "page.html")
_CARD = "card.img"
_MAKE_CARD = ("sdcard", "make", _CARD, "--size", "64M")
KINDS: Mapping[str, Kind] = {
    "verify, building": Kind(
        ("verify", "{bundle}", "--board", "native", "--vectors", "1", "--json", "verdict.json"),
        ("verdict.json",),
        again=True,
    ),
    "hil": Kind((*_proof("hil", "native", "--bundle", "{bundle}"), *_HIL), (*_PROVED, "junit.xml")),
    "classify": Kind(
        (
            *("classify", "{bundle}", "{recording}", "--board", "native"),
            *("--project", "{native}", "--json", "verdict.json"),
        ),
        ("verdict.json",),
    ),
    "board up": Kind((*_UP, "--json", "verdict.json"), ("verdict.json",), after=(_DOWN,)),
    "verify": Kind(_proof("verify", "virtual", "{bundle}"), _PROVED),
    "board down": Kind(
        ("board", "down", "--json", "verdict.json"), ("verdict.json",), (_UP,), (_DOWN,)
    ),
    "hil, virtual": Kind(
        (*_proof("hil", "virtual", "--bundle", "{bundle}"), *_HIL), (*_PROVED, "junit.xml")
    ),
    "verify on a kept board": Kind(
        _proof("verify", "virtual", "{bundle}"), _PROVED, (_UP,), (_DOWN,)
    ),
    "sdcard make": Kind(_MAKE_CARD, (_CARD,)),
    "sdcard add": Kind(
        ("sdcard", "add", _CARD, "{recording}", "{recording}", "--rate", str(_RATE)),
        (_CARD,),
        (_MAKE_CARD,),
        (("sdcard", "show", _CARD),),
    ),
}


def called(
    line: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float
) -> "subprocess.CompletedProcess[str]":
    """A command that has ended by itself, within `limit` seconds; all that it said is its `stdout`."""
    return subprocess.run(
        line,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=limit,
    )


@dataclass(frozen=True)
class Scene:
    """What commands work on, by name; and `cache`, which holds what they would keep."""

    given: Mapping[str, Path]
    cache: Path

    @classmethod
    def make(
        cls, folder: Path, bundle: Path | None = None, projects: Mapping[str, Project] | None = None
    ) -> "Scene":
        """Write a recording to `folder`; a bundle and its firmware, too, where they are not given."""
        bundle = bundle or write_small_bundle(folder / "bundle")
        boards = ("native", "virtual")
        made = projects or {b: prepare(bundle, b, out=folder / b)[1] for b in boards}
        recording = folder / "song.wav"
        time = np.arange(_SAMPLES) / _RATE
        sound = (9000 * np.sin(2 * np.pi * (900 + 800 * time) * time)).astype("<i2")
        with wave.open(str(recording), "wb") as stream:
            stream.setparams((1, 2, _RATE, _SAMPLES, "NONE", ""))
            stream.writeframes(sound.tobytes())
        (folder / "cache").mkdir()
        paths = {name: project.path.resolve() for name, project in made.items()}
        return cls({"bundle": bundle.resolve(), "recording": recording, **paths}, folder / "cache")

    def line(self, kind: Kind, arguments: tuple[str, ...]) -> list[str]:
        """The command with these arguments."""
        return [*kind.program, *(word.format(**self.given) for word in arguments)]


@dataclass(frozen=True)
class Place:
    """The folder of one case: where it works, and where the system lets it keep things."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, scene: Scene) -> "Place":
        """Make it, with a copy of the scene's cache."""
        for name in ("work", "run", "tmp"):
            (folder / name).mkdir(parents=True, mode=0o700)
        shutil.copytree(scene.cache, folder / "cache")
        return cls(folder)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def environment(self) -> dict[str, str]:
        """Of every command here, by which what it leaves is found."""
        given = {"XDG_RUNTIME_DIR": "run", "TMPDIR": "tmp", "NIGHTJAR_CACHE": "cache"}
        places = {name: str(self.folder / folder) for name, folder in given.items()}
        return {**os.environ, **places, MARK: str(self.folder), "PYTHONPATH": str(ROOT)}
