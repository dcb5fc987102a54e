"""The NOR's sectors, what gdb is told, and what is made of its answers; hil_tests/tester/test_n6_boot.py writes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.boards.flashers.nor import (
    SECTOR,
    Chunk,
    Loader,
    chunks,
    loader_beside,
    nor_said,
    nor_script,
)
from host.boards.gdb_script import SERVERS, Start, Target
from host.boards.n6_image import Piece
from host.errors import BadInput, FlashFailure
from host.n6_layout import layout

GOLDEN = Path(__file__).with_name("golden")
LOADER = Loader(
    Path("nj_flash_loader.elf"), Start.in_memory(layout()["FIRST_STAGE"]), 0x34180B1C, 0x34181100
)
CHUNK = Chunk(0x71000000, b"nightjar".ljust(SECTOR, b"\xff"))


@pytest.mark.parametrize("name", SERVERS)
def test_the_script_of_each_server(name: str) -> None:
    files = [(CHUNK, "0.bin")]
    said = nor_script(Target("localhost:3333"), SERVERS[name], LOADER, files, 60)
    assert said == (GOLDEN / f"nor-{name}.txt").read_text()


@given(st.binary(min_size=1, max_size=9000), st.integers(0, 20), st.integers(0, 3))
def test_chunks_are_the_piece_and_erased_bytes_behind_it(
    data: bytes, sector: int, buffers: int
) -> None:
    most = layout()["LOADER_BUFFER_BYTES"]
    data = data + bytes(buffers * most)
    made = list(chunks([Piece("a piece", 0x70000000 + sector * SECTOR, data)]))
    at = 0x70000000 + sector * SECTOR
    for chunk in made:
        assert chunk.address == at
        assert 0 < len(chunk.data) <= most
        assert len(chunk.data) % SECTOR == 0
        at += len(chunk.data)
    whole = b"".join(chunk.data for chunk in made)
    assert whole.startswith(data)
    assert len(whole) - len(data) < SECTOR
    assert set(whole[len(data) :]) <= {0xFF}


def test_a_piece_that_begins_in_a_sector_is_refused() -> None:
    with pytest.raises(BadInput, match="begins at a sector") as caught:
        list(chunks([Piece("weights", 0x71000010, b"x")]))
    assert "weights at 0x71000010" in caught.value.evidence


WROTE = f"nightjar: nor wrote {SECTOR:#x}\n"


def failed(state: int, address: int = 0) -> str:
    return f"nightjar: nor failed {state} 0x3a80c2 {address:#x}\n"


def held(crc: int) -> str:
    return f"nightjar: nor holds {CHUNK.address:#x} {crc:#x}\n"


def test_what_was_written_and_what_was_there() -> None:
    fresh = nor_said(WROTE + held(CHUNK.crc), [CHUNK])
    assert (fresh.bytes, fresh.written) == (SECTOR, SECTOR)
    again = nor_said(held(CHUNK.crc), [CHUNK])
    assert (again.bytes, again.written) == (SECTOR, 0)


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (failed(1), "cannot be written: it does not answer"),
        (failed(16, CHUNK.address), "at 0x71000000: what was read back is not what was written"),
        (WROTE + failed(99), "the flash loader says 99"),
        (WROTE + held(CHUNK.crc ^ 1), "does not hold what was written"),
        (failed(17, CHUNK.address) + held(CHUNK.crc), "at 0x71000000: it ends before that"),
        (WROTE, "does not hold what was written at 0x71000000"),
    ],
)
def test_a_writing_that_failed_is_never_taken_for_one(output: str, complaint: str) -> None:
    with pytest.raises(FlashFailure, match=complaint):
        nor_said(output, [CHUNK])


def test_a_missing_loader_is_said(tmp_path: Path) -> None:
    (tmp_path / "nj_flash_loader.elf").write_bytes(b"no ELF")
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(BadInput, match="writes the NOR") as caught:
            loader_beside(folder / "nightjar.elf")
        assert str(folder / "nj_flash_loader.elf") in caught.value.evidence
