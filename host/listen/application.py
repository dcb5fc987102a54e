"""Recordings to firmware that listens: injected in blocks; its detections held against the host's, byte for byte."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.compare.expect import Oracle
from host.compare.vectors import Vector
from host.deadline import Deadline, now
from host.errors import BadInput, FirmwareFailure, HostFailure, LinkFailure, NightjarError
from host.link.client import Client
from host.link.messages import Listened, Source
from host.link.sound import BLOCK, WINDOW, Sound
from host.listen.detector import Heard, detections
from host.listen.rule import Rule

SCHEMA = "nightjar/listen/1"
# Seconds that the board may take over anything that it is asked, on a machine that is busy.
PATIENCE = 60.0
LATEST = (
    1.0  # seconds after its time at which a block may still be sent, for sound to be in real time
)
STALL = 0.5  # seconds without a sign of progress, after which the board is asked how far it is

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Listening:
    """What board and host have heard in a recording. `late`: seconds that a block was sent after its time, at most."""

    file: str
    seconds: float
    host: tuple[Heard, ...]
    board: tuple[Heard, ...]
    counts: Listened
    blocks: int
    late: float

    @property
    def same(self) -> bool:
        """Whether the detections are the same bytes."""
        return as_bytes(self.board) == as_bytes(self.host)


@dataclass(frozen=True)
class Margin:
    """What a chunk may cost and what the worst one has cost, in HELLO's unit; `left` is the share that is not needed.

    A chunk's time is that from it to the next. The budget counts one instruction a cycle.
    """

    clock_hz: int
    budget: int
    worst: int

    @property
    def left(self) -> float:
        return 1.0 - self.worst / self.budget


def as_bytes(found: tuple[Heard, ...]) -> bytes:
    """Detections as the firmware's events carry them, one behind the other."""
    return b"".join(one.as_bytes() for one in found)


