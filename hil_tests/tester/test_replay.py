"""Every kind of session, recorded and judged again without its board: the same verdict, error and exit code."""

import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil_tests.tester.recorded import Done, nightjar, replayed, same
from hil_tests.tester.test_hang import HANG, UNDEFINED, Dying
from host.cli.keeper import Keeper
from host.compare.flip import copy_project, find_symbol, overwrite
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import HostFailure, LinkFailure
from host.exit_codes import Exit
from host.project import FAILED, Project
from host.recording.recorder import Recorder
from host.recording.recording import Recording
from host.recording.records import Kind
from host.reference.model import ReferenceModel

pytestmark = pytest.mark.slow

# What is done to firmware or link -> the exit code of `nightjar verify`.
CONDITIONS = {
    "good": 0,
    "flipped": 19,
    "foreign": 15,
    "hangs": 19,
    "faults": 19,
    "noisy": 0,
    "noisy, flipped": 19,
    "lost": 14,
}
LINKS = {
    "noisy": "seed=3,rate=1e-3",
    "noisy, flipped": "seed=4,rate=3e-3",
    "lost": "seed=5,rate=0.3",
}
# Of these nobody asks for a recording: that of a failure is kept.
UNASKED = ("flipped", "foreign", "hangs", "lost")
# Seconds for what no answer ends. A busy computer may need more to come to the question at all, which it says then.
DEADLINE, LONGEST = 4, 512
NO_TIME = (Exit.HOST, Exit.BOARD)
# Each takes a process of pytest.
OF_THE_SUITE = [
    ("native", "flipped"),
    ("native", "foreign"),
    ("native", "lost"),
    ("virtual", "noisy, flipped"),
    ("virtual", "faults"),
]


@pytest.fixture
def scene(made: Any, net: Any, model_path: Path, bundle_path: Path, tmp_path: Path) -> Any:
    """The model and a project of a condition on a tier, in a folder of their own, which is removed before a replay."""

    def make(condition: str, tier: str) -> tuple[Path, Project, list[object]]:
        folder = tmp_path / "work"
        folder.mkdir()
        model = Path(shutil.copy2(model_path, folder))
        project = copy_project(made(model_path, tier)[1], folder / "project")
        if "flipped" in condition:
            net.flip(project.elf, 2, 30, 6)
        elif condition == "foreign":
            other = made(bundle_path, tier)[1]
            project.elf.write_bytes(other.elf.read_bytes())
            write_record(project.elf)
        elif condition in ("hangs", "faults"):
            code = (HANG if condition == "hangs" else UNDEFINED)[tier]
            overwrite(project.elf, find_symbol(project.elf, "nj_step2", "STT_FUNC"), code)
            write_record(project.elf)
        words: list[object] = ["--board", tier, "--project", project.path, "--seed", 7]
        if condition in LINKS:
            words += ["--faults", LINKS[condition]]
        return model, project, words

    return make


def recorded(condition: str, command: str, *words: object, cwd: Path) -> Done:
    """A command that records; with a deadline where no answer ends it, twice as long wherever time was short."""
    seconds = DEADLINE
    while True:
        ends = condition in ("hangs", "lost")
        done = nightjar(command, *words, *(("--deadline", seconds) if ends else ()), cwd=cwd)
        if not ends or done.code not in NO_TIME or seconds >= LONGEST:
            return done
        seconds *= 2


def kept(condition: str, file: Path, words: list[object]) -> tuple[Path, list[object]]:
    """Where a recording will lie, and the words of the command."""
    if condition not in UNASKED:
        return file, [*words, "--record", file]
    out = file.with_name("out")
    return out / FAILED, [*words, "--out", out]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_verify(scene: Any, tier: str, tmp_path: Path, condition: str) -> None:
    model, _, words = scene(condition, tier)
    file = tmp_path / "session.njs"
    words += ["--vectors", 3]
    file, words = kept(condition, file, words)
    done = recorded(condition, "verify", model, *words, cwd=tmp_path)
    assert done.code == CONDITIONS[condition], done.text
    assert bool(done.verdict) is (condition in ("good", "flipped", "noisy", "noisy, flipped"))
    shutil.rmtree(tmp_path / "work")
    same(done, file, tmp_path / "elsewhere")


@pytest.mark.parametrize("command", ["verify", "hil"])
def test_unasked_nothing_stays_of_a_good_session(scene: Any, tmp_path: Path, command: str) -> None:
    """Not even the failure of an earlier one."""
    model, _, words = scene("good", "native")
    out = tmp_path / "out"
    out.mkdir()
    (out / FAILED).write_bytes(b"an earlier one")
    named = [model] if command == "verify" else ["--bundle", model, "--soak", 1]
    done = nightjar(command, *named, *words, "--vectors", 1, "--out", out, cwd=tmp_path)
    assert done.code == 0, done.text
    assert not list(out.glob("*.njs"))


