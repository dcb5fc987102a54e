"""The tester is tested: small models, real firmware, and damage done on purpose."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host.bundle import Subject, load_subject
from host.compare.prepare import prepare
from host.project import Project
from model_gen.codegen.testing.bundle import write_small_bundle
from model_gen.codegen.testing.net import Net, make_net

BOARDS = ("native", "virtual")


@pytest.fixture(scope="session")
def net() -> Net:
    return make_net(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tester")


@pytest.fixture(scope="session")
def model_path(net: Net, folder: Path) -> Path:
    path = folder / "small.tflite"
    path.write_bytes(net.tflite())
    return path


@pytest.fixture(scope="session")
def bundle_path(folder: Path) -> Path:
    """A bundle with a frontend, whose labels are names and whose weights are noise."""
    return write_small_bundle(folder / "bundle")


Make = Callable[[Path, str], tuple[Subject, Project]]


@pytest.fixture(scope="session")
def made(folder: Path) -> Make:
    """Firmware of a model for a board, built once a session; skips where the board's tools are missing."""
    known: dict[tuple[Path, str], tuple[Subject, Project]] = {}

    def make(model: Path, board: str) -> tuple[Subject, Project]:
        need_tools(board)
        key = (model, board)
        if key not in known:
            known[key] = prepare(model, board, out=folder / f"{model.stem}-{board}")
        return load_subject(model), known[key][1]

    return make


def need_tools(board: str) -> None:
    tools = {"virtual": ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")}
    missing = [tool for tool in tools.get(board, ("gcc",)) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{board} needs {', '.join(missing)}")


@pytest.fixture(params=BOARDS)
def tier(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def boards() -> Iterator[Path]:
    """Records and locks of this test alone; a short path, as sockets need it."""
    with tempfile.TemporaryDirectory(prefix="nightjar-boards-") as folder:
        yield Path(folder)
