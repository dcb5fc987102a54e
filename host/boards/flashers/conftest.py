"""Stand-ins for tools, and an image for the boot from flash."""

import os
from pathlib import Path

import pytest

from host.boards.flashers.parts import Image, Part
from host.boards.flashers.testing_tools import ENTRY, Tools


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
        (tmp_path / f"{name}.bin").write_bytes((bytes(range(1, 251)) * (size // 250 + 1))[:size])
    return Image(
        tmp_path / "app.elf",
        (
            Part(tmp_path / "fsbl.bin", 0x70000000, ENTRY),
            Part(tmp_path / "app.bin", 0x70100000),
            Part(tmp_path / "weights.bin", 0x71000000),
        ),
    )
