"""The STM32N6's own ELF on a virtual one: exact like every tier, its counts those of `virtual`, its wrongs punished."""

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hil_tests.tester.conftest import Make
from host.boards import end_board, keep_board
from host.boards.n6_virtual import BAUD
from host.boards.tiers import Tier
from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import Subject, load_subject
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import BadInput, FirmwareFailure, NightjarError
from host.link.baud import explain_speed
from host.link.client import Client
from host.link.identity import check_identity
from host.link.messages import Hello
from host.link.serial_url import SerialUrl
from host.project import Project, load_project
from host.report.verdict import Verdict
from model_gen.codegen.project.generate import generate

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")


def judged(made: Make, bundle: Path, board: str, root: Path) -> Verdict:
    subject, project = made(bundle, board)
    return prove(Session(project, subject, board, vectors=2, seed=1, root=root))


def test_every_tensor_and_every_count(made: Make, bundle_path: Path, boards: Path) -> None:
    virtual = judged(made, bundle_path, "virtual", boards)
    n6 = judged(made, bundle_path, "n6-virtual", boards)
    assert (n6.exact, n6.complete) == (True, True)
    assert (n6.board, n6.tier, n6.proved.cost_unit) == (
        "stm32n6570-dk",
        "n6-virtual",
        "instructions",
    )
    # One instruction is one count on either, and the kernels are the same code.
    assert n6.cost.model == virtual.cost.model
    assert n6.cost.frontend == virtual.cost.frontend
    costs = [[layer.instructions for layer in verdict.layers] for verdict in (virtual, n6)]
    assert costs[0] == costs[1]
    assert (n6.cost.model_us, n6.cost.frontend_us) == (None, None), (
        "an emulator's cycle takes no time"
    )
    assert bytes.fromhex(n6.proved.uid).startswith(b"NIGHTJAR-VM")
    assert (n6.boot, virtual.boot, n6.proved.measured_clock) == ("ram", "", None)
    assert n6.proved.placement[".text"] == "AXISRAM1"
    assert (n6.proved.link["crc_errors"], n6.proved.link["gaps"]) == (0, 0), "nothing is lost"


def counting_cycles(monkeypatch: pytest.MonkeyPatch, hz: int) -> None:
    """Take the virtual chip for silicon that says to run at `hz`."""

    def believed(tier: Tier, hello: Hello) -> Hello:
        return replace(hello, clocks=(hz,) if hz else ())

    monkeypatch.setattr("host.compare.contact.as_run_by", believed)


