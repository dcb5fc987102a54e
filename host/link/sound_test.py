"""Sound over the link to firmware that listens: its detections are the host's, or a failure says what was lost."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from host.boards import open_board
from host.boards.base import Board
from host.deadline import Deadline, now
from host.errors import BadInput, HostFailure, LinkFailure
from host.link.client import Client
from host.link.exchange import Refused
from host.link.faults import FaultyTransport, FrameFaults
from host.link.messages import ErrorCode, Source, Stages
from host.link.sound import Sound
from host.link.testing_firmware import build_firmware, can_build, tiny_output
from host.listen import application
from host.listen.application import as_bytes, inject, listen, listen_to_microphone, padded
from host.listen.detector import Heard, detections
from host.listen.listening import margin
from host.listen.rule import LabelRule, Rule

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
Samples = npt.NDArray[np.int16]
CHUNK = 32
# What firmware/tests/tiny/nj_model.c says.
RULE = Rule(
    pool="average",
    chunks=2,
    chunk_samples=CHUNK,
    stride=16,
    rate=8000,
    least=1,
    most=5,
    softmax=False,
    table=tuple(257 * i for i in range(256)),
    power=(),
    labels=(
        LabelRule(40000, 30000, 30000),
        LabelRule(45000, 45000, 20000),
        LabelRule(50000, 20000, 20000),
        LabelRule(65535, 1, 1),
    ),
)


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


def recording(seed: int, count: int) -> Samples:
    # Multiples of 4, so that no sum looks to the tiny model like the command to misbehave, 0x5A.
    return (4 * np.random.default_rng(seed).integers(-2048, 2048, count)).astype(np.int16)


def expected(samples: Samples, at: int = 0) -> tuple[Heard, ...]:
    """What the host hears in whole chunks of a sound that begins at sample `at`."""
    rows = []
    for start in range(0, samples.size - CHUNK + 1, RULE.stride):
        sums = samples[start : start + CHUNK].reshape(8, 4).sum(axis=1)
        given = 2 * bytes(int(value) & 0xFF for value in sums)
        rows.append(list(tiny_output(given, bytes(5))[:4]))
    steps = np.array(rows, np.uint8).astype(np.int8).reshape(-1, 4)
    found = detections(RULE, steps)
    return tuple(replace(one, start=one.start + at, end=one.end + at) for one in found)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with open_board("native", root=tmp_path_factory.mktemp("tiny")) as board:
        board.flash(build_firmware("tiny", "native"), soon())
        yield board


@pytest.fixture
def client(board: Board) -> Iterator[Client]:
    transport = board.connect(soon())
    made = Client(transport)
    made.hello(soon())
    yield made
    transport.close()


def stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time in which nobody is late, however busy this computer is: a block is due once the one before is heard."""
    time = 0.0

    def wait(sound: Sound, due: float) -> None:
        nonlocal time
        assert sound.hear(soon())
        time = due

    monkeypatch.setattr(application, "now", lambda: time)
    monkeypatch.setattr(application, "_wait", wait)


@pytest.mark.parametrize(("seed", "block", "count"), [(1, 480, 20_000), (2, 1, 500), (3, 77, 3001)])
def test_a_recording_is_heard_as_the_host_hears_it(
    client: Client, seed: int, block: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clock(monkeypatch)
    samples = recording(seed, count)
    want = expected(padded(samples, RULE))
    assert len(want) > 10
    for real_time in (False, True) if count < 4000 else (False,):
        heard = listen(
            client,
            Path("r.wav"),
            samples,
            want,
            RULE,
            block=block,
            real_time=real_time,
            timed=False,
        )
        assert heard.same
        assert as_bytes(heard.board) == as_bytes(want)
        assert heard.counts.lost == 0
        assert heard.counts.taken == padded(samples, RULE).size
        assert margin(RULE, heard.counts, 10**9) is None  # nothing is counted on native
        assert margin(RULE, replace(heard.counts, worst_chunk=5), 400) is None  # no time at all


def test_a_block_waits_for_its_time(client: Client) -> None:
    sound = client.listen(Source.LINK, soon())
    for samples in (CHUNK, 0):  # heard, and with nothing to hear
        if samples:
            sound.send(recording(1, samples), soon())
        due = now() + 0.05
        application._wait(sound, due)
        assert now() >= due


def test_a_host_that_is_late_does_not_flood_the_board(client: Client) -> None:
    samples = padded(recording(9, 6000), RULE)
    sound, counts, late = inject(client, samples, block=77, rate=10**8)
    assert late > 0
    assert (counts.taken, counts.lost) == (samples.size, 0)
    assert len(sound.detections) == len(expected(samples))


def test_what_was_sent_late_is_not_real_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "LATEST", 1e-6)
    samples, slow = recording(9, 300), replace(RULE, rate=1000)
    with pytest.raises(HostFailure, match="did not send the sound in real time"):
        listen(client, Path("r"), samples, (), slow, block=77, real_time=True, timed=False)