def test_what_rests_on_a_wrong_record_is_no_recording(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    subject, project = made(model_path, "native")
    recorder = Recorder(Session(project, subject, "native", 1, 0), trusts=True)
    recorder.deceived()
    with pytest.raises(HostFailure, match="believed an expectation"):
        recorder.recording()


@pytest.mark.parametrize(("tier", "condition"), OF_THE_SUITE)
def test_hil(scene: Any, tier: str, tmp_path: Path, condition: str) -> None:
    model, _, words = scene(condition, tier)
    file, junit = tmp_path / "session.njs", tmp_path / "junit.xml"
    words += ["--bundle", model, "--vectors", 2, "--soak", 3, "--junit", junit]
    file, words = kept(condition, file, words)
    done = recorded(condition, "hil", *words, cwd=tmp_path)
    assert done.code == CONDITIONS[condition], done.text
    shutil.rmtree(tmp_path / "work")
    again = tmp_path / "elsewhere" / "work" / "again.xml"
    same(done, file, tmp_path / "elsewhere", "--junit", again)
    assert outcomes(again) == outcomes(junit)
    assert len(outcomes(junit)) > 15


def outcomes(file: Path) -> list[tuple[object, ...]]:
    """Everything that a report says of its tests but how long they took."""
    found: list[tuple[object, ...]] = []
    for case in ET.parse(file).iter("testcase"):
        said = [(child.tag, dict(child.attrib), child.text) for child in case]
        found.append((case.get("classname"), case.get("name"), said))
    return found


def test_a_bundle_with_a_frontend(made: Any, bundle_path: Path, tier: str, tmp_path: Path) -> None:
    """Its spectrograms are computed without a compiler, and shown as they were."""
    file, page = tmp_path / "session.njs", tmp_path / "page.html"
    project = made(bundle_path, tier)[1]
    words: list[object] = ["--board", tier, "--project", project.path, "--vectors", 1]
    words += ["--record", file, "--html", page]
    done = nightjar("verify", bundle_path, *words, cwd=tmp_path)
    assert done.code == 0, done.text
    again = tmp_path / "elsewhere" / "work" / "again.html"
    same(done, file, tmp_path / "elsewhere", "--html", again, apart=True)
    pages = [re.sub("<dd>(coverage|nothing)</dd>", "", one.read_text()) for one in (page, again)]
    assert pages[0] == pages[1]


def test_a_wrong_table_of_a_frontend(made: Any, bundle_path: Path, tmp_path: Path) -> None:
    """The table and its entry are found again, without a compiler."""
    project = copy_project(made(bundle_path, "native")[1], tmp_path / "spoiled")
    twiddle = find_symbol(project.elf, "nj_frontend_twiddle", "STT_OBJECT")
    overwrite(project.elf, twiddle, np.float32(0.25).tobytes() * 31)
    write_record(project.elf)
    file = tmp_path / "session.njs"
    words = ["--board", "native", "--project", project.path, "--vectors", 1, "--record", file]
    done = nightjar("verify", bundle_path, *words, cwd=tmp_path)
    assert done.code == 19, done.text
    assert "nj_frontend_twiddle[" in done.verdict["first_difference"]["cause"]
    shutil.rmtree(project.path)
    same(done, file, tmp_path / "elsewhere", apart=True)


def test_firmware_that_streams(bundle_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "session.njs"
    words: list[object] = ["--bundle", bundle_path, "--board", "native", "--stream", "--vectors", 1]
    words += ["--soak", 2, "--out", tmp_path / "out", "--record", file]
    done = nightjar("hil", *words, cwd=tmp_path)
    assert done.code == 0, done.text
    shutil.rmtree(tmp_path / "out")
    asked = [asked.what for asked in Recording.read(file).manifest.asked]
    assert "stream gap" in asked
    same(done, file, tmp_path / "elsewhere")


def test_given_inputs_and_the_rules_of_tflite_micro(model_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    file, inputs = tmp_path / "session.njs", tmp_path / "inputs.npy"
    words: list[object] = ["--board", "native", "--rounding", "tflm", "--vectors", 1]
    words += ["--inputs", inputs, "--out", tmp_path / "out", "--record", file]
    shape = ReferenceModel(model_path.read_bytes()).inputs[0].shape
    np.save(inputs, np.random.default_rng(1).integers(-128, 128, (2, *shape), dtype=np.int8))
    done = nightjar("verify", model_path, *words, cwd=tmp_path)
    assert (done.code, done.verdict["vectors"]) == (0, 3), done.text
    assert "tflite-micro" in done.verdict["reference"]
    shutil.rmtree(tmp_path / "out")
    inputs.unlink()
    same(done, file, tmp_path / "elsewhere")


def test_gates_hold_again(scene: Any, tmp_path: Path) -> None:
    """A baseline and a share of coverage that are not reached: 16, with the same words."""
    model, _, words = scene("good", "virtual")
    file = tmp_path / "session.njs"
    words += ["--vectors", 1, "--record", file]
    first = nightjar("verify", model, *words, "--min-coverage", 100, cwd=tmp_path)
    assert (first.code, first.verdict["exit_code"]) == (16, 16), first.text
    assert first.verdict["coverage"]["code"]["reached"] > 1000
    same(first, file, tmp_path / "one")
    baseline = tmp_path / "baseline.json"
    text = (tmp_path / "verdict.json").read_text()
    flash = first.verdict["footprint"]["flash"]
    assert text.count(f'"flash": {flash}') == 1
    baseline.write_text(text.replace(f'"flash": {flash}', f'"flash": {flash - 8}'))
    second = nightjar("verify", model, *words, "--baseline", baseline, cwd=tmp_path)
    assert second.code == 16, second.text
    assert "footprint.flash" in second.error["evidence"]
    same(second, file, tmp_path / "two")
    suite = ["hil", "--bundle", model, *words, "--soak", 2, "--baseline", baseline]
    third = nightjar(*suite, cwd=tmp_path)
    assert third.code == 16, third.text
    assert "footprint.flash" in third.error["evidence"]
    third_file = file.rename(tmp_path / "third.njs")
    other = text.replace('"model_sha256": "', '"model_sha256": "f00', 1)
    baseline.write_text(other)
    assert nightjar(*suite, cwd=tmp_path).code == 2, "it is of another model"
    baseline.unlink()
    same(third, third_file, tmp_path / "three")


@pytest.mark.parametrize("command", ["verify", "hil"])
def test_a_gate_that_is_not_kept_leaves_a_session_that_replays(
    scene: Any, tmp_path: Path, command: str
) -> None:
    """Relative to a run of the history, which is not there any more; and gates that are asked for later."""
    model, _, words = scene("good", "native")
    out, history = tmp_path / "out", tmp_path / "history.sqlite"
    named = [model] if command == "verify" else ["--bundle", model, "--soak", 1]
    words = [*named, *words, "--vectors", 1, "--out", out]
    gates = ["--gate", "footprint.ram <= 5", "--gate", "footprint.flash <= +0%"]
    done = nightjar(command, *words, *gates, "--history", history, cwd=tmp_path)
    assert done.code == 16, done.text
    assert {one["state"] for one in done.verdict["gates"]} == {"failed", "void"}
    history.unlink()
    again = same(done, out / FAILED, tmp_path / "elsewhere")
    assert "footprint.ram" in again.error["evidence"]
    for gate, code in (("footprint.ram <= 9_000_000", 0), ("footprint.ram <= 6", 16)):
        other = replayed(out / FAILED, elsewhere=tmp_path / str(code), more=("--gate", gate))
        assert other.code == code, other.text
        assert [one["gate"] for one in other.verdict["gates"]] == [gate]


def test_a_part_of_the_suite_and_its_parts(scene: Any, tmp_path: Path) -> None:
    """What is left out is missing again; what several processes asked is one verdict again."""
    model, _, words = scene("good", "native")
    file = tmp_path / "session.njs"
    words += ["--bundle", model, "--vectors", 2, "--soak", 2, "--record", file]
    part = nightjar("hil", *words, "--", "-k", "vec00", cwd=tmp_path)
    assert part.code == 18
    same(part, file, tmp_path / "part")
    whole = nightjar("hil", *words, "--", "-n", "2", cwd=tmp_path)
    assert whole.code == 0, whole.text
    assert not file.exists()  # of the run before
    parts = [tmp_path / "session-gw1.njs", tmp_path / "session-gw0.njs"]
    again = replayed(*parts, elsewhere=tmp_path / "whole")
    assert (again.code, again.verdict) == (0, whole.verdict), again.text
    lacking = replayed(parts[0], elsewhere=tmp_path / "lacking")
    assert (lacking.code, lacking.verdict) == (2, {})
    assert "says 0, and comes to 18" in lacking.error["evidence"]
    none = nightjar("hil", *words, "--", "--collect-only", cwd=tmp_path)
    assert none.code == 18
    assert not any(part.exists() for part in parts)
    same(none, file, tmp_path / "none")


BREAKS = """
from host.recording.recorder import _Line
read, left = _Line.read, [40]
def broken(*given):
    left[0] -= 1
    if left[0] == 0:
        raise RuntimeError("somebody's own fault")
    return read(*given)
_Line.read = broken
"""


def test_a_question_that_is_broken_off(scene: Any, tmp_path: Path) -> None:
    """By what is no part of the session: the others go on, and it is a DEFECT again."""
    (tmp_path / "nj_breaks.py").write_text(BREAKS)
    model, _, words = scene("good", "native")
    file = tmp_path / "session.njs"
    words += ["--bundle", model, "--vectors", 3, "--soak", 2, "--record", file]
    paths = f"{tmp_path}:{Path(__file__).resolve().parents[2]}"
    done = nightjar("hil", *words, "--", "-p", "nj_breaks", cwd=tmp_path, PYTHONPATH=paths)
    assert done.code == 1, done.text
    broken = [asked.what for asked in Recording.read(file).manifest.asked if asked.broken]
    assert len(broken) == 1
    same(done, file, tmp_path / "elsewhere")


@pytest.mark.parametrize("command", ["verify", "hil"])
def test_what_the_deadline_cuts_off(scene: Any, tmp_path: Path, command: str) -> None:
    """Wherever it does."""
    model, _, words = scene("good", "native")
    file = tmp_path / "session.njs"
    words += ["--deadline", 2, "--record", file]
    words += ["--vectors", 20000, model] if command == "verify" else ["--bundle", model]
    words += [] if command == "verify" else ["--vectors", 3000]
    done = nightjar(command, *words, cwd=tmp_path)
    assert done.code not in (0, 1, 2, 19), done.text
    if "pytest was ended at the deadline" in done.text and not file.exists():
        assert "no recording: " in done.text  # a busy computer: pytest did not come to its end
        return
    same(done, file, tmp_path / "elsewhere")


def test_a_recording_says_what_passed(scene: Any, tmp_path: Path) -> None:
    """Frames both ways in time, and what lies between them."""
    model, _, words = scene("noisy", "virtual")
    file = tmp_path / "session.njs"
    nightjar("verify", model, *words, "--vectors", 2, "--record", file, cwd=tmp_path)
    recording = Recording.read(file)
    sent, came = recording.frames(Kind.SENT), recording.frames(Kind.CAME)
    assert len(sent) > 10
    assert len(came) > 10
    assert all(frame.whole for frame in sent)
    for frames in (sent, came):
        times = [frame.at for frame in frames]
        assert times == sorted(times)
        assert times[0] > 0
    assert recording.console == recording.members["console.bin"]
    assert recording.manifest.faults == "seed=3,rate=1e-3"
    assert recording.manifest.vectors == 2
    assert recording.to_bytes() == file.read_bytes()


@pytest.mark.parametrize("board", ["native", "virtual"])
def test_the_same_faults_give_the_same_frames(scene: Any, tmp_path: Path, board: str) -> None:
    """Both ways, whatever was damaged. A busy computer's time-out makes another run of it, so some are tried."""
    model, _, words = scene("noisy, flipped", board)
    found: list[list[list[bytes]]] = []
    for number in range(5):
        file = tmp_path / f"{number}.njs"
        nightjar("verify", model, *words, "--vectors", 2, "--record", file, cwd=tmp_path)
        recording = Recording.read(file)
        ways = [[one.data for one in recording.frames(kind)] for kind in (Kind.SENT, Kind.CAME)]
        if ways in found:
            assert any(not one.whole for one in recording.frames(Kind.CAME))
            return
        found.append(ways)
    raise AssertionError("no two of five runs had the same frames")


def test_a_line_that_dies(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    """14, with what the board said of itself; and a run that ends so early has few frames."""
    subject, project = made(model_path, tier)
    for after in (0, 5):
        session = Session(
            *(project, subject, tier, 1, 0),
            root=boards,
            limit=Deadline.after(2),
            wrap=lambda transport, after=after: Dying(transport, after),
        )
        recorder = Recorder(session)
        with pytest.raises(LinkFailure) as caught:
            prove(replace(session, tape=recorder))
        file = tmp_path / f"{after}.njs"
        file.write_bytes(recorder.recording().to_bytes())
        again = replayed(file, elsewhere=tmp_path / f"elsewhere{after}")
        assert (again.code, again.error) == (14, caught.value.as_json())


def test_nothing_is_left_of_a_run_that_is_interrupted(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    """As of every result: no half of a session is taken for a whole one."""
    subject, project = made(model_path, "native")
    file = tmp_path / "session.njs"
    session = Session(project, subject, "native", 1, 0)

    def end_with(error: BaseException) -> None:
        with Keeper(file, faults=None) as keeper:
            keeper.record(session)
            raise error

    with pytest.raises(KeyboardInterrupt):
        end_with(KeyboardInterrupt())
    assert not file.exists()
    with pytest.raises(MemoryError):
        end_with(MemoryError())
    assert Recording.read(file).manifest.vectors == 1
