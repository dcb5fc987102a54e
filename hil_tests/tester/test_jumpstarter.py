"""Leases of jumpstarter: its real client and a real exporter before a board; the controller between them is a stand-in.

jumpstarter has an environment of its own, build/jumpstarter, that the first run makes; nothing of it is imported here.
"""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from hil_tests.tester.conftest import Make
from hil_tests.tester.environments import programs_of
from host.boards import bench_lock
from host.deadline import Deadline
from host.errors import NightjarError
from host.link.client import Client
from host.link.serial_url import SerialUrl
from host.selftest.simulated_board import SimulatedBoard

VERSION = "0.9.0"
PACKAGES = [
    f"jumpstarter-{name}=={VERSION}" for name in ("cli", "driver-composite", "driver-network")
]
CONTROLLER = Path(__file__).parent / "jumpstarter" / "controller.py"
HOLD = "jmp shell -n n6-01 --duration 2h -- sh -c 'j serial forward-tcp 0 & read _; kill -9 $!'"
UID = "board-far---"
LONG = 120.0  # seconds, on whatever busy computer
# The header and the claims of a token that nobody checks.
TOKEN = ".".join(
    base64.b64encode(part).decode().rstrip("=") for part in (b'{"alg":"HS256"}', b"{}", b"none")
)
EXPORTER = """apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata: {{namespace: default, name: n6-01}}
export:
  serial:
    type: jumpstarter_driver_network.driver.TcpNetwork
    config: {{host: 127.0.0.1, port: {port}}}
"""
CLIENT = """apiVersion: jumpstarter.dev/v1alpha1
kind: ClientConfig
metadata: {{namespace: default, name: {name}}}
endpoint: {endpoint}
tls: {{ca: {certificate}}}
token: {token}
drivers: {{allow: [], unsafe: true}}
"""
HOLDER = """
import sys
from pathlib import Path
from host.boards import bench_lock
from host.boards.pool import meant
bench_lock.ROOT = Path(sys.argv[1])
with meant("far", bench=Path(sys.argv[2]), flashes=False, wait=3600) as at:
    print(at.url, flush=True)
    sys.stdin.read()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not (shutil.which("openssl") and shutil.which("gcc")), reason="apt-get install openssl gcc"
    ),
]


@pytest.fixture(scope="module")
def jumpstarter() -> Path:
    """The folder of jumpstarter's programs."""
    return programs_of("jumpstarter", VERSION, PACKAGES)


@pytest.fixture
def laboratory(
    jumpstarter: Path,
    made: Make,
    model_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """Of a controller that has one exporter, with a board behind it: the file in which its leases stand."""
    monkeypatch.setattr(bench_lock, "ROOT", tmp_path / "locks")
    monkeypatch.setenv("PATH", f"{jumpstarter}:{os.environ['PATH']}")
    _, project = made(model_path, "native")
    certificate, key, state = (tmp_path / name for name in ("certificate.pem", "key.pem", "state"))
    line = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=here"
    line += f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    subprocess.run(line.split(), check=True, capture_output=True)
    with ExitStack() as stack:
        short = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        board = stack.enter_context(SimulatedBoard(project.elf, short, UID))
        exporter = tmp_path / "exporter.yaml"
        exporter.write_text(EXPORTER.format(port=board.port))
        words = [jumpstarter / "python", CONTROLLER, certificate, key, exporter, state]
        controller = stack.enter_context(
            subprocess.Popen([str(one) for one in words], stdout=subprocess.PIPE, text=True)
        )
        stack.callback(controller.terminate)
        assert controller.stdout is not None
        given = {
            "endpoint": controller.stdout.readline().strip(),
            "certificate": base64.b64encode(certificate.read_bytes()).decode(),
            "token": TOKEN,
        }
        for name in ("we", "others"):
            (tmp_path / f"{name}.yaml").write_text(CLIENT.format(name=name, **given))
        # On a busy computer the client gives up an exporter that is slow, and begins anew.
        ours = HOLD.replace("shell", f"shell --client-config {tmp_path}/we.yaml --retry-timeout 1h")
        (tmp_path / "bench.toml").write_text(
            f'[board.far]\nkind = "native"\nuid = "{UID.encode().hex()}"\n'
            f'[board.far.lease]\nhold = """{ours}"""\n'
        )
        yield state


@contextmanager
def holder(bench: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that leases the board, and says where it is; killed by -9 behind the block."""
    line = [sys.executable, "-c", HOLDER, str(bench_lock.ROOT), str(bench)]
    with subprocess.Popen(line, stdin=PIPE, stdout=PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def says_hello(url: str) -> None:
    """The board that stands in the laboratory, which somebody else has leased."""
    with closing(SerialUrl(url, 921600)) as transport:
        assert Client(transport).hello(Deadline.after(LONG)).uid == UID.encode()


def until(state: Path, *leases: str) -> None:
    """Wait for leases to stand there, the last ones; a name that the controller gave is left out."""
    limit = Deadline.after(3 * LONG)
    while True:
        text = state.read_text() if state.exists() else ""
        if tuple(line.partition(" ")[2] for line in text.splitlines())[-len(leases) :] == leases:
            return
        assert not limit.expired, text
        time.sleep(0.2)


def test_a_board_is_leased_and_given_back_also_by_who_is_killed(
    laboratory: Path, tmp_path: Path
) -> None:
    bench = tmp_path / "bench.toml"
    with holder(bench) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        until(laboratory, "we active")
        says_hello(url)
    until(laboratory, "we ended")
    with pytest.raises(NightjarError) as caught:
        says_hello(url)
    assert caught.value.failure_class in ("BOARD", "LINK")
    line = "jmp create lease -n n6-01 --duration 1h --lease-id theirs --client-config"
    subprocess.run([*line.split(), tmp_path / "others.yaml"], check=True, capture_output=True)
    with holder(bench):
        until(laboratory, "others active", "we waits")
    until(laboratory, "others active", "we ended")
