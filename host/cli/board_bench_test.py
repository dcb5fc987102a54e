"""`nightjar board scan, list, unlock, log, gdb`, as a user types them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.boards import bench_lock as locks
from host.boards import probes
from host.boards import scan as scanning
from host.boards.bench_file import read_bench
from host.boards.bench_lock import bench_lock
from host.boards.bench_lock_test import holding
from host.boards.probes import find_probes
from host.boards.scan import SerialPort, lasting_name, listed_kinds
from host.cli import run
from host.link.frames import Frame, FrameType, encode
from host.testing_children import with_default_signals

ONE, TWO = "0039003A3234510433353533", "004200123234510433353533"
KIND = "stm32n6570-dk"


def device(usb: Path, name: str, **words: str) -> None:
    """A device as /sys/bus/usb/devices has it."""
    (usb / name).mkdir(parents=True)
    for word, value in words.items():
        (usb / name / word).write_text(value + "\n")


def st_link(usb: Path, name: str, serial: str, product: str = "3754") -> None:
    words = {"idVendor": "0483", "idProduct": product, "serial": serial}
    device(usb, name, **words, product="STLINK-V3", busnum="1", devnum=name[-1])


@pytest.fixture
def usb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is plugged in: nothing yet."""
    monkeypatch.setattr(probes, "USB", tmp_path / "usb")
    monkeypatch.setattr(scanning, "serial_ports", lambda: ())
    return tmp_path / "usb"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bench.toml"
    monkeypatch.setenv("NIGHTJAR_BENCH", str(path))
    return path


@pytest.fixture
def lock_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(locks, "ROOT", Path(folder) / "nightjar")
        yield Path(folder) / "nightjar"


def answer(tmp_path: Path, *words: object) -> tuple[int, dict[str, Any]]:
    """The exit code of a command, and what it wrote as JSON."""
    out = tmp_path / "answer.json"
    code = run([*map(str, words), "--json", str(out)])
    return code, json.loads(out.read_text()) if out.exists() else {}


def test_only_st_links_are_found_and_by_serial_number(usb: Path) -> None:
    assert find_probes(usb / "absent") == ()
    st_link(usb, "1-2", TWO)
    st_link(usb, "1-1", ONE, "374e")
    device(usb, "1-3", idVendor="0403", idProduct="6001", serial="FT1")
    device(usb, "1-4", idVendor="0483", idProduct="5740", serial="VCP")
    device(usb, "usb1", idVendor="1d6b", idProduct="0002")
    found = find_probes(usb)
    assert [probe.serial for probe in found] == [ONE, TWO]
    assert found[1].usb == "0483:3754"
    assert str(found[1].node) == "/dev/bus/usb/001/002"