def test_a_gap_is_counted_and_nothing_is_joined_over_it(client: Client) -> None:
    before, behind = recording(4, 5000), recording(5, 4000)
    sound = client.listen(Source.LINK, soon())
    for samples in (before, behind):
        for start in range(0, samples.size, 500):
            sound.send(samples[start : start + 500], soon())
            assert sound.hear(soon())
        if samples is before:
            sound.skip(777)
    counts = client.stop_listening(soon())
    want = (*expected(before), *expected(behind, before.size + 777))
    heard = [Heard(d.label, d.start, d.end, d.score, d.chunks) for d in sound.detections]
    assert heard == list(want)
    assert (counts.taken, counts.missing, counts.refused) == (9000, 777, 0)


def test_a_lost_block_is_a_failure_of_the_link(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, blocks = recording(6, 4000), itertools.count()
    sound = type(client.listen(Source.LINK, soon()))
    send = sound.send

    def lossy(self: object, piece: Samples, deadline: Deadline) -> None:
        if next(blocks) == 3:
            self.skip(piece.size)  # type: ignore[attr-defined]
        else:
            send(self, piece, deadline)  # type: ignore[arg-type]

    monkeypatch.setattr(sound, "send", lossy)
    with pytest.raises(LinkFailure, match="blocks of sound were lost") as failure:
        listen(client, Path("r.wav"), samples, (), RULE, block=100, real_time=False, timed=False)
    assert "100 did not" in failure.value.evidence


def test_two_lost_blocks_are_no_failure_of_the_firmware(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What comes behind a second gap, while the first one waits, is refused.
    samples = recording(6, 1600)
    sound, counts, late = inject(client, samples, block=100, rate=None)
    counts = replace(counts, taken=1200, missing=200, refused=200)
    monkeypatch.setattr(application, "inject", lambda *_, **__: (sound, counts, late))
    with pytest.raises(LinkFailure, match="blocks of sound were lost"):
        listen(client, Path("r"), samples, (), RULE, block=100, real_time=False, timed=True)


@pytest.mark.parametrize("rate", [0.001, 0.02])
def test_a_damaged_link_costs_blocks_and_never_the_truth(board: Board, rate: float) -> None:
    samples = recording(8, 1600)
    want = expected(padded(samples, RULE))
    right = failed = faults = 0
    for seed in range(12):
        wire = board.connect(soon())
        transport: FaultyTransport | FrameFaults
        if seed % 2:
            transport = FaultyTransport(wire, seed=seed, rate=rate / 20)
        else:
            transport = FrameFaults(wire, seed=seed, rate=rate, late=seed % 4 == 0)
        client = Client(transport)
        try:
            client.hello(soon())
            heard = listen(
                client, Path("r"), samples, want, RULE, block=100, real_time=False, timed=False
            )
        except LinkFailure:
            failed += 1
        else:
            right += 1
            assert heard.same
        faults += transport.faults
        transport.close()
    assert faults > 0
    assert right > 0
    assert rate < 0.01 or failed > 0


def test_listening_and_proving_do_not_meet(client: Client) -> None:
    samples = recording(7, CHUNK)
    client.load_chunk(samples, soon())
    want = client.run(Stages.BOTH, deadline=soon()).output
    client.listen(Source.LINK, soon())
    for ask in (
        lambda: client.load_chunk(samples, soon()),
        lambda: client.run(Stages.BOTH, deadline=soon()),
        lambda: client.cost(soon()),
    ):
        with pytest.raises(Refused) as failure:
            ask()
        assert failure.value.response.code == ErrorCode.LISTENING
    assert client.listened(soon()).source == Source.LINK
    client.hello(soon())
    assert client.listened(soon()).source == Source.NONE
    client.load_chunk(samples, soon())
    assert client.run(Stages.BOTH, deadline=soon()).output == want


def test_a_source_that_is_not_there_is_refused(client: Client) -> None:
    for source in (Source.MICROPHONE, Source.CARD):
        with pytest.raises(Refused, match="no source"):
            client.listen(source, soon())
    with pytest.raises(Refused, match="bad argument"):
        client.listen(Source.NONE, soon())
    with pytest.raises(BadInput, match="does not have a microphone"):
        listen_to_microphone(client, 1, RULE, timed=False)
    assert client.listened(soon()).source == Source.NONE
