"""Serial URLs against the real firmware: a pty, a TCP socket, and RFC 2217."""

import contextlib
import itertools
import select
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
import serial.rfc2217

from host.boards import open_board
from host.deadline import Deadline
from host.errors import BoardFailure
from host.link.client import Client
from host.link.messages import Mode, Stages, What
from host.link.serial_url import SerialUrl
from host.link.testing_firmware import build_firmware, can_build, tiny_output

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")


@pytest.fixture
def pty() -> Iterator[str]:
    """The path of a pty with the firmware behind it."""
    process = subprocess.Popen(
        [build_firmware("tiny", "native"), "--pty", "--die-with-parent"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


def _session(url: str) -> None:
    transport = SerialUrl(url)
    try:
        client = Client(transport)
        deadline = Deadline.after(10)
        assert client.hello(deadline).backend == "tiny"
        first, second = bytes(range(16)), bytes(range(5))
        client.load_input(0, first, deadline)
        client.load_input(1, second, deadline)
        client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=deadline)
        assert client.read(What.TAP, 2, 0, 16, deadline) == tiny_output(first, second)
        # Nothing comes: a read ends at its deadline, with nothing.
        assert transport.read(Deadline.after(0.05)) == b""
    finally:
        transport.close()


def test_pty(pty: str) -> None:
    _session(pty)
    _session(pty)


def test_tcp_socket(tmp_path: Path) -> None:
    with open_board("native", root=tmp_path) as board:
        board.flash(build_firmware("tiny", "native"), Deadline.after(10))
        with socket.create_server(("127.0.0.1", 0)) as server:
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(board._folder / "link.sock"))  # type: ignore[attr-defined]
            thread = threading.Thread(target=_forward, args=(server, behind), daemon=True)
            thread.start()
            _session(f"socket://127.0.0.1:{server.getsockname()[1]}")
            thread.join(5)
            assert not thread.is_alive()


def _forward(server: socket.socket, behind: socket.socket) -> None:
    front, _ = server.accept()
    with front, behind:
        while True:
            for ready in select.select([front, behind], [], [], 10)[0]:
                data = ready.recv(4096)
                if not data:
                    return
                (behind if ready is front else front).sendall(data)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pyserial's own
def test_rfc2217(pty: str) -> None:
    port = _NoModemLines(pty, 115200, timeout=0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_redirect, args=(server, port), daemon=True)
        thread.start()
        _session(f"rfc2217://127.0.0.1:{server.getsockname()[1]}?ign_set_control")
        thread.join(5)
        assert not thread.is_alive()
    port.close()


class _NoModemLines(serial.Serial):  # type: ignore[misc]
    """A pty has none, and says so with an error."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass


class _Connection:
    def __init__(self, front: socket.socket) -> None:
        self.write = front.sendall


def _redirect(server: socket.socket, port: serial.Serial) -> None:
    """A server for one client, around pyserial's own half of the protocol."""
    front, _ = server.accept()
    with front, contextlib.suppress(ConnectionError):
        manager = serial.rfc2217.PortManager(port, _Connection(front))
        while True:
            for ready in select.select([front, port.fileno()], [], [], 10)[0]:
                if ready is front:
                    data = front.recv(4096)
                    if not data:
                        return
                    port.write(b"".join(manager.filter(data)))
                else:
                    front.sendall(b"".join(manager.escape(port.read(4096))))


def test_a_port_that_is_absent_is_the_boards(tmp_path: Path) -> None:
    with pytest.raises(BoardFailure, match="cannot be opened"):
        SerialUrl(str(tmp_path / "ttyACM9"))


def test_a_port_is_used_by_one_only(pty: str) -> None:
    first = SerialUrl(pty)
    with pytest.raises(BoardFailure, match="cannot be opened"):
        SerialUrl(pty)
    first.close()


def test_a_port_that_vanishes_is_the_boards() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = SerialUrl(f"socket://127.0.0.1:{server.getsockname()[1]}")
        front, _ = server.accept()
        front.close()
        with pytest.raises(BoardFailure, match="vanished"):
            Client(transport).hello(Deadline.after(5))
        transport.close()


@pytest.mark.parametrize("way", ["pty", "socket"])
def test_a_process_that_did_not_get_to_run_has_sent_all_the_same(
    way: str, pty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look at pyserial's clock is an hour behind the one before."""
    clock = itertools.count(step=3600)
    ticking = staticmethod(lambda: next(clock))
    monkeypatch.setattr(serial.serialutil.Timeout, "TIME", ticking)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = pty if way == "pty" else f"socket://127.0.0.1:{server.getsockname()[1]}"
        transport = SerialUrl(url)
        try:
            transport.write(b"x" * 2000, Deadline.after(60))
        finally:
            transport.close()
