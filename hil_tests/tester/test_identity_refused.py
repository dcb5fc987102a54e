"""Stale firmware, another model, a changed bundle: refused as identity in under 5 s, before any number is printed."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

import host.compare.contact as contact
from host.boards import open_board
from host.bundle import load_subject
from host.cli import main
from host.compare.flip import copy_project, find_symbol, find_symbols
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.contract import Contract
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import IdentityFailure
from host.link.client import Client
from host.link.identity import check_identity, elf_build_id

LIMIT = 5.0  # seconds


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make every flash put another ELF on the board, as a flasher that wrote nothing would leave it."""

    def use(elf: Path) -> None:
        @contextmanager
        def opened(*given: Any, **named: Any) -> Iterator[Any]:
            with open_board(*given, **named) as board:
                flash = board.flash
                monkeypatch.setattr(
                    board, "flash", lambda _, deadline: flash(elf, deadline), raising=False
                )
                yield board

        monkeypatch.setattr(contact, "open_board", opened)

    return use


def refused(project: Any, subject: Any, tier: str, boards: Path, words: str) -> None:
    said: list[str] = []
    started = time.monotonic()
    with pytest.raises(IdentityFailure, match=words) as caught:
        prove(Session(project, subject, tier, 2, 0, root=boards), say=said.append)
    assert time.monotonic() - started < LIMIT
    assert said == []
    assert caught.value.exit_code == 15


def test_identity_of_stale_firmware(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path, stale: Any
) -> None:
    subject, project = made(model_path, tier)
    rebuilt = copy_project(project, tmp_path / "rebuilt")
    # The newer build differs in its build-id; what the board still holds is the older one.
    data = rebuilt.elf.read_bytes()
    build_id = elf_build_id(project.elf)
    assert data.count(build_id) == 1
    rebuilt.elf.write_bytes(data.replace(build_id, bytes(reversed(build_id))))
    write_record(rebuilt.elf)
    stale(project.elf)
    refused(rebuilt, subject, tier, boards, "build-id")


def loaded(elf: Path, writable: bool = True) -> dict[str, tuple[int, int]]:
    """Offset in the file and size of each section that is loaded."""
    with elf.open("rb") as stream:
        return {
            section.name: (section["sh_offset"], section["sh_size"])
            for section in ELFFile(stream).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
            and section["sh_type"] != "SHT_NOBITS"
            and section["sh_size"]
            and (writable or not section["sh_flags"] & SH_FLAGS.SHF_WRITE)
        }


def flip_at(elf: Path, offset: int) -> None:
    data = bytearray(elf.read_bytes())
    data[offset] ^= 1
    elf.write_bytes(data)


