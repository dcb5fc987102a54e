"""`nightjar flash` on boards of a bench, as a user types it: a virtual one through gdb, others by stand-ins."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from host.boards import bench_lock as locks
from host.boards import qemu
from host.boards.bench_file import Machine
from host.boards.flashers.conftest import tools  # noqa: F401
from host.boards.flashers.signing import SIGNER
from host.boards.flashers.testing_tools import SAID, STAND_IN, Tools
from host.boards.folder import private_folder
from host.boards.kinds import DK, NOT_SEEN, NUCLEO
from host.boards.n6_image import first_stage
from host.boards.n6_virtual import BAUD, N6VirtualBoard, machine_of
from host.boards.pty_front import PtyFront
from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import load_subject
from host.cli import run
from host.cli.board_bench_test import ONE, TWO, bench, st_link, usb  # noqa: F401
from host.deadline import Deadline
from host.project import Project
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing.net import make_net

pytestmark = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("gdb-multiarch") is None,
    reason="needs arm-none-eabi-gcc and gdb-multiarch",
)
needs_machine = pytest.mark.skipif(find() is None, reason="make n6-virtual")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """Firmware of two nets, built."""
    folder = tmp_path_factory.mktemp("flash")
    made = []
    for seed in (1, 2):
        model = folder / f"{seed}.tflite"
        model.write_bytes(make_net(seed).tflite())
        made.append(generate(load_subject(model), DK.name, folder / str(seed)))
        build(made[-1], Deadline.after(300))
    return made[0], made[1]


@pytest.fixture(autouse=True)
def lock_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(locks, "ROOT", Path(folder) / "nightjar")
        yield


@dataclass
class Desk:
    """A virtual STM32N6 with the id Z, and the bench file that names it."""

    bench: Path
    port: str
    gdb: str

    def describe(self, uid: str, baud: int = BAUD) -> None:
        """Write its entry, with the last character of a unique id."""
        entry = {"kind": "n6-virtual", "gdb": self.gdb, "port": self.port, "baud": baud}
        entry["machine.uid"] = uid
        lines = [f"{name} = {json.dumps(value)}" for name, value in entry.items()]
        self.bench.write_text("\n".join(["[board.vm]", *lines, ""]))


@pytest.fixture
def desk(tmp_path: Path, bench: Path) -> Iterator[Desk]:  # noqa: F811
    root = private_folder(tmp_path / "b", make=True)
    board = N6VirtualBoard.start(root, machine=machine_of(DK.name, Machine(uid="Z")))
    try:
        with PtyFront(board._folder / qemu.UART_SOCKET, BAUD) as front:
            made = Desk(bench, front.path, str(board._folder / qemu.GDB_SOCKET))
            made.describe("Z")
            yield made
    finally:
        board.close()


@dataclass(frozen=True)
class Scene:
    """A bench file, firmware of two nets, and what is said."""

    folder: Path
    bench: Path
    projects: tuple[Project, Project]
    capsys: pytest.CaptureFixture[str]

    def flash(self, project: Project, *words: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and what was written as JSON."""
        out = self.folder / "flash.json"
        code = run(["flash", str(project.path), *words, "--json", str(out)])
        return code, json.loads(out.read_text()) if out.exists() else {}

    def said(self) -> Any:
        """What was said since: `out` and `err`."""
        return self.capsys.readouterr()


@pytest.fixture
def scene(
    tmp_path: Path,
    bench: Path,  # noqa: F811
    projects: tuple[Project, Project],
    capsys: pytest.CaptureFixture[str],
) -> Scene:
    return Scene(tmp_path, bench, projects, capsys)


@needs_machine
def test_what_the_board_holds_is_not_written_again(scene: Scene, desk: Desk) -> None:
    first, second = scene.projects
    code, said = scene.flash(first, "--board", "vm")
    assert code == 0
    assert said["flash"]["bytes"] > 10_000
    assert said["hello"]["cost_unit"] == "instructions"
    assert said["remark"] is None
    boot = said["hello"]["boot"]
    scene.said()
    code, said = scene.flash(first, "--board", "vm")
    assert (code, said["flash"], said["hello"]["boot"]) == (0, None, boot)
    assert "not written: the board holds this build already" in scene.said().out
    code, said = scene.flash(first, "--board", "vm", "--always")
    assert code == 0
    assert said["flash"] is not None
    code, said = scene.flash(second, "--board", "vm")
    assert code == 0
    assert said["flash"] is not None


