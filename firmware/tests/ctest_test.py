"""The C unit tests of the core, built with sanitizers and run by ctest: they count in `make test`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model_gen.codegen.project.messages import write_messages

HERE = Path(__file__).parent


def _tool(name: str) -> str | None:
    """Beside this Python first (cmake and ninja are pinned there), then on the path."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@pytest.mark.skipif(not all(map(_tool, ("gcc", "cmake", "ctest", "ninja"))), reason="needs gcc")
def test_the_core_by_ctest(tmp_path: Path) -> None:
    write_messages(tmp_path / "messages")
    build = tmp_path / "build"
    configure = [_tool("cmake"), "-G", "Ninja", "-S", HERE, "-B", build]
    configure += [
        f"-DNJ_MESSAGES={tmp_path / 'messages'}",
        f"-DCMAKE_MAKE_PROGRAM={_tool('ninja')}",
    ]
    test = [_tool("ctest"), "--test-dir", build, "--output-on-failure", "--no-tests=error"]
    environment = {**os.environ, "CC": "gcc"}
    for command in (configure, [_tool("cmake"), "--build", build], test):
        words = [str(word) for word in command]
        done = subprocess.run(
            words, capture_output=True, text=True, env=environment, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "100% tests passed" in done.stdout
