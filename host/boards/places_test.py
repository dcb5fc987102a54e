"""However it is spelled, one gdb server or port is one place, which one user has at a time."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards import bench_lock as locks
from host.boards.bench_file import BenchBoard, read_bench
from host.boards.flashers.reach import forget_dead, held, holder_of
from host.boards.kinds import DK, NUCLEO
from host.errors import BadInput, BoardLocked

HERE = [
    "localhost:61234",
    "LocalHost:61234",
    ":61234",
    "127.0.0.1:61234",
    "127.0.0.9:61234",
    "0.0.0.0:61234",
    "[::1]:61234",
    "[::]:61234",
    "[0:0::1]:61234",
    "[::ffff:127.0.0.1]:61234",
]
OTHERS = ["localhost:61235", "192.0.2.7:61234", "[2001:db8::7]:61234", "a..b:61234"]
BOARD = BenchBoard("left", DK.name, gdb=HERE[0])


@pytest.fixture(autouse=True)
def lock_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(locks, "ROOT", Path(folder) / "nightjar")
        yield


def free(board: BenchBoard) -> bool:
    try:
        with held(board, 0):
            return True
    except BoardLocked:
        return False


@pytest.mark.parametrize("text", HERE)
def test_a_server_of_this_computer_has_one_lock_by_all_its_names(text: str) -> None:
    """For boards of other benches and kinds, too."""
    other = BenchBoard("other", NUCLEO.name, gdb=text)
    with held(BOARD, 0):
        assert not free(other)
        holder = holder_of(other)
        assert holder is not None
        assert holder["pid"] == os.getpid()
    assert free(other)
    assert holder_of(other) is None


def test_other_servers_have_other_locks() -> None:
    with ExitStack() as stack:
        for text in [HERE[0], *OTHERS]:
            stack.enter_context(held(replace(BOARD, gdb=text), 0))
    same = ["[2001:db8::7]:61234", "[2001:DB8:0:0::7]:61234"]
    for text in same:
        with held(replace(BOARD, gdb=same[0]), 0):
            assert not free(replace(BOARD, gdb=text))
    with held(replace(BOARD, gdb="192.0.2.7:61234"), 0):
        assert not free(replace(BOARD, gdb="[::ffff:192.0.2.7]:61234"))


def test_a_path_has_one_lock_through_every_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    socket, linked = tmp_path / "there/gdb.sock", tmp_path / "link/../link/gdb.sock"
    with held(replace(BOARD, gdb=str(socket)), 0):
        assert not free(replace(BOARD, gdb=str(linked)))
    with held(replace(BOARD, gdb=None, port=str(socket)), 0):
        assert not free(replace(BOARD, gdb=None, port=str(linked)))


def test_a_command_has_one_lock_however_it_is_quoted() -> None:
    with held(replace(BOARD, gdb="| openocd -c 'gdb_port pipe'"), 0):
        assert not free(replace(BOARD, gdb='|openocd  -c "gdb_port pipe"'))
        assert free(replace(BOARD, gdb="| openocd -c 'gdb_port 3'"))
        assert free(replace(BOARD, gdb="| openocd -c 'gdb_port pipe"))  # no whole quotation


def test_a_port_on_the_network_has_one_lock() -> None:
    with held(BenchBoard("a", DK.name, port="socket://localhost:4000"), 0):
        for text in ("socket://127.0.0.1:4000", "rfc2217://[::1]:4000?ign_set_control"):
            assert not free(BenchBoard("b", DK.name, port=text))
        assert free(BenchBoard("b", DK.name, port="socket://127.0.0.1:4001"))


def test_whoever_shares_one_way_to_a_board_shares_its_lock() -> None:
    """One bench names the probe and the server, another the server alone, a third the probe and the port."""
    whole = replace(BOARD, probe="1", port="/dev/null")
    ways = [replace(BOARD, probe="1", gdb=None), BOARD, replace(BOARD, gdb=None, port="/dev/null")]
    for way in ways:
        with held(whole, 0):
            assert not free(way)
        with held(way, 0):
            assert not free(whole)
        assert free(whole)
    assert forget_dead(whole) == 0


def test_a_bench_has_no_two_boards_at_one_place(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    entry = '[board.{}]\nkind = "n6-virtual"\n{} = "{}"\n'
    (tmp_path / "link").symlink_to(tmp_path)
    for name, one, other in (
        ("gdb", "localhost:3333", "[::1]:3333"),
        ("gdb", f"{tmp_path}/gdb.sock", f"{tmp_path}/link/gdb.sock"),
        ("port", f"{tmp_path}/tty", f"{tmp_path}/link/tty"),
        ("port", "socket://localhost:4000", "rfc2217://127.0.0.1:4000"),
    ):
        file.write_text(entry.format("a", name, one) + entry.format("b", name, other))
        with pytest.raises(BadInput) as caught:
            read_bench(file)
        assert f"board.b and board.a have the same {name}" in caught.value.evidence