def test_time_comes_from_a_clock_that_was_measured(
    made: Make, bundle_path: Path, boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting_cycles(monkeypatch, 0)
    cost = judged(made, bundle_path, "n6-virtual", boards).cost
    assert cost.model is not None
    assert cost.model_us is not None
    assert 1e5 < cost.model / cost.model_us * 1e6 < 1e10, "instructions of QEMU in a second"


def test_an_emulator_cannot_keep_the_time_of_a_chip(
    made: Make, bundle_path: Path, boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting_cycles(monkeypatch, 4_000_000_000)
    with pytest.raises(
        FirmwareFailure, match="does not run at the clock that the board says"
    ) as it:
        judged(made, bundle_path, "n6-virtual", boards)
    assert "HELLO says 4000 MHz" in it.value.evidence


def test_the_very_elf_that_build_tells_of_is_the_one_that_ran(
    bundle_path: Path, boards: Path, tmp_path: Path
) -> None:
    out, file = tmp_path / "project", tmp_path / "told.json"
    line = [sys.executable, "-m", "host.entry", "build", str(bundle_path), "--out", str(out)]
    line += ["--board", "stm32n6570-dk", "--json", str(file)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=True)
    told = json.loads(file.read_text())
    assert f"SHA-256 {told['elf_sha256']}" in done.stdout
    for name in ("CODE", "CONSTANTS", "DATA", "DTCM"):
        region = told["regions"][name]
        assert 0 < region["used"] < region["bytes"]
        assert re.search(rf"{name} +{region['used']:,} of +{region['bytes']:,} bytes", done.stdout)
    subject = load_subject(bundle_path)
    verdict = prove(
        Session(load_project(out), subject, "n6-virtual", vectors=1, seed=1, root=boards)
    )
    assert verdict.exact
    assert verdict.as_json()["proved"]["elf_sha256"] == told["elf_sha256"]


def test_the_nucleo_s_project_runs_and_others_are_refused(
    made: Make, bundle_path: Path, boards: Path, tmp_path: Path
) -> None:
    subject, virtual = made(bundle_path, "virtual")
    with pytest.raises(BadInput, match="generated for another board"):
        prepare(bundle_path, "n6-virtual", project=virtual.path)
    nucleo = generate(subject, "nucleo-n657x0-q", tmp_path / "nucleo")
    build(nucleo, Deadline.after(300))
    verdict = prove(Session(nucleo, subject, "n6-virtual", vectors=1, seed=1, root=boards))
    assert (verdict.exact, verdict.board) == (True, "nucleo-n657x0-q")


def test_the_suite_asks_the_same_and_says_who_was_asked(
    made: Make, bundle_path: Path, tmp_path: Path
) -> None:
    """Every question of `virtual`, green over the serial line; the reports name the ELF's kind and who ran it."""
    names = {}
    for board in ("virtual", "n6-virtual"):
        project = made(bundle_path, board)[1]
        junit, own = tmp_path / f"{board}.xml", tmp_path / f"{board}-pytest.xml"
        line = [sys.executable, "-m", "host.entry", "hil", "--bundle", str(bundle_path)]
        line += ["--board", board, "--project", str(project.path), "--out", str(tmp_path / board)]
        line += ["--vectors", "1", "--soak", "2", "--junit", str(junit), "--", "--junitxml"]
        done = subprocess.run([*line, str(own)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        names[board] = [case.get("name") for case in ET.parse(junit).iter("testcase")]
        kind = project.description.board
        for report in (junit, own):
            values = {
                one.get("name"): one.get("value") for one in ET.parse(report).iter("property")
            }
            assert (values["tier"], values["board"]) == (board, kind)
    assert names["n6-virtual"] == names["virtual"]
    assert len(names["virtual"]) > 10


def test_every_board_has_the_same_node_ids(made: Make, bundle_path: Path, tmp_path: Path) -> None:
    """Collected, not run: silicon's as the virtual chip's, and as `virtual`'s."""
    subject, nucleo = load_subject(bundle_path), tmp_path / "nucleo"
    build(generate(subject, "nucleo-n657x0-q", nucleo), Deadline.after(300))
    projects = {
        "virtual": made(bundle_path, "virtual")[1].path,
        "n6-virtual": made(bundle_path, "n6-virtual")[1].path,
        "stm32n6570-dk": made(bundle_path, "n6-virtual")[1].path,
        "nucleo-n657x0-q": nucleo,
    }
    ids = {}
    for board, project in projects.items():
        line = [sys.executable, "-m", "pytest", "hil_tests", "--collect-only", "-q"]
        line += ["--bundle", str(bundle_path), "--board", board, "--project", str(project)]
        line += ["--port", "/dev/null", "--no-flash", "--vectors", "2"]
        line += ["--hil-proof", str(tmp_path / f"{board}.proof"), "--hil-nonce", "0"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
        ids[board] = [one for one in done.stdout.splitlines() if "::" in one]
        assert ids[board], done.stdout + done.stderr
    assert len(ids["virtual"]) > 20
    assert all(found == ids["virtual"] for found in ids.values())


def test_what_is_flashed_is_said_to_count_instructions(made: Make, bundle_path: Path) -> None:
    """Though the firmware, which knows of no emulator, calls them cycles."""
    project = made(bundle_path, "n6-virtual")[1]
    line = [sys.executable, "-m", "host.entry", "flash", str(project.path)]
    line += ["--board", "n6-virtual", "--json", "-"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    hello = json.loads(done.stdout)["hello"]
    assert (hello["cost_unit"], hello["board"]) == ("instructions", "stm32n6570-dk")


def test_a_kept_one_answers_at_its_serial_port(made: Make, bundle_path: Path, boards: Path) -> None:
    """And is known there by its chip; at another speed it is said which one is right."""
    subject, project = made(bundle_path, "n6-virtual")
    record, _ = keep_board("n6-virtual", root=boards)
    try:
        assert record.port is not None
        verdict = prove(Session(project, subject, "n6-virtual", vectors=1, seed=1, root=boards))
        assert verdict.exact
        port = SerialUrl(str(record.port), BAUD)
        check_identity(Client(port).hello(Deadline.after(20)), project, subject)
        port.close()
        port = SerialUrl(str(record.port), 115200)
        with pytest.raises(NightjarError) as caught:
            Client(port).hello(Deadline.after(2))
        port.close()
        error = explain_speed(caught.value, str(record.port), 115200)
        assert error.what == f"the board answers at {BAUD} baud, and not at 115200"
    finally:
        end_board("n6-virtual", root=boards)


@dataclass(frozen=True)
class Workshop:
    """Whose model, the project's folder, and its main file as it was."""

    subject: Subject
    folder: Path
    main: str

    def with_code(self, code: str) -> Project:
        """The project, built, with statements in front of everything that its main function does."""
        place = "begin();"
        assert self.main.count(place) == 1
        (self.folder / "board/nj_main.c").write_text(self.main.replace(place, code + place))
        project = load_project(self.folder)
        build(project, Deadline.after(300))
        return project


WRONGS = {
    # What the main function does first, and what the run ends with.
    "burns a fuse": (
        "RCC_APB4ENSR2 = RCC_APB4_2_BSEC; NJ_REGISTER(0x56009014u) = 1;",
        "BSEC 56009014: a fuse would have been burnt",
    ),
    "writes an unknown register": (
        "NJ_REGISTER(0x56028FF0u) = 1;",
        "RCC 56028ff0: write of a register that is not listed",
    ),
    "writes an unknown bit": (
        "RCC_CFGR1 = RCC_CFGR1 | 1u << 5;",
        "RCC 56028020: write of a bit that is not listed",
    ),
    "switches off its own clock": (
        "RCC_CFGR1 = 0; RCC_CCR = RCC_HSI;",
        "RCC: what the core runs from was stopped: CFGR1 must have switched before",
    ),
}


@pytest.fixture(scope="module")
def workshop(made: Make, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A copy of the project, to be spoilt and built again."""
    subject, project = made(bundle_path, "n6-virtual")
    copy = tmp_path_factory.mktemp("workshop") / "project"
    shutil.copytree(project.path, copy, ignore=shutil.ignore_patterns("build"))
    return Workshop(subject, copy, (copy / "board/nj_main.c").read_text())


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_wrong_is_named_with_its_address(workshop: Workshop, boards: Path, wrong: str) -> None:
    code, said = WRONGS[wrong]
    project = workshop.with_code(code)
    with pytest.raises(FirmwareFailure) as caught:
        prove(Session(project, workshop.subject, "n6-virtual", vectors=1, seed=1, root=boards))
    assert said in caught.value.evidence
    assert re.search(r"pc 3400[0-9a-f]{4} \(.*nj_main\.c:\d+", caught.value.evidence)
