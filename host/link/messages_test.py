"""Messages against the schema: zcbor's own reading of nightjar.cddl judges every encoding, both ways."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.link import messages as m

CDDL = Path(__file__).parents[2] / "firmware" / "core" / "link" / "nightjar.cddl"
u32 = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The types of the CDDL, by name, as zcbor understands them."""
    from zcbor import DataTranslator

    types: dict[str, Any] = DataTranslator.from_cddl(
        cddl_string=CDDL.read_text(), default_max_qty=128
    ).my_types
    return types


REQUESTS = [
    m.hello_request(0),
    m.hello_request(2**32 - 1),
    m.load_request(2**32 - 1, m.Target.INPUT, 3, 490, 0xDEADBEEF),
    m.run_request(9, m.Stages.BOTH, 1000, m.Mode.TAPPED, None),
    m.run_request(9, m.Stages.MODEL, 1, m.Mode.STEPS, 7),
    m.digests_request(9, 0, 128),
    m.read_request(9, m.What.TAP, 5, 1024, 1024),
    m.cost_request(9, 64, 64),
    m.reset_request(9),
    m.spin_request(9, m.MAX_SPINS),
    m.listen_request(9, m.Listen.START, m.Source.CARD, 2**32 - 1),
]

HASH = bytes(range(32))
HELLO: list[Any] = [
    0,
    m.PROTOCOL,
    2**32 - 1,
    7,
    bytes(20),
    0xC0FFEE,
    HASH,
    HASH,
    "virtual",
    "gcc 12",
    "cm55",
    "",
    "none",
]
HELLO += [0, 60000, 262144, 1, 1, 40, 2**32 - 1]
HELLO += [b"NIGHTJAR-VMA", [600_000_000, 2**32 - 1], 5, 3]
SAID: list[Any] = [*HELLO[1:-3], (600_000_000, 2**32 - 1), 5, 3]
COUNTS: list[Any] = [1, 2, 3, 4, *[2**64 - 1] * 3, 5, 6, 7, 8, 9, 10, 11, 2**40]
RESPONSES: list[tuple[list[Any], object]] = [
    (HELLO, m.Hello(*SAID)),
    ([1, 490, 5], m.Loaded(490, 5)),
    ([2, 20, 0, 2**32 - 1], m.RunResult(20, 0, 2**32 - 1)),
    ([3, 1, 2, 3, 128, [5] * 128], m.DigestsPage(1, 2, 3, 128, (5,) * 128)),
    ([3, 0, 0, 0, 0, []], m.DigestsPage(0, 0, 0, 0, ())),
    ([5, 2**64 - 1, 1, 2, 0, [2**40]], m.CostPage(2**64 - 1, 1, 2, 0, (2**40,))),
    ([6], m.ResetDone()),
    ([7, 2**64 - 1], m.Spun(2**64 - 1)),
    ([8, *COUNTS], m.Listened(*COUNTS)),
    ([255, 3, "nothing loaded"], m.ErrorResponse(3, "nothing loaded")),
]
EVENTS: list[tuple[list[Any], object]] = [
    ([0, 9, 1], m.BootEvent(9, 1)),
    ([1, 2, 3, 4, 5, 6, 7, 8], m.FaultEvent(2, 3, 4, 5, 6, 7, 8)),
    ([2, 0, 5, 2**64 - 2, 2**64 - 1, 7, 8], m.DetectionEvent(0, 5, 2**64 - 2, 2**64 - 1, 7, 8)),
]


@pytest.mark.parametrize("request_bytes", REQUESTS, ids=lambda b: b.hex())
def test_requests_follow_the_schema(schema: dict[str, Any], request_bytes: bytes) -> None:
    schema["request"].validate_str(request_bytes)


def test_the_schema_refuses_what_is_not_in_it(schema: dict[str, Any]) -> None:
    from zcbor import CddlValidationError

    for wrong in ([7], [0], [6], [0, 2**32], [0, 1.5], [0, 1, 2]):
        with pytest.raises(CddlValidationError):
            schema["request"].validate_str(cbor2.dumps(wrong))


