"""The client: what a session asks of a board. Every call ends by its deadline with a right answer or a failure."""

import contextlib
import random
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from host.deadline import Deadline, now
from host.errors import BoardFailure, NightjarError
from host.link.attempts import Attempts
from host.link.download import read
from host.link.exchange import Exchange, Pace, Refused, rebooted, unexpected
from host.link.frames import Broken, Frame, FrameType
from host.link.messages import (
    MAX_DIGESTS,
    MAX_STEPS,
    BootEvent,
    Cleared,
    CostPage,
    DigestsPage,
    ErrorCode,
    ErrorResponse,
    Hello,
    Listen,
    Listened,
    Mode,
    ResetDone,
    Response,
    RunResult,
    Source,
    Spun,
    Stages,
    Target,
    What,
    clear_request,
    cost_request,
    digests_request,
    hello_request,
    listen_request,
    reset_request,
    run_request,
    spin_request,
)
from host.link.pieces import PieceSize
from host.link.sound import Sound
from host.link.stats import LinkStats
from host.link.transport import Transport, TransportClosed
from host.link.upload import load

# Seconds that a run may take before the request is repeated, until one was timed.
_FIRST_RUN = 0.1
_FIRST_SPIN = (
    0.5  # seconds before a SPIN is repeated, besides what it lasts; it cannot be timed then
)

R = TypeVar("R", Hello, RunResult, DigestsPage, CostPage, ResetDone, Spun, Listened, Cleared)


@dataclass(frozen=True)
class Digests:
    """CRC-32 of the tensors of the last tapped run; `taps` in the order of the tap table."""

    features: int  # 0 without a frontend
    input: int
    output: int
    taps: tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """Costs in HELLO's unit. Stages: of the last plain run; steps: of the last run in mode STEPS. Stack: bytes."""

    frontend: int
    model: int
    stack: int
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Spin:
    """A loop that the firmware ran: its cost in HELLO's unit, and the seconds from asking to the answer, on our clock.

    seconds is None where a frame was lost on the way: nobody knows then what was timed.
    """

    cost: int
    seconds: float | None


