"""A bench of two virtual STM32N6 and one native board, used by several commands at once: nobody gets the wrong one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hil_tests.tester.conftest import Make
from host.boards.virtual_n6.build import find
from host.exit_codes import Exit
from host.project import FAILED
from model_gen.codegen.testing.net import make_net

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

UID = {name: b"NIGHTJAR-VM".hex() + ord(name).to_bytes().hex() for name in "LRS"}
BENCH = """
[board.left]
kind = "n6-virtual"
switches = "flash"
machine = {{ uid = "L", nor = "{folder}/left.nor" }}
[board.right]
kind = "n6-virtual"
machine = {{ uid = "R" }}
[board.desk]
kind = "native"
"""


@dataclass(frozen=True)
class Bench:
    """The folder with bench.toml, two models, and their projects for the N6 and for this computer."""

    folder: Path
    models: tuple[Path, Path]
    projects: dict[tuple[int, str], Path]

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "host.entry", *map(str, words)]

    def start(self, *words: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*words),
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*words),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=300,
        )

    def answer(self, *words: str | Path) -> dict[str, Any]:
        done = self.run(*words, "--json", "-")
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def bench(
    made: Make,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    models = []
    for seed in (1, 2):
        path = tmp_path_factory.getbasetemp() / f"net{seed}.tflite"
        path.write_bytes(make_net(seed).tflite())
        models.append(path)
    projects = {
        (number, board): made(model, board)[1].path
        for number, model in enumerate(models)
        for board in ("n6-virtual", "native")
    }
    (tmp_path / "bench.toml").write_text(BENCH.format(folder=tmp_path))
    monkeypatch.setenv("NIGHTJAR_BENCH", str(tmp_path / "bench.toml"))
    with tempfile.TemporaryDirectory(prefix="nj-", dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        made_bench = Bench(tmp_path, (models[0], models[1]), projects)
        yield made_bench
        made_bench.run("board", "down", "--all")


def judge(bench: Bench, name: str, number: int) -> list[str | Path]:
    kind = "native" if name == "desk" else "n6-virtual"
    line: list[str | Path] = ["verify", bench.models[number], "--board", name, "--vectors", "1"]
    line += ["--seed", "1", "--project", bench.projects[number, kind]]
    return [*line, "--out", bench.folder / f"out-{name}-{number}", "--json", "-"]


def build_id(verdict: dict[str, Any]) -> str:
    return str(verdict["build_id"])


def test_four_commands_at_once(bench: Bench) -> None:
    """Two of them want the same board: one waits. Each judges its own model, on the board that it named."""
    up = {name: bench.answer("board", "up", name) for name in ("left", "right", "desk")}
    assert [up[name]["uid"] for name in ("left", "right")] == [UID["L"], UID["R"]]
    assert len({up[name]["pid"] for name in ("left", "right")}) == 2
    suite: list[str | Path] = [
        "hil",
        "--bundle",
        bench.models[1],
        "--board",
        "right",
        "--soak",
        "2",
    ]
    suite += ["--project", bench.projects[1, "n6-virtual"], "--vectors", "1", "--seed", "1"]
    suite += ["--out", bench.folder / "out-hil", "--json", "-"]
    wanted = [("left", 0), ("right", 1), ("desk", 0), ("left", 1)]
    running = [
        bench.start(*(suite if name == "right" else judge(bench, name, number)), "--wait", "200")
        for name, number in wanted
    ]
    ids = {}
    for (name, number), child in zip(wanted, running, strict=True):
        out, err = child.communicate(timeout=300)
        assert child.returncode == 0, out + err
        verdict = json.loads(out)
        assert verdict["exact"] is True
        assert verdict["tier"] == ("native" if name == "desk" else "n6-virtual")
        chip = {"left": UID["L"], "right": UID["R"], "desk": ""}[name]
        assert verdict["proved"]["uid"] == chip
        ids[name, number] = build_id(verdict)
    assert len(set(ids.values())) == 3, "the native, and two models on the N6"
    assert ids["right", 1] == ids["left", 1]
    # What the last one on each board has left there is what answers.
    for name, number in (("right", 1), ("desk", 0)):
        again = bench.run(*judge(bench, name, number), "--no-flash")
        assert again.returncode == 0, again.stderr
        other = bench.run(*judge(bench, name, 1 - number), "--no-flash")
        assert other.returncode == Exit.IDENTITY, other.stdout + other.stderr


def test_the_suite_is_green_from_flash_boot(bench: Bench) -> None:
    line = ["hil", "--bundle", bench.models[0], "--board", "left", "--vectors", "1", "--soak", "2"]
    line += ["--project", bench.projects[0, "n6-virtual"], "--out", bench.folder / "hil"]
    done = bench.run(*line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(stm32n6570-dk on n6-virtual, left)" in done.stdout


def test_a_board_that_is_not_kept_is_one_all_the_same(bench: Bench) -> None:
    """Its NOR is a file: two of it would write into each other's."""
    running = [bench.start(*judge(bench, "left", number), "--wait", "200") for number in (0, 1)]
    for child in running:
        out, err = child.communicate(timeout=300)
        assert child.returncode == 0, out + err


