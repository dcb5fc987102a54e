"""What every test of the frontend's family needs."""

import shutil

import pytest

TOOLS = {
    "native": ("gcc",),
    "virtual": ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch"),
}


@pytest.fixture(params=TOOLS)
def tier(request: pytest.FixtureRequest) -> str:
    board: str = request.param
    missing = [tool for tool in TOOLS[board] if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{board} needs {', '.join(missing)}")
    return board