@needs_machine
def test_another_chip_is_not_written(scene: Scene, desk: Desk) -> None:
    first, second = scene.projects
    assert scene.flash(first, "--board", "vm")[0] == 0
    desk.describe("Y")
    assert scene.flash(second, "--board", "vm")[0] == 15
    assert "another board answers than the bench calls vm: nothing was written" in scene.said().err
    desk.describe("Z")
    code, said = scene.flash(first, "--board", "vm")
    assert (code, said["flash"]) == (0, None)


@needs_machine
def test_a_chip_that_says_its_id_only_afterwards_is_another_one(scene: Scene, desk: Desk) -> None:
    """Nothing runs there, and a debugger reads no fuses without a clock."""
    desk.describe("Y")
    assert scene.flash(scene.projects[0], "--board", "vm")[0] == 15
    said = scene.said().err
    assert "another board answers than the bench calls vm" in said
    assert b"NIGHTJAR-VMZ".hex() in said


@needs_machine
def test_a_port_at_another_speed_or_in_other_hands(scene: Scene, desk: Desk) -> None:
    desk.describe("Z", baud=115200)
    assert scene.flash(scene.projects[0], "--board", "vm")[0] == 14
    assert f"answers at {BAUD} baud, and not at 115200" in scene.said().err
    desk.describe("Z")
    hold = "import sys; from host.link.serial_url import SerialUrl; p = SerialUrl(sys.argv[1])"
    line = [sys.executable, "-c", f"{hold}; print('held', flush=True); sys.stdin.read()", desk.port]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert scene.flash(scene.projects[0], "--board", "vm")[0] == 12
        assert f"it is open in pid {child.pid}" in scene.said().err
        child.communicate()


