"""The firmware of campaigns of sessions: as built, flipped, hanging, faulting, foreign."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from host.bundle import Subject
from host.compare.flip import copy_project, find_symbol, overwrite
from host.compare.prepare import prepare
from host.compare.tensors import Array, compare
from host.compare.vectors import random_inputs
from host.elf_record import write_record
from host.project import Project
from host.reference.model import ReferenceModel
from host.report.verdict import FirstDifference
from model_gen.codegen.testing.net import Net, make_net

SEEDS = range(4)  # of vectors: few, so that what is expected of them is recalled
VECTORS = 2  # of each seed
# Bits of weights: op, byte, bit.
FLIPS = ((0, 0, 7), (0, 101, 5), (1, 13, 6), (2, 55, 7), (2, 30, 6), (4, 71, 6))
# A jump to itself; a wait for ever, which costs no time of this computer where that can be had (pause() in a loop); an
# undefined instruction.
_SPIN = {"x86_64": b"\xeb\xfe", "aarch64": b"\x00\x00\x00\x14", "virtual": b"\xfe\xe7"}
HANGS = {**_SPIN, "x86_64": b"\xb8\x22\0\0\0\x0f\x05\xeb\xf7"}
UNDEFINED = {"x86_64": b"\x0f\x0b", "aarch64": bytes(4), "virtual": b"\x00\xde"}
Where = tuple[int | None, tuple[int, ...], int | float | str | None, int | float | str | None, int]


@dataclass(frozen=True)
class Firmware:
    """One firmware, and what a session with it gives over a link that lets it.

    gives: EXACT, DIFFERENT, or the class of a failure, whose text matches `says`. first: by seed, the vectors' first
    differences: layer, index, got, want, and how many elements differ; None where a vector shows none.
    """

    name: str
    project: Project
    gives: str
    says: str = ""
    first: dict[int, tuple[Where | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Stock:
    """A model, its firmware by kind for a tier, and the folder of boards of who uses it."""

    subject: Subject
    boards: Path
    firmware: dict[str, tuple[Firmware, ...]]
    tier: str


def make_stock(folder: Path, boards: Path, tier: str = "native") -> Stock:
    """Build and damage firmware for `tier` (native or virtual) in `folder`."""
    net = make_net(1)
    path, other = folder / "small.tflite", folder / "other.tflite"
    path.write_bytes(net.tflite())
    other.write_bytes(make_net(9).tflite())
    subject, good = prepare(path, tier, out=folder / "good")
    foreign = swapped(good, prepare(other, tier, out=folder / "other")[1], folder / "foreign")
    steps = range(good.description.steps)
    return Stock(
        subject,
        boards,
        {
            "good": (Firmware("good", good, "EXACT"),),
            "flipped": tuple(_flipped(net, good, folder, flip) for flip in FLIPS),
            "hanging": tuple(_broken(good, folder, "hangs", step, HANGS) for step in steps),
            "spinning": (_broken(good, folder, "hangs and spins", steps[-1], _SPIN),),
            "faulting": tuple(_broken(good, folder, "faults", step, UNDEFINED) for step in steps),
            "foreign": (Firmware("foreign", foreign, "IDENTITY"),),
        },
        tier,
    )


def swapped(good: Project, other: Project, folder: Path) -> Project:
    """A copy of `good` in `folder` with its table, and the program of the other."""
    foreign = copy_project(good, folder)
    foreign.elf.write_bytes(other.elf.read_bytes())
    write_record(foreign.elf)
    return foreign


def is_first(firmware: Firmware, seed: int, vectors: int, found: FirstDifference | None) -> bool:
    """Whether `found` is what a session of so many vectors must name first."""
    known = firmware.first.get(seed, ())[:vectors]
    number = next((n for n, where in enumerate(known) if where is not None), None)
    if found is None or number is None:
        return found is None and number is None
    place = found.layer, found.index, found.got, found.want, found.differing
    return (found.vector, place) == (number, known[number])


def _flipped(net: Net, good: Project, folder: Path, flip: tuple[int, int, int]) -> Firmware:
    op, byte, bit = flip
    name = f"op {op} byte {byte} bit {bit}"
    project = copy_project(good, folder / name)
    net.flip(project.elf, op, byte, bit)
    right, wrong = ReferenceModel(net.tflite()), ReferenceModel(net.flipped(*flip).tflite())
    first = {}
    for seed in SEEDS:
        vectors = random_inputs(right.inputs, VECTORS, seed)
        first[seed] = tuple(_first(right, wrong, list(inputs)) for inputs in vectors)
        if first[seed][0] is None:
            raise ValueError(f"{name} shows nothing on the first vector of seed {seed}")
    return Firmware(name, project, "DIFFERENT", first=first)


def _first(right: ReferenceModel, wrong: ReferenceModel, inputs: Sequence[Array]) -> Where | None:
    """Where the reference of a flipped model first differs from the right one's, op by op."""
    want, got = right.run(list(inputs)), wrong.run(list(inputs))
    for op in right.ops:
        tensor = op.outputs[0]
        found = compare(got[tensor], want[tensor])
        if found is not None:
            return op.index, found.index, found.got_first, found.want_first, found.differing
    return None


def _broken(good: Project, folder: Path, how: str, step: int, code: dict[str, bytes]) -> Firmware:
    function = f"nj_step{step}"
    project = copy_project(good, folder / f"{how} {step}")
    place = find_symbol(project.elf, function, "STT_FUNC")
    native = project.description.board == "native"
    overwrite(project.elf, place, code[platform.machine() if native else "virtual"])
    write_record(project.elf)
    return Firmware(
        f"{how} in step {step}", project, "FIRMWARE", rf"nj_model\.c:\d+ \({function}\)"
    )
