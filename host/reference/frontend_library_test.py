import subprocess
from pathlib import Path
from typing import Any

import pytest

from host.errors import HostFailure
from host.reference import frontend_library


def test_a_compiler_that_is_not_done_in_time_is_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(command: list[str], **given: Any) -> None:
        raise subprocess.TimeoutExpired(command, given["timeout"])

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(HostFailure, match="in time"):
        frontend_library._compile(tmp_path / "library.so")
