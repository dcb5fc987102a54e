"""A golden: a recorded session that a board must repeat, byte for byte.

It is asked the same questions again, with the same ids and nonces, by the very code of a session; every answer is held
against the recorded one. Another model, contract, ELF or kind of board is refused before anything is compared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from host.compare.prove import prove
from host.compare.session import Session
from host.errors import BadInput, FirmwareFailure, HostFailure, IdentityFailure
from host.files import sha256_bytes
from host.link.messages import (
    CostPage,
    DigestsPage,
    ErrorResponse,
    Hello,
    Loaded,
    Response,
    RunResult,
    What,
)
from host.recording import archive
from host.recording.exchanges import HELLO, RESET, SPIN, Exchange, exchanges
from host.recording.recorder import Recorder
from host.recording.recording import Recording
from host.report.verdict import Verdict, short_name

NEXT = "record one with `nightjar golden record`"
_SAME = (  # of HELLO; what is left is of the one chip, or of the one start
    *(
        "protocol",
        "build_id",
        "image",
        "model",
        "contract",
        "board",
        "compiler",
        "backend",
        "rounding",
    ),
    *("cost_unit", "chunk_samples", "feature_bytes", "inputs", "outputs", "taps", "steps"),
)
_CALLED = {RunResult: "run", CostPage: "cost", Loaded: "load", ErrorResponse: "refusal"}
_TOLD = ("uid", "clocks", "caches")
_APART = (HELLO, RESET, SPIN)  # of the start and of the clock, which is measured by time


@dataclass(frozen=True)
class Held:
    """What came of a replay.

    answers: how many were held against the golden's. costs: those that are listed, and not compared: a line each.
    others: what HELLO says otherwise that does not count: the chip, its clocks. verdict: of the session, which says
    whether the board computes what the host computes.
    """

    answers: int
    costs: tuple[str, ...]
    others: tuple[str, ...]
    verdict: Verdict


def check_golden(recording: Recording) -> None:
    """Refuse what is no golden.

    Raises:
        BadInput: it is of the suite, was damaged on purpose, or came to no end.
    """
    manifest = recording.manifest
    why = [
        "one of the suite" if manifest.suite is not None else "",
        f"one with --faults {manifest.faults}" if manifest.faults else "",
        "one with a quarantine" if manifest.quarantine.entries else "",
        "one that was ended" if manifest.ended is not None else "",
        ""
        if manifest.asked and all(one.answered for one in manifest.asked)
        else "one without its end",
    ]
    wrong = next((one for one in why if one), "")
    if wrong:
        raise BadInput(
            "a golden is a whole session of `nightjar verify` over an undamaged link",
            evidence=f"Received: {wrong}",
            next_step=NEXT,
        )


def check_same(recording: Recording, session: Session) -> None:
    """Refuse to hold another firmware, model, contract or kind of board against a golden.

    Raises:
        IdentityFailure: naming what differs, with both values.
    """
    members, project = recording.members, session.project
    described = members.get(archive.DESCRIPTION, b"")
    pairs = [
        (
            "ELF",
            sha256_bytes(members.get(archive.ELF, b"")),
            sha256_bytes(project.elf.read_bytes()),
        ),
        ("board", recording.manifest.board, session.board),
        ("description", sha256_bytes(described), sha256_bytes(project.description.to_json())),
        *_subjects(recording, session),
    ]
    wrong = [(name, then, now) for name, then, now in pairs if then != now]
    if wrong:
        raise IdentityFailure(
            f"the golden is of another {' and '.join(name for name, _, _ in wrong)}",
            evidence="; ".join(f"{name}: golden {then}, given {now}" for name, then, now in wrong),
            next_step=f"build the bundle with the toolchain of the golden, or {NEXT}",
        )


def _subjects(recording: Recording, session: Session) -> list[tuple[str, str, str]]:
    bundle, files = recording.manifest.bundle, recording.members
    model = files.get(f"{archive.SUBJECT}/model.tflite", b"")
    contract = files.get(f"{archive.SUBJECT}/model.json", b"") if bundle else b""
    return [
        ("model", sha256_bytes(model), session.subject.model_sha256),
        ("contract", sha256_bytes(contract), session.subject.contract_sha256),
    ]


def hold(
    recording: Recording,
    session: Session,
    *,
    say: Callable[[str], None] | None = None,
    now: Callable[[str], None] = lambda what: None,
) -> Held:
    """Have a board repeat a golden.

    Args:
        recording: the golden; see `check_golden`.
        session: with the golden's inputs as given, its seed and its repeats; see `check_same`.
        say, now: as of `prove`.

    Raises:
        IdentityFailure: another firmware answers.
        FirmwareFailure: an answer is another one; the first is named.
        NightjarError: there are no answers, and why.
    """
    check_same(recording, session)
    recorder = Recorder(session, seed=recording.manifest.generator)
    verdict = prove(replace(session, tape=recorder), say=say, now=now)
    then, answered = exchanges(recording), exchanges(recorder.recording())
    others = _compare_hello(then, answered)
    exact = _unit(answered) != "cycles"
    answers, costs = compare(then, answered, _tap_names(session), exact_costs=exact)
    return Held(answers, costs, others, verdict)


def compare(
    then: Sequence[Exchange], now: Sequence[Exchange], taps: Mapping[int, str], *, exact_costs: bool
) -> tuple[int, tuple[str, ...]]:
    """How many answers were held against the golden's, and the costs that are others, a line each.

    Args:
        then, now: of the golden and of the board.
        taps: the name of each slot of the tap table.
        exact_costs: whether costs must be the same; else they are only listed.

    Raises:
        FirmwareFailure: an answer is another one; the first is named.
        HostFailure: the session asked otherwise without such an answer.
    """
    pairs, costs = _paired(_asked(then), _asked(now)), []
    for one, other in pairs:
        for name, want, got in _differences(one, other, taps):
            if isinstance(one.response, CostPage) and not exact_costs and "stack" not in name:
                costs.append(f"{one.question}: {name} {want} -> {got}")
                continue
            raise FirmwareFailure(
                f"the board does not repeat the golden: {one.question}, {name}",
                evidence=f"golden {want}, now {got}",
                next_step="look for state that outlives a run, memory that nobody sets, or a clock that decides:"
                " `nightjar verify` says whether the board computes what the host computes",
            )
    return len(pairs), tuple(costs)


def _tap_names(session: Session) -> dict[int, str]:
    part, pairs = session.structure.part, zip(session.taps, session.structure.layers, strict=True)
    return {
        tap.slot: f"{part} {layer.index} ({short_name(layer.name)})"
        for tap, layer in pairs
        if tap.slot is not None
    }


def _unit(answered: Sequence[Exchange]) -> str:
    return next((one.response.cost_unit for one in answered if isinstance(one.response, Hello)), "")


def _asked(found: Sequence[Exchange]) -> list[Exchange]:
    return [one for one in found if one.kind not in _APART]


def _compare_hello(then: Sequence[Exchange], now: Sequence[Exchange]) -> tuple[str, ...]:
    """What HELLO says otherwise that does not count.

    Raises:
        IdentityFailure: something that counts.
    """
    hellos = [
        next((e.response for e in one if isinstance(e.response, Hello)), None)
        for one in (then, now)
    ]
    first, second = hellos
    if first is None or second is None:
        raise BadInput("a golden holds who answered", evidence="Received: none", next_step=NEXT)
    pairs = [(name, getattr(first, name), getattr(second, name)) for name in (*_SAME, *_TOLD)]
    wrong = [
        f"{name}: golden {_shown(a)}, now {_shown(b)}"
        for name, a, b in pairs
        if a != b and name in _SAME
    ]
    if wrong:
        raise IdentityFailure(
            "another firmware answers than that of the golden", evidence="; ".join(wrong)
        )
    return tuple(f"{name}: golden {_shown(a)}, now {_shown(b)}" for name, a, b in pairs if a != b)


def _paired(then: Sequence[Exchange], now: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """The same requests; up to where a session asks otherwise, which an answer before it must explain.

    Raises:
        HostFailure: the answers are the same up to there.
    """
    pairs: list[tuple[Exchange, Exchange]] = []
    for one, other in zip(then, now, strict=False):
        if one.words != other.words:
            break
        pairs.append((one, other))
    if len(pairs) == max(len(then), len(now)) or any(_apart(*pair) for pair in pairs):
        return pairs
    at = then[len(pairs)].question if len(pairs) < len(then) else "its end"
    raise HostFailure(
        "the session does not ask what the golden asked, though every answer was the same",
        evidence=f"from {at} on; {len(then)} requests then, {len(now)} now",
        next_step=f"another version of nightjar made it: {NEXT}",
    )


def _apart(one: Exchange, other: Exchange) -> bool:
    return (one.response, one.data) != (other.response, other.data)


def _differences(
    one: Exchange, other: Exchange, taps: Mapping[int, str]
) -> Iterator[tuple[str, str, str]]:
    """(what, the golden's, the board's) of each answer that is another one, in the order of the way of the data."""
    first, second = one.response, other.response
    if isinstance(first, DigestsPage) and isinstance(second, DigestsPage):
        yield from _digests(first, second, taps)
    elif first is not None and type(first) is type(second):
        yield from _fields(first, second)
    elif first != second:
        yield "the answer", type(first).__name__, type(second).__name__
    for offset in sorted(one.data.keys() | other.data.keys()):
        want, got = one.data.get(offset, b""), other.data.get(offset, b"")
        if want != got:
            size = min(len(want), len(got))
            at = next((i for i in range(size) if want[i] != got[i]), size)
            what = f"{What(one.words[1]).name.lower()} {one.words[2]}"
            pair = (want[at : at + 1].hex() or "nothing", got[at : at + 1].hex() or "nothing")
            yield f"byte {offset + at} of {what}", *pair


def _digests(
    first: DigestsPage, second: DigestsPage, taps: Mapping[int, str]
) -> Iterator[tuple[str, str, str]]:
    pairs = [(name, getattr(first, name), getattr(second, name)) for name in ("features", "input")]
    for number, (want, got) in enumerate(zip(first.taps, second.taps, strict=False), first.first):
        pairs.append((taps.get(number, f"slot {number}"), want, got))
    pairs.append(("output", first.output, second.output))
    for name, want, got in pairs:
        if want != got:
            yield f"digest of {name}", f"{want:08x}", f"{got:08x}"
    if len(first.taps) != len(second.taps):
        yield "digests", str(len(first.taps)), str(len(second.taps))


def _fields(first: Response, second: Response) -> Iterator[tuple[str, str, str]]:
    for one in fields(first):
        want, got = getattr(first, one.name), getattr(second, one.name)
        if want == got:
            continue
        if isinstance(want, tuple) and len(want) == len(got):
            pairs = enumerate(zip(want, got, strict=True))
            yield from ((f"{one.name} {i}", str(a), str(b)) for i, (a, b) in pairs if a != b)
        else:
            yield f"{_CALLED.get(type(first), 'answer')}, {one.name}", _shown(want), _shown(got)


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
