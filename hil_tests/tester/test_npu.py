"""Firmware around a generated network on the NPU of a virtual STM32N6: judged as every other, and spoiled."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hil_tests.tester.recorded import nightjar
from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import Subject
from host.compare.answers import ask
from host.compare.bench import Bench
from host.compare.flip import copy_project
from host.compare.prove import prove
from host.compare.questions import Kind, Question
from host.compare.session import Session
from host.compare.vectors import random_inputs
from host.deadline import Deadline
from host.elf_record import write_record
from host.exit_codes import Exit
from host.link.transport import Transport
from host.npu.network import Network
from host.project import Project
from host.recording.recording import Recording
from host.report.verdict import Verdict
from model_gen.codegen.neural_art.firmware.generate import generate
from model_gen.codegen.neural_art.firmware.testing_networks import given, network

SEED, FLIP = 3, 0x40

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Subject, Project]:
    folder = tmp_path_factory.mktemp("npu")
    network(folder / "net")
    one = given(folder / "net")
    project = generate(one, "stm32n6570-dk", folder / "firmware")
    build(project, Deadline.after(300))
    model = folder / "net.tflite"
    model.write_bytes(one.subject.model)
    return replace(one.subject, path=model), project


@pytest.fixture(scope="module")
def telling(built: tuple[Subject, Project]) -> tuple[int, int]:
    """A constant that shows on the vector below, and the first epoch that it shows in: by the executor alone."""
    _, project = built
    folder = project.path / "generated"
    with Network.open(folder) as whole:
        (image,) = whole.images
        (inputs,) = random_inputs(project.description.inputs, 1, SEED)
        given = [tensor.reshape(-1) for tensor in inputs]
        want = whole.run(given).tensors
    for at in range(0, len(image.content), 3):
        changed = bytearray(image.content)
        changed[at] ^= FLIP
        with Network.open(folder, [replace(image, content=bytes(changed))]) as other:
            got = other.run(given).tensors
        wrong = [
            a.epoch
            for a, b in zip(got, want, strict=True)
            if a.array.tobytes() != b.array.tobytes()
        ]
        if wrong:
            return at, min(wrong)
    raise AssertionError("no constant shows")


def judged(subject: Subject, project: Project, boards: Path) -> Verdict:
    return prove(Session(project, subject, "n6-virtual", vectors=1, seed=SEED, root=boards))


def test_a_verdict_and_the_replay_of_what_it_recorded(
    built: tuple[Subject, Project], tmp_path: Path, boards: Path
) -> None:
    subject, project = built
    done = nightjar(
        *("verify", subject.path, "--board", "n6-virtual", "--project", project.path),
        *("--vectors", 1, "--record", tmp_path / "session.njs"),
        cwd=tmp_path,
    )
    assert done.code == Exit.OK, done.text
    assert done.verdict["exact"]
    assert "executor of network.c" in done.verdict["reference"]
    # Of a model that the tests only name, no op can be found.
    assert (done.verdict["tflite"], done.verdict["tflite_reason"] != "") == (None, True)
    taps, layers = project.description.taps, done.verdict["layers"]
    assert [layer["index"] for layer in layers] == sorted(tap.index for tap in taps)
    costs = [layer["instructions"] for layer in layers]
    assert 0 < sum(costs) <= done.verdict["cost"]["model"]
    alone = nightjar("replay", tmp_path / "session.njs", cwd=tmp_path)
    assert alone.code == Exit.INPUT
    assert "--run-network" in alone.error["next_step"]
    again = nightjar("replay", tmp_path / "session.njs", "--run-network", cwd=tmp_path)
    assert (again.code, again.verdict) == (Exit.OK, done.verdict)


def test_a_flipped_constant_is_found_in_the_first_epoch_that_reads_it_and_named(
    built: tuple[Subject, Project], telling: tuple[int, int], tmp_path: Path
) -> None:
    (subject, project), (byte, epoch) = built, telling
    spoiled = copy_project(project, tmp_path / "spoiled")
    (image,) = (project.path / "generated").glob("*.raw")
    constants, elf = image.read_bytes(), bytearray(project.elf.read_bytes())
    at = bytes(elf).index(constants)
    elf[at + byte] ^= FLIP
    spoiled.elf.write_bytes(elf)
    write_record(spoiled.elf)
    kept = tmp_path / "difference.njs"
    done = nightjar(
        *("verify", subject.path, "--board", "n6-virtual", "--project", spoiled.path),
        *("--vectors", 1, "--seed", SEED, "--record", kept),
        cwd=tmp_path,
    )
    assert done.code == Exit.FIRMWARE, done.text
    first = done.verdict["first_difference"]
    assert first["layer"] == epoch
    assert f"byte {byte} of {image.name} is {elf[at + byte]:#04x} there" in first["cause"]
    assert f"DIFFERENT: vector 0, epoch {epoch}" in done.text
    # The file that anybody can be sent says the same.
    again = nightjar("replay", kept, "--run-network", cwd=tmp_path)
    assert (again.code, again.verdict) == (Exit.FIRMWARE, done.verdict)


def test_a_network_of_other_constants_than_the_elf_is_no_judge_of_it(
    built: tuple[Subject, Project], telling: tuple[int, int], tmp_path: Path, boards: Path
) -> None:
    """The executor computes with other weights than the firmware: the very same difference, from the other side."""
    (subject, project), (byte, epoch) = built, telling
    other = copy_project(project, tmp_path / "other")
    (image,) = (other.path / "generated").glob("*.raw")
    data = bytearray(image.read_bytes())
    data[byte] ^= FLIP
    image.write_bytes(data)
    verdict = judged(subject, other, boards)
    assert verdict.exit_code == Exit.FIRMWARE
    first = verdict.first_difference
    assert first is not None
    assert first.layer == epoch
    assert f"byte {byte} of {image.name}" in first.cause
    assert f"{data[byte]:#04x} in the project" in first.cause


def silent(project: Project) -> int:
    """The last byte of the constants, which fills up the last block: it shows on no vector, as the executor says."""
    with Network.open(project.path / "generated") as whole:
        (image,) = whole.images
        (inputs,) = random_inputs(project.description.inputs, 1, SEED)
        given = [tensor.reshape(-1) for tensor in inputs]
        want = [one.array.tobytes() for one in whole.run(given).tensors]
    at = len(image.content) - 1
    changed = replace(image, content=image.content[:at] + bytes([image.content[at] ^ FLIP]))
    with Network.open(project.path / "generated", [changed]) as other:
        assert [one.array.tobytes() for one in other.run(given).tensors] == want
    return at


def test_a_constant_that_no_vector_shows_is_told_by_the_suite_too_and_by_its_reports(
    built: tuple[Subject, Project], tmp_path: Path
) -> None:
    subject, project = built
    spoiled = copy_project(project, tmp_path / "spoiled")
    (image,) = (project.path / "generated").glob("*.raw")
    elf, byte = bytearray(project.elf.read_bytes()), silent(project)
    elf[bytes(elf).index(image.read_bytes()) + byte] ^= FLIP
    spoiled.elf.write_bytes(elf)
    write_record(spoiled.elf)
    report = tmp_path / "junit.xml"
    done = nightjar(
        *("hil", "--bundle", subject.path, "--board", "n6-virtual", "--project", spoiled.path),
        *("--vectors", 1, "--soak", 1, "--junit", report, "--out", tmp_path / "out"),
        cwd=tmp_path,
        apart=True,
    )
    assert done.code == Exit.IDENTITY, done.text
    assert "exit code 15 IDENTITY" in done.text  # as pytest alone says it
    assert 'type="IDENTITY"' in report.read_text()
    assert f"byte {byte} of {image.name}" in report.read_text()


def test_a_golden_is_repeated_with_its_project_and_with_its_own_constants(
    built: tuple[Subject, Project], tmp_path: Path
) -> None:
    (subject, project), golden = built, tmp_path / "golden.njs"
    words = ("--board", "n6-virtual", "--project", project.path, "--vectors", 1, "--seed", SEED)
    done = nightjar("golden record", subject.path, golden, *words, cwd=tmp_path)
    assert done.code == Exit.OK, done.text
    words = ("--model", subject.path, "--board", "n6-virtual")
    alone = nightjar("golden replay", golden, *words, cwd=tmp_path)
    assert alone.code == Exit.INPUT
    assert f"--model {subject.path} --board n6-virtual --project" in alone.error["next_step"]
    recording = Recording.read(golden)
    (name,) = (one for one in recording.networks if one.endswith(".raw"))
    data = bytearray(recording.members[name])
    data[silent(project)] ^= FLIP
    members = recording.members | {name: bytes(data)}
    golden.write_bytes(Recording(recording.manifest, members).to_bytes())
    words = ("--run-network", "--board", "n6-virtual")
    edited = nightjar("golden replay", golden, *words, cwd=tmp_path)
    assert edited.code == Exit.IDENTITY, edited.text


class Flooding:
    """A line on which bytes go on coming while the board computes, as from a host that asks again too early.

    It ends by itself, else a board that reads slower than this writes would never hear what is asked again.
    """

    def __init__(self, line: Transport) -> None:
        self._line = line
        self.floods = False
        self._answered = threading.Event()

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._line.write(data, deadline)
        if self.floods:
            self._answered.clear()
            threading.Thread(target=self._flood, args=(deadline,), daemon=True).start()

    def read(self, deadline: Deadline) -> bytes:
        data = self._line.read(deadline)
        if data:
            self._answered.set()
        return data

    def close(self) -> None:
        self._answered.set()
        self._line.close()

    def _flood(self, deadline: Deadline) -> None:
        for _ in range(100):
            if self._answered.wait(0.001):
                return
            self._line.write(bytes(40), deadline)


def test_what_a_busy_host_sends_again_is_no_cost_of_the_model(
    built: tuple[Subject, Project], boards: Path
) -> None:
    """The core takes bytes in while it waits for the NPU."""
    subject, project = built
    lines: list[Flooding] = []

    def flooding(line: Transport) -> Flooding:
        lines.append(Flooding(line))
        return lines[0]

    session = Session(
        project, subject, "n6-virtual", vectors=1, seed=SEED, root=boards, wrap=flooding
    )
    with Bench(session) as bench:
        bench.identity()
        lines[0].floods = True
        disturbed = bench.observation(0)
        lines[0].floods = False
        assert not disturbed.findings
        bench.client.stats.retries += 1
        answer = ask(bench, Question(Kind.STAGES, vector=0))
    assert answer.failure is None
    # Equal where no byte of the flood came during the run.
    assert 0 < answer.figures["model_instructions"] <= disturbed.model_cost
