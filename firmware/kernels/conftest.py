"""The kernels, compiled once for all tests of this folder. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

# firmware/ is no package: the tests' helpers are imported as plain modules.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    import testing_kernels

    return testing_kernels.compile_library(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels and their runner for the target."""
    import testing_qemu

    return testing_qemu.compile_runner(tmp_path_factory.mktemp("runner"))
