"""A recording that is damaged, forged or hostile is bad input, whatever is wrong with it; never another verdict."""

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from hil_tests.tester.recorded import Done, nightjar
from host.files import sha256_bytes
from host.link.frames import Frame, FrameType, decode_block, encode
from host.link.messages import DigestsPage, decode_response
from host.recording import archive
from host.recording.manifest import Asked, Manifest, SuiteRun
from host.recording.recording import Recording
from host.recording.records import Kind, Record, Stream

Replay = Callable[[bytes], Done]


@pytest.fixture(scope="module")
def recorded(made: Any, model_path: Path, tmp_path_factory: Any) -> tuple[bytes, Done]:
    """An exact run of `nightjar verify`, and what it said."""
    folder = tmp_path_factory.mktemp("recorded")
    project = made(model_path, "native")[1]
    words = ["--board", "native", "--project", project.path, "--vectors", 2]
    done = nightjar("verify", model_path, *words, "--record", folder / "session.njs", cwd=folder)
    assert done.code == 0, done.text
    return (folder / "session.njs").read_bytes(), done


@pytest.fixture
def recording(recorded: tuple[bytes, Done], tmp_path: Path) -> Recording:
    file = tmp_path / "good.njs"
    file.write_bytes(recorded[0])
    return Recording.read(file)


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    def put(data: bytes) -> Done:
        folder = tmp_path / "replay"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "session.njs").write_bytes(data)
        words = ["--junit", "j.xml", "--html", "p.html"]
        done = nightjar("replay", "session.njs", *words, cwd=folder)
        left = {path.name for path in folder.iterdir()} - {"session.njs", "verdict.json"}
        assert left == ({"j.xml", "p.html"} if done.verdict else set())
        return done

    return put


def is_refused(done: Done) -> bool:
    """Whether there is no verdict, and a sentence says why."""
    error = done.error
    return done.code == 2 and not done.verdict and all(error[n] for n in ("what", "evidence"))


def test_the_good_one_is_judged(recorded: tuple[bytes, Done], replay: Replay) -> None:
    again = replay(recorded[0])
    assert (again.code, again.verdict) == (0, recorded[1].verdict)


