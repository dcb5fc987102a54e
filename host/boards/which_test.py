"""Which board a command means."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards import probes, scan
from host.boards.kinds import DK, SILICON
from host.boards.which import which
from host.errors import BadInput, BoardFailure, IdentityFailure
from host.link.identity_test import HELLO

BENCH = """
[board.left]
kind = "n6-virtual"
machine = { uid = "L" }
[board.desk]
kind = "stm32n6570-dk"
probe = "066AFF"
uid = "0123456789abcdef01234567"
gdb = "localhost:61234"
port = "/dev/ttyACM7"
baud = 115200
[board.bare]
kind = "nucleo-n657x0-q"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    path = tmp_path / "bench.toml"
    path.write_text(BENCH)
    return path


@pytest.mark.parametrize("kind", ["virtual", "native", "n6-virtual"])
def test_a_kind_is_no_board_of_the_bench(kind: str, bench: Path) -> None:
    found = which(kind, bench=bench)
    assert (found.name, found.tier, found.entry, found.url) == (kind, kind, None, None)


def test_a_name_is_looked_up_on_the_bench(bench: Path) -> None:
    left, desk = which("left", bench=bench), which("desk", bench=bench)
    assert (left.name, left.tier, left.url) == ("left", "n6-virtual", None)
    assert (desk.name, desk.tier) == ("desk", "stm32n6570-dk")
    assert (desk.url, desk.baud) == ("/dev/ttyACM7", 115200)
    assert which("desk", bench=bench, port="socket://b:1").url == "socket://b:1"


def test_the_variable_names_the_bench(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_BENCH", str(bench))
    assert which("left").name == "left"


def test_a_name_that_nobody_has_is_refused_with_the_nearest(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="Did you mean left"):
        which("lefd", bench=bench)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NIGHTJAR_BENCH", raising=False)
    with pytest.raises(BadInput, match="Did you mean virtual") as caught:
        which("virtaul")
    assert "no bench.toml was found" in caught.value.evidence


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Plugs in an ST-LINK of that serial number, without a serial port."""
    usb = tmp_path / "usb"
    monkeypatch.setattr(probes, "USB", usb)
    monkeypatch.setattr(scan, "serial_ports", lambda: ())

    def plug(serial: str) -> None:
        device = usb / f"1-{serial}"
        device.mkdir(parents=True)
        about = {"idVendor": probes.ST, "idProduct": "3754", "serial": serial, "busnum": "1"}
        for name, value in {**about, "devnum": "2", "product": "STLINK-V3"}.items():
            (device / name).write_text(value)

    return plug


def test_a_kind_of_silicon_is_the_only_one_of_the_bench(bench: Path) -> None:
    desk = which(DK.name, bench=bench)
    assert (desk.name, desk.option, desk.url) == ("desk", "desk", "/dev/ttyACM7")
    bench.write_text(BENCH + f'[board.second]\nkind = "{DK.name}"\n')
    with pytest.raises(BadInput, match="2 boards of the kind") as caught:
        which(DK.name, bench=bench)
    assert "desk, second" in caught.value.evidence
    by_hand = which(DK.name, bench=bench, port="/dev/ttyACM0", flashes=False).located()
    assert (by_hand.entry, by_hand.url) == (None, "/dev/ttyACM0")


@pytest.mark.parametrize("kind", SILICON)
def test_a_kind_that_the_bench_does_not_have_is_what_is_plugged_in(
    kind: str, tmp_path: Path, plugged: Callable[[str], None]
) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    found = which(kind, bench=empty)
    assert found.option == kind
    with pytest.raises(BoardFailure, match="no debug probe is plugged in"):
        found.located()
    plugged("0A1B")
    with pytest.raises(BadInput, match="no serial port of the-") as caught:
        found.located()
    assert "--port URL" in caught.value.next_step
    located = which(kind, bench=empty, port="/dev/ttyACM0").located()
    assert located.entry is not None
    assert (located.entry.probe, located.url) == ("0A1B", "/dev/ttyACM0")
    plugged("0A1C")
    with pytest.raises(BadInput, match="2 probes are plugged in, and nothing says which"):
        found.located()


def test_what_is_only_judged_needs_a_port_and_no_probe(
    bench: Path, plugged: Callable[[str], None]
) -> None:
    assert which("bare", bench=bench, port="socket://a:1", flashes=False).located().url
    with pytest.raises(BoardFailure, match="no debug probe is plugged in"):
        which("bare", bench=bench, port="socket://a:1").located()
    with pytest.raises(BoardFailure, match="no debug probe is plugged in"):
        which("bare", bench=bench, flashes=False).located()


@pytest.mark.parametrize("way", ["probe-rs", "cubeprogrammer"])
def test_what_starts_nothing_is_for_flash_alone(bench: Path, way: str) -> None:
    bench.write_text(BENCH.replace('port = "/dev', f'flasher = "{way}"\nport = "/dev'))
    assert which("desk", bench=bench).entry is not None
    with pytest.raises(BadInput, match=f"{way} writes the NOR of desk") as caught:
        which("desk", bench=bench).located()
    assert "nightjar flash --board desk --boot flash" in caught.value.next_step
    assert which("desk", bench=bench, flashes=False).located().url == "/dev/ttyACM7"


def test_a_virtual_board_at_a_port_is_written_by_nobody(bench: Path) -> None:
    for name in ("native", "n6-virtual", "left"):
        with pytest.raises(BadInput, match="written through a debugger"):
            which(name, bench=bench, port="/dev/pts/9")
        assert which(name, bench=bench, port="/dev/pts/9", flashes=False).url == "/dev/pts/9"


def test_another_chip_is_identity(bench: Path) -> None:
    desk = which("desk", bench=bench)
    desk.check_uid(replace(HELLO, uid=bytes.fromhex("0123456789abcdef01234567")))
    with pytest.raises(IdentityFailure, match="than the bench calls desk") as caught:
        desk.check_uid(replace(HELLO, uid=b"NIGHTJAR-VM0"))
    assert b"NIGHTJAR-VM0".hex() in caught.value.evidence
    which("virtual").check_uid(replace(HELLO, uid=b""))


@pytest.mark.parametrize("port", ["", " "])
def test_a_port_without_a_name_is_no_other_board(port: str) -> None:
    """As of a variable that is not set: one of our own would be judged in its place, and pass."""
    with pytest.raises(BadInput, match="a serial port has a name"):
        which("virtual", port=port)


@pytest.mark.parametrize(
    "port", ["socket://127.0.0.1", "rfc2217://", "socket://h:x", "socket://:5"]
)
def test_a_port_over_the_network_has_a_host_and_a_number(port: str) -> None:
    with pytest.raises(BadInput, match="socket://HOST:PORT"):
        which("n6-virtual", port=port, flashes=False)
