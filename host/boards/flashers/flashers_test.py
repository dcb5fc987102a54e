"""Flashing with tools that are not here: their exact commands, and what becomes of what they say.

Stand-ins print what the tools say (`said`) and keep what they were called with.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.bench_file import BenchBoard, Machine, Power
from host.boards.elf import loaded_sections
from host.boards.flashers import dry_run, flasher_of
from host.boards.flashers.cubeprogrammer import PROGRAM, CubeProgrammer
from host.boards.flashers.gdb_server import GdbServer
from host.boards.flashers.header import PAYLOAD, check_header
from host.boards.flashers.parts import Image, Part
from host.boards.flashers.probe_rs import ProbeRs
from host.boards.flashers.signing import SIGNER
from host.boards.gdb_script import PYOCD
from host.boards.kinds import NOT_SEEN, VIRTUAL_N6
from host.boards.n6_layout import layout
from host.boards.probes import Probe
from host.boards.testing_bare import link_bare
from host.deadline import Deadline
from host.errors import (
    BadInput,
    BoardFailure,
    FlashFailure,
    HostFailure,
    IdentityFailure,
    NightjarError,
)

SAID = Path(__file__).parent / "said"
GOLDEN = Path(__file__).parent / "golden"
ENTRY = 0x34180401
ONE = Probe("0039003A3234510433353533", "0483:3754", "STLINK-V3", Path("/dev/bus/usb/001/004"))
TWO = Probe("004200123234510433353533", "0483:374e", "STLINK-V3", Path("/dev/bus/usb/001/005"))
DK = BenchBoard("left", "stm32n6570-dk", probe=ONE.serial)
UID = "310025000b51333231383730"  # of said/*_id.txt
NUCLEO = BenchBoard("right", "nucleo-n657x0-q", probe=TWO.serial, uid=UID)
# A stand-in: appends its words to a log, then does what the n-th of its turns says.
STAND_IN = """#!/usr/bin/env python3
import json, pathlib, sys
here = pathlib.Path({folder!r})
name = pathlib.Path(sys.argv[0]).name
with (here / "calls").open("a") as log:
    log.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
turns = json.loads((here / (name + ".turns")).read_text())
turn = turns.pop(0) if len(turns) > 1 else turns[0]
(here / (name + ".turns")).write_text(json.dumps(turns if len(turns) > 0 else [turn]))
if "-bin" in sys.argv and turn["code"] == 0:
    words = sys.argv
    raw = pathlib.Path(words[words.index("-bin") + 1]).read_bytes()
    entry = turn.get("entry", {entry})
    head = b"STM2" + bytes(0x6c) + entry.to_bytes(4, "little")
    out = pathlib.Path(words[words.index("-o") + 1])
    out.write_bytes(head.ljust(0x400, b"\\0") + raw + bytes(-len(raw) % 512))
if "--upload" in sys.argv:
    address, size, out = sys.argv[sys.argv.index("--upload") + 1 :]
    held = here / ("nor-" + address)
    pathlib.Path(out).write_bytes((held.read_bytes() if held.exists() else b"").ljust(int(size)))