def margin(rule: Rule, counts: Listened, clock_hz: int) -> Margin | None:
    """Of the worst chunk; None where nothing was counted."""
    if counts.worst_chunk == 0 or clock_hz == 0:
        return None
    return Margin(clock_hz, clock_hz * rule.stride // rule.rate, counts.worst_chunk)


def padded(samples: Samples, rule: Rule) -> Samples:
    """A recording with silence at its end, so that its last chunk is whole: as it is heard, nothing of it unheard."""
    over = samples.size - rule.chunk_samples
    return np.pad(samples, (0, -over if over < 0 else -over % rule.stride))


def host_detections(oracle: Oracle, rule: Rule, samples: Samples) -> tuple[Heard, ...]:
    """What the host hears in a recording int16 [samples], by its reference."""
    whole = padded(samples, rule)
    starts = range(0, whole.size - rule.chunk_samples + 1, rule.stride)
    chunks = [whole[start : start + rule.chunk_samples] for start in starts]
    outputs = [oracle.expect(Vector(i, chunk=chunk)).outputs[0] for i, chunk in enumerate(chunks)]
    steps = np.stack([np.asarray(one, np.int8).reshape(-1) for one in outputs])
    return tuple(detections(rule, steps))


def inject(
    client: Client, samples: Samples, *, block: int, rate: int | None
) -> tuple[Sound, Listened, float]:
    """Let the board hear samples in blocks, and stop.

    Args:
        block: samples of a block, at most `BLOCK`.
        rate: samples a second of real time, in which nothing is waited for unless we are late; None: as fast as the
            board hears.

    Returns:
        What was heard, what was counted, and how late a block was, in seconds.
    """
    if not 1 <= block <= BLOCK:
        raise BadInput(
            f"a block has 1 to {BLOCK} samples", evidence=f"Received: {block} samples a block"
        )
    sound = client.listen(Source.LINK, Deadline.after(PATIENCE))
    began, late = now(), 0.0
    waiting = min((WINDOW - 1) * block, sound.room - block)
    for start in range(0, samples.size, block):
        piece = samples[start : start + block]
        due = began if rate is None else began + (start + piece.size) / rate
        if rate is not None:
            _wait(sound, due)
            late = max(late, now() - due)
        if rate is None or now() - due > block / rate:
            _let_hear(client, sound, waiting)  # late by our own fault: a microphone sends no bursts
        sound.send(piece, Deadline.after(PATIENCE))
    return sound, client.stop_listening(Deadline.after(PATIENCE)), late


def _let_hear(client: Client, sound: Sound, until: int) -> None:
    """Wait until at most `until` samples wait on the board.

    Raises:
        FirmwareFailure: it takes sound, and does not hear it.
    """
    deadline = Deadline.after(PATIENCE)
    while not sound.hear(deadline.at_most(STALL), until=until):
        # Blocks, or what says that they were heard, may be lost: the counts tell.
        if client.listened(deadline).queued == 0:
            sound.nothing_waits()
        elif deadline.expired:
            raise FirmwareFailure(
                "the firmware takes sound, and does not hear it",
                evidence=f"{sound.waiting} samples wait for {PATIENCE:g} s",
            )


def _wait(sound: Sound, due: float) -> None:
    """Until `due`, taking what the board says."""
    while (left := due - now()) > 0:
        if sound.hear(Deadline.after(left)):
            time.sleep(max(0.0, min(left, due - now())))


def listen(
    client: Client,
    file: Path,
    samples: Samples,
    expected: tuple[Heard, ...],
    rule: Rule,
    *,
    block: int,
    real_time: bool,
    timed: bool,
) -> Listening:
    """Let the board hear a recording, all of it.

    Args:
        expected: what the host hears.
        timed: whether the board's time is time, and not a simulation's.

    Raises:
        FirmwareFailure: it did not keep up in real time, or has not sent every detection.
        HostFailure: this computer did not keep up with a simulation in real time, or with its own sending.
        LinkFailure: blocks or detections were lost on the way.
    """
    whole = padded(samples, rule)
    sound, counts, late = inject(client, whole, block=block, rate=rule.rate if real_time else None)
    _check_counts(counts, whole.size, sound, timed=timed, late=late)
    heard = tuple(
        Heard(one.label, one.start, one.end, one.score, one.chunks) for one in sound.detections
    )
    blocks = -(-whole.size // block)
    return Listening(str(file), samples.size / rule.rate, expected, heard, counts, blocks, late)


def _check_counts(
    counts: Listened, samples: int, sound: Sound, *, timed: bool, late: float
) -> None:
    evidence = (
        f"of {samples:,} samples {counts.taken:,} came, {samples - counts.taken - counts.refused:,} did not,"
        f" {counts.refused:,} found no room; blocks were sent up to {late:.3f} s late"
    )
    if counts.refused:
        kind: type[NightjarError] = FirmwareFailure if timed else HostFailure
        raise kind(
            "the board did not keep up with the sound, and blocks were lost",
            evidence=evidence,
            next_step="take a smaller model or a smaller --overlap"
            if timed
            else "a simulation has no real time on a busy machine: leave --real-time away",
        )
    if late > LATEST:
        raise HostFailure(
            "this computer did not send the sound in real time",
            evidence=evidence,
            next_step="run again while nothing else keeps it busy, or leave --real-time away",
        )
    if counts.taken != samples:
        raise LinkFailure(
            "blocks of sound were lost on the way to the board",
            evidence=evidence,
            next_step="run again; check the cable, or lower the baud rate, if it persists",
        )
    if counts.unsent:
        raise FirmwareFailure(
            "more detections ended at once than the firmware has room for",
            evidence=f"{counts.unsent} of {counts.detections} have no event",
            next_step="raise --threshold",
        )
    if len(sound.detections) != counts.detections:
        raise LinkFailure(
            "detections were lost on the way from the board",
            evidence=f"{counts.detections} were sent, {len(sound.detections)} came",
            next_step="run again; check the cable if it persists",
        )


def rows(found: tuple[Heard, ...], rule: Rule, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Detections for JSON: numbers of the firmware, and what they mean."""
    return [
        {
            **asdict(one),
            "name": labels[one.label],
            "start_s": one.start / rule.rate,
            "end_s": one.end / rule.rate,
            "pooled": rule.score(one.score),
        }
        for one in found
    ]


Say = Callable[[str], None]


def as_json(
    heard: list[Listening], rule: Rule, labels: tuple[str, ...], clock_hz: int, **who: Any
) -> dict[str, Any]:
    """`nightjar/listen/1`."""
    files = []
    for one in heard:
        room = margin(rule, one.counts, clock_hz)
        files.append(
            {
                "file": one.file,
                "seconds": one.seconds,
                "blocks": one.blocks,
                "lost_samples": one.counts.lost,
                "late_s": one.late,
                "same": one.same,
                "detections": rows(one.board, rule, labels),
                "host": rows(one.host, rule, labels),
                "counts": asdict(one.counts),
                "margin": None if room is None else {**asdict(room), "left": room.left},
            }
        )
    return {"schema": SCHEMA, **who, "rule": rule_as_json(rule), "files": files}


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """What a reader wants of a rule: no tables."""
    given = asdict(rule)
    return {name: given[name] for name in ("pool", "chunks", "stride", "rate", "least", "most")}


def show(
    one: Listening, rule: Rule, labels: tuple[str, ...], clock_hz: int, unit: str, say: Say
) -> None:
    """Say what was heard, whether it is the host's, what was lost, and what is left of the time."""
    say(f"{one.file}: {one.seconds:.1f} s, {one.counts.chunks} chunks")
    for heard in one.board:
        say(line(heard, rule, labels))
    if one.same:
        say(f"  detections: {len(one.board)}, byte for byte the host's")
    else:
        say(f"  detections DIFFER: {len(one.board)} of the board, {len(one.host)} of the host:")
        for heard in one.host:
            say(line(heard, rule, labels))
    counts = one.counts
    say(f"  blocks: {one.blocks}, 0 lost; at most {counts.fullest} of {counts.room} samples waited")
    room = margin(rule, counts, clock_hz)
    if room is not None:
        say(
            f"  worst chunk: {room.worst:,} {unit} of {room.budget:,} in its {rule.stride / rule.rate:.3f} s at"
            f" {clock_hz / 1e6:g} MHz: {room.left:.1%} left; longest unit of work: {counts.worst_unit:,}"
        )


def line(heard: Heard, rule: Rule, labels: tuple[str, ...]) -> str:
    """A detection for people."""
    times = f"{heard.start / rule.rate:9.3f} - {heard.end / rule.rate:9.3f} s"
    return (
        f"  {times}  {rule.score(heard.score):.3f}  {labels[heard.label]} ({heard.chunks} chunks)"
    )
