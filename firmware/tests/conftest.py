"""The firmware around the tiny model (tiny/nj_tiny.h), built once a run for each board that asks for it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from host.boards.tiers import tier_of
from host.boards.virtual_n6.build import find
from model_gen.codegen.project.messages import write_messages
from model_gen.codegen.project.ports import write_port

HERE = Path(__file__).parent
NEEDS = {
    "native": ("gcc",),
    "virtual": ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch"),
    "n6-virtual": ("arm-none-eabi-gcc", "gdb-multiarch"),
}


def tool(name: str) -> str | None:
    """Beside this Python first (cmake and ninja are pinned there), then on the path."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@pytest.fixture(scope="session")
def tiny_elf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`tiny_elf(board)`: the ELF for that board; skips where its tools are missing."""
    root = tmp_path_factory.mktemp("tiny")

    @cache
    def build(board: str) -> Path:
        cmake, ninja = tool("cmake"), tool("ninja")
        if cmake is None or ninja is None or not all(map(shutil.which, NEEDS[board])):
            pytest.skip(f"needs cmake, ninja, {', '.join(NEEDS[board])}")
        if board == "n6-virtual" and find() is None:
            pytest.skip("make n6-virtual")
        write_messages(root / "messages")
        write_port(tier_of(board).runs[0], root / board / "port")
        configure = [cmake, "-G", "Ninja", "-S", str(HERE / "tiny"), "-B", str(root / board)]
        configure += [f"-DCMAKE_MAKE_PROGRAM={ninja}", f"-DNJ_PORT={root / board / 'port'}"]
        configure += [f"-DNJ_MESSAGES={root / 'messages'}"]
        for command in (configure, [cmake, "--build", str(root / board)]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return root / board / "nightjar.elf"

    return build
