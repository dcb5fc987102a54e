"""Firmware that nobody greets listens by itself; what it hears is logged on a card, and survives cuts of the power."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FirmwareFailure, HostFailure
from host.link.client import Client
from host.link.exchange import Refused
from host.link.messages import ErrorCode, Listened, Source
from host.link.sound import Sound
from host.link.sound_test import RULE, expected, recording
from host.link.testing_firmware import build_firmware, can_build
from host.link.unix_stream import connect_unix
from host.listen.application import Listening, listen_to_card, listen_to_microphone, padded
from host.listen.card import (
    BLOCK,
    CardFile,
    Entry,
    EntryKind,
    FileKind,
    Log,
    index_block,
    log_head,
    read_log,
    recording_head,
)
from host.listen.listening import show

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
VOLUME, LOG, RECORDING = 8, 16, 64  # blocks of the card
LOG_BLOCKS = 40


def card(
    path: Path,
    samples: "np.ndarray[tuple[int], np.dtype[np.int16]]",
    log_blocks: int = LOG_BLOCKS,
) -> Path:
    """A card with a log and a recording."""
    boot = bytes(range(256)) * 2
    sound = samples.astype("<i2").tobytes()
    blocks = 1 + -(-len(sound) // BLOCK)
    files = [
        CardFile(FileKind.LOG, LOG, log_blocks),
        CardFile(FileKind.RECORDING, RECORDING, blocks),
    ]
    content = bytearray(BLOCK * (RECORDING + blocks))
    for place, data in (
        (1, index_block(files, volume=VOLUME, boot_sector=boot)),
        (VOLUME, boot),
        (LOG, log_head(99, log_blocks)),
        (RECORDING, recording_head(RULE.rate, samples.size) + sound),
    ):
        content[BLOCK * place : BLOCK * place + len(data)] = data
    path.write_bytes(content)
    return path


def whole_log_of(image: Path) -> Log:
    return read_log(image.read_bytes()[BLOCK * LOG : BLOCK * (LOG + LOG_BLOCKS)])


def log_of(image: Path) -> tuple[Entry, ...]:
    return whole_log_of(image).entries


@contextmanager
def running(folder: Path, *sources: str | Path, alone: bool = False) -> Iterator[Path]:
    """The socket of firmware with these sources; unless `alone`, it waits for us, however busy this computer is."""
    socket = folder / "link.sock"
    socket.unlink(missing_ok=True)
    elf = build_firmware("tiny", "native")
    words = ["--socket", socket, "--die-with-parent", *sources, *([] if alone else ["--greeted"])]
    process = subprocess.Popen([elf, *words])
    try:
        yield socket
    finally:
        process.kill()
        process.wait()


def soon() -> Deadline:
    return Deadline.after(20)


@contextmanager
def greeted(socket: Path) -> Iterator[Client]:
    deadline = soon()
    while not socket.exists():
        assert not deadline.expired
        time.sleep(0.01)
    transport = connect_unix(str(socket), deadline)
    client = Client(transport)
    client.hello(deadline)
    yield client
    transport.close()


def heard(client: Client, index: int = 0) -> Listened:
    """A recording of the card, to its end."""
    client.listen(Source.CARD, soon(), index=index)
    deadline = soon()
    while (counts := client.listened(deadline)).source != Source.NONE:
        time.sleep(0.01)
    return counts


def judged(client: Client, sound: Sound, samples: int) -> int:
    """The detections of a sound, once each chunk that it has is judged, and each has its event."""
    deadline = soon()
    chunks = 1 + (samples - RULE.chunk_samples) // RULE.stride
    while (counts := client.listened(deadline)).chunks < chunks or (
        len(sound.detections) < counts.detections
    ):
        assert not deadline.expired
    return counts.detections


def test_a_recording_on_the_card_is_heard_as_one_over_the_link(tmp_path: Path) -> None:
    samples = recording(11, 3001)
    want = expected(padded(samples, RULE))
    image = card(tmp_path / "card", samples)
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        listening = listen_to_card(client, 0, Path("r.wav"), samples, want, RULE)
        with pytest.raises(BadInput, match="another one"):
            listen_to_card(client, 0, Path("r.wav"), samples[:-100], want, RULE)
        with pytest.raises(Refused) as failure:
            client.listen(Source.CARD, soon(), index=1)
        assert failure.value.response.code == ErrorCode.NO_SOURCE
    counts = listening.counts
    assert listening.same
    assert listening.board == want
    assert (counts.taken, counts.lost) == (padded(samples, RULE).size, 0)
    assert (counts.detections, counts.unsent, counts.unlogged) == (len(want), 0, 0)
    first, *found, last = log_of(image)[: 2 + len(want)]
    assert (first.kind, first.label, first.score) == (EntryKind.START, Source.CARD, RULE.rate)
    rows = [(one.label, one.start, one.end, one.score, one.chunks) for one in want]
    assert [(e.label, e.start, e.end, e.score, e.count) for e in found] == rows
    assert {entry.kind for entry in found} == {EntryKind.DETECTION}
    assert last == Entry(EntryKind.END, Source.CARD, counts.taken, 0, len(want), 0)


def test_unasked_it_listens_to_its_microphone_and_a_greeting_ends_that(tmp_path: Path) -> None:
    sound = tmp_path / "sound"
    # The silence behind ends what goes on, and its log entry is written 10 s of sound later.
    samples = np.concatenate([recording(12, 2000), np.zeros(11 * RULE.rate, np.int16)])
    sound.write_bytes(samples.astype("<i2").tobytes())
    image = card(tmp_path / "card", recording(13, 100))
    want = [one for one in expected(samples) if one.end < 2000]
    with running(tmp_path, "--card", image, "--microphone", sound, alone=True) as socket:
        deadline = soon()
        while sum(entry.kind == EntryKind.DETECTION for entry in log_of(image)) < len(want):
            assert not deadline.expired
            time.sleep(0.05)
        with greeted(socket) as client:
            assert client.listened(soon()).source == Source.NONE
            listening = listen_to_microphone(client, 0.2, RULE, timed=False)
            while len(listening.board) <= 10:  # a busy computer gives the board no time
                assert not deadline.expired
                listening = listen_to_microphone(client, 0.2, RULE, timed=False)
    assert listening.host is None
    assert listening.board[: len(want)] == tuple(want)[: len(listening.board)]
    first, *found = log_of(image)
    assert (first.kind, first.label) == (EntryKind.START, Source.MICROPHONE)
    rows = [(one.label, one.start, one.end, one.score, one.chunks) for one in want]
    assert [(e.label, e.start, e.end, e.score, e.count) for e in found][: len(rows)] == rows


def test_what_a_full_log_does_not_take_is_counted_to_the_last_entry(tmp_path: Path) -> None:
    image = card(tmp_path / "card", recording(14, 3000), log_blocks=3)
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        counts = heard(client)
    assert counts.logged == 2
    assert counts.unlogged > 20
    assert whole_log_of(image).full
    said: list[str] = []
    listening = Listening("r.wav", 1.0, None, (), counts, 1, 0.0)
    show(listening, RULE, ("label",) * 8, 1_000_000, "cycles", said.append)
    assert any(f"log: {counts.unlogged} entries lost" in line for line in said)
    unhurt = replace(listening, counts=replace(counts, unlogged=0))
    quiet: list[str] = []
    show(unhurt, RULE, ("label",) * 8, 1_000_000, "cycles", quiet.append)
    assert not any("log:" in line for line in quiet)
    assert len(log_of(image)) + counts.unlogged == counts.detections + 2  # START and END


def test_a_reset_writes_what_waits_for_the_log(tmp_path: Path) -> None:
    samples = recording(15, 480)
    image = card(tmp_path / "card", samples)
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        sound = client.listen(Source.LINK, soon())
        sound.send(samples, soon())
        detections = judged(client, sound, samples.size)
        assert detections > 0
        client.reset(soon())
    first, *found, last = log_of(image)
    assert first.kind == EntryKind.START
    assert {one.kind for one in found} == {EntryKind.DETECTION}
    assert len(found) > detections
    assert last == Entry(EntryKind.END, Source.LINK, 480, 0, len(found), len(found) - detections)


def test_a_greeting_costs_no_detection_without_a_count(tmp_path: Path) -> None:
    """What goes on has no event any more; it is counted, and its log is whole."""
    samples = recording(15, 480)
    image = card(tmp_path / "card", samples)
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        sound = client.listen(Source.LINK, soon())
        sound.send(samples, soon())
        events = judged(client, sound, samples.size)
        client.hello(soon())
        counts = client.listened(soon())
    assert counts.source == Source.NONE
    assert counts.unsent > 0
    assert counts.detections == events + counts.unsent
    assert not whole_log_of(image).full
    *_, last = log_of(image)
    assert last == Entry(EntryKind.END, Source.LINK, 480, 0, counts.detections, counts.unsent)
    logged = [entry for entry in log_of(image) if entry.kind == EntryKind.DETECTION]
    assert len(logged) == counts.detections


def test_a_log_that_the_power_cuts_says_what_sound_was_lost(tmp_path: Path) -> None:
    """The first loss at once, and those that follow after 10 s of sound: they do not fill the log."""
    image = card(tmp_path / "card", recording(15, 480))
    whole = 22 * RULE.rate  # an entry waits 10 s for others
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        sound = client.listen(Source.LINK, soon())
        for place in range(0, whole, 480):
            sound.send(np.full(480, 40, np.int16), soon())  # nothing is detected
            assert sound.hear(soon())
            sound.skip(100 if place < 4800 else 0)
        client.listened(soon())
    found = [entry for entry in log_of(image) if entry.kind != EntryKind.DETECTION]
    (start, first, *rest) = found
    assert start.kind == EntryKind.START
    assert first == Entry(EntryKind.LOST, Source.LINK, 960, 100, 0, 0)
    (last,) = rest
    assert (last.kind, last.end) == (EntryKind.LOST, 1000)
    assert 960 + 10 * RULE.rate <= last.start <= 960 + 10 * RULE.rate + 480


def test_a_microphone_that_is_dead_or_loses_sound_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = tmp_path / "sound"
    sound.touch()
    with running(tmp_path, "--microphone", sound) as socket, greeted(socket) as client:
        with pytest.raises(BoardFailure, match="gave no sound"):
            listen_to_microphone(client, 0.1, RULE, timed=True)
        stop = client.stop_listening
        monkeypatch.setattr(client, "stop_listening", lambda by: replace(stop(by), missing=5))
        for timed, failure in ((True, FirmwareFailure), (False, HostFailure)):
            with pytest.raises(failure, match="did not keep up"):
                listen_to_microphone(client, 0.1, RULE, timed=timed)


def test_a_log_goes_on_behind_a_block_that_the_power_cut(tmp_path: Path) -> None:
    samples = recording(14, 1500)
    image = card(tmp_path / "card", samples)
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        blocks = heard(client).logged
    before = log_of(image)
    content = bytearray(image.read_bytes())
    last = BLOCK * (LOG + blocks)
    content[last + 100 : last + BLOCK] = bytes(BLOCK - 100)  # only 100 bytes of it were written
    image.write_bytes(content)
    kept = log_of(image)
    assert kept == before[: len(kept)]
    assert 0 < len(before) - len(kept) <= 15
    with running(tmp_path, "--card", image) as socket, greeted(socket) as client:
        heard(client)
    assert log_of(image) == kept + before
