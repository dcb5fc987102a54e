"""`nightjar board` and `nightjar flash`, as a user types them."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from host.boards import KINDS, end_board, keep_board, open_board
from host.boards.folder import private_folder
from host.boards.lock import board_lock
from host.boards.process import ProcessId
from host.deadline import Deadline
from host.elf_record import record_path
from host.files import sha256_file
from host.link.messages import PROTOCOL
from host.link.testing_firmware import build_firmware, can_build
from host.project import Project, ProjectDescription
from model_gen.codegen.testing import keras_models

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the tiny firmware as a built project; no board is left behind."""
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield _bench(tmp_path)
        for name in KINDS:
            end_board(name)


def _bench(tmp_path: Path) -> Path:
    description = ProjectDescription(
        board="native",
        backend="tiny",
        model_sha256="112233" + 58 * "0",
        contract_sha256="445566" + 58 * "0",
        rounding={"ADD": "single"},
        arena_bytes=0,
        steps=3,
        inputs=(),
        outputs=(),
        taps=(),
    )
    project = Project(tmp_path / "firmware", description)
    project.elf.parent.mkdir(parents=True)
    built = build_firmware("tiny", "native")
    shutil.copy2(built, project.elf)
    shutil.copy2(record_path(built), project.elf_record)
    (project.path / "nightjar.json").write_bytes(description.to_json())
    return tmp_path


