"""The control messages of firmware/core/link/nightjar.cddl, as dataclasses; decoding checks everything."""

import io
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, TypeVar

import cbor2

PROTOCOL = 4
ALL_STEPS = 0xFFFFFFFF
MAX_DIGESTS = 128  # taps of one DIGESTS response
MAX_STEPS = 64  # steps of one COST response
MAX_CLOCKS = 8
MAX_SPINS = 1 << 26  # rounds of one SPIN

_U32 = 2**32 - 1
_U64 = 2**64 - 1


class Target(IntEnum):
    """What LOAD fills."""

    CHUNK = 0
    INPUT = 1
    STREAM = 2  # the first block of a new stream; the index is its stride
    BLOCK = 3  # its next block; the index is the place of the first sample


class Stages(IntEnum):
    """What RUN runs."""

    FRONTEND = 1
    MODEL = 2
    BOTH = 3


class Mode(IntEnum):
    """How RUN runs: plain (costs of the stages), tapped (digests), or with the cost of each step."""

    PLAIN = 0
    TAPPED = 1
    STEPS = 2


class What(IntEnum):
    """What READ reads."""

    FEATURES = 0
    INPUT = 1
    TAP = 2
    OUTPUT = 3


class Source(IntEnum):
    """What the application listens to."""

    LINK = 0
    MICROPHONE = 1
    CARD = 2  # a recording on it
    NONE = 3


class Listen(IntEnum):
    """What LISTEN asks for."""

    START = 0
    STOP = 1
    COUNT = 2


class ErrorCode(IntEnum):
    """Codes of an error response."""

    BAD_REQUEST = 1
    BAD_ARGUMENT = 2
    NOTHING_LOADED = 3
    LOAD_DAMAGED = 4
    NOT_OBSERVED = 5
    NO_STREAM = 7
    NO_SESSION = 8
    NO_SOURCE = 9
    LISTENING = 10


class ResetCause(IntEnum):
    """Why the firmware started: firmware/core/nj_port.h."""

    POWER_ON = 0
    REQUESTED = 1
    FAULT = 2
    UNKNOWN = 3
    WATCHDOG = 4
    BROWN_OUT = 5
    PIN = 6


class MessageError(Exception):
    """Bytes that do not follow the schema."""


class OtherProtocol(MessageError):
    """A HELLO of a board that speaks another protocol: what follows its number may be anything."""

    def __init__(self, protocol: int) -> None:
        super().__init__(f"protocol {protocol}")
        self.protocol = protocol


@dataclass(frozen=True)
class Hello:
    """What answered. Hashes are bytes; `cost_unit` is "instructions", "cycles" or "none"."""

    protocol: int
    nonce: int
    boot: int
    build_id: bytes
    image: int  # CRC-32 of what is loaded: host/link/image.py
    model: bytes  # SHA-256
    contract: bytes  # SHA-256, of nothing without a contract
    board: str
    compiler: str
    backend: str
    rounding: str  # "CONV_2D=single ..."
    cost_unit: str
    reset_cause: int
    chunk_samples: int  # 0 without a frontend
    feature_bytes: int
    inputs: int
    outputs: int
    taps: int
    steps: int
    uid: bytes  # of the chip, at most 16 bytes; empty where there is none
    clocks: tuple[int, ...]  # Hz, the core's first; empty where nothing says
    overruns: int  # times that received bytes were lost since the start
    caches: int  # bit 0 instructions, bit 1 data

    def as_dict(self) -> dict[str, object]:
        """For JSON: hashes in lower-case hex."""
        raw = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: v.hex() if isinstance(v, bytes) else v for name, v in raw.items()}


@dataclass(frozen=True)
class Loaded:
    """Answer to LOAD: bytes received and their CRC-32."""

    received: int
    crc: int


@dataclass(frozen=True)
class RunResult:
    """Answer to RUN. `differing` runs gave another output digest than the first, which is `output`."""

    runs: int
    differing: int
    output: int