def test_a_chip_that_is_not_the_bench_s_is_refused(bench: Bench) -> None:
    """By hand, at the ports that another board of the bench has; and by a bench that names another id."""
    right = bench.answer("board", "up", "right")
    swapped = bench.folder / "swapped.toml"
    entry = f'kind = "n6-virtual"\nport = "{right["port"]}"\ngdb = "{right["gdb"]}"\n'
    swapped.write_text(
        f'[board.wrong]\nuid = "{UID["S"]}"\n{entry}'
        f'[board.silicon]\nkind = "stm32n6570-dk"\nport = "{right["port"]}x"\ngdb = "{right["gdb"]}x"\n'
    )
    done = bench.run(*judge(bench, "wrong", 0), "--bench", swapped)
    assert done.returncode == Exit.IDENTITY, done.stdout + done.stderr
    assert UID["R"] in done.stderr
    assert UID["S"] in done.stderr
    assert "than the bench calls wrong" in done.stderr
    swapped.write_text(f'[board.mine]\nuid = "{UID["R"]}"\n{entry}')
    done = bench.run(*judge(bench, "mine", 0), "--bench", swapped)
    assert done.returncode == 0, done.stdout + done.stderr


def test_boards_that_were_swapped_are_refused_before_they_are_written(bench: Bench) -> None:
    """They are up under each other's name, as after a mistake in the bench file."""
    for name in ("left", "right"):
        bench.answer("board", "up", name)
    swapped = bench.folder / "swapped.toml"
    text = BENCH.format(folder=bench.folder).replace('"L"', '"?"').replace('"R"', '"L"')
    swapped.write_text(text.replace('"?"', '"R"'))
    for name, here, named in (("left", "L", "R"), ("right", "R", "L")):
        for words in (judge(bench, name, 0), ["flash", bench.projects[0, "n6-virtual"]]):
            done = bench.run(*words, "--board", name, "--bench", swapped)
            assert done.returncode == Exit.IDENTITY, done.stdout + done.stderr
            assert f"than the bench calls {name}: nothing was written" in done.stderr
            assert UID[here] in done.stderr
            assert UID[named] in done.stderr
        assert bench.answer("board", "status", name)["elf_sha256"] is None


def test_a_virtual_chip_never_passes_for_silicon(bench: Bench) -> None:
    """The very same gdb server and serial port, called a board of silicon: flashed, and refused by its id."""
    right = bench.answer("board", "up", "right")
    file = bench.folder / "silicon.toml"
    entry = f'kind = "stm32n6570-dk"\nport = "{right["port"]}"\ngdb = "{right["gdb"]}"\n'
    file.write_text(f"[board.dk]\n{entry}")
    words = [*judge(bench, "dk", 0), "--bench", file]
    for more in ([], ["--no-flash"]):
        done = bench.run(*words, *more)
        assert done.returncode == Exit.IDENTITY, done.stdout + done.stderr
        assert "a virtual chip answered, and not stm32n6570-dk" in done.stderr
    by_hand = ["--board", "stm32n6570-dk", "--port", str(right["port"]), "--no-flash"]
    done = bench.run(*judge(bench, "dk", 0), *by_hand)
    assert done.returncode == Exit.IDENTITY, done.stdout + done.stderr
    # What was written there is right all the same, for who calls it what it is.
    by_hand[1] = "n6-virtual"
    done = bench.run(*judge(bench, "dk", 0), *by_hand)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["proved"]["uid"] == UID["R"]


