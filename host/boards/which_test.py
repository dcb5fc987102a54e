"""Which board a command means."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.kinds import SILICON
from host.boards.which import which
from host.errors import BadInput, IdentityFailure
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


@pytest.mark.parametrize("name", SILICON)
def test_silicon_needs_a_way(name: str, bench: Path) -> None:
    with pytest.raises(BadInput, match="bench file, or at --port") as caught:
        which(name, bench=bench)
    assert "--board n6-virtual" in caught.value.next_step
    with pytest.raises(BadInput, match="written through a debugger"):
        which(name, bench=bench, port="/dev/ttyACM0")
    assert which(name, bench=bench, port="/dev/ttyACM0", flashes=False).url == "/dev/ttyACM0"


def test_a_bench_board_without_port(bench: Path) -> None:
    with pytest.raises(BadInput, match="knows no serial port of bare"):
        which("bare", bench=bench)


def test_another_chip_is_identity(bench: Path) -> None:
    desk = which("desk", bench=bench)
    desk.check_uid(replace(HELLO, uid=bytes.fromhex("0123456789abcdef01234567")))
    with pytest.raises(IdentityFailure, match="than the bench calls desk") as caught:
        desk.check_uid(replace(HELLO, uid=b"NIGHTJAR-VM0"))
    assert b"NIGHTJAR-VM0".hex() in caught.value.evidence
    which("virtual").check_uid(replace(HELLO, uid=b""))
