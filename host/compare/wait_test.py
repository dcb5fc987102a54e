"""Waiting for a board takes nothing from the time that is then there to start it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from host.bundle import Subject
from host.compare import contact, session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import BoardFailure
from model_gen.codegen import testing_keras
from model_gen.codegen.project import generate

WAITED = 1.0


def test_what_was_waited_for_a_board_is_not_missing_to_flash_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject(Path("dense.tflite"), testing_keras.quantized("dense"))
    project = generate(subject, "native", tmp_path / "p")
    project.elf.parent.mkdir()
    project.elf.write_bytes(b"elf")
    write_record(project.elf)
    seen: dict[str, float] = {}

    class Board:
        def flash(self, elf: Path, deadline: Deadline) -> None:
            seen["left"] = deadline.remaining
            raise BoardFailure("that was all")

    @contextmanager
    def taken_for_a_while(name: str, *, root: Any, wait: float) -> Iterator[Board]:
        seen["wait"] = wait
        time.sleep(WAITED)
        yield Board()

    monkeypatch.setattr(contact, "open_board", taken_for_a_while)
    asked = session.Session(project, subject, "native", vectors=1, seed=0, wait=90)
    with (
        session.Bench(asked) as bench,
        pytest.raises(BoardFailure, match="that was all"),
    ):
        bench.identity()
    assert seen["wait"] == 90
    assert contact.START - WAITED < seen["left"] <= contact.START
