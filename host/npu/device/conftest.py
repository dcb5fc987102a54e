"""The device, compiled once for the tests beside it."""

from pathlib import Path

import pytest

from host.npu.testing.native import build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("device") / "device.so", "-O1", "-shared", "-fPIC")