def test_a_scan_writes_what_is_plugged_in_and_marks_the_rest(
    tmp_path: Path, usb: Path, bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    st_link(usb, "1-1", ONE)
    st_link(usb, "1-2", TWO)
    ports = (SerialPort("/dev/ttyACM0", "0483", TWO), SerialPort("/dev/ttyS0", "", ""))
    monkeypatch.setattr(scanning, "serial_ports", lambda: ports)
    assert answer(tmp_path, "board", "scan")[0] == 2
    assert not bench.exists()
    kinds = ("--kind", KIND, "--kind", f"{TWO}=nucleo-n657x0-q")
    code, said = answer(tmp_path, "board", "scan", *kinds)
    assert code == 0
    dk, nucleo = read_bench(bench).boards
    assert (dk.name, dk.kind, dk.probe, dk.port) == ("dk1", KIND, ONE, None)
    assert (nucleo.name, nucleo.probe, nucleo.port) == ("nucleo1", TWO, "/dev/ttyACM0")
    text = bench.read_text()
    assert text.count("# uid: unknown") == 2
    assert text.count("# port: unknown") == 1
    assert [board["name"] for board in said["boards"]] == ["dk1", "nucleo1"]
    bench.write_text("# mine\n")
    assert answer(tmp_path, "board", "scan", *kinds)[0] == 2
    assert bench.read_text() == "# mine\n"
    assert answer(tmp_path, "board", "scan", *kinds, "--force")[0] == 0
    assert len(read_bench(bench).boards) == 2


def test_nothing_plugged_in_is_no_board(tmp_path: Path, usb: Path, bench: Path) -> None:
    assert answer(tmp_path, "board", "scan")[0] == 11
    assert not bench.exists()


@pytest.mark.parametrize("kind", ["stm32n6570-dx", f"XX={KIND}", "native"])
def test_a_kind_that_cannot_be_is_refused(
    tmp_path: Path, usb: Path, bench: Path, kind: str
) -> None:
    st_link(usb, "1-1", ONE)
    assert answer(tmp_path, "board", "scan", "--kind", kind)[0] == 2


def test_the_programmers_list_says_kinds() -> None:
    text = f"""
-------- Connected ST-LINK Probes List --------
ST-Link Probe 0 :
   ST-LINK SN  : {ONE}
   ST-LINK FW  : V3J16M7
   Access Port Number  : 2
   Board Name  : STM32N6570-DK
ST-Link Probe 1 :
   ST-LINK SN  : {TWO}
   Board Name  : NUCLEO-N657X0-Q
ST-Link Probe 2 :
   ST-LINK SN  : 1
   Board Name  : NUCLEO-F401RE
"""
    assert listed_kinds(text) == {ONE: KIND, TWO: "nucleo-n657x0-q"}


def test_a_port_gets_the_name_that_lasts(tmp_path: Path) -> None:
    port = tmp_path / "ttyACM0"
    port.touch()
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-ST-if02").symlink_to("../ttyACM0")
    assert lasting_name(str(port), tmp_path / "by-id") == str(tmp_path / "by-id" / "usb-ST-if02")
    assert lasting_name("/dev/null", tmp_path / "by-id") == "/dev/null"


def test_list_and_unlock_name_the_holder_and_end_nothing(
    tmp_path: Path, bench: Path, lock_root: Path
) -> None:
    bench.write_text(
        f'[board.left]\nkind = "{KIND}"\nprobe = "{ONE}"\n[board.n]\nkind = "native"\n'
    )
    child = holding(lock_root)
    try:
        code, said = answer(tmp_path, "board", "list")
        assert code == 0
        left, native = said["boards"]
        assert left["holder"]["pid"] == child.pid
        assert (left["tier"], native["holder"], native["up"]) == (KIND, None, False)
        assert answer(tmp_path, "board", "unlock", "left")[0] == 12
        assert child.poll() is None
        child.kill()
        child.wait()
        code, said = answer(tmp_path, "board", "unlock", "left")
        assert (code, said["removed"]) == (0, 1)
        assert answer(tmp_path, "board", "unlock", "n")[0] == 2
        assert answer(tmp_path, "board", "unlock", "lefft")[0] == 2
    finally:
        child.kill()
        child.communicate()


def test_no_bench_is_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NIGHTJAR_BENCH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(["board", "list"]) == 0
    assert "no bench.toml" in capsys.readouterr().out
    assert run(["board", "list", "--bench", str(tmp_path / "absent")]) == 2


def test_gdb_goes_to_the_right_probe(tmp_path: Path, bench: Path) -> None:
    bench.write_text(
        f'[board.a]\nkind = "{KIND}"\nprobe = "{ONE}"\n'
        f'[board.b]\nkind = "{KIND}"\nprobe = "{TWO}"\ngdb = "localhost:61234"\n'
        '[board.c]\nkind = "native"\n'
    )
    code, said = answer(tmp_path, "board", "gdb", "a", "--dry-run")
    assert code == 0
    assert said["command"] == [
        "gdb-multiarch",
        "-ex",
        "set architecture armv8.1-m.main",
        "-ex",
        "target extended-remote | openocd -f interface/stlink.cfg -c 'transport select swd'"
        " -f target/stm32n6x.cfg -c 'stm32n6x.cpu configure -defer-examine' -c 'adapter speed 8000'"
        f" -c 'gdb_port pipe' -c 'log_output /dev/null' -c 'adapter serial {ONE}'"
        " -c 'reset_config srst_only srst_nogate' -c init -c 'stm32n6x.cpu arp_examine' || sleep 1",
    ]
    said = answer(tmp_path, "board", "gdb", "b", "--dry-run")[1]
    assert said["command"][-1] == "target extended-remote localhost:61234"
    assert answer(tmp_path, "board", "gdb", "c", "--dry-run")[0] == 2


CHILD = """
import sys
from pathlib import Path
from host.boards import bench_lock
bench_lock.ROOT = Path(sys.argv[1])
from host.cli import main
main(["board", "gdb", "b", "--bench", sys.argv[2]])
"""


def test_gdb_holds_the_board_until_it_ends(tmp_path: Path, bench: Path, lock_root: Path) -> None:
    """The stand-in for gdb is what nightjar becomes: it holds the lock of the process before."""
    bench.write_text(f'[board.b]\nkind = "{KIND}"\nprobe = "{TWO}"\ngdb = "localhost:1"\n')
    program = tmp_path / "gdb-multiarch"
    program.write_text("#!/bin/sh\necho gdb is here\nread line\n")
    program.chmod(0o755)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(lock_root), str(bench)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    try:
        assert child.stdout is not None
        while child.stdout.readline() != "gdb is here\n":
            assert child.poll() is None
        holder = locks.bench_holder(KIND, TWO)
        assert holder is not None
        assert holder["pid"] == child.pid
        child.communicate("\n")
        assert child.returncode == 0
        with bench_lock(KIND, TWO, name="b"):
            pass
    finally:
        child.kill()
        child.communicate()


@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")
def test_log_shows_frames_and_foreign_bytes(tmp_path: Path, bench: Path) -> None:
    said = tmp_path / "said"
    said.write_bytes(b"boot rom\r\n" + encode(Frame(FrameType.LOG, 0, 0, b"ready")) + b"tail")
    link = tmp_path / "port"
    socat = subprocess.Popen(
        ["socat", "-u", f"GOPEN:{said},ignoreeof", f"PTY,link={link},raw,wait-slave"]
    )
    log = None
    try:
        while not link.exists():
            assert socat.poll() is None
        bench.write_text(f'[board.n]\nkind = "native"\nport = "{link}"\n')
        code = "from host.cli import main; main(['board', 'log', 'n'])"
        command = with_default_signals([sys.executable, "-c", code])
        log = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert log.stdout is not None
        assert [log.stdout.readline() for _ in range(3)] == ["boot rom\n", "LOG ready\n", "tail\n"]
        log.send_signal(signal.SIGINT)
        assert log.wait() == 130
    finally:
        socat.kill()
        socat.wait()
        if log is not None:
            log.kill()
            log.communicate()


def test_log_ends_after_its_time_and_needs_a_port(tmp_path: Path, bench: Path) -> None:
    master, slave = os.openpty()
    try:
        bench.write_text(f'[board.n]\nkind = "native"\nport = "{os.ttyname(slave)}"\n')
        code, result = answer(tmp_path, "board", "log", "n", "--for", "0.1")
        assert (code, result["entries"]) == (0, [])
    finally:
        os.close(master)
        os.close(slave)
    bench.write_text('[board.n]\nkind = "native"\n')
    assert answer(tmp_path, "board", "log", "n")[0] == 2
