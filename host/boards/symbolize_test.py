"""An address is asked for as it is: the lowest bit is Thumb's alone where the code is Arm's."""

from pathlib import Path

import pytest

from host.boards.symbolize import symbolize

ARM, X86_64 = 40, 62  # e_machine


@pytest.mark.parametrize(
    ("machine", "pc", "asked"),
    [(ARM, 0x1001, "0x1000"), (ARM, 0x1000, "0x1000"), (X86_64, 0x4090CD, "0x4090cd")],
)
def test_the_thumb_bit_is_no_part_of_an_address(
    tmp_path: Path, machine: int, pc: int, asked: str
) -> None:
    elf, tool = tmp_path / "a.elf", tmp_path / "tool"
    elf.write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + bytes(44))
    tool.write_text('#!/bin/sh\necho "function"\necho "asked.c:$4"\n')
    tool.chmod(0o755)
    assert symbolize((str(tool),), elf, pc) == f"asked.c:{asked} (function)"


def test_without_a_tool_or_a_file_the_address_is_told(tmp_path: Path) -> None:
    assert symbolize(("/nothing",), tmp_path / "none.elf", 0x4090CD) == "0x4090cd"
