"""Likely causes of a difference in an epoch of the NPU: what a chip or its firmware does wrong, and other constants."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.compare.cause import (
    RECOGNISERS,
    Evidence,
    Recogniser,
    denormals_flushed,
    off_by_one,
    some_channels,
)
from host.compare.observation import LAYERS, Observation
from host.compare.tensors import Array, distance
from host.errors import IdentityFailure
from host.npu.memory import Image
from host.report.finding import NEVER_WRITTEN, NOT_ALL_WRITTEN, OTHER_CONSTANTS

# What the firmware puts into the place of each tensor before a tapped run (firmware/npu/nj_npu_model.c).
CANARY = 0x55
_LEAST = 8  # bytes that are not all of one value by chance
_PROBE = 16  # bytes of an image by which it is found in an ELF
_PROBES = 256  # of an image, at most


def never_written(e: Evidence) -> str | None:
    """What lay there before the run is still there."""
    got, wrong = _bytes(e.got), _bytes(e.got) != _bytes(e.want)
    if got.size < _LEAST or not np.all(got[wrong] == CANARY):
        return None
    if np.all(got == CANARY):
        return (
            f"{NEVER_WRITTEN}: every byte is {CANARY:#x}, which the firmware puts there before the run;"
            " an engine that writes elsewhere, a master of the bus that may not write, an epoch that was left out, or"
            " lines of the core's data cache that were not invalidated"
        )
    count = int(wrong.sum())
    if count < _LEAST:
        return None
    return (
        f"{NOT_ALL_WRITTEN}: {count} bytes hold {CANARY:#x}, which the firmware puts there before the run, and the"
        " others are right; an engine that stopped early, or lines of the core's data cache that were not invalidated"
    )


def without_power(e: Evidence) -> str | None:
    """Zeros everywhere."""
    if e.got.nbytes < _LEAST or np.any(_bytes(e.got)) or not np.any(_bytes(e.want)):
        return None
    return "every byte is 0: memory of the NPU that is shut down or has no clock reads so, or the epoch was given zeros"


def flushed(e: Evidence) -> str | None:
    """Zeros where the executor has denormals: told before zeros everywhere are."""
    if denormals_flushed(e) is None:
        return None
    return (
        "only denormal values differ, and one side has 0 for them: an operator of the processor ran with an FPSCR that"
        " flushes them (FZ), where the network's are computed as IEEE 754 has it"
    )


def channels_of_epoch(e: Evidence) -> str | None:
    """Few channels differ: their constants, also where the epoch is not known for an op of the model."""
    return some_channels(Evidence(e.got, e.want, "CONV_2D" if e.op == "EPOCH" else e.op))


def tie_rule(e: Evidence) -> str | None:
    """One step at most, in many places."""
    if e.got.dtype.kind == "f" or int(np.max(distance(e.got, e.want))) != 1 or e.where.sum() < 2:
        return None
    return (
        "elements differ by one step at most: ties that are not rounded half away from zero, or another constant"
        " of this epoch; on silicon, `nightjar npu --probe` asks for the rule"
    )


_OWN: dict[Recogniser, Recogniser] = {some_channels: channels_of_epoch, off_by_one: tie_rule}
NETWORK_RECOGNISERS: tuple[Recogniser, ...] = (
    flushed,
    never_written,
    without_power,
    *(_OWN.get(one, one) for one in RECOGNISERS),
)


def explain_network(observation: Observation, elf: Path, images: Sequence[Image]) -> Observation:
    """The observation with its first difference laid to the constants in the ELF, where they are not the network's.

    Args:
        observation: of a vector.
        elf: the firmware that answered.
        images: the constants of the network that the executor computed with.
    """
    first = min(observation.findings, key=lambda finding: finding.place, default=None)
    if first is None or first.place < LAYERS:
        return observation
    other = other_constants(elf.read_bytes(), images)
    if not other:
        return observation
    found = tuple(
        replace(one, cause=other) if one is first else one for one in observation.findings
    )
    return replace(observation, findings=found)


def other_constants(elf: bytes, images: Sequence[Image]) -> str:
    """How the constants in an ELF are not those of its network; "" where they are, or cannot be found in it."""
    for image in images:
        if image.content in elf:
            continue
        start = _place(elf, image.content)
        if start is None:
            continue
        there = np.frombuffer(elf, np.uint8)[start : start + len(image.content)]
        want = np.frombuffer(image.content, np.uint8)[: there.size]
        wrong = np.flatnonzero(there != want)
        if wrong.size:
            at = int(wrong[0])
            return (
                f"{OTHER_CONSTANTS}: byte {at} of {image.path.name} is"
                f" {int(there[at]):#04x} there and {int(want[at]):#04x} in the project, and {wrong.size} bytes differ"
            )
    return ""


def check_constants(elf: Path, images: Sequence[Image]) -> None:
    """Refuse an ELF without the very constants that the executor computed with, though all tensors were equal.

    Vectors reach what they reach: a constant that shows in none of them is the network's, or the verdict is not true.

    Raises:
        IdentityFailure: they are others, or are not there.
    """
    content = elf.read_bytes()
    for image in images:
        if image.content not in content:
            raise IdentityFailure(
                "the ELF was not made with the constants of the project's network, though no vector shows it",
                evidence=other_constants(content, [image])
                or f"Received: {elf} without the {len(image.content):,} bytes of {image.path.name}",
                next_step="build the project again from the files that it was written with",
            )


def _place(elf: bytes, content: bytes) -> int | None:
    """Where most of `content` begins in the ELF: by pieces of it that lie nowhere else."""
    step = max(_PROBE, len(content) // _PROBES)
    starts: dict[int, int] = {}
    for offset in range(0, len(content) - _PROBE + 1, step):
        piece = content[offset : offset + _PROBE]
        at = elf.find(piece)
        if len(set(piece)) > 4 and at >= offset and elf.find(piece, at + 1) < 0:
            starts[at - offset] = starts.get(at - offset, 0) + 1
    return max(starts, key=lambda start: starts[start], default=None)


def _bytes(array: Array) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