class Client:
    """One connection to a board.

    `generator` draws request ids and nonces: given, a session can be repeated.

    Every method raises, besides what it names:
        FirmwareFault: the firmware faulted; has the registers.
        FirmwareFailure: it refuses, breaks the protocol, or damages each answer in the same way.
        BoardFailure: it rebooted, is gone, or somebody else has begun a session; `Mute`: it never
            said a byte.
        LinkFailure: the link was too bad for the deadline; `Silence`: nothing comes any more from a
            board that had spoken, be it for the line or for the firmware.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        stats: LinkStats | None = None,
        generator: random.Random | None = None,
    ) -> None:
        self._exchange = Exchange(transport, stats, generator)
        self._piece = PieceSize()
        # A run takes as long as its model, which says nothing about the link: it is timed apart.
        self._run_pace = Pace(_FIRST_RUN)
        self._streamed = 0  # samples of the present stream

    @property
    def stats(self) -> LinkStats:
        """Counters of this connection."""
        return self._exchange.stats

    @property
    def logs(self) -> list[str]:
        """The last LOG lines of the firmware."""
        return list(self._exchange.logs)

    @property
    def noise(self) -> bytes:
        """The last bytes that came outside frames: crash text, a boot ROM's banner."""
        return self._exchange.noise

    def hello(self, deadline: Deadline) -> Hello:
        """Begin a session: ask who answers, with a fresh nonce.

        Answers to earlier questions are thrown away.

        Raises:
            BoardFailure: nothing answers, or what answered before has rebooted meanwhile.
        """
        exchange = self._exchange
        before, exchange.hello = exchange.hello, None
        nonce = exchange.generator.getrandbits(32)
        answer = self._call("HELLO", hello_request(nonce), deadline, Hello)
        if answer.nonce != nonce:
            raise unexpected("HELLO", answer)
        if before is not None and answer.boot != before.boot:
            raise rebooted(before.boot, BootEvent(answer.boot, answer.reset_cause))
        exchange.hello, exchange.answers = answer, True
        return answer

    def load_chunk(self, samples: npt.NDArray[np.int16], deadline: Deadline) -> None:
        """Send a chunk: int16 [samples], little endian on the wire."""
        self._load(Target.CHUNK, 0, _on_the_wire(samples), deadline)

    def load_input(self, index: int, data: bytes, deadline: Deadline) -> None:
        """Send the bytes of model input `index`."""
        self._load(Target.INPUT, index, bytes(data), deadline)

    def start_stream(self, stride: int, samples: npt.NDArray[np.int16], deadline: Deadline) -> None:
        """Begin a stream of chunks, `stride` samples apart, with the first samples: int16 [1 ... chunk]."""
        self._load(Target.STREAM, stride, _on_the_wire(samples), deadline)
        self._streamed = samples.size

    def continue_stream(self, samples: npt.NDArray[np.int16], deadline: Deadline) -> None:
        """Send the samples that follow: int16, as many as the present chunk lacks or fewer. A full one is to be run
        first.

        Raises:
            Refused: no stream was started, it has ended by another load or a failed block, or these are too many.
        """
        self._load(Target.BLOCK, self._streamed % 2**32, _on_the_wire(samples), deadline)
        self._streamed += samples.size

    def run(
        self,
        stages: Stages,
        *,
        times: int = 1,
        mode: Mode = Mode.PLAIN,
        stop_after: int | None = None,
        deadline: Deadline,
    ) -> RunResult:
        """Run the stages `times` times; with `stop_after`, only up to that step."""
        session = self._exchange.greeted.nonce
        payload = run_request(session, Stages(stages), times, Mode(mode), stop_after)
        result = self._call("RUN", payload, deadline, RunResult, self._run_pace)
        if result.runs != times or result.differing >= max(times, 1):
            raise unexpected("RUN", result)
        return result

    def digests(self, deadline: Deadline) -> Digests:
        """CRC-32 of every tensor of the last tapped run."""
        total = self._exchange.greeted.taps
        pages: list[DigestsPage] = []
        taps: list[int] = []
        while not pages or len(taps) < total:
            count = min(self._piece.bytes // 5, MAX_DIGESTS, total - len(taps))
            payload = digests_request(self._exchange.greeted.nonce, len(taps), count)
            page = self._call("DIGESTS", payload, deadline, DigestsPage)
            if page.first != len(taps) or len(page.taps) != count:
                raise unexpected("DIGESTS", page)
            if pages and _heads(page) != _heads(pages[0]):
                raise unexpected("DIGESTS", (pages[0], page))
            pages.append(page)
            taps += page.taps
        return Digests(*_heads(pages[0]), tuple(taps))

    def read(
        self,
        what: What,
        index: int,
        offset: int,
        length: int,
        deadline: Deadline,
        *,
        total: int | None = None,
    ) -> bytes:
        """Bytes of a tensor of the last run; any length.

        Raises:
            WrongSize: the board holds the whole tensor to have another size than `total`, if that is given.
        """
        try:
            # A tensor that was overwritten is computed again before the first piece comes.
            patience = self._run_pace.first()
            return read(
                self._exchange,
                self._piece,
                What(what),
                index,
                offset,
                length,
                deadline,
                patience,
                total,
            )
        except NightjarError as error:
            raise self._explained(error, deadline) from error

    def cost(self, deadline: Deadline) -> Cost:
        """What the last runs cost."""
        total = self._exchange.greeted.steps
        pages: list[CostPage] = []
        steps: list[int] = []
        while not pages or len(steps) < total:
            count = min(self._piece.bytes // 9, MAX_STEPS, total - len(steps))
            payload = cost_request(self._exchange.greeted.nonce, len(steps), count)
            page = self._call("COST", payload, deadline, CostPage)
            if page.first != len(steps) or len(page.steps) != count:
                raise unexpected("COST", page)
            pages.append(page)
            steps += page.steps
        return Cost(pages[-1].frontend, pages[-1].model, pages[-1].stack, tuple(steps))

    def spin(self, loops: int, deadline: Deadline, lasts: float = 0.0) -> Spin:
        """Let the firmware count a loop of `loops` rounds, at most MAX_SPINS, which lasts about so many seconds."""
        retries, began = self.stats.retries, now()
        payload = spin_request(self._exchange.greeted.nonce, loops)
        spun = self._call("SPIN", payload, deadline, Spun, Pace(_FIRST_SPIN + 4 * lasts))
        seconds = now() - began
        return Spin(spun.cost, seconds if self.stats.retries == retries else None)

    def listen(self, source: Source, deadline: Deadline, *, index: int = 0) -> Sound:
        """Let the firmware listen to a source from now on; `index`: of the recording on the card.

        Raises:
            Refused: it has no application mode, no such source, or that does not start.
        """
        self._exchange.detections.clear()
        started = self._listen_call(Listen.START, deadline, source, index)
        return Sound(self._exchange, started.room)

    def listened(self, deadline: Deadline) -> Listened:
        """What it has heard so far."""
        return self._listen_call(Listen.COUNT, deadline)

    def stop_listening(self, deadline: Deadline) -> Listened:
        """Let it hear what has come to its end, and stop; after that no event of it comes."""
        return self._listen_call(Listen.STOP, deadline)

    def _listen_call(
        self, action: Listen, deadline: Deadline, source: Source = Source.LINK, index: int = 0
    ) -> Listened:
        payload = listen_request(self._exchange.greeted.nonce, action, source, index)
        return self._call("LISTEN", payload, deadline, Listened, self._run_pace)

    def clear(self, deadline: Deadline) -> None:
        """Begin a sequence anew: nothing is loaded then, and the model's state is the first."""
        self._call("CLEAR", clear_request(self._exchange.greeted.nonce), deadline, Cleared)

    def reset(self, deadline: Deadline) -> None:
        """Start the firmware again. Say `hello` next; on a transport that the board closes, connect again first."""
        exchange = self._exchange
        before, exchange.hello = exchange.hello, None
        # A board may be quicker to restart, and with it to close its end, than to answer.
        with contextlib.suppress(TransportClosed):
            while not self._reset_once(before, deadline):
                # Nobody has said hello yet; or it has started again, and its answer was lost.
                now_there, exchange.hello = self.hello(deadline), None
                if before is not None and now_there.boot != before.boot:
                    break
                before = now_there
        exchange.restarted()

    def _reset_once(self, before: Hello | None, deadline: Deadline) -> bool:
        """Whether it obeys; False when it knows of no such session and has not faulted."""
        payload = reset_request(0 if before is None else before.nonce)
        try:
            self._call("RESET", payload, deadline, ResetDone)
        except Refused as refused:
            if refused.response.code != ErrorCode.NO_SESSION:
                raise
            return False
        return True

    def _load(self, target: Target, index: int, data: bytes, deadline: Deadline) -> None:
        try:
            load(self._exchange, self._piece, target, index, data, deadline)
        except NightjarError as error:
            raise self._explained(error, deadline) from error

    def _explained(self, error: NightjarError, deadline: Deadline) -> NightjarError:
        """A board that has lost the session, or what was loaded, may have rebooted.

        Its boot event was lost on the way then, and HELLO tells. One that has not rebooted is
        somebody else's meanwhile: BOARD, as when its lock is held.
        """
        lost = (ErrorCode.NO_SESSION, ErrorCode.NOTHING_LOADED, ErrorCode.NO_STREAM)
        if not isinstance(error, Refused) or error.response.code not in lost:
            return error
        if self._exchange.hello is None:
            return error
        try:
            self.hello(deadline)
        except NightjarError as reason:
            return reason
        if error.response.code != ErrorCode.NO_SESSION:
            return error
        return BoardFailure(
            "somebody else has begun a session with the board",
            evidence=f"{error.what}, and it has not rebooted",
            next_step="end what else talks to the board, then run again",
        )

    def _call(
        self,
        what: str,
        payload: bytes,
        deadline: Deadline,
        kind: type[R],
        pace: Pace | None = None,
    ) -> R:
        response = self._ask(what, payload, deadline, pace or self._exchange.pace)
        if isinstance(response, ErrorResponse):
            raise self._explained(Refused(what, response), deadline)
        if not isinstance(response, kind):
            raise unexpected(what, response)
        return response

    def _ask(self, what: str, payload: bytes, deadline: Deadline, pace: Pace) -> Response:
        """Send a request until its response comes."""
        exchange = self._exchange
        request = exchange.next_request()
        asking = Attempts(exchange, what)
        wait = pace.first()
        while not deadline.expired:
            exchange.send(FrameType.REQUEST, request, payload, deadline)
            asking.asked()
            exchange.stats.retries += asking.sent > 1
            item = self._listen(request, asking, deadline.at_most(wait))
            if not isinstance(item, Frame):
                # Damaged bytes are a sign of life: no need to be patient.
                wait = pace.after(wait) if item is None else pace.first()
                continue
            response = exchange.parse(item)
            # A repeated run is answered when the first is done: its time is known all the same.
            if asking.sent == 1 or pace is self._run_pace:
                pace.saw(now() - asking.started)
            else:
                pace.late(wait)
            return response
        raise asking.failure()

    def _listen(self, request: int, asking: Attempts, attempt: Deadline) -> Frame | Broken | None:
        """The response to `request`, the next damaged block, or None when the attempt is over.

        What is there already is taken though its time is over: a host that did not get to run is no lost answer.
        """
        exchange, looked = self._exchange, False
        while not looked or not attempt.expired:
            looked = True
            item = exchange.receive(attempt)
            if isinstance(item, Broken):
                asking.damaged(item, {request: 0}, FrameType.RESPONSE)
                return item
            if item is None or (item.request == request and item.type == FrameType.RESPONSE):
                return item
            exchange.stats.stale += 1
        return None


def _on_the_wire(samples: npt.NDArray[np.int16]) -> bytes:
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"samples are int16 [count]. Received: {samples.dtype} {samples.shape}")
    return samples.astype("<i2").tobytes()


def _heads(page: DigestsPage) -> tuple[int, int, int]:
    return page.features, page.input, page.output
