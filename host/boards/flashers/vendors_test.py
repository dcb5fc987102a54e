"""STM32CubeProgrammer, its signing tool and probe-rs: what they are told, and what becomes of what they say."""

import os
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.bench_file import Power
from host.boards.flashers.cubeprogrammer import PROGRAM, CubeProgrammer
from host.boards.flashers.header import PAYLOAD, check_header
from host.boards.flashers.parts import Image
from host.boards.flashers.probe_rs import ProbeRs
from host.boards.flashers.signing import SIGNER
from host.boards.flashers.testing_tools import (
    DK,
    ENTRY,
    NUCLEO,
    ONE,
    TWO,
    UID,
    Tools,
    headed,
    quiet,
    soon,
)
from host.deadline import Deadline
from host.errors import (
    BadInput,
    BoardFailure,
    FlashFailure,
    HostFailure,
    IdentityFailure,
    NightjarError,
)
from host.n6_layout import layout


def test_cubeprogrammer_signs_checks_and_writes(tools: Tools, image: Image) -> None:
    tools.add(SIGNER, (0, "signing_done"))
    tools.add(PROGRAM, (0, "cube_done"))
    flasher = CubeProgrammer(lambda: (ONE, TWO))
    report = flasher.flash(image, DK, soon(), quiet)
    assert tools.calls == [shlex.split(line) for line in flasher.commands(image, DK)]
    assert report.bytes == 0x400 + 1024 + 5000 + 70


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