@dataclass(frozen=True)
class DigestsPage:
    """Answer to DIGESTS: CRC-32 of tensors of the last tapped run, taps from `first`."""

    features: int
    input: int
    output: int
    first: int
    taps: tuple[int, ...]


@dataclass(frozen=True)
class CostPage:
    """Answer to COST, in units of HELLO's cost_unit; stack in bytes; steps from `first`."""

    frontend: int
    model: int
    stack: int
    first: int
    steps: tuple[int, ...]


@dataclass(frozen=True)
class ResetDone:
    """Answer to RESET."""


@dataclass(frozen=True)
class Spun:
    """Answer to SPIN: what the loop cost, in HELLO's unit."""

    cost: int


@dataclass(frozen=True)
class Cleared:
    """Answer to CLEAR."""


@dataclass(frozen=True)
class Listened:
    """Answer to LISTEN: what was heard and lost since the start, in samples, and its cost in HELLO's unit."""

    source: int  # now
    queued: int
    fullest: int  # the most samples that have waited
    room: int  # for samples that wait
    taken: int
    missing: int  # of blocks that never came, or lost by the microphone's driver
    refused: int  # came and found no room
    chunks: int
    detections: int
    unsent: int  # detections without an event
    logged: int  # blocks of the card's log
    unlogged: int  # entries that the log lost
    worst_chunk: int  # with the samples that it adds; the first of a stream aside
    worst_unit: int  # between two looks at the source
    all: int

    @property
    def lost(self) -> int:
        """Samples that were not heard."""
        return self.missing + self.refused


@dataclass(frozen=True)
class ErrorResponse:
    """The firmware refused a request."""

    code: int
    detail: str


@dataclass(frozen=True)
class BootEvent:
    """The firmware has started."""

    boot: int
    reset_cause: int


@dataclass(frozen=True)
class FaultEvent:
    """The firmware has faulted; registers of the Cortex-M."""

    cfsr: int
    hfsr: int
    bfar: int
    mmfar: int
    pc: int
    lr: int
    sp: int


@dataclass(frozen=True)
class DetectionEvent:
    """The application has heard something: samples `start` to before `end`; `score` in the unit of its rule's pool."""

    nth: int  # of the events since it listens
    label: int
    start: int
    end: int
    score: int
    chunks: int


Response = (
    Hello
    | Loaded
    | RunResult
    | DigestsPage
    | CostPage
    | ResetDone
    | Spun
    | Listened
    | Cleared
    | ErrorResponse
)
Event = BootEvent | FaultEvent | DetectionEvent


def hello_request(nonce: int) -> bytes:
    return _encode(0, nonce)


def load_request(session: int, target: Target, index: int, total: int, crc: int) -> bytes:
    return _encode(1, session, target, index, total, crc)


def run_request(
    session: int, stages: Stages, times: int, mode: Mode, stop_after: int | None
) -> bytes:
    last = ALL_STEPS if stop_after is None else stop_after
    return _encode(2, session, stages, times, mode, last)


def digests_request(session: int, first: int, count: int) -> bytes:
    return _encode(3, session, first, count)


def read_request(session: int, what: What, index: int, offset: int, length: int) -> bytes:
    return _encode(4, session, what, index, offset, length)


def cost_request(session: int, first: int, count: int) -> bytes:
    return _encode(5, session, first, count)


def reset_request(session: int) -> bytes:
    return _encode(6, session)


def spin_request(session: int, loops: int) -> bytes:
    return _encode(7, session, loops)


def listen_request(session: int, action: Listen, source: Source, index: int) -> bytes:
    return _encode(8, session, action, source, index)


def clear_request(session: int) -> bytes:
    return _encode(9, session)


def _encode(*values: int) -> bytes:
    for value in values:
        if not 0 <= value <= _U32:
            raise ValueError(f"every field must fit 32 unsigned bits. Received: {value}")
    return bytes(cbor2.dumps([int(value) for value in values]))


Check = Callable[[Any], bool]
T = TypeVar("T")


def _uint(largest: int) -> Check:
    return lambda v: type(v) is int and 0 <= v <= largest


