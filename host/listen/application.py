"""What firmware that listens hears: recordings, injected or on its card, or its microphone; and what the host hears."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from host.compare.expect import Oracle
from host.compare.vectors import Vector
from host.deadline import Deadline, now
from host.errors import (
    BadInput,
    BoardFailure,
    FirmwareFailure,
    HostFailure,
    LinkFailure,
    NightjarError,
)
from host.link.client import Client
from host.link.exchange import Refused
from host.link.messages import ErrorCode, Listened, Source
from host.link.sound import BLOCK, WINDOW, Sound
from host.listen.detector import Heard, detections
from host.listen.rule import Rule

# Seconds that the board may take over anything that it is asked, on a machine that is busy.
PATIENCE = 60.0
LATEST = 1.0  # seconds after its time at which a block of sound in real time may be sent
LOOK = 0.05  # seconds between two looks at a board that hears by itself
STALL = 0.5  # seconds without a sign of progress, after which the board is asked how far it is

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Listening:
    """What board and host have heard in a recording; `host` None for a microphone, which only the board hears.

    `blocks`: those of the sound; of a card, its own. `late`: seconds that one was sent after its time, at most.
    """

    file: str
    seconds: float
    host: tuple[Heard, ...] | None
    board: tuple[Heard, ...]
    counts: Listened
    blocks: int
    late: float

    @property
    def same(self) -> bool:
        """Whether the detections are the same bytes, as far as the host has heard any."""
        return self.host is None or as_bytes(self.board) == as_bytes(self.host)


def as_bytes(found: tuple[Heard, ...]) -> bytes:
    """Detections as the firmware's events carry them, one behind the other."""
    return b"".join(one.as_bytes() for one in found)


def padded(samples: Samples, rule: Rule) -> Samples:
    """A recording with silence at its end, so that its last chunk is whole: as it is heard, nothing of it unheard."""
    over = samples.size - rule.chunk_samples
    return np.pad(samples, (0, -over if over < 0 else -over % rule.stride))


def host_detections(
    oracle: Oracle, rule: Rule, samples: Samples, *, confirmed: bool = False
) -> tuple[Heard, ...]:
    """What the host hears in a recording int16 [samples], by its reference; `confirmed`: whatever was kept of it."""
    whole = padded(samples, rule)
    starts = range(0, whole.size - rule.chunk_samples + 1, rule.stride)
    chunks = [whole[start : start + rule.chunk_samples] for start in starts]
    rows = []
    for i, chunk in enumerate(chunks):
        expected = oracle.expect(Vector(i, chunk=chunk))
        if confirmed:
            expected.confirm()
        rows.append(np.asarray(expected.outputs[0], np.int8).reshape(-1))
    steps = np.stack(rows)
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
    _check_sound(counts, whole.size, timed=timed, late=late)
    heard, blocks = _detections(sound, counts), -(-whole.size // block)
    return Listening(str(file), samples.size / rule.rate, expected, heard, counts, blocks, late)


def listen_to_card(
    client: Client,
    index: int,
    file: Path,
    samples: Samples,
    expected: tuple[Heard, ...],
    rule: Rule,
) -> Listening:
    """Let the board hear recording `index` of its card, which is `file`.

    Raises:
        BadInput: there is no such recording of this rate, or it is another one.
        BoardFailure: the card failed.
        FirmwareFailure: not every detection was sent.
        LinkFailure: detections were lost on the way.
    """
    sound = _start(client, Source.CARD, index)
    while (counts := client.listened(Deadline.after(PATIENCE))).source != Source.NONE:
        time.sleep(LOOK)
    if counts.lost:
        raise BoardFailure(
            f"the card failed within recording {index}",
            evidence=f"{counts.taken:,} samples came, {counts.lost:,} could not be read",
            next_step="run again; take another card if it persists",
        )
    if counts.taken != padded(samples, rule).size:
        raise BadInput(
            f"recording {index} of the card is another one",
            evidence=f"{file} with its silence has {padded(samples, rule).size:,} samples; {counts.taken:,} came",
            next_step="make the card again with `nightjar sdcard`, or give its recordings in their order",
        )
    heard, blocks = _detections(sound, counts), -(-samples.size // (BLOCK // 2))
    return Listening(str(file), samples.size / rule.rate, expected, heard, counts, blocks, 0.0)


def listen_to_microphone(client: Client, seconds: float, rule: Rule, *, timed: bool) -> Listening:
    """Let the board hear its microphone for so long.

    Args:
        timed: whether the board's time is time, and not a simulation's.

    Raises:
        BadInput: it has none, or that does not start at this rate.
        BoardFailure: it is dead.
        FirmwareFailure: it did not keep up with the sound, or has not sent every detection.
        HostFailure: a simulation did not keep up with the sound.
        LinkFailure: detections were lost on the way.
    """
    sound = _start(client, Source.MICROPHONE)
    end = Deadline.after(seconds)
    while not end.expired:
        client.listened(Deadline.after(PATIENCE))
        time.sleep(min(LOOK, end.remaining))
    counts = client.stop_listening(Deadline.after(PATIENCE))
    if counts.lost:
        _fail_to_keep_up(
            f"of {counts.taken + counts.lost:,} samples {counts.lost:,} were lost", timed=timed
        )
    if counts.taken == 0:
        raise BoardFailure(
            "the microphone started, and gave no sound",
            evidence=f"0 samples in {seconds:g} s",
            next_step="check the microphone, its clock and its switches",
        )
    heard, taken = _detections(sound, counts), counts.taken
    return Listening("microphone", taken / rule.rate, None, heard, counts, -(-taken // BLOCK), 0.0)


def _start(client: Client, source: Source, index: int = 0) -> Sound:
    try:
        return client.listen(source, Deadline.after(PATIENCE), index=index)
    except Refused as refused:
        if refused.response.code != ErrorCode.NO_SOURCE:
            raise
        what = "a card" if source == Source.CARD else "a microphone"
        raise BadInput(
            f"the board does not have {what} for this: {refused.response.detail}",
            evidence=f"Received: {source.name.lower()}, recording {index}",
            next_step="see docs/application.md for what each board has, and how a card is made",
        ) from refused


def _check_sound(counts: Listened, samples: int, *, timed: bool, late: float) -> None:
    evidence = (
        f"of {samples:,} samples {counts.taken:,} came, {samples - counts.taken - counts.refused:,} did not,"
        f" {counts.refused:,} found no room; blocks were sent up to {late:.3f} s late"
    )
    if counts.taken + counts.refused != samples:  # behind a second gap blocks find no room, too
        raise LinkFailure(
            "blocks of sound were lost on the way to the board",
            evidence=evidence,
            next_step="run again; check the cable, or lower the baud rate, if it persists",
        )
    if counts.refused:
        _fail_to_keep_up(evidence, timed=timed)
    if late > LATEST:
        raise HostFailure(
            "this computer did not send the sound in real time",
            evidence=evidence,
            next_step="run again while nothing else keeps it busy, or leave --real-time away",
        )


def _fail_to_keep_up(evidence: str, *, timed: bool) -> NoReturn:
    kind: type[NightjarError] = FirmwareFailure if timed else HostFailure
    raise kind(
        "the board did not keep up with the sound, and some was lost",
        evidence=evidence,
        next_step="take a smaller model or a smaller --overlap"
        if timed
        else "a simulation has no real time on a busy machine: leave --real-time away",
    )


def _detections(sound: Sound, counts: Listened) -> tuple[Heard, ...]:
    """Those that came, which must be all."""
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
    return tuple(
        Heard(one.label, one.start, one.end, one.score, one.chunks) for one in sound.detections
    )