def test_switches_for_the_boot_from_flash_are_told(bench: Bench) -> None:
    """As the bench has them, before anything is asked; and as they are found, before anything is written."""
    left = bench.answer("board", "up", "left")
    assert bench.run(*judge(bench, "left", 0)).returncode == 0
    file = bench.folder / "switches.toml"
    entry = f'port = "{left["port"]}"\ngdb = "{left["gdb"]}"\n'
    file.write_text(f'[board.dk]\nkind = "stm32n6570-dk"\nswitches = "flash"\n{entry}')
    done = bench.run(*judge(bench, "dk", 1), "--bench", file)
    assert done.returncode == Exit.BOARD, done.stdout + done.stderr
    assert "stand for the boot from flash, and a development boot is needed" in done.stderr
    assert "both boot switches right, then power-cycle" in done.stderr
    file.write_text(f'[board.dk]\nkind = "stm32n6570-dk"\n{entry}')
    done = bench.run(*judge(bench, "dk", 1), "--bench", file)
    assert done.returncode == Exit.BOARD, done.stdout + done.stderr
    assert "the board boots from flash, and a development boot is needed" in done.stderr
    assert bench.run(*judge(bench, "left", 0), "--no-flash").returncode == 0


def test_a_port_or_a_debugger_in_other_hands_is_named(bench: Bench) -> None:
    right = bench.answer("board", "up", "right")
    file = bench.folder / "port.toml"
    file.write_text(
        f'[board.far]\nkind = "n6-virtual"\nport = "{right["port"]}"\ngdb = "{right["gdb"]}"\n'
    )
    code = "import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_NOCTTY); print(flush=True)"
    line = [sys.executable, "-c", f"{code}; sys.stdin.read()", right["port"]]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        for words in (judge(bench, "right", 0), judge(bench, "far", 0)):
            done = bench.run(
                *words, "--bench", file if "far" in words else bench.folder / "bench.toml"
            )
            assert done.returncode == Exit.LOCKED, done.stdout + done.stderr
            assert f"it is open in pid {child.pid}, `" in done.stderr
        child.communicate()
    (bench.folder / "gdb-multiarch").write_text("#!/bin/sh\necho gdb is here\nread line\n")
    (bench.folder / "gdb-multiarch").chmod(0o755)
    path = f"{bench.folder}:{os.environ['PATH']}"
    with subprocess.Popen(
        bench.command("board", "gdb", "right"),
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True},
        env={**os.environ, "PATH": path},
    ) as child:
        assert child.stdout is not None
        while child.stdout.readline() != "gdb is here\n":
            assert child.poll() is None
        rows = {row["name"]: row for row in bench.answer("board", "list")["boards"]}
        assert (rows["right"]["up"], rows["right"]["holder"]["pid"]) == (True, child.pid)
        assert (rows["left"]["up"], rows["left"]["holder"]) == (False, None)
        for words in (judge(bench, "right", 0), ["board", "log", "right", "--for", "0"]):
            done = bench.run(*words)
            assert done.returncode == Exit.LOCKED, done.stdout + done.stderr
            assert f"pid {child.pid}" in done.stderr
        child.communicate("\n")


def test_what_is_not_up_runs_nothing_to_be_judged(bench: Bench) -> None:
    done = bench.run(*judge(bench, "right", 0), "--no-flash")
    assert done.returncode == Exit.BOARD, done.stdout + done.stderr
    assert "`nightjar board up right`" in done.stderr


def test_the_wrong_speed_is_said(bench: Bench) -> None:
    right = bench.answer("board", "up", "right")
    done = bench.run(*judge(bench, "right", 0))
    assert done.returncode == 0, done.stderr
    file = bench.folder / "slow.toml"
    file.write_text(f'[board.slow]\nkind = "n6-virtual"\nport = "{right["port"]}"\nbaud = 115200\n')
    done = bench.run(*judge(bench, "slow", 0), "--bench", file, "--no-flash")
    assert done.returncode == Exit.LINK, done.stdout + done.stderr
    assert "the board answers at 921600 baud, and not at 115200" in done.stderr
    again = bench.run("replay", bench.folder / "out-slow-0" / FAILED)
    assert again.returncode == Exit.LINK, again.stdout + again.stderr
    assert "the board answers at 921600 baud, and not at 115200" in again.stderr


def test_shell_and_log_of_a_kept_board(bench: Bench) -> None:
    right = bench.answer("board", "up", "right")
    shell = bench.run("board", "gdb", "right", "--dry-run")
    assert f"target extended-remote {right['gdb']}" in shell.stdout
    assert bench.run(*judge(bench, "right", 0)).returncode == 0
    log = bench.run("board", "log", "right", "--for", "0.2", "--json", "-")
    assert log.returncode == 0, log.stderr
    assert json.loads(log.stdout)["port"] == right["port"]
    assert os.path.exists(right["port"])  # noqa: PTH110