print(turn["says"])
sys.exit(turn["code"])
"""


class Tools:
    """Stand-ins on PATH, and what they were called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, *turns: tuple[int, str]) -> None:
        """A tool that ends with a code and says a text, turn by turn; the last stays."""
        program = self.folder / name
        program.write_text(STAND_IN.format(folder=str(self.folder), entry=ENTRY))
        program.chmod(0o755)
        said = [{"code": code, "says": (SAID / f"{text}.txt").read_text()} for code, text in turns]
        (self.folder / f"{name}.turns").write_text(json.dumps(said))

    @property
    def calls(self) -> list[list[str]]:
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return Tools(folder)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """A first stage to be signed, and an application and weights that go as they are."""
    for name, size in (("fsbl", 1000), ("app", 5000), ("weights", 70)):
        (tmp_path / f"{name}.bin").write_bytes(bytes(range(1, 251)) * (size // 250))
    return Image(
        tmp_path / "app.elf",
        (
            Part(tmp_path / "fsbl.bin", 0x70000000, ENTRY),
            Part(tmp_path / "app.bin", 0x70100000),
            Part(tmp_path / "weights.bin", 0x71000000),
        ),
    )


def headed(image: Image, entry: int = ENTRY) -> Image:
    """The same with a header in the first stage's file."""
    first, *others = image.parts
    raw = first.file.read_bytes()
    first.file.write_bytes((b"STM2" + bytes(0x6C) + entry.to_bytes(4, "little")).ljust(0x400) + raw)
    return replace(image, parts=(replace(first, headed=True), *others))


def soon() -> Deadline:
    return Deadline.after(60)


def quiet(_: str) -> None:
    """Nobody listens to what is tried."""


@pytest.mark.parametrize("board", [DK, NUCLEO], ids=lambda board: board.kind)
@pytest.mark.parametrize("way", ["probe-rs", "cubeprogrammer"])
def test_a_dry_run_prints_the_exact_commands(
    tools: Tools, image: Image, board: BenchBoard, way: str
) -> None:
    flasher = flasher_of(replace(board, flasher=way))
    text = dry_run(flasher, image, replace(board, flasher=way))
    golden = GOLDEN / f"{way}-{board.kind}.txt"
    assert text.replace(str(image.elf.parent), "BUILD") == golden.read_text()
    assert tools.calls == []


def test_cubeprogrammer_signs_checks_and_writes(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    flasher = CubeProgrammer(lambda: (ONE, TWO))
    report = flasher.flash(image, DK, soon(), quiet)
    assert tools.calls == [shlex.split(line) for line in flasher.commands(image, DK)]
    assert report.bytes == 0x400 + 1024 + 5000 + 0


def test_probe_rs_writes_by_the_probe_that_is_there(tools: Tools, image: Image) -> None:
    tools.add("probe-rs", (0, "probe_rs_done"))
    flasher = ProbeRs(lambda: (ONE, TWO))
    flasher.flash(headed(image), replace(NUCLEO, uid=None), soon(), quiet)
    assert [call[6] for call in tools.calls] == [f"0483:374e:{TWO.serial}"] * 3


@pytest.mark.parametrize(
    ("says", "kind", "what"),
    [
        ("cube_no_probe", BoardFailure, "finds no such probe"),
        ("cube_verify_failed", FlashFailure, "reads back differently"),
        ("cube_loader_failed", FlashFailure, "external loader"),
        ("cube_busy", BoardFailure, "cannot be opened"),
        ("cube_strange", FlashFailure, "could not do its work"),
    ],
)
def test_what_cubeprogrammer_says_becomes_a_class(
    tools: Tools, image: Image, says: str, kind: type[NightjarError], what: str
) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (1, says))
    with pytest.raises(kind, match=what) as caught:
        CubeProgrammer(lambda: (ONE,)).flash(image, DK, soon(), quiet)
    assert type(caught.value) is kind
    assert caught.value.next_step
    assert len(tools.calls) == 2  # only a chip that does not answer is tried again


@pytest.mark.parametrize(
    ("says", "kind", "what"),
    [
        ("probe_rs_no_probe", BoardFailure, "finds no such probe"),
        ("probe_rs_verify_failed", FlashFailure, "reads back differently"),
        ("probe_rs_no_answer", BoardFailure, "does not answer"),
        ("probe_rs_busy", BoardFailure, "cannot be opened"),
    ],
)
def test_what_probe_rs_says_becomes_a_class(
    tools: Tools, image: Image, says: str, kind: type[NightjarError], what: str
) -> None:
    tools.add("probe-rs", (1, says))
    with pytest.raises(kind, match=what):
        ProbeRs(lambda: (ONE,)).flash(headed(image), DK, soon(), quiet)


def test_connect_modes_are_tried_in_turn_and_the_one_that_works_stays(
    tools: Tools, image: Image
) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (1, "cube_no_answer"), (0, "cube_done"))
    CubeProgrammer(lambda: (ONE,)).flash(image, DK, soon(), quiet)
    modes = [call[4] for call in tools.calls if call[0] == PROGRAM]
    assert modes == ["mode=HOTPLUG", "mode=UR", "mode=UR", "mode=UR"]


def test_a_chip_that_never_answers_is_powered_down_once(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (1, "cube_no_answer"))
    with pytest.raises(BoardFailure, match="any connect mode") as caught:
        CubeProgrammer(lambda: (ONE,)).flash(image, DK, soon(), quiet)
    modes = [call[4] for call in tools.calls if call[0] == PROGRAM]
    assert modes == ["mode=HOTPLUG", "mode=UR", "mode=powerdown", "mode=HOTPLUG"]
    assert "development position" in caught.value.next_step
    assert "Unable to get core ID" in caught.value.evidence
    assert "mode=UR: the chip does not answer" in caught.value.evidence


def test_a_wrong_entry_point_is_not_written(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    wrong = replace(image, parts=(replace(image.parts[0], entry=0x34180501), *image.parts[1:]))
    with pytest.raises(FlashFailure, match="would not start") as caught:
        CubeProgrammer(lambda: (ONE,)).flash(wrong, DK, soon(), quiet)
    assert "is 0x34180401 in place of 0x34180501" in caught.value.evidence
    assert [call[0] for call in tools.calls] == [SIGNER]


def test_a_header_is_held_to_magic_entry_and_payload_never_to_its_length(image: Image) -> None:
    first = headed(image).parts[0].file
    good = first.read_bytes()
    check_header(first, ENTRY, good[0x400:])
    damaged: list[Callable[[bytearray], None]] = [
        lambda data: data.__setitem__(0, 0),
        lambda data: data.__setitem__(0x70, 0),
        lambda data: data.__setitem__(0x400, 99),
        lambda data: data.__delitem__(slice(0x80, None)),
    ]
    for damage in damaged:
        data = bytearray(good)
        damage(data)
        first.write_bytes(data)
        with pytest.raises(FlashFailure):
            check_header(first, ENTRY, good[0x400:])
    data = bytearray(good)
    data[0x6C:0x70] = b"\xff\xff\xff\x7f"
    first.write_bytes(data)
    check_header(first, ENTRY, good[0x400:])


WAYS = pytest.mark.parametrize("way", [ProbeRs, CubeProgrammer])


@WAYS
def test_probes_are_chosen_by_serial_number_alone(
    tools: Tools, image: Image, way: type[ProbeRs] | type[CubeProgrammer]
) -> None:
    tools.add("probe-rs", (0, "probe_rs_done"))
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    chosen = headed(image)
    nameless = replace(DK, probe=None)
    with pytest.raises(BoardFailure, match="no debug probe"):
        way(lambda: ()).flash(chosen, nameless, soon(), quiet)
    with pytest.raises(BadInput, match="2 probes are plugged in") as caught:
        way(lambda: (ONE, TWO)).flash(chosen, nameless, soon(), quiet)
    assert ONE.serial in caught.value.evidence
    with pytest.raises(BoardFailure, match="probe of left is not plugged in"):
        way(lambda: (TWO,)).flash(chosen, DK, soon(), quiet)
    assert tools.calls == []
    way(lambda: (TWO,)).flash(chosen, nameless, soon(), quiet)
    assert all(TWO.serial in " ".join(call) for call in tools.calls)


@WAYS
def test_an_absent_tool_and_a_load_to_ram_are_refused(
    tools: Tools, image: Image, way: type[ProbeRs] | type[CubeProgrammer]
) -> None:
    with pytest.raises(HostFailure, match="is not installed"):
        way(lambda: (ONE,)).flash(headed(image), DK, soon(), quiet)
    with pytest.raises(BadInput, match="boot from flash alone"):
        way(lambda: (ONE,)).commands(Image(image.elf), DK)


def test_a_tool_that_hangs_ends_with_the_deadline(tools: Tools, image: Image) -> None:
    program = tools.folder / "probe-rs"
    program.write_text("#!/bin/sh\necho 'Erasing'\nexec sleep 600\n")
    program.chmod(0o755)
    with pytest.raises(FlashFailure, match="did not finish before the deadline") as caught:
        ProbeRs(lambda: (ONE,)).flash(headed(image), DK, Deadline.after(0.5), quiet)
    assert "Erasing" in caught.value.evidence


def test_the_header_is_as_large_as_the_layout_says() -> None:
    assert layout()["IMAGE_HEADER_BYTES"] == PAYLOAD


@WAYS
def test_a_part_that_is_too_large_is_not_written(
    tools: Tools, image: Image, way: type[ProbeRs] | type[CubeProgrammer]
) -> None:
    """For what follows it, or for the NOR: 64 MiB on the NUCLEO, 128 on the DK."""
    first, _, weights = image.parts
    os.truncate(weights.file, (48 << 20) + 1)
    with pytest.raises(BadInput, match=r"weights.bin is too large .* nucleo-n657x0-q") as caught:
        way(lambda: (TWO,)).flash(image, NUCLEO, soon(), quiet)
    assert "50,331,649 bytes for 0x71000000, where there is room for 50,331,648" in (
        caught.value.evidence
    )
    way(lambda: (ONE,)).commands(image, DK)
    os.truncate(first.file, (1 << 20) - 0x400 + 1)
    with pytest.raises(BadInput, match=r"fsbl.bin is too large") as caught:
        way(lambda: (ONE,)).flash(image, DK, soon(), quiet)
    assert "1,048,577 bytes for 0x70000000, where there is room for 1,048,576" in (
        caught.value.evidence
    )
    assert tools.calls == []


@WAYS
def test_another_chip_is_refused_before_anything_is_written(
    tools: Tools, image: Image, way: type[ProbeRs] | type[CubeProgrammer]
) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_id"), (0, "cube_done"))
    tools.add("probe-rs", (0, "probe_rs_id"), (0, "probe_rs_done"))
    other = replace(NUCLEO, uid="31" + UID[2:-1] + "1")
    with pytest.raises(IdentityFailure, match="nothing was written") as caught:
        way(lambda: (TWO,)).flash(image, other, soon(), quiet)
    assert f"its unique id is {UID}, and the bench says {other.uid}" in caught.value.evidence
    reads = [call for call in tools.calls if call[0] != SIGNER]
    assert len(reads) == 1
    assert "0x56009014" in reads[0]
    tools.add(PROGRAM, (0, "cube_id"), (0, "cube_done"))
    tools.add("probe-rs", (0, "probe_rs_id"), (0, "probe_rs_done"))
    way(lambda: (TWO,)).flash(image, NUCLEO, soon(), quiet)
    assert len([call for call in tools.calls if call[0] != SIGNER]) == 1 + 1 + 3


def test_an_id_that_cannot_be_read_is_said_and_left_to_hello(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (1, "cube_no_id"), (0, "cube_done"))
    said: list[str] = []
    CubeProgrammer(lambda: (TWO,)).flash(image, NUCLEO, soon(), said.append)
    assert said == ["the chip's unique id cannot be read by this tool; HELLO says it afterwards"]


def test_each_attempt_is_told_and_a_power_cycle_is_the_last(
    tools: Tools, image: Image, tmp_path: Path
) -> None:
    cycled = tmp_path / "cycled"
    board = replace(DK, power=Power(cycle=f"touch {shlex.quote(str(cycled))}"))
    tools.add(SIGNER, (0, "signing_done"))
    no = (1, "cube_no_answer")
    tools.add(PROGRAM, no, no, no, no, (0, "cube_done"))
    said: list[str] = []
    CubeProgrammer(lambda: (ONE,)).flash(image, board, soon(), said.append)
    assert [line.partition(":")[0] for line in said] == [
        "mode=HOTPLUG",
        "mode=UR",
        f"{PROGRAM} -q -c port=SWD mode=powerdown freq=2000 ap=1 sn={ONE.serial}",
        "mode=HOTPLUG after mode=powerdown freq=2000",
        f"sh -c touch {shlex.quote(str(cycled))}",
    ]
    assert cycled.exists()


def test_probe_rs_is_given_a_fresh_chip_then_holds_it_in_reset(
    tools: Tools, image: Image, tmp_path: Path
) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add("probe-rs", (1, "probe_rs_no_answer"), (0, "probe_rs_done"))
    board = replace(DK, power=Power(cycle="exit 3"))
    said: list[str] = []
    ProbeRs(lambda: (ONE,)).flash(image, board, soon(), said.append)
    assert said[0] == "sh -c exit 3: exit status 3"
    assert said[1].startswith("after a power cycle: the chip does not answer")
    held = ["--connect-under-reset" in call for call in tools.calls if call[0] == "probe-rs"]
    assert held == [False, True, True, True]


def test_what_the_nor_holds_is_compared_and_nothing_written(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    cube = CubeProgrammer(lambda: (ONE,))
    cube.flash(image, DK, soon(), quiet)
    assert not cube.holds(image, DK, soon(), quiet)
    for part in image.parts:
        file = part.file
        held = file.with_name("fsbl-trusted.bin") if part.entry else file
        shutil.copy(held, tools.folder / f"nor-{part.address:#010x}")
    assert cube.holds(image, DK, soon(), quiet)
    weights = tools.folder / "nor-0x71000000"
    weights.write_bytes(b"?" + weights.read_bytes()[1:])
    os.truncate(image.parts[2].file, 70)
    assert not cube.holds(image, DK, soon(), quiet)
    assert sum("--download" in call for call in tools.calls) == 3


@pytest.mark.parametrize(
    ("last", "same"), [("probe_rs_verified", True), ("probe_rs_differs", False)]
)
def test_probe_rs_s_words_count_and_not_its_exit_status(
    tools: Tools, image: Image, last: str, same: bool
) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add("probe-rs", (0, "probe_rs_verified"), (0, "probe_rs_verified"), (0, last))
    assert ProbeRs(lambda: (ONE,)).holds(image, DK, soon(), quiet) is same
    assert all(call[1] == "verify" for call in tools.calls if call[0] == "probe-rs")


needs_binutils = pytest.mark.skipif(
    shutil.which("arm-none-eabi-ld") is None, reason="binutils-arm-none-eabi is not installed"
)
needs_gdb = pytest.mark.skipif(
    shutil.which("gdb-multiarch") is None, reason="gdb-multiarch is not installed"
)
GDBS = {
    "openocd-stm32n6570-dk": (DK, GdbServer()),
    "openocd-nucleo-n657x0-q": (NUCLEO, GdbServer()),
    "st-link-stm32n6570-dk": (replace(DK, gdb="localhost:61234"), GdbServer()),
    "st-link-nucleo-n657x0-q": (replace(NUCLEO, gdb="localhost:61234"), GdbServer()),
    "pyocd-stm32n6570-dk": (replace(DK, gdb="bench:3333"), GdbServer(PYOCD)),
    "pyocd-nucleo-n657x0-q": (replace(NUCLEO, gdb="bench:3333"), GdbServer(PYOCD)),
    "openocd-server-stm32n6570-dk": (replace(DK, gdb="bench:3333"), GdbServer()),
    "qemu-n6-virtual": (
        BenchBoard("vm", VIRTUAL_N6, gdb="/run/nightjar/gdb.sock", machine=Machine(uid="Z")),
        GdbServer(),
    ),
}


@needs_binutils
@pytest.mark.parametrize("name", GDBS)
def test_a_dry_run_by_gdb_prints_its_script(tmp_path: Path, name: str) -> None:
    """And where the server is none of its own, how that is started on the right probe."""
    board, way = GDBS[name]
    text = dry_run(way, Image(link_bare(tmp_path)), board)
    assert (NOT_SEEN in text) == (board.kind != VIRTUAL_N6)
    assert text.replace(str(tmp_path), "BUILD") == (GOLDEN / f"gdb-{name}.txt").read_text()


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


LOADER = """
    .syntax unified
    .arch armv8.1-m.main
    .thumb
    .global nj_loader
    .set nj_loader, 0x34182300
    .section .vectors, "a"
    .word 0x34190000, start
    .text
    start: nop
    .global nj_loader_done
    .thumb_func
    nj_loader_done: b nj_loader_done
"""


def add_loader(folder: Path) -> None:
    """A flash loader beside the firmware: where it waits, and its mailbox."""
    (folder / "loader.s").write_text(LOADER)
    for command in (
        "arm-none-eabi-as loader.s -o loader.o",
        "arm-none-eabi-ld -n --section-start=.vectors=0x34180400 -Ttext=0x34180500 -e 0x34180500"
        " loader.o -o nj_flash_loader.elf",
    ):
        subprocess.run(shlex.split(command), cwd=folder, check=True)


@needs_binutils
@pytest.mark.parametrize("board", [DK, NUCLEO], ids=lambda board: board.kind)
def test_a_dry_run_by_gdb_for_the_nor(tmp_path: Path, board: BenchBoard) -> None:
    """Each part split as the loader takes it, and its blocks written where they are not there already."""
    elf = link_bare(tmp_path)
    add_loader(tmp_path)
    (tmp_path / "nor").mkdir()
    parts = []
    for name, address, size in (
        ("first-stage", 0x70000000, 0x1000),
        ("application", 0x70100000, 0x41000),
    ):
        file = tmp_path / "nor" / f"{name}.bin"
        file.write_bytes(bytes(size))
        parts.append(Part(file, address, ENTRY if address == 0x70000000 else None, headed=True))
    text = dry_run(GdbServer(), Image(elf, tuple(parts)), board)
    golden = GOLDEN / f"gdb-flash-boot-{board.kind}.txt"
    assert text.replace(str(tmp_path), "BUILD") == golden.read_text()


@needs_binutils
def test_a_dry_run_by_gdb_of_firmware_with_weights_in_the_nor(tmp_path: Path) -> None:
    """The ELF is taken apart first; what is typed makes just the files that are then written."""
    elf = link_bare(tmp_path, constants=0x71000000, text="weights")
    add_loader(tmp_path)
    text = dry_run(GdbServer(), Image(elf), DK)
    golden = GOLDEN / "gdb-weights-in-nor.txt"
    assert text.replace(str(tmp_path), "BUILD") == golden.read_text()
    before_gdb = text.partition("cat >")[0]
    subprocess.run(["bash", "-e", "-c", before_gdb], check=True)
    whole = (tmp_path / "nor/rodata.bin.0000").read_bytes()
    assert whole == b"weights\0".ljust(0x1000, b"\xff")
    ram = loaded_sections(tmp_path / "nor/bare-in-ram.elf")
    assert [one.name for one in ram] == [".vectors", ".text"]


def say_as_openocd(tools: Tools, says: str) -> None:
    """A stand-in for OpenOCD, which says its words on the standard error and ends."""
    program = tools.folder / "openocd"
    log = shlex.quote(str(tools.folder / "calls"))
    text = shlex.quote(str(SAID / f"{says}.txt"))
    program.write_text(f"#!/bin/sh\necho '[\"openocd\"]' >> {log}\ncat {text} >&2\nexit 1\n")
    program.chmod(0o755)


@needs_binutils
@needs_gdb
@pytest.mark.parametrize(
    ("says", "kind", "what", "tried"),
    [
        ("openocd_012", HostFailure, "does not know the STM32N6", 1),
        ("openocd_no_probe", BoardFailure, "finds no such probe", 1),
        ("openocd_no_answer", BoardFailure, "does not reach the chip, in any connect mode", 2),
    ],
)
def test_what_openocd_says_becomes_a_class(
    tools: Tools, tmp_path: Path, says: str, kind: type[NightjarError], what: str, tried: int
) -> None:
    """By the real gdb, of which it is a child."""
    say_as_openocd(tools, says)
    said: list[str] = []
    with pytest.raises(kind, match=what) as caught:
        GdbServer(probes=lambda: (ONE,)).flash(Image(link_bare(tmp_path)), DK, soon(), said.append)
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
