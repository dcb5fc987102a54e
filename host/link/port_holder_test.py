"""Who has a serial port open: it is used by one only, and whoever is in the way is named."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from host.errors import BoardLocked
from host.link.port_holder import held_port, port_holders
from host.link.serial_url import SerialUrl

PLAINLY = "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)"
LOCKED = "import sys; from host.link.serial_url import SerialUrl; port = SerialUrl(sys.argv[1])"
HELD = (
    "import sys; from host.link.port_holder import held_port;"
    "hold = held_port(sys.argv[1], 0); hold.__enter__()"
)


def keeping(port: str, code: str) -> "subprocess.Popen[bytes]":
    """Another process that has the port open, until its input ends or it is killed."""
    line = [sys.executable, "-c", f"{code}; print('open', flush=True); sys.stdin.read()", port]
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    return child


@pytest.fixture
def port() -> Iterator[str]:
    """A pty whose master we have."""
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield name
    os.close(master)


@pytest.mark.parametrize("code", [PLAINLY, LOCKED], ids=["plainly", "locked"])
def test_who_has_it_open_is_named(port: str, code: str) -> None:
    """With a lock on it or, as most programs, without any: two readers would each get half of what the board says."""
    child = keeping(port, code)
    try:
        assert child.pid in [pid for pid, _ in port_holders(port)]
        with pytest.raises(BoardLocked) as caught:
            SerialUrl(port)
        assert f"it is open in pid {child.pid}, `" in caught.value.evidence
        said = re.search(r"`, which runs since (\S+ [\d:]+)", caught.value.evidence)
        assert said is not None
        began = datetime.strptime(said[1], "%Y-%m-%d %H:%M:%S").timestamp()
        assert began - 2 <= time.time() <= began + 600
        with pytest.raises(BoardLocked, match="is in use") as caught, held_port(port, 0):
            pass
        assert f"it is open in pid {child.pid}, `" in caught.value.evidence
    finally:
        child.communicate()
    assert port_holders(port) == []
    SerialUrl(port).close()


def test_what_is_held_is_opened_by_its_holder_alone(port: str) -> None:
    """Again and again, at any speed."""
    with held_port(port, 0):
        for baud in (115200, 921600):
            SerialUrl(port, baud).close()
        line = [sys.executable, "-c", LOCKED, port]
        other = subprocess.run(line, capture_output=True, text=True, check=False)
        assert "BoardLocked" in other.stderr
    subprocess.run(line, check=True)


def test_it_is_waited_for(port: str) -> None:
    child = keeping(port, HELD)
    try:
        with pytest.raises(BoardLocked), held_port(port, 0):
            pass
        assert child.stdin is not None
        child.stdin.close()
        started = time.monotonic()
        with held_port(port, 60):
            assert time.monotonic() - started < 50
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_what_is_no_device_is_held_by_nobody(tmp_path: "os.PathLike[str]") -> None:
    for url in ("socket://localhost:1", "/etc/passwd", os.fspath(tmp_path) + "/ttyACM7"):
        assert port_holders(url) == []
        with held_port(url, 0):
            pass
    with held_port("/dev/null", 0):  # which many have open
        pass


def test_who_serves_a_pty_does_not_stand_in_the_way(port: str) -> None:
    """It may keep the other end open, so that nothing that is said to nobody is lost."""
    code = "import os, sys; m, s = os.openpty(); print(os.ttyname(s), flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        SerialUrl(child.stdout.readline().decode().strip()).close()
    finally:
        child.communicate()
