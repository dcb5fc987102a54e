"""gdb without a probe, a server or an OpenOCD that knows the chip: by the real gdb, of which a stand-in is a child."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.flashers.gdb_server import GdbServer
from host.boards.flashers.parts import Image
from host.boards.flashers.testing_tools import (
    DK,
    ONE,
    TWO,
    Tools,
    let_gdb_be_late,
    needs_binutils,
    needs_compiler,
    needs_gdb,
    quiet,
    say_as_openocd,
    soon,
)
from host.boards.testing_bare import link_bare
from host.errors import BadInput, BoardFailure, HostFailure, NightjarError


@needs_binutils
def test_gdb_needs_to_know_the_probe(tmp_path: Path) -> None:
    image, nameless = Image(link_bare(tmp_path)), replace(DK, probe=None)
    with pytest.raises(BoardFailure, match="no debug probe"):
        GdbServer(probes=lambda: ()).flash(image, nameless, soon(), quiet)
    with pytest.raises(BadInput, match="2 probes are plugged in"):
        GdbServer(probes=lambda: (ONE, TWO)).flash(image, nameless, soon(), quiet)
    (script,) = [
        line
        for line in GdbServer(probes=lambda: (TWO,)).commands(image, nameless)
        if line.startswith("target remote")
    ]
    assert f"adapter serial {TWO.serial}" in script


@needs_binutils
@needs_gdb
@needs_compiler
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("says", "kind", "what", "tried"),
    [
        ("openocd_012", HostFailure, "does not know the STM32N6", 1),
        ("openocd_no_probe", BoardFailure, "finds no such probe", 1),
        ("openocd_no_answer", BoardFailure, "does not reach the chip, in any connect mode", 2),
    ],
)
def test_what_openocd_says_becomes_a_class(
    tools: Tools,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    kind: type[NightjarError],
    what: str,
    tried: int,
    late: bool,
) -> None:
    """By the real gdb, of which it is a child that is gone before gdb has said a word, or after."""
    say_as_openocd(tools, says)
    image, said = Image(link_bare(tmp_path)), list[str]()
    if late:
        let_gdb_be_late(tmp_path, monkeypatch)
    with pytest.raises(kind, match=what) as caught:
        GdbServer(probes=lambda: (ONE,)).flash(image, DK, soon(), said.append)
    assert type(caught.value) is kind
    assert len(tools.calls) == tried
    assert len(said) == (tried if tried > 1 else 0)


@needs_binutils
@needs_gdb
def test_no_gdb_server_and_no_openocd(tools: Tools, tmp_path: Path) -> None:
    image = Image(link_bare(tmp_path))
    with pytest.raises(HostFailure, match="openocd is not installed"):
        GdbServer(probes=lambda: (ONE,)).flash(image, DK, soon(), quiet)
    with pytest.raises(BoardFailure, match="the probe of left is not plugged in"):
        GdbServer(probes=lambda: (TWO,)).flash(image, DK, soon(), quiet)
    with pytest.raises(BoardFailure, match="no gdb server answers"):
        GdbServer().flash(image, replace(DK, gdb="127.0.0.1:61234"), soon(), quiet)
    gone = replace(DK, gdb=str(tmp_path / "gdb.sock"))
    with pytest.raises(BoardFailure, match="no gdb server answers"):
        GdbServer().flash(image, gone, soon(), quiet)
