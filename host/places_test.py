import os
from pathlib import Path

import pytest

from host.errors import BadInput
from host.places import check_files, check_folder


def refusal(check: str, path: Path) -> str:
    checks = {
        "file": lambda: check_files("--there", [path]),
        "folder": lambda: check_folder("--there", path),
    }
    with pytest.raises(BadInput) as caught:
        checks[check]()
    assert f"--there must be a {check} that can be written" in str(caught.value)
    assert f"Received: {path}: " in caught.value.evidence
    return caught.value.evidence


def test_places_where_files_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    names = ("file", "link", "nowhere", "new", "new/below/x")
    check_files("--there", [tmp_path / name for name in names])
    for folder in (tmp_path, tmp_path / "new", tmp_path / "new/below", None, Path("new")):
        check_folder("--there", folder)


def test_places_where_none_can(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "round").symlink_to("round")
    os.mkfifo(tmp_path / "fifo")
    assert "it is a folder" in refusal("file", tmp_path)
    assert "it is a file" in refusal("folder", tmp_path / "file")
    for check in ("file", "folder"):
        assert "it is a FIFO" in refusal(check, tmp_path / "fifo")
        assert "it is a device" in refusal(check, Path("/dev/null"))
        assert "file is no folder" in refusal(check, tmp_path / "file" / "below")
        assert "file is no folder" in refusal(check, tmp_path / "file" / "deep" / "below")
        assert "symbolic links" in refusal(check, tmp_path / "round")
        assert "name" in refusal(check, tmp_path / ("x" * 250))
    (tmp_path / "shut").mkdir(mode=0o555)
    shut = tmp_path / "shut"
    if os.access(shut, os.W_OK):
        shut = Path("/proc/self")  # nobody makes files there, not even root
    assert "is not writable" in refusal("folder", shut)
    assert "is not writable" in refusal("file", shut / "x")