def nightjar(
    folder: Path, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from host.cli import main; main()", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def answer(folder: Path, *arguments: str) -> dict[str, Any]:
    done = nightjar(folder, *arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    payload: dict[str, Any] = json.loads(done.stdout)
    return payload


def test_up_status_down(bench: Path) -> None:
    assert answer(bench, "board", "status", "native")["up"] is False
    up = answer(bench, "board", "up", "native")
    assert (up["schema"], up["up"], up["changed"]) == ("nightjar/board/1", True, True)
    assert answer(bench, "board", "up", "native")["changed"] is False
    flashed = answer(bench, "flash", "firmware", "--board", "native")
    assert flashed["kept"] is True
    again = answer(bench, "flash", "firmware", "--board", "native")
    assert (again["flash"], again["hello"]["boot"]) == (None, flashed["hello"]["boot"])
    assert answer(bench, "flash", "firmware", "--board", "native", "--always")["flash"] is not None
    status = answer(bench, "board", "status", "native")
    assert status["elf_sha256"] == sha256_file(bench / "firmware/build/nightjar.elf")
    assert status["holder"] is None
    assert ProcessId.of(status["pid"]) is not None
    assert answer(bench, "board", "down", "native")["changed"] is True
    assert ProcessId.of(status["pid"]) is None
    assert answer(bench, "board", "down", "native")["changed"] is False


def test_up_that_fails_to_say_so_leaves_no_board(bench: Path) -> None:
    assert nightjar(bench, "board", "up", "native", "--json", "/dev/full").returncode == 10
    assert answer(bench, "board", "status", "native")["up"] is False
    assert answer(bench, "board", "up", "native")["changed"] is True
    # What was kept before is not ended by it.
    assert nightjar(bench, "board", "up", "native", "--json", "/dev/full").returncode == 10
    assert answer(bench, "board", "status", "native")["up"] is True


def test_flash_prints_who_answers(bench: Path) -> None:
    done = nightjar(bench, "flash", "firmware", "--board", "native")
    assert done.returncode == 0, done.stderr
    for row in (
        "MB/s",
        "build-id ",
        "model      112233",
        f"protocol   {PROTOCOL}",
        "rounding   ADD=single",
    ):
        assert row in done.stdout
    payload = answer(bench, "flash", "firmware", "--board", "native")
    assert payload["schema"] == "nightjar/flash/1"
    assert payload["hello"]["backend"] == "tiny"
    assert payload["flash"]["bytes"] == (bench / "firmware/build/nightjar.elf").stat().st_size


def test_identity_of_another_model_is_refused_and_no_hello_is_shown(bench: Path) -> None:
    description = bench / "firmware/nightjar.json"
    description.write_text(description.read_text().replace("112233", "112234"))
    done = nightjar(bench, "flash", "firmware", "--board", "native", "--json", "out.json")
    assert done.returncode == 15
    assert json.loads(done.stderr)["class"] == "IDENTITY"
    assert "build-id" not in done.stdout
    assert not (bench / "out.json").exists()


def test_a_taken_board_names_its_holder(bench: Path) -> None:
    answer(bench, "board", "up", "native")
    with board_lock(private_folder(None, make=True), "native", 0):
        for arguments in (("flash", "firmware", "--board", "native"), ("board", "down", "native")):
            done = nightjar(bench, *arguments)
            assert done.returncode == 12
            assert f"pid {os.getpid()}" in done.stderr


def test_a_taken_board_is_waited_for(bench: Path) -> None:
    answer(bench, "board", "up", "native")
    with board_lock(private_folder(None, make=True), "native", 0):
        line = [sys.executable, "-c", "from host.cli import main; main()"]
        line += ["flash", "firmware", "--board", "native", "--wait", "60", "--json", "-"]
        waiting = subprocess.Popen(line, cwd=bench, stdout=subprocess.PIPE, text=True)
        time.sleep(1.0)
        assert waiting.poll() is None
    output, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert json.loads(output)["kept"] is True


@pytest.mark.parametrize("command", ["flash", "verify", "hil", "classify", "bench"])
def test_every_command_that_opens_a_board_can_wait(command: str, bench: Path) -> None:
    done = nightjar(bench, command, "--help")
    assert "--wait SECONDS" in done.stdout


def test_one_board_for_all_folders(bench: Path) -> None:
    elsewhere = bench / "elsewhere"
    elsewhere.mkdir()
    answer(bench, "board", "up", "native")
    assert answer(elsewhere, "board", "status", "native")["up"] is True
    assert answer(elsewhere, "board", "up", "native")["changed"] is False
    assert not (bench / "build").exists()


def test_down_ends_all(bench: Path) -> None:
    assert [one["changed"] for one in answer(bench, "board", "down", "--all")["boards"]] == [
        False for _ in KINDS
    ]
    answer(bench, "board", "up", "native")
    answer(bench, "flash", "firmware", "--board", "native")
    pid = answer(bench, "board", "status", "native")["pid"]
    payload = answer(bench, "board", "down", "--all")
    assert payload["schema"] == "nightjar/boards/1"
    assert {one["board"]: one["changed"] for one in payload["boards"]} == {
        name: name == "native" for name in KINDS
    }
    assert ProcessId.of(pid) is None


def test_down_ends_the_others_when_one_is_taken(bench: Path) -> None:
    first, *_, last = KINDS
    answer(bench, "board", "up", "native")
    with board_lock(private_folder(None, make=True), first if first != "native" else last, 0):
        done = nightjar(bench, "board", "down", "--all")
    assert done.returncode == 12
    assert "native: ended" in done.stdout


def test_make_clean_ends_what_is_kept(bench: Path) -> None:
    """The very line of the Makefile."""
    makefile = Path(__file__).parents[2] / "Makefile"
    line = next(line for line in makefile.read_text().splitlines() if "board down" in line)
    answer(bench, "board", "up", "native")
    assert nightjar(bench, *shlex.split(line.split("nightjar", 2)[2])).returncode == 0
    assert answer(bench, "board", "status", "native")["up"] is False


def test_a_lost_board_is_shown_and_ended(bench: Path) -> None:
    answer(bench, "board", "up", "native")
    answer(bench, "flash", "firmware", "--board", "native")
    pid = answer(bench, "board", "status", "native")["pid"]
    shutil.rmtree(private_folder(None, make=False))
    status = answer(bench, "board", "status", "native")
    assert (status["up"], status["lost"]) == (False, [pid])
    assert f"lost, pid {pid}" in nightjar(bench, "board", "status", "native").stdout
    assert answer(bench, "board", "down", "native")["changed"] is True
    assert ProcessId.of(pid) is None


def planted(victim: Path, process: ProcessId) -> str:
    """A record of the schema that named a folder to remove and a process to end."""
    said = {
        "name": "virtual",
        "folder": str(victim),
        "process": asdict(process),
        "needs_process": True,
        "elf_sha256": None,
        "since": "2026-11-20T12:00:00+00:00",
        "command": "nightjar board up",
    }
    return json.dumps({**said, "schema": "nightjar/board/1"})


@pytest.mark.parametrize("stale", [False, True])
def test_a_planted_record_removes_no_folder_and_ends_no_process(bench: Path, stale: bool) -> None:
    """As another user leaves it in /tmp, and a stranger's archive under build/."""
    victim = bench / "victim"
    victim.mkdir()
    (victim / "precious").write_text("")
    mark = hashlib.sha256(f"{os.getuid()} {bench / 'build/boards'} virtual".encode()).hexdigest()
    in_tmp = Path(tempfile.gettempdir()) / f"nightjar-kept-{mark[:12]}"
    open_to_all = bench / "open"
    places = [bench / "build/boards/virtual.json", in_tmp / "record.json"]
    places += [open_to_all / "nightjar/virtual/record.json"]
    with subprocess.Popen(["sleep", "3600"], cwd=victim) as innocent:
        process = ProcessId.of(innocent.pid)
        assert process is not None
        try:
            for place in places:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(
                    planted(victim, replace(process, started=stale or process.started))
                )
            open_to_all.chmod(0o777)
            for runtime in (os.environ["XDG_RUNTIME_DIR"], str(open_to_all)):
                for command in ("status", "down", "status"):
                    done = nightjar(bench, "board", command, XDG_RUNTIME_DIR=runtime)
                    assert done.returncode == 0, done.stderr
            assert innocent.poll() is None
            assert (victim / "precious").exists()
            assert all(place.exists() for place in places)
        finally:
            innocent.kill()
            shutil.rmtree(in_tmp)


def tree(*folders: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path): (found.st_ino, found.st_size, found.st_mtime_ns)
        for folder in folders
        for path in (folder, *folder.rglob("*"))
        for found in [path.lstat()]
    }


@pytest.mark.parametrize(
    "arguments", [("board", "status", "native"), ("doctor",), ("inspect", "m.tflite")]
)
def test_what_only_looks_changes_nothing(bench: Path, arguments: tuple[str, ...]) -> None:
    (bench / "m.tflite").write_bytes(keras_models.quantized("dense"))
    runtime, home = Path(os.environ["XDG_RUNTIME_DIR"]), bench / "home"
    home.mkdir()
    for kept in (False, True):
        if kept:
            keep_board("native")
            with open_board("native") as board:
                board.flash(build_firmware("tiny", "native"), Deadline.after(10))
            (runtime / "nightjar" / ".own-dead").mkdir()
        before = tree(bench, runtime)
        assert nightjar(bench, *arguments, HOME=str(home)).returncode in (0, 10)
        assert tree(bench, runtime) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("flash", "firmware", "--board", "virtual"), "generated for another board"),
        (("flash", "absent", "--board", "native"), "bundle folder or a .tflite"),
        (("board", "up", "arduino"), "known boards are"),
    ],
)
def test_bad_input_is_refused(bench: Path, arguments: tuple[str, ...], says: str) -> None:
    done = nightjar(bench, *arguments)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize("name", ["flash", "board"])
def test_help_is_quick(bench: Path, name: str) -> None:
    """Below 0.3 s where Python with click alone takes 0.05 s, on any machine in proportion."""
    bare, helped = [], []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", "import click"], cwd=bench, check=True)
        bare.append(time.monotonic() - started)
        started = time.monotonic()
        assert nightjar(bench, name, "--help").returncode == 0
        helped.append(time.monotonic() - started)
    assert min(helped) < 6 * min(bare)