@pytest.mark.parametrize(("raw", "message"), RESPONSES, ids=lambda v: type(v).__name__)
def test_responses(schema: dict[str, Any], raw: list[Any], message: object) -> None:
    schema["response"].validate_str(cbor2.dumps(raw))
    assert m.decode_response(cbor2.dumps(raw)) == message


@pytest.mark.parametrize(("raw", "message"), EVENTS, ids=lambda v: type(v).__name__)
def test_events(schema: dict[str, Any], raw: list[Any], message: object) -> None:
    schema["event"].validate_str(cbor2.dumps(raw))
    assert m.decode_event(cbor2.dumps(raw)) == message


@pytest.mark.parametrize("protocol", [0, m.PROTOCOL - 1, m.PROTOCOL + 1, 2**32 - 1])
@pytest.mark.parametrize("rest", [HELLO[2:], HELLO[3:], [], ["anything", 1.5, None], [*HELLO, 0]])
def test_a_hello_of_another_protocol_is_told_by_its_number(protocol: int, rest: list[Any]) -> None:
    """Whatever fields that protocol has."""
    with pytest.raises(m.OtherProtocol) as caught:
        m.decode_response(cbor2.dumps([0, protocol, *rest]) + b"more")
    assert caught.value.protocol == protocol


def _mutations(raw: list[Any]) -> list[list[Any]]:
    """Messages that are out of the schema in one place each."""
    wrong: list[list[Any]] = [[*raw, 0], raw[:-1]]
    for place, value in enumerate(raw):
        if type(value) is int and place:
            swaps: list[Any] = [-1, 2**64, 1.0, "1", None, True, [value]]
        elif type(value) is bytes:
            swaps = [value + bytes(33), value.hex(), 0]
        elif type(value) is str:
            swaps = ["x" * 513, value.encode(), 0]
        elif type(value) is list:
            swaps = [value + [0] * 129, [-1], [2**64], ["1"], 0]
        else:
            continue
        wrong += [[*raw[:place], swap, *raw[place + 1 :]] for swap in swaps]
    return wrong


@pytest.mark.parametrize("raw", [raw for raw, _ in RESPONSES], ids=lambda r: str(r[0]))
def test_responses_out_of_the_schema_are_refused(raw: list[Any]) -> None:
    for wrong in _mutations(raw):
        with pytest.raises(m.MessageError):
            m.decode_response(cbor2.dumps(wrong))


@pytest.mark.parametrize("raw", [raw for raw, _ in EVENTS], ids=lambda r: str(r[0]))
def test_events_out_of_the_schema_are_refused(raw: list[Any]) -> None:
    for wrong in _mutations(raw):
        with pytest.raises(m.MessageError):
            m.decode_event(cbor2.dumps(wrong))


def test_bytes_behind_a_message_are_refused() -> None:
    with pytest.raises(m.MessageError, match="1 bytes behind"):
        m.decode_response(cbor2.dumps([6]) + b"\0")


@settings(max_examples=300)
@given(st.binary(max_size=64))
def test_any_bytes_decode_or_are_refused(payload: bytes) -> None:
    for decode in (m.decode_response, m.decode_event):
        try:
            decode(payload)
        except m.MessageError:
            continue


@given(u32, u32, u32, u32)
def test_requests_hold_their_numbers(a: int, b: int, c: int, d: int) -> None:
    assert cbor2.loads(m.digests_request(c, a, b)) == [3, c, a, b]
    assert cbor2.loads(m.read_request(a, m.What.TAP, b, c, d)) == [4, a, 2, b, c, d]
    assert cbor2.loads(m.run_request(b, m.Stages.MODEL, a, m.Mode.PLAIN, None))[5] == 0xFFFFFFFF


def test_numbers_that_do_not_fit_are_refused() -> None:
    for wrong in (-1, 2**32):
        with pytest.raises(ValueError, match="32 unsigned bits"):
            m.hello_request(wrong)


def test_link_imports_no_tensorflow() -> None:
    program = (
        "import sys, host.link.client, host.link.identity, host.boards.virtual, host.boards.native;"
        "assert not {'tensorflow', 'keras', 'model_gen'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
