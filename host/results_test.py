"""Results: every place that a user may name, looked at first, and written as it wants it."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import cast

import pytest

from host import results
from host.errors import BadInput, HostFailure
from host.owned import new_directory
from host.results import check_result, remove_result, write_result

PROGRAM = """
import sys
from pathlib import Path
from host.results import check_result, remove_result, write_result
path = Path(sys.argv[1])
print("before", flush=True)
check_result(path)
remove_result(path)
write_result(path, b"result\\n")
print("after", flush=True)
"""


def run(path: object, **more: object) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-c", PROGRAM, str(path)]
    done = subprocess.run(line, text=True, timeout=300, **more)  # type: ignore[call-overload]
    return cast("subprocess.CompletedProcess[str]", done)


def refusal(path: Path, *inputs: Path) -> str:
    with pytest.raises(BadInput, match="--json") as caught:
        check_result(path, inputs, name="--json")
    return f"{caught.value.what}: {caught.value.evidence}"


def others_only(tmp_path: Path) -> Path:
    """A folder that its user may not write, as far as root lets us have one."""
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):
        return Path("/proc/self")  # nobody makes files there, not even root
    return folder


def test_places_that_cannot_hold_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "round").symlink_to("round")
    assert "it is a folder" in refusal(tmp_path)
    assert "it is a folder" in refusal(Path())
    assert "file is no folder" in refusal(tmp_path / "file" / "below.json")
    assert "file is no folder" in refusal(tmp_path / "file" / "deep" / "below.json")
    assert "symbolic links" in refusal(tmp_path / "round")
    assert "name has more than" in refusal(tmp_path / ("x" * 250))
    assert "too long" in refusal(tmp_path / ("x" * 300))
    shut = others_only(tmp_path)
    if not os.access(shut, os.W_OK):
        assert "not writable" in refusal(shut / "x.json")
        assert "not writable" in refusal(shut / "deep" / "x.json")
    check_result(tmp_path / "deep" / "er" / "x.json")
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["file", "round"],
        ["file", "round", "shut"],
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_file_system_that_takes_no_file_is_found_whatever_its_permissions_say() -> None:
    assert "/proc" in refusal(Path("/proc/x.json"))


def test_a_file_is_replaced_in_one_step_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("old")
    path.chmod(0o640)
    with path.open("rb") as reader:
        check_result(path)
        write_result(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]


def test_a_new_file_has_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_result(tmp_path / "deep" / "x.json", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "deep" / "x.json").stat().st_mode) == 0o640


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "deep" / "target.json", tmp_path / "link.json"
    link.symlink_to("deep/target.json")
    for _ in range(2):  # into nothing, then over a file
        check_result(link)
        write_result(link, b"new")
        assert link.is_symlink()
        assert target.read_bytes() == b"new"
    remove_result(link)
    assert link.is_symlink()
    assert not target.exists()


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    for path in (Path("/dev/null"), tmp_path / "null"):
        if path.parent == tmp_path:
            path.symlink_to("/dev/null")
        before = Path("/dev/null").stat()
        check_result(path)
        remove_result(path)
        write_result(path, b"new")
        after = Path("/dev/null").stat()
        assert (before.st_mode, before.st_rdev, before.st_ino) == (
            after.st_mode,
            after.st_rdev,
            after.st_ino,
        )
    with pytest.raises(OSError, match="No space"):
        write_result(Path("/dev/full"), b"new")


def test_a_fifo_gets_what_comes_to_it(tmp_path: Path) -> None:
    path, got = tmp_path / "fifo", []
    os.mkfifo(path)
    check_result(path)
    remove_result(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_result(path, b"x" * 200_000)  # more than it holds
    reader.join(20)
    assert got == [b"x" * 200_000]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_fifo_that_nobody_reads_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_READER", 0.1)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(HostFailure, match="nobody reads"):
        write_result(tmp_path / "fifo", b"new")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert "it is a socket" in refusal(tmp_path / "socket")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_is_written_where_it_is(name: str, tmp_path: Path) -> None:
    """Into a pipe, and into a file, between what is printed before and behind."""
    if name == "link":
        name = str(tmp_path / "link")
        Path(name).symlink_to("/dev/stdout")
    assert run(name, stdout=subprocess.PIPE).stdout == "before\nresult\nafter\n"
    for _ in range(2):
        with (tmp_path / "out.txt").open("a") as out:
            assert run(name, stdout=out).returncode == 0
    assert (tmp_path / "out.txt").read_text() == 2 * "before\nresult\nafter\n"


def test_a_process_substitution_gets_the_result(tmp_path: Path) -> None:
    """`command --json >(reader)`, as a shell opens it."""
    read, write = os.pipe()
    try:
        done = run(f"/dev/fd/{write}", pass_fds=(write,), stdout=subprocess.DEVNULL)
        assert done.returncode == 0
        assert os.read(read, 100) == b"result\n"
    finally:
        os.close(read)
        os.close(write)


def test_an_open_file_that_takes_nothing_is_refused() -> None:
    with Path("/dev/null").open("rb") as stream:
        assert "is not open for writing" in refusal(Path(f"/dev/fd/{stream.fileno()}"))
    assert "is not open for writing" in refusal(Path("/dev/fd/987"))


def test_what_is_read_is_not_overwritten(tmp_path: Path) -> None:
    model, data, ours = tmp_path / "m.tflite", tmp_path / "data", tmp_path / "ours"
    model.write_text("model")
    (data / "robin").mkdir(parents=True)
    (data / "robin" / "1.wav").write_text("recording")
    with new_directory(ours, disposable=("build/nightjar.elf",)) as new:
        (new / "model.json").write_text("contract")
    (ours / "build").mkdir()
    (ours / "build" / "nightjar.elf").write_text("firmware")
    (ours / "earlier.json").write_text("a result of an earlier command")
    (tmp_path / "hard").hardlink_to(model)
    (tmp_path / "soft").symlink_to(model)
    inputs = (model, data, ours, tmp_path / "absent")
    for path in (
        model,
        tmp_path / "hard",
        tmp_path / "soft",
        data / "robin" / "1.wav",
        ours / "model.json",
        ours / "build" / "nightjar.elf",
    ):
        assert "must not be a file that the command reads" in refusal(path, *inputs)
    for path in (
        tmp_path / "new.json",
        data / "new.json",
        ours / "earlier.json",
        Path("/dev/null"),
    ):
        check_result(path, inputs)