def test_one_that_is_cut_off(recorded: tuple[bytes, Done], replay: Replay) -> None:
    data = recorded[0]
    for size in (0, 1, 22, len(data) // 2, len(data) - 1):
        assert is_refused(replay(data[:size]))


def test_a_byte_that_has_rotted(recorded: tuple[bytes, Done], replay: Replay) -> None:
    """Anywhere in the file: refused, or what a zip says besides (dates), and then the verdict is the same."""
    data, done = recorded
    draw, refused = random.Random(1), 0
    for _ in range(60):
        rotten, place = bytearray(data), draw.randrange(len(data))
        rotten[place] ^= draw.randrange(1, 256)
        again = replay(bytes(rotten))
        refused += is_refused(again)
        assert is_refused(again) or (again.code, again.verdict) == (0, done.verdict), place
    assert refused > 50


def test_a_member_that_is_missing_or_other(recording: Recording, replay: Replay) -> None:
    packed = {archive.MANIFEST: b"", **recording.members}
    with zipfile.ZipFile(io.BytesIO(recording.to_bytes())) as opened:
        packed[archive.MANIFEST] = opened.read(archive.MANIFEST)
    for name in packed:
        rest = {other: data for other, data in packed.items() if other != name}
        assert is_refused(replay(archive.pack(rest))), name
        flipped = bytearray(packed[name] or b"x")
        flipped[len(flipped) // 2] ^= 1
        assert is_refused(replay(archive.pack(rest | {name: bytes(flipped)}))), name
    assert is_refused(replay(archive.pack(packed | {archive.BASELINE: b"{}"})))


def test_a_member_that_is_forged(recording: Recording, replay: Replay) -> None:
    """Another byte, the manifest made to match: what was said then does not fit what is asked now."""
    for name, data in recording.members.items():
        if name == archive.CONSOLE:
            continue  # made anew from the frames
        if name != archive.FRAMES:  # their bytes have tests of their own
            flipped = bytearray(data)
            flipped[len(data) // 2] ^= 1
            members = recording.members | {name: bytes(flipped)}
            assert is_refused(replay(replace(recording, members=members).to_bytes())), name
        rest = {other: one for other, one in recording.members.items() if other != name}
        assert is_refused(replay(replace(recording, members=rest).to_bytes())), name


def test_an_elf_that_is_forged_with_its_record(recording: Recording, replay: Replay) -> None:
    """A weight's bit: the firmware measured itself when it ran."""
    elf = bytearray(recording.members[archive.ELF])
    constants = ELFFile(io.BytesIO(bytes(elf))).get_section_by_name(".rodata")
    elf[constants["sh_offset"] + constants["sh_size"] // 2] ^= 1
    record = f"{sha256_bytes(bytes(elf))}  nightjar.elf\n".encode()
    members = recording.members | {archive.ELF: bytes(elf), archive.ELF_RECORD: record}
    assert is_refused(replay(replace(recording, members=members).to_bytes()))


def with_records(recording: Recording, made: list[Record]) -> bytes:
    stream = Stream()
    for one in made:
        stream.put(one.kind, one.at, one.line, one.data)
    members = recording.members | {archive.FRAMES: bytes(stream)}
    return replace(recording, members=members).to_bytes()


def altered(data: bytes, alter: Callable[[Frame], bytes | None]) -> Iterator[bytes]:
    """What came, with one frame's payload altered and its CRC made anew, for each that `alter` knows to alter."""
    blocks = data.split(b"\0")
    for place, block in enumerate(blocks):
        frame = decode_block(block) if block else None
        payload = None if frame is None else alter(frame)
        if frame is not None and payload is not None:
            block = encode(replace(frame, payload=payload)).strip(b"\0")
            yield b"\0".join([*blocks[:place], block, *blocks[place + 1 :]])


def other_digest(frame: Frame) -> bytes | None:
    """A page of digests with another one: a tensor had another byte."""
    if frame.type != FrameType.RESPONSE:
        return None
    response = decode_response(frame.payload)
    if not isinstance(response, DigestsPage):
        return None
    digest = response.taps[-1].to_bytes(4, "big")
    assert frame.payload.count(digest) >= 1
    return frame.payload.replace(digest, bytes([*digest[:3], digest[3] ^ 1]))


def other_piece(frame: Frame) -> bytes | None:
    """A piece of a tensor with another last byte."""
    if frame.type != FrameType.DATA:
        return None
    return frame.payload[:-1] + bytes([frame.payload[-1] ^ 1])


def otherwise(recording: Recording, alter: Callable[[Frame], bytes | None]) -> Iterator[bytes]:
    """The recording with one frame that came altered, for each that can be."""
    made = list(recording.records())
    for place, record in enumerate(made):
        for data in altered(record.data, alter) if record.kind == Kind.CAME else ():
            forged = replace(record, data=data)
            yield with_records(recording, [*made[:place], forged, *made[place + 1 :]])


@pytest.mark.parametrize("alter", [other_digest, other_piece])
def test_a_tensor_that_came_otherwise(
    recording: Recording, replay: Replay, alter: Callable[[Frame], bytes | None]
) -> None:
    """Undamaged frames of another tensor: the session would have asked for more, which is not there."""
    tried = 0
    for data in otherwise(recording, alter):
        done = replay(data)
        assert done.verdict.get("exact") is not True
        assert done.code != 0
        tried += 1
    assert tried >= 2


def test_a_byte_of_a_frame_that_is_forged(recording: Recording, replay: Replay) -> None:
    """The frame is damaged then: the session would have asked again."""
    made = list(recording.records())
    said = [i for i, record in enumerate(made) if record.kind in (Kind.SENT, Kind.CAME)]
    draw = random.Random(3)
    for place in draw.sample(said, 25):
        data = bytearray(made[place].data)
        data[draw.randrange(1, len(data) - 1)] ^= draw.randrange(1, 256)
        forged = [*made[:place], replace(made[place], data=bytes(data)), *made[place + 1 :]]
        assert is_refused(replay(with_records(recording, forged))), place


def test_records_that_are_left_out_doubled_or_moved(
    recording: Recording, replay: Replay, recorded: tuple[bytes, Done]
) -> None:
    made = list(recording.records())
    said = [i for i, record in enumerate(made) if record.kind in (Kind.SENT, Kind.CAME, Kind.NOTE)]
    for place in random.Random(2).sample(said, 12):
        assert is_refused(replay(with_records(recording, made[:place] + made[place + 1 :])))
    assert is_refused(replay(with_records(recording, made[: said[-1]])))
    assert is_refused(
        replay(with_records(recording, [*made, replace(made[said[-1]], at=made[-1].at)]))
    )


@pytest.mark.parametrize("limit", [None, 1e308, 1e15])
def test_a_limit_that_was_not_reached_changes_nothing(
    recording: Recording, replay: Replay, recorded: tuple[bytes, Done], limit: float | None
) -> None:
    later = replace(recording, manifest=replace(recording.manifest, limit=limit))
    done = replay(later.to_bytes())
    assert is_refused(done) or (done.code, done.verdict) == (0, recorded[1].verdict)


LIES: dict[str, dict[str, Any]] = {
    "board": {"board": "virtual"},
    "no board": {"board": "../native"},
    "more vectors": {"vectors": 3},
    "fewer vectors": {"vectors": 1},
    "given": {"given": 1},
    "vectors of before time": {"vectors": -1},
    "repeats": {"repeats": 2},
    "no repeats": {"repeats": 0},
    "endless repeats": {"repeats": 1 << 40},
    "repeats that no board does": {"repeats": 65535},
    "origin": {"origin": 1 << 70},
    "generator": {"generator": "other"},
    "limit": {"limit": 1.0},
    "bundle": {"bundle": True},
    "nothing asked": {"asked": ()},
    "other asked": {"asked": (Asked("vec01", True), Asked("vec00", True))},
    "ended": {"ended": {"class": "HOST", "what": "x", "evidence": "y", "next_step": "z"}},
    "an error that is none": {"ended": {"class": "HOST"}},
    "suite": {"suite": SuiteRun(5)},
    "endless soak": {"suite": SuiteRun(1 << 31)},
    "exit code": {"exit_code": 19},
    "gate": {"min_coverage": 1.0},
}


@pytest.mark.parametrize("name", LIES)
def test_a_manifest_that_lies(recording: Recording, replay: Replay, name: str) -> None:
    lying = replace(recording, manifest=replace(recording.manifest, **LIES[name]))
    done = replay(lying.to_bytes())
    assert is_refused(done), done.text


def test_a_run_of_the_suite_that_lies(
    made: Any, model_path: Path, tmp_path: Path, replay: Replay
) -> None:
    """As one of verify: no test less, no other soak, no other end, and no tensor that came otherwise."""
    file, project = tmp_path / "session.njs", made(model_path, "native")[1]
    words = ["--board", "native", "--project", project.path, "--vectors", 1, "--soak", 2]
    words += ["--bundle", model_path, "--out", tmp_path / "out", "--record", file]
    assert nightjar("hil", *words, cwd=tmp_path).code == 0
    recording = Recording.read(file)
    manifest, suite = recording.manifest, recording.manifest.suite
    assert suite is not None
    assert replay(file.read_bytes()).code == 0
    late = {"class": "HOST", "what": "x", "evidence": "y", "next_step": "z"}
    lies: list[dict[str, Any]] = [
        {"asked": manifest.asked[:-1]},
        {"asked": manifest.asked[1:]},
        {"asked": ()},
        {"errors": (late,)},
        {"suite": None},
        {"suite": replace(suite, soak=3)},
        {"suite": replace(suite, proof=False)},
        {"suite": replace(suite, late=True)},
    ]
    for lie in lies:
        lying = replace(recording, manifest=replace(manifest, **lie))
        assert is_refused(replay(lying.to_bytes())), lie
    for data in otherwise(recording, other_digest):
        done = replay(data)
        assert done.code != 0
        assert done.verdict.get("exact") is not True
    other = tmp_path / "other.njs"
    other.write_bytes(replace(recording, manifest=replace(manifest, exit_code=19)).to_bytes())
    assert is_refused(nightjar("replay", file, other, cwd=tmp_path))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw: {**raw, "schema": "nightjar/session/2"}, "nightjar/session/2"),
        (lambda raw: {k: v for k, v in raw.items() if k != "schema"}, "None"),
        (lambda raw: {k: v for k, v in raw.items() if k != "board"}, "board is missing"),
        (lambda raw: {**raw, "more": 1}, "more is not known"),
        (lambda raw: {**raw, "vectors": "2"}, "vectors must be a whole number"),
        (lambda raw: [raw], "None"),
        (lambda raw: {**raw, "limit": 1e999}, "Infinity"),
    ],
)
def test_a_manifest_of_another_schema(
    recording: Recording, replay: Replay, change: Callable[[Any], Any], says: str
) -> None:
    whole = Manifest.from_json(_manifest(recording))
    raw = json.loads(_manifest(replace(recording, manifest=whole)))
    text = json.dumps(change(raw)).encode()
    done = replay(archive.pack({archive.MANIFEST: text, **recording.members}))
    assert is_refused(done)
    assert says in done.error["evidence"]


def _manifest(recording: Recording) -> bytes:
    with zipfile.ZipFile(io.BytesIO(recording.to_bytes())) as opened:
        return opened.read(archive.MANIFEST)


class Trap:
    """Whoever unpickles it ends this process."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit(99)",)


def test_vectors_that_are_a_pickle_or_of_another_shape(
    recording: Recording, replay: Replay
) -> None:
    trap = np.empty(2, object)
    trap[:] = Trap()
    for wrong in (trap, np.zeros((2, 3), np.int8), np.zeros((1 << 20, 64), np.int8)):
        stream = io.BytesIO()
        np.savez_compressed(stream, input0=wrong)
        members = recording.members | {archive.VECTORS: stream.getvalue()}
        assert is_refused(replay(replace(recording, members=members).to_bytes()))


def test_what_is_no_recording_at_all(recording: Recording, replay: Replay, tmp_path: Path) -> None:
    for data in (
        b"",
        b"PK\x03\x04",
        archive.pack({}),
        b"PK\x05\x06" + bytes(18),
    ):
        assert is_refused(replay(data))
    for path in (tmp_path, tmp_path / "absent.njs"):
        assert is_refused(nightjar("replay", path, cwd=tmp_path))
