"""The STM32N6570-DK's firmware hears its microphone and its card, and logs on it: the port's drivers on the chip."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from host.boards.bench_file import Machine
from host.boards.folder import private_folder
from host.boards.kinds import DK
from host.boards.n6_virtual import N6VirtualBoard, machine_of
from host.boards.virtual_n6.build import find
from host.deadline import Deadline
from host.link.client import Client
from host.link.messages import Source
from host.link.sound_test import RULE, expected, recording
from host.link.testing_firmware import build_firmware, can_build
from host.listen.application import as_bytes, padded
from host.listen.card import Entry, EntryKind
from host.listen.detector import Heard
from host.sdcard.blocks import opened
from host.sdcard.card import Card
from host.sdcard.image import LEAST, make_image

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(not can_build(DK.name), reason="arm-none-eabi-gcc"),
]


def soon() -> Deadline:
    return Deadline.after(60)


@contextmanager
def greeted(folder: Path, fitting: Machine) -> Iterator[Client]:
    """The board's firmware, with what a bench says of its card and its microphone."""
    private = private_folder(folder / "boards", make=True)
    board = N6VirtualBoard.start(private, machine=machine_of(DK.name, fitting))
    try:
        board.flash(build_firmware("tiny", DK.name), soon())
        transport = board.connect(soon())
        client = Client(transport)
        client.hello(soon())
        yield client
        transport.close()
    finally:
        board.close()


def rows(entries: tuple[Entry, ...]) -> list[tuple[int, int, int, int, int]]:
    return [
        (one.label, one.start, one.end, one.score, one.count)
        for one in entries
        if one.kind is EntryKind.DETECTION
    ]


def wanted(samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> list[tuple[int, ...]]:
    return [(one.label, one.start, one.end, one.score, one.chunks) for one in expected(samples)]


def logged(image: Path) -> tuple[Entry, ...]:
    with opened(image) as blocks:
        return Card(blocks).log().entries


def test_a_recording_of_the_card_is_heard_and_logged_on_it(tmp_path: Path) -> None:
    samples = recording(21, 1001)
    image = tmp_path / "card.img"
    make_image(image, LEAST)
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        card.add_log(1 << 16)
        card.add_recording(RULE.rate, samples)
        card.commit()
    with greeted(tmp_path, Machine(card=str(image))) as client:
        client.listen(Source.CARD, soon())
        limit = soon()
        while (counts := client.listened(limit)).source != Source.NONE:
            pass
    want = wanted(padded(samples, RULE))
    assert len(want) > 10
    assert (counts.taken, counts.lost, counts.unlogged) == (padded(samples, RULE).size, 0, 0)
    found = logged(image)
    assert rows(found) == want
    assert (found[0].label, found[0].score) == (Source.CARD, RULE.rate)
    assert found[-1].kind is EntryKind.END


def test_what_the_microphone_hears_is_what_the_file_holds(tmp_path: Path) -> None:
    samples = recording(22, 800)
    with wave.open(str(tmp_path / "heard.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RULE.rate)
        file.writeframes(samples.astype("<i2").tobytes())
    with greeted(tmp_path, Machine(microphone=str(tmp_path / "heard.wav"))) as client:
        sound = client.listen(Source.MICROPHONE, soon())
        limit = soon()
        while client.listened(limit).taken < samples.size:
            pass
        counts = client.stop_listening(soon())
    heard = np.pad(samples, (0, counts.taken - samples.size))
    assert counts.lost == 0
    found = [Heard(e.label, e.start, e.end, e.score, e.chunks) for e in sound.detections]
    assert as_bytes(tuple(found)) == as_bytes(expected(heard)[: len(found)])
    assert found[-1].end > samples.size - 100