def _bytes(least: int, most: int) -> Check:
    return lambda v: type(v) is bytes and least <= len(v) <= most


def _text(most: int) -> Check:
    return lambda v: type(v) is str and len(v.encode()) <= most


def _uints(most: int, largest: int) -> Check:
    one = _uint(largest)
    return lambda v: type(v) is list and len(v) <= most and all(one(item) for item in v)


_u32 = _uint(_U32)
_u64 = _uint(_U64)

# One check a field, in the order of the CDDL.
_RESPONSES: dict[int, tuple[Callable[..., Response], tuple[Check, ...]]] = {
    0: (
        Hello,
        (_u32, _u32, _u32, _bytes(0, 32), _u32, _bytes(32, 32), _bytes(32, 32))
        + (_text(32), _text(64), _text(32), _text(512), _text(16))
        + (_u32,) * 7
        + (_bytes(0, 16), _uints(MAX_CLOCKS, _U32), _u32, _u32),
    ),
    1: (Loaded, (_u32,) * 2),
    2: (RunResult, (_u32,) * 3),
    3: (DigestsPage, (_u32,) * 4 + (_uints(MAX_DIGESTS, _U32),)),
    5: (CostPage, (_uint(_U64), _uint(_U64), _u32, _u32, _uints(MAX_STEPS, _U64))),
    6: (ResetDone, ()),
    7: (Spun, (_uint(_U64),)),
    8: (Listened, (_u32,) * 4 + (_u64,) * 3 + (_u32,) * 5 + (_u64,) * 3),
    9: (Cleared, ()),
    255: (ErrorResponse, (_u32, _text(128))),
}
_EVENTS: dict[int, tuple[Callable[..., Event], tuple[Check, ...]]] = {
    0: (BootEvent, (_u32,) * 2),
    1: (FaultEvent, (_u32,) * 7),
    2: (DetectionEvent, (_u32, _u32, _u64, _u64, _u32, _u32)),
}


def decode_response(payload: bytes) -> Response:
    """The message in a RESPONSE frame.

    Raises:
        OtherProtocol: a HELLO of another protocol.
        MessageError: it does not follow the schema.
    """
    raw, rest = _load(payload)
    # HELLO keeps number and place of its protocol in every version.
    if type(raw) is list and len(raw) > 1 and raw[0] == 0 and _u32(raw[1]) and raw[1] != PROTOCOL:
        raise OtherProtocol(raw[1])
    return _checked(raw, rest, _RESPONSES)


def decode_event(payload: bytes) -> Event:
    """The message in an EVENT frame.

    Raises:
        MessageError: it does not follow the schema.
    """
    return _checked(*_load(payload), _EVENTS)


def _load(payload: bytes) -> tuple[Any, int]:
    """The CBOR that `payload` begins with, and how many bytes lie behind it."""
    stream = io.BytesIO(payload)
    try:
        raw = cbor2.CBORDecoder(stream).decode()
    except (cbor2.CBORDecodeError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise MessageError(f"no CBOR: {type(error).__name__}: {error}") from error
    except RecursionError as error:
        raise MessageError("CBOR nested too deep") from error
    return raw, len(payload) - stream.tell()


def _checked(
    raw: Any, rest: int, known: dict[int, tuple[Callable[..., T], tuple[Check, ...]]]
) -> T:
    if rest:
        raise MessageError(f"{rest} bytes behind the message")
    if type(raw) is not list or not raw or type(raw[0]) is not int or raw[0] not in known:
        raise MessageError(f"no message of the schema. Received: {str(raw)[:80]}")
    kind, checks = known[raw[0]]
    values = raw[1:]
    if len(values) != len(checks):
        raise MessageError(f"{len(checks)} fields expected. Received: {len(values)}")
    for place, (value, check) in enumerate(zip(values, checks, strict=True)):
        if not check(value):
            raise MessageError(f"field {place} is out of the schema. Received: {str(value)[:80]}")
    return kind(*(tuple(value) if type(value) is list else value for value in values))
