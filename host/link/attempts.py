"""One question to a board and its repeats: what came instead of an answer, and what it means."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from host.deadline import now
from host.errors import BoardFailure, FirmwareFailure, HostFailure, LinkFailure, NightjarError
from host.link.damage import CERTAIN, ENOUGH, SameDamage
from host.link.frames import Broken, FrameType

if TYPE_CHECKING:
    from host.link.exchange import Exchange


# What nj_first_stage.c says, again and again, where it cannot start the application.
_FIRST_STAGE = re.compile(rb"nightjar: first stage: ([ -~]+)\r\n")


# Seconds of an attempt at most: the longest wait is half a second, and pieces of a tensor on a slow port take longer.
_SLOWEST = 2.0

_AT_ONCE = 0.02  # seconds in which a board need not have answered


class Silence(LinkFailure):
    """A board that had spoken says nothing more.

    The line may be dead or the firmware may hang: only the board knows.
    """


class Unanswered(Silence):
    """A board has said something by itself, perhaps with a wrong CRC, but never answered HELLO."""


class Mute(BoardFailure):
    """Not one byte has come from the board since the connection was opened."""


class Attempts:
    """Counts the attempts to get one answer, and what came instead of it."""

    def __init__(
        self,
        exchange: "Exchange",
        what: str,
        sent: int = 0,
        moved: Callable[[], str] | None = None,
    ) -> None:
        """A question's attempts.

        Args:
            what: the name of the question.
            sent: how often it has been sent already.
            moved: says how much of a tensor has moved, of how much; None: none moves.
        """
        self._moved = moved
        self._exchange = exchange
        self._what = what
        self._clean = exchange.stats.clean
        self._same = SameDamage()
        self._begin(sent)

    def _begin(self, sent: int) -> None:
        self.sent = sent
        self.started = self._quiet_since = now()
        self._unheard = 0  # attempts since anything came
        self._received = self._exchange.received
        self._heard = 0
        stats = self._exchange.stats
        self._frames, self._crc_errors = stats.frames_in, stats.crc_errors
        self._loose = self._exchange.loose

    def asked(self) -> None:
        """It has been sent, or sent once more."""
        self.sent += 1
        if self._received != self._exchange.received:
            self._received, self._unheard = self._exchange.received, 0
            self._quiet_since = now()
        self._unheard += 1

    def progressed(self) -> None:
        """A part of the answer has come: what is asked from now on has been sent once."""
        self._begin(sent=1)
        if not self._same.nothing:
            self._same = SameDamage()

    def heard(self) -> None:
        """A good frame that belongs to this question, though it is not its answer, has come."""
        self._heard += 1

    def damaged(self, broken: Broken, awaited: Mapping[int, int], *kinds: FrameType) -> None:
        """A damaged block has come, perhaps an answer, of one of `kinds`.

        `awaited`: the requests that are to be answered. Its values tell answers apart that are not
        to be compared with each other.

        Raises:
            FirmwareFailure: each try had the same damage, so often that it cannot be the link's.
        """
        frame = broken.frame
        if frame is None:
            self._same.saw(None)
        elif frame.request in awaited and frame.type in kinds:
            self._same.saw(frame, awaited[frame.request])
        if self._same.tries >= CERTAIN:
            raise self._wrong_crc(now() - self.started)

    def failure(self) -> NightjarError:
        """What it means that the deadline has passed.

        HOST, or LINK where the link had cost time: there was no time to ask, or for an answer.
        HOST: it would have been asked more often, had this computer run us. FIRMWARE: every answer
        had the same damage. LINK: what came was damaged, or not the answer. `Silence`: nothing
        came, or nothing more for most of the time from a board that had said who it is.
        `Unanswered`, `Mute`: before any HELLO was, nothing but events or logs came, or nothing at
        all.
        """
        exchange, stats = self._exchange, self._exchange.stats
        if not self.sent:
            return self._no_time(f"before {self._what} could be asked", f"link so far: {stats}")
        seconds = now() - self.started
        if exchange.answers and self.sent == 1 and seconds < _AT_ONCE:
            when = f"as soon as {self._what} had been asked, or a part of it answered"
            return self._no_time(when, self._evidence(seconds))
        if seconds > _SLOWEST * self.sent:
            return HostFailure(
                "this computer did not run us while the board was to be asked",
                evidence=self._evidence(seconds),
                next_step="run it on a less busy machine, or give it a longer deadline",
            )
        if self._same.tries >= ENOUGH:
            return self._wrong_crc(seconds)
        if not exchange.answers and not exchange.loose and self._same.nothing:
            return self._never_answered(seconds)
        if exchange.answers and self._fell_silent():
            return self._silence(Silence, seconds)
        if self._heard or stats.crc_errors > self._crc_errors:
            return LinkFailure(
                "the link lost or damaged more than retries could mend before the deadline",
                evidence=self._evidence(seconds),
                next_step="check cable, speed and supply; there is no flow control: a lower speed may help;"
                " raise the deadline if the link is slow",
            )
        said = _FIRST_STAGE.search(exchange.noise)
        if said is not None and not exchange.answers:
            return BoardFailure(
                f"the first stage has not started the application: {said[1].decode('ascii', 'replace')}",
                evidence=self._evidence(seconds),
                next_step="write the board's NOR again with `nightjar flash`",
            )
        if exchange.loose > self._loose or not exchange.answers:
            return LinkFailure(
                "bytes came from the board, but no frame",
                evidence=self._evidence(seconds),
                next_step="check the speed of the port, and that Nightjar's firmware runs",
            )
        return self._silence(Silence, seconds)

    def _fell_silent(self) -> bool:
        """Whether, after whatever came at first, nothing has come to several attempts, half of the time and more."""
        at = now()
        quiet = self._received == self._exchange.received and self._unheard >= ENOUGH
        return quiet and at - self._quiet_since >= (at - self.started) / 2

    def _no_time(self, when: str, evidence: str) -> NightjarError:
        kind = HostFailure if self._clean else LinkFailure
        return kind(
            f"the time that was given was over {when}",
            evidence=evidence,
            next_step="give it a longer deadline, or run it on a less busy machine",
        )

    def _never_answered(self, seconds: float) -> NightjarError:
        if self._exchange.spoke:
            return self._silence(Unanswered, seconds)
        return Mute(
            "the board is silent",
            evidence=self._evidence(seconds),
            next_step="check power and cable, flash the board, then try again",
        )

    def _silence(self, kind: type[Silence], seconds: float) -> Silence:
        return kind(
            f"no answer to {self._what}",
            evidence=self._evidence(seconds),
            next_step="the line is dead or the firmware hangs: check the cable, or attach gdb",
        )

    def _wrong_crc(self, seconds: float) -> FirmwareFailure:
        return FirmwareFailure(
            f"the firmware's answers to {self._what} are well formed but for their CRC",
            evidence=self._evidence(seconds),
            next_step="the firmware's CRC code or its table is damaged: build and flash it again",
        )

    def _evidence(self, seconds: float) -> str:
        exchange, stats = self._exchange, self._exchange.stats
        evidence = (
            f"{self._what}: {self.sent} attempts in {seconds:.1f} s,"
            f" {stats.frames_in - self._frames} good and"
            f" {stats.crc_errors - self._crc_errors} damaged frames came; link so far: {stats}"
        )
        if self._moved is not None:
            evidence += f"; {self._moved()}"
        if exchange.noise:
            evidence += f"; bytes outside frames: {exchange.noise[-200:]!r}"
        if exchange.logs:
            evidence += f"; last log: {exchange.logs[-1]!r}"
        return evidence
