"""A bench board has one user among all users of the computer, and no trick of another one changes that."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards.bench_lock import bench_holder, bench_lock, forget_holders, lock_name
from host.errors import BoardLocked, HostFailure

KIND, PROBE = "stm32n6570-dk", "0039003A3234510433353533"
HOLD = """
import os, sys
from pathlib import Path
{before}
from host.boards.bench_lock import bench_lock
with bench_lock({kind!r}, {probe!r}, name="left", root=Path({root!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """The folder of locks, in one that everybody may write and reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o1777)
        yield Path(place) / "nightjar"


def holding(root: Path, before: str = "") -> "subprocess.Popen[str]":
    """A process that holds the board until its standard input ends."""
    code = HOLD.format(kind=KIND, probe=PROBE, root=str(root), before=before)
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


@pytest.fixture
def holder(root: Path) -> Iterator["subprocess.Popen[str]"]:
    child = holding(root)
    yield child
    child.kill()
    child.communicate()


def test_the_name_is_of_kind_and_probe_in_any_case() -> None:
    assert lock_name(KIND, PROBE) == lock_name(KIND, PROBE.lower())
    assert len({lock_name(KIND, PROBE), lock_name("other", PROBE), lock_name(KIND, "1")}) == 3
    assert len(lock_name(KIND, PROBE)) == 64


def test_a_held_board_names_its_holder(root: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(BoardLocked) as caught, bench_lock(KIND, PROBE, name="left", root=root):
        pass
    assert f"pid {holder.pid} of user {os.geteuid()}" in caught.value.evidence
    found = bench_holder(KIND, PROBE, root=root)
    assert found is not None
    assert (found["pid"], found["name"]) == (holder.pid, "left")
    assert forget_holders(KIND, PROBE, root=root) == 0
    with bench_lock(KIND, "another", name="right", root=root):
        pass


def test_a_killed_holder_frees_it_and_its_record_is_not_believed(
    root: Path, holder: "subprocess.Popen[str]"
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert bench_holder(KIND, PROBE, root=root) is None
    assert forget_holders(KIND, PROBE, root=root) == 1
    assert forget_holders(KIND, PROBE, root=root) == 0
    with bench_lock(KIND, PROBE, name="left", root=root):
        found = bench_holder(KIND, PROBE, root=root)
        assert found is not None
        assert found["pid"] == os.getpid()
    assert bench_holder(KIND, PROBE, root=root) is None


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_modes_are_the_same_whatever_the_umask(root: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with bench_lock(KIND, PROBE, name="left", root=root):
            pass
    finally:
        os.umask(before)
    assert root.stat().st_mode & 0o7777 == 0o1777
    assert (root / lock_name(KIND, PROBE)).stat().st_mode & 0o7777 == 0o444
    assert [path.name for path in root.iterdir()] == [lock_name(KIND, PROBE)]
    assert [path.name for path in root.parent.iterdir()] == ["nightjar"]


@pytest.mark.parametrize("plant", ["link", "dangling", "fifo", "folder"])
def test_what_is_no_regular_file_is_refused(root: Path, tmp_path: Path, plant: str) -> None:
    with bench_lock(KIND, "other", name="right", root=root):
        pass
    file = root / lock_name(KIND, PROBE)
    target = tmp_path / "target"
    if plant == "link":
        target.write_text("precious")
    if plant in ("link", "dangling"):
        file.symlink_to(target)
    elif plant == "fifo":
        os.mkfifo(file)
    else:
        file.mkdir()
    with (
        pytest.raises(HostFailure, match="cannot be used"),
        bench_lock(KIND, PROBE, name="left", root=root),
    ):
        pass
    with pytest.raises(HostFailure):
        bench_holder(KIND, PROBE, root=root)
    if plant == "dangling":
        assert not target.exists()
    if plant == "link":
        assert target.read_text() == "precious"


@pytest.mark.parametrize("plant", ["link", "file", "private"])
def test_a_folder_that_is_not_for_all_is_refused(root: Path, tmp_path: Path, plant: str) -> None:
    if plant == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o777)
        (tmp_path / "elsewhere").chmod(0o1777)
        root.symlink_to(tmp_path / "elsewhere")
    elif plant == "file":
        root.write_text("")
    else:
        root.mkdir(0o700)
    with pytest.raises(HostFailure), bench_lock(KIND, PROBE, name="left", root=root):
        pass


def test_a_record_informs_only(root: Path) -> None:
    with bench_lock(KIND, PROBE, name="left", root=root):
        pass
    record = root / f"{lock_name(KIND, PROBE)}.{os.geteuid()}.holder.json"
    record.write_text(json.dumps({"pid": os.getpid(), "command": "nobody"}))
    assert bench_holder(KIND, PROBE, root=root) is None
    with bench_lock(KIND, PROBE, name="left", root=root):
        pass
    forged = root / f"{lock_name(KIND, PROBE)}.{os.geteuid() + 1}.holder.json"
    forged.write_text(json.dumps({"pid": os.getpid(), "command": "forged"}))
    os.utime(forged, (1 << 32, 1 << 32))  # newer than any
    with bench_lock(KIND, PROBE, name="left", root=root):
        found = bench_holder(KIND, PROBE, root=root)
        assert found is not None
        assert found["command"] != "forged"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_two_users_have_one_board(root: Path) -> None:
    """Whoever made the folder and the file, the other one is kept out, and later let in."""
    # Modules are imported before: the project's folder may be closed to the other user.
    nobody = "import host.boards.bench_lock\nos.setgid(65534); os.setuid(65534)"
    child = holding(root, nobody)
    try:
        assert root.stat().st_uid == 65534
        with (
            pytest.raises(BoardLocked) as caught,
            bench_lock(KIND, PROBE, name="left", root=root),
        ):
            pass
        assert f"pid {child.pid} of user 65534" in caught.value.evidence
        child.kill()
        child.wait()
        with bench_lock(KIND, PROBE, name="left", root=root):
            code = HOLD.format(kind=KIND, probe=PROBE, root=str(root), before=nobody)
            done = subprocess.run(
                [sys.executable, "-c", code], input="", capture_output=True, text=True, check=False
            )
            assert "BoardLocked" in done.stderr
            assert f"pid {os.getpid()} of user 0" in done.stderr
        assert forget_holders(KIND, PROBE, root=root) == 1
        second = holding(root, nobody)
        second.communicate()
        assert second.returncode == 0
    finally:
        child.kill()
        child.communicate()
