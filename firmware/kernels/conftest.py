"""The kernels, compiled once for all tests of this folder. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = Path(__file__).parent / "testing_ops.py"
    spec = importlib.util.spec_from_file_location("nj_testing_ops", path)
    assert spec is not None
    assert spec.loader is not None
    ops = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ops)
    library: ctypes.CDLL = ops.k.compile_library(tmp_path_factory.mktemp("kernels"))
    return library
