"""The tables of packed weights: what is printed is what the virtual board counted."""

import shutil
from pathlib import Path

import pytest

from host.bench import packed_table
from host.bench.packed_table import lines
from model_gen.codegen.cm55.flash_test import _clustered, _net

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")


@pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason="needs " + str(TOOLS))
def test_unpacking_is_the_difference_of_two_firmwares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_table, "ROOT", tmp_path / "boards")
    model = tmp_path / "small.tflite"
    model.write_bytes(_net(_clustered))
    told = list(lines([model]))
    cells = [[cell.strip() for cell in line.split("|")] for line in told]
    row, plain, packed = cells[2], cells[-2], cells[-1]
    unpacking = int(row[11].replace(",", ""))
    assert unpacking > 0
    before, after = (int(one[4].replace(",", "")) for one in (plain, packed))
    assert unpacking == after - before
    assert int(packed[2].replace(",", "")) < int(plain[2].replace(",", ""))
