"""Flashing with tools that are not here: their exact commands, and what becomes of what they say.

Stand-ins print what the tools say (`said`) and keep what they were called with.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.bench_file import BenchBoard
from host.boards.flashers import Image, Part, dry_run, flasher_of
from host.boards.flashers.cubeprogrammer import FIRST_STAGE, PROGRAM, SIGNER, CubeProgrammer
from host.boards.flashers.header import PAYLOAD, check_header
from host.boards.flashers.probe_rs import ProbeRs
from host.boards.probes import Probe
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FlashFailure, HostFailure, NightjarError

SAID = Path(__file__).parent / "said"
GOLDEN = Path(__file__).parent / "golden"
ENTRY = 0x34180401
ONE = Probe("0039003A3234510433353533", "0483:3754", "STLINK-V3", Path("/dev/bus/usb/001/004"))
TWO = Probe("004200123234510433353533", "0483:374e", "STLINK-V3", Path("/dev/bus/usb/001/005"))
DK = BenchBoard("left", "stm32n6570-dk", probe=ONE.serial)
NUCLEO = BenchBoard("right", "nucleo-n657x0-q", probe=TWO.serial)
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


@pytest.mark.parametrize("board", [DK, NUCLEO], ids=lambda board: board.kind)
@pytest.mark.parametrize("way", ["probe-rs", "cubeprogrammer"])
def test_a_dry_run_prints_the_exact_commands(
    tools: Tools, image: Image, board: BenchBoard, way: str
) -> None:
    flasher = flasher_of(replace(board, flasher=way))
    chosen = headed(image) if way == "probe-rs" else image
    text = dry_run(flasher, chosen, replace(board, flasher=way))
    golden = GOLDEN / f"{way}-{board.kind}.txt"
    assert text.replace(str(image.elf.parent), "BUILD") == golden.read_text()
    assert tools.calls == []


def test_gdb_is_no_vendors_tool() -> None:
    with pytest.raises(BadInput, match="no vendor's tool"):
        flasher_of(DK)


def test_cubeprogrammer_signs_checks_and_writes(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    flasher = CubeProgrammer(lambda: (ONE, TWO))
    report = flasher.flash(image, DK, soon())
    assert tools.calls == flasher.commands(image, DK)
    assert report.bytes == 0x400 + 1024 + 5000 + 0


def test_probe_rs_writes_by_the_probe_that_is_there(tools: Tools, image: Image) -> None:
    tools.add("probe-rs", (0, "probe_rs_done"))
    flasher = ProbeRs(lambda: (ONE, TWO))
    flasher.flash(headed(image), NUCLEO, soon())
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
        CubeProgrammer(lambda: (ONE,)).flash(image, DK, soon())
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
        ProbeRs(lambda: (ONE,)).flash(headed(image), DK, soon())


def test_connect_modes_are_tried_in_turn_and_the_one_that_works_stays(
    tools: Tools, image: Image
) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (1, "cube_no_answer"), (0, "cube_done"))
    CubeProgrammer(lambda: (ONE,)).flash(image, DK, soon())
    modes = [call[4] for call in tools.calls if call[0] == PROGRAM]
    assert modes == ["mode=HOTPLUG", "mode=UR", "mode=UR", "mode=UR"]


def test_a_chip_that_never_answers_is_powered_down_once(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (1, "cube_no_answer"))
    with pytest.raises(BoardFailure, match="any connect mode") as caught:
        CubeProgrammer(lambda: (ONE,)).flash(image, DK, soon())
    modes = [call[4] for call in tools.calls if call[0] == PROGRAM]
    assert modes == ["mode=HOTPLUG", "mode=UR", "mode=powerdown", "mode=HOTPLUG"]
    assert "development position" in caught.value.next_step


def test_a_wrong_entry_point_is_not_written(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    wrong = replace(image, parts=(replace(image.parts[0], entry=0x34180501), *image.parts[1:]))
    with pytest.raises(FlashFailure, match="would not start") as caught:
        CubeProgrammer(lambda: (ONE,)).flash(wrong, DK, soon())
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
        way(lambda: ()).flash(chosen, nameless, soon())
    with pytest.raises(BadInput, match="2 probes are plugged in") as caught:
        way(lambda: (ONE, TWO)).flash(chosen, nameless, soon())
    assert ONE.serial in caught.value.evidence
    with pytest.raises(BoardFailure, match="probe of left is not plugged in"):
        way(lambda: (TWO,)).flash(chosen, DK, soon())
    assert tools.calls == []
    way(lambda: (TWO,)).flash(chosen, nameless, soon())
    assert all(TWO.serial in " ".join(call) for call in tools.calls)


@WAYS
def test_an_absent_tool_and_a_load_to_ram_are_refused(
    tools: Tools, image: Image, way: type[ProbeRs] | type[CubeProgrammer]
) -> None:
    with pytest.raises(HostFailure, match="is not installed"):
        way(lambda: (ONE,)).flash(headed(image), DK, soon())
    with pytest.raises(BadInput, match="boot from flash alone"):
        way(lambda: (ONE,)).commands(Image(image.elf), DK)


def test_a_tool_that_hangs_ends_with_the_deadline(tools: Tools, image: Image) -> None:
    program = tools.folder / "probe-rs"
    program.write_text("#!/bin/sh\necho 'Erasing'\nexec sleep 600\n")
    program.chmod(0o755)
    with pytest.raises(FlashFailure, match="did not finish before the deadline") as caught:
        ProbeRs(lambda: (ONE,)).flash(headed(image), DK, Deadline.after(0.5))
    assert "Erasing" in caught.value.evidence


def test_the_first_stage_lies_where_the_layout_says() -> None:
    layout = Path(__file__).parents[3] / "firmware/boards/stm32n6/nj_layout.h"
    words = dict(re.findall(r"#define (\w+) (0x\w+)", layout.read_text()))
    assert int(words["NJ_NOR_FIRST_STAGE"], 16) == FIRST_STAGE
    assert int(words["NJ_IMAGE_HEADER_BYTES"], 16) == PAYLOAD