@needs_machine
def test_the_commands_of_a_dry_run_do_what_flash_does(scene: Scene, desk: Desk) -> None:
    """Typed into a shell, they load and start the firmware, and write the NOR."""

    def typed(*words: str) -> None:
        code, said = scene.flash(scene.projects[0], "--board", "vm", "--dry-run", *words)
        assert code == 0
        done = subprocess.run(
            ["bash", "-e", "-c", said["commands"]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "nightjar: done" in done.stdout

    typed()
    code, said = scene.flash(scene.projects[0], "--board", "vm")
    assert (code, said["flash"]) == (0, None)
    typed("--boot", "flash")
    code, said = scene.flash(scene.projects[0], "--board", "vm", "--boot", "flash")
    assert (code, said["flash"]["bytes"]) == (0, 0)


@needs_machine
def test_the_nor_is_written_by_blocks_that_it_does_not_hold(scene: Scene, desk: Desk) -> None:
    first, second = scene.projects
    code, said = scene.flash(first, "--board", "vm", "--boot", "flash")
    assert (code, said["hello"], said["boot"]) == (0, None, "flash")
    whole = said["flash"]["bytes"]
    assert whole > 200_000
    assert scene.flash(first, "--board", "vm", "--boot", "flash")[1]["flash"]["bytes"] == 0
    assert f"the NOR held {whole:,} of {whole:,} bytes already" in scene.said().out
    assert scene.flash(second, "--board", "vm", "--boot", "flash")[1]["flash"]["bytes"] > 0


def test_switches_for_the_wrong_boot_end_it_before_anything_is_asked(scene: Scene) -> None:
    entry = f'[board.dk]\nkind = "{DK.name}"\ngdb = "localhost:3333"\nport = "/dev/null"\n'
    scene.bench.write_text(f'{entry}switches = "flash"\n')
    assert scene.flash(scene.projects[0], "--board", "dk")[0] == 11
    said = scene.said()
    assert "switches for flashing: both boot switches right, then reset" in said.out
    assert "stand for the boot from flash, and a development boot is needed" in said.err
    assert "move them: both boot switches right, then power-cycle" in said.err


def test_no_probe_and_two_probes(scene: Scene, usb: Path) -> None:  # noqa: F811
    scene.bench.write_text("")
    assert scene.flash(scene.projects[0], "--board", DK.name)[0] == 11
    assert "no debug probe is plugged in" in scene.said().err
    st_link(usb, "1-1", ONE)
    code, said = scene.flash(scene.projects[0], "--board", DK.name, "--dry-run")
    assert code == 0
    assert f"adapter serial {ONE}" in said["commands"]
    st_link(usb, "1-2", TWO)
    assert scene.flash(scene.projects[0], "--board", DK.name)[0] == 2
    told = scene.said().err
    assert "2 probes are plugged in, and nothing says which" in told
    assert ONE in told
    scene.bench.write_text(
        "".join(f'[board.d{n}]\nkind = "{DK.name}"\nprobe = "{n}"\n' for n in (1, 2))
    )
    assert scene.flash(scene.projects[0], "--board", DK.name)[0] == 2
    assert "name one of them, for example --board d1" in scene.said().err


def test_a_board_in_other_hands_is_left_alone(scene: Scene) -> None:
    scene.bench.write_text(f'[board.dk]\nkind = "{DK.name}"\nprobe = "{ONE}"\n')
    with locks.bench_lock(DK.name, ONE, name="dk"):
        assert scene.flash(scene.projects[0], "--board", "dk")[0] == 12
    said = scene.said()
    assert "the board dk is taken" in said.err
    assert "switches for flashing: both boot switches right" in said.out


@pytest.mark.parametrize("way", ["cubeprogrammer", "probe-rs"])
def test_a_vendors_tool_writes_what_would_boot(
    scene: Scene,
    usb: Path,  # noqa: F811
    tools: Tools,  # noqa: F811
    way: str,
) -> None:
    """By the commands of the dry run, to the right probe; said to be seen on no board."""
    project = scene.projects[0]
    entry = int.from_bytes(
        first_stage(project.elf.with_name("nj_first_stage.elf")).data[0x70:0x74], "little"
    )
    tools.add(SIGNER, (0, "signing_done"))
    signer = tools.folder / SIGNER
    signer.write_text(STAND_IN.format(folder=str(tools.folder), entry=entry))
    tools.add("STM32_Programmer_CLI", (0, "cube_done"))
    tools.add("probe-rs", (0, "probe_rs_done"))
    st_link(usb, "1-1", TWO)
    st_link(usb, "1-2", ONE)
    scene.bench.write_text(f'[board.dk]\nkind = "{DK.name}"\nprobe = "{ONE}"\n')
    words = ("--board", "dk", "--flasher", way, "--boot", "flash")
    code, dry = scene.flash(project, *words, "--dry-run")
    assert code == 0
    assert tools.calls == []
    scene.said()
    code, said = scene.flash(project, *words)
    assert code == 0
    typed = [line for line in dry["commands"].splitlines() if not line.startswith("#")]
    assert [" ".join(call) for call in tools.calls] == typed
    assert said["remark"] == NOT_SEEN
    out = scene.said().out
    assert NOT_SEEN in out
    assert out.index("both boot switches right") < out.index("flashed ")
    assert (SAID / "signing_done.txt").exists()


def test_what_does_not_go_together_is_refused(scene: Scene) -> None:
    project = scene.projects[0]
    entry = f'[board.n]\nkind = "{NUCLEO.name}"\nprobe = "{ONE}"\n'
    scene.bench.write_text(
        f'{entry}[board.vm]\nkind = "n6-virtual"\ngdb = "/g"\nport = "/p"\n'
        '[board.own]\nkind = "n6-virtual"\nswitches = "flash"\n'
    )
    for words, says in (
        (
            ("--board", "n6-virtual", "--boot", "flash"),
            "takes --boot flash, and n6-virtual is none",
        ),
        (("--board", "native", "--dry-run"), "a dry run is for a board of the bench"),
        (("--board", "n", "--dry-run"), "generated for another board"),
        (("--board", "vm", "--flasher", "probe-rs"), "is not flashed so"),
        (("--board", "own", "--dry-run"), "or a virtual STM32N6 that is kept"),
        (("--board", "own", "--boot", "development"), "takes --boot development, and own is none"),
        (("--board", "vmm", "--dry-run"), "no board of that name"),
    ):
        assert scene.flash(project, *words)[0] == 2, words
        assert says in scene.said().err