def test_identity_of_a_bit_that_was_flipped_after_the_link(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    """In any loaded section, inside the symbols and outside all of them; no board is started."""
    subject, given = made(model_path, tier)
    places = loaded(given.elf)
    assert {".text", ".engine_text", ".rodata", ".engine_rodata", ".data"} <= set(places)
    named = {
        byte
        for kind in ("STT_OBJECT", "STT_FUNC")
        for symbol in find_symbols(given.elf, kind)
        for byte in range(symbol.offset, symbol.offset + symbol.size)
    }
    offsets = {offset + size // 2 for offset, size in places.values()}
    nameless = {
        byte for offset, size in places.values() for byte in range(offset, offset + size)
    } - named
    assert nameless
    for offset in sorted(offsets | {min(nameless), max(nameless)}):
        project = copy_project(given, tmp_path / str(offset))
        flip_at(project.elf, offset)
        refused(project, subject, tier, boards, "not the one that was linked")
        with pytest.raises(IdentityFailure, match="not the one that was linked"):
            prepare(subject.path, tier, project=project.path)
    project = copy_project(given, tmp_path / "unrecorded")
    project.elf_record.unlink()
    refused(project, subject, tier, boards, "not recorded: build again")
    assert not any(boards.iterdir())


@pytest.mark.parametrize("section", range(8))
def test_identity_of_a_bit_that_was_flipped_on_the_way_to_the_board(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path, stale: Any, section: int
) -> None:
    """The file is the one that was linked, the memory differs: the firmware has read itself."""
    subject, project = made(model_path, tier)
    places = loaded(project.elf, writable=tier == "virtual")
    # A bit of each that nothing uses: the firmware still runs.
    if tier == "native":
        places = {name: places[name] for name in (".rodata", ".engine_rodata", ".eh_frame")}
    else:
        places.pop(".note.gnu.build-id")  # which is compared, too
        unused = find_symbol(project.elf, "nj_main_fault", "STT_FUNC")
        places[".text"] = unused.offset, unused.size
    if section >= len(places):
        pytest.skip(f"{tier} has {len(places)} such sections")
    offset, size = list(places.values())[section]
    damaged = copy_project(project, tmp_path / "damaged")
    flip_at(damaged.elf, offset + size - 1)
    stale(damaged.elf)
    refused(project, subject, tier, boards, "image CRC differ")


def test_identity_of_memory_that_changed_under_the_firmware(
    made: Any, model_path: Path, boards: Path
) -> None:
    """A bit flipped in the virtual board's memory, then a reset: as a cell that fails does it."""
    _, project = made(model_path, "virtual")
    weight = find_symbol(project.elf, "nj_op2_weights")
    with open_board("virtual", root=boards) as board:
        board.flash(project.elf, Deadline.after(20))
        for flipped in (False, True):
            if flipped:
                poke(board, project.elf, weight.name)
                board.reset(Deadline.after(20))
            transport = board.connect(Deadline.after(20))
            hello = Client(transport).hello(Deadline.after(20))
            transport.close()
            if not flipped:
                check_identity(hello, project)
        with pytest.raises(IdentityFailure, match="image CRC differ"):
            check_identity(hello, project)


def poke(board: Any, elf: Path, symbol: str) -> None:
    """Flip a bit of a symbol's first byte in memory, as a debugger can."""
    folder = board._folder
    place = f"*(unsigned char *)&{symbol}"
    command = ["gdb-multiarch", "-nx", "-batch", "-ex", "target remote gdb.sock"]
    command += ["-ex", f"set var {place} = {place} ^ 1", "-ex", "detach", str(elf.resolve())]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)


def test_identity_of_another_model_on_the_board(
    made: Any, model_path: Path, bundle_path: Path, tier: str, boards: Path, stale: Any
) -> None:
    subject, project = made(model_path, tier)
    stale(made(bundle_path, tier)[1].elf)
    refused(project, subject, tier, boards, "model")


def test_identity_of_another_model_in_the_project(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, tier)
    other = tmp_path / "other.tflite"
    data = bytearray(model_path.read_bytes())
    data[data.index(b"nightjar test")] ^= 0x20  # another description: another file, as good a model
    other.write_bytes(data)
    refused(project, load_subject(other), tier, boards, "model")
    # Identity comes before what such a project lacks.
    part = replace(project.description, taps=project.description.taps[:2])
    refused(replace(project, description=part), load_subject(other), tier, boards, "model")


def test_identity_of_a_changed_contract(
    made: Any, bundle_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    _, project = made(bundle_path, tier)
    changed = tmp_path / "changed"
    shutil.copytree(bundle_path, changed)
    text = (changed / "model.json").read_text().replace('"wren"', '"robin"')
    (changed / "model.json").write_bytes(Contract.from_json(text.encode()).to_json())
    refused(project, load_subject(changed), tier, boards, "contract")


def test_identity_of_a_bundle_with_one_changed_byte(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a user sees it: exit 15, no verdict file, not even a stale one, the error as JSON."""
    changed, verdict = tmp_path / "changed", tmp_path / "verify.json"
    shutil.copytree(bundle_path, changed)
    data = bytearray((changed / "model.tflite").read_bytes())
    data[-30] ^= 1
    (changed / "model.tflite").write_bytes(data)
    verdict.write_text("{}")
    started = time.monotonic()
    with pytest.raises(SystemExit) as caught:
        main(["verify", str(changed), "--board", "native", "--json", str(verdict)])
    assert time.monotonic() - started < LIMIT
    assert caught.value.code == 15
    assert not verdict.exists()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert json.loads(shown.err)["class"] == "IDENTITY"
