"""A golden: a board repeats its session, byte for byte, or the first other answer is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil_tests.tester.recorded import Done, nightjar
from host.compare.flip import copy_project
from host.elf_record import write_record
from host.exit_codes import Exit
from host.link.frames import Frame, decode_block, encode
from host.recording import archive
from host.recording.recording import Recording
from host.recording.records import Kind, Stream
from model_gen.codegen.testing.net import make_net

DIGESTS, COST = 3, 5  # responses


def replay(golden: Path, tier: str, cwd: Path, *words: object) -> Done:
    runs = () if "--model" in words else ("--run-elf",)
    return nightjar("golden replay", golden, "--board", tier, *words, *runs, cwd=cwd)


@pytest.fixture
def golden(made: Any, model_path: Path, tier: str, tmp_path: Path) -> Path:
    file = tmp_path / "golden.njs"
    project = made(model_path, tier)[1]
    (port,) = project.description.inputs
    given = tmp_path / "given.npy"
    np.save(given, np.full((1, *port.shape), 77, port.dtype))
    words = ("--board", tier, "--project", project.path, "--vectors", 1, "--seed", 5)
    done = nightjar("golden record", model_path, file, *words, "--inputs", given, cwd=tmp_path)
    assert (done.code, done.verdict["exact"]) == (Exit.OK, True)
    return file


def spoiled(golden: Path, kind: int, change: Callable[[Frame], bytes]) -> Path:
    """The golden with the payload of the first response of `kind` changed."""
    recording, stream, left = Recording.read(golden), Stream(), [kind]
    for record in recording.records():
        data = record.data
        frame = decode_block(data.strip(b"\0")) if record.kind == Kind.CAME else None
        if left and frame is not None and frame.type == 2 and frame.payload[1] == left[0]:
            left.pop()
            data = encode(replace(frame, payload=change(frame)))
        stream.put(record.kind, record.at, record.line, data)
    assert not left
    members = recording.members | {archive.FRAMES: bytes(stream)}
    file = golden.with_name("spoiled.njs")
    file.write_bytes(Recording(recording.manifest, members).to_bytes())
    return file


def last_byte(frame: Frame) -> bytes:
    return frame.payload[:-1] + bytes([frame.payload[-1] ^ 1])


def test_a_board_repeats_its_golden(
    golden: Path, made: Any, model_path: Path, tier: str, tmp_path: Path
) -> None:
    done = replay(golden, tier, tmp_path)
    assert done.code == Exit.OK, done.text
    assert done.verdict["repeated"]
    assert done.verdict["exact"]
    assert done.verdict["costs"] == []
    assert done.verdict["answers"] > 10
    of_project = ("--model", model_path, "--project", made(model_path, tier)[1].path)
    assert replay(golden, tier, tmp_path, *of_project).code == Exit.OK


def test_the_first_answer_that_is_another_one_is_named(
    golden: Path, tier: str, tmp_path: Path
) -> None:
    done = replay(spoiled(golden, DIGESTS, last_byte), tier, tmp_path)
    assert done.code == Exit.FIRMWARE
    assert "vec00, digest of layer" in done.error["what"]
    assert done.verdict == {}
    if tier == "virtual":
        done = replay(spoiled(golden, COST, last_byte), tier, tmp_path)
        assert (done.code, "vec00" in done.error["what"]) == (Exit.FIRMWARE, True)


def test_a_program_of_this_computer_runs_for_who_asks_for_it(
    golden: Path, tier: str, tmp_path: Path
) -> None:
    done = nightjar("golden replay", golden, "--board", tier, cwd=tmp_path)
    assert done.code == (Exit.INPUT if tier == "native" else Exit.OK)
    if tier == "native":
        assert "--run-elf where you trust the file" in done.error["next_step"]


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """A model that no firmware here is made of."""
    path = tmp_path / "another.tflite"
    path.write_bytes(make_net(9).tflite())
    return path


def test_another_firmware_model_or_board_is_refused(
    golden: Path, made: Any, model_path: Path, another: Path, tier: str, tmp_path: Path
) -> None:
    other = {"native": "virtual", "virtual": "native"}[tier]
    project = made(model_path, tier)[1].path
    done = replay(golden, other, tmp_path)
    assert (done.code, "board" in done.error["what"]) == (Exit.IDENTITY, True)
    done = replay(golden, tier, tmp_path, "--model", another, "--project", project)
    assert (done.code, "model" in done.error["what"]) == (Exit.IDENTITY, True)
    copied = copy_project(made(model_path, tier)[1], tmp_path / "copied")
    with copied.elf.open("ab") as stream:
        stream.write(b"\0")
    write_record(copied.elf)
    done = replay(golden, tier, tmp_path, "--model", model_path, "--project", copied.path)
    assert (done.code, "ELF" in done.error["what"]) == (Exit.IDENTITY, True)


def test_a_session_without_a_verdict_leaves_no_golden(
    made: Any, model_path: Path, another: Path, tmp_path: Path
) -> None:
    file = tmp_path / "golden.njs"
    words = ("--board", "native", "--project", made(model_path, "native")[1].path)
    assert nightjar("golden record", another, file, *words, cwd=tmp_path).code == Exit.IDENTITY
    assert not file.exists()
