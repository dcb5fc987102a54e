"""What gdb is told, word for word, and how a server is recognized."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from host.boards.elf import Memory, start_of
from host.boards.gdb_script import (
    OPENOCD,
    PYOCD,
    QEMU,
    SERVERS,
    ST_LINK,
    Server,
    Start,
    Target,
    script,
    server_named,
)
from host.boards.testing_bare import CODE, STACK, link_bare
from host.errors import BadInput

GOLDEN = Path(__file__).with_name("golden")
TARGETS = {
    "qemu": "/run/user/1000/nightjar/n6-virtual/gdb.sock",
    "openocd": "| openocd -f interface/stlink.cfg -f target/stm32n6x.cfg",
    "st-link": "localhost:61234",
    "pyocd": "localhost:3334",
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_script_of_each_server(name: str) -> None:
    """As `gdb -x` takes it."""
    start = Start("0x30020000", "0x34000480")
    said = script(Target.parse(TARGETS[name]), SERVERS[name], load=True, start=start)
    assert said == (GOLDEN / f"gdb-{name}.txt").read_text()


def test_where_a_reset_starts_the_firmware_it_comes_last() -> None:
    said = script(Target.parse("/x/gdb.sock"), QEMU, load=True, start=None, seconds=7)
    assert said.splitlines() == [
        *("set confirm off", "set pagination off", "set width 0"),
        *("set architecture armv8.1-m.main", "set remotetimeout 7", "set tcp connect-timeout 7"),
        "set tcp auto-retry off",
        *("target remote gdb.sock", "load", "compare-sections", "monitor system_reset", "detach"),
        r"echo nightjar: done\n",
    ]


def test_what_is_in_memory_starts_by_its_own_vectors() -> None:
    start = Start.in_memory(0x34000400)
    said = script(Target.parse("host:3333"), OPENOCD, load=False, start=start)
    assert "load" not in said.split()
    assert "set $sp = *(unsigned *)0x34000400\n" in said
    assert "set $pc = *(unsigned *)0x34000404 & ~1\n" in said


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("/tmp/gdb.sock", QEMU),
        ("| openocd -c 'gdb_port pipe'", OPENOCD),
        ("|/opt/bin/openocd", OPENOCD),
        ("bench-7:3333", OPENOCD),
        (":61234", ST_LINK),
        ("| pyocd gdbserver", PYOCD),
    ],
)
def test_a_server_is_recognized(text: str, server: Server) -> None:
    assert Target.parse(text).server is server


@pytest.mark.parametrize("text", ["localhost:1234", "| ssh bench openocd"])
def test_one_that_nothing_tells_is_not_guessed(text: str) -> None:
    with pytest.raises(BadInput, match="which gdb server") as caught:
        _ = Target.parse(text).server
    assert text in caught.value.evidence


def test_a_server_by_its_name() -> None:
    assert server_named("pyocd") is PYOCD
    with pytest.raises(BadInput, match="openocd"):
        server_named("opneocd")


needs_binutils = pytest.mark.skipif(
    shutil.which("arm-none-eabi-ld") is None, reason="binutils-arm-none-eabi is not installed"
)
MEMORY = Memory(0x34000400, range(0x34000000, 0x34200000))


@needs_binutils
def test_the_start_is_what_the_elf_s_vector_table_says(tmp_path: Path) -> None:
    assert start_of(link_bare(tmp_path), MEMORY) == Start(f"{STACK:#x}", f"{CODE:#x}")


@needs_binutils
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"vectors": 0x34000600}, "no vector table at 0x34000400"),
        (
            {"constants": 0x71000000},
            ".rodata at 0x71000000 to 0x7100000a (10 bytes), and a debugger loads 0x34",
        ),
        ({"constants": 0x341FFFFA}, ".rodata at 0x341ffffa to 0x34200004 (10 bytes), and"),
        ({"constants": 0x34200000}, ".rodata at 0x34200000 to 0x3420000a (10 bytes), and"),
    ],
)
def test_what_a_debugger_cannot_load_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=re.escape("loads into this board's RAM")) as caught:
        start_of(link_bare(tmp_path, **change), MEMORY)
    assert says in caught.value.evidence
