"""Where commands read and write: what cannot be is refused at once, and nothing is lost."""

import json
import os
import shutil
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from host.bundle import write_bundle
from host.bundle_test import FILES, contract
from host.cli import main
from host.cli.bad_input_test import PROGRAM, error_of, nightjar
from host.deadline import Deadline
from host.owned import alone_in, new_directory
from model_gen.codegen.testing import keras_models

SYNTH = ("--per-species", 3, "--species", 2, "--duration", 0.5, 0.6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "dense.tflite"
    path.write_bytes(keras_models.quantized("dense"))
    return path


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A working folder in which nothing may be left."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


COMMANDS = {
    "verify": ("verify", "MODEL", "--vectors", "1"),
    "build": ("build", "MODEL", "--out", "p"),
    "flash": ("flash", "MODEL", "--board", "native"),
    "bench": ("bench", "MODEL"),
    "hil": ("hil", "--bundle", "MODEL"),
    "profile": ("profile", "MODEL"),
    "board": ("board", "up", "native"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_too_few_open_files_end_a_command_at_once(name: str, model: Path, empty: Path) -> None:
    """CMake waits for ever when it gets no pipe; gdb leaves the firmware unwritten."""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed")
    line = [str(model) if word == "MODEL" else word for word in COMMANDS[name]]
    done = nightjar(*line, cwd=empty, before=("prlimit", "--nofile=24:24"))
    assert done.returncode == 10, done.stderr
    text = done.stdout + done.stderr
    assert "a limit of 24" in text
    assert "ulimit -n" in text


def test_a_limit_that_may_be_raised_is_raised(empty: Path) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed")
    more = ("prlimit", "--nofile=24:4096")
    done = nightjar("board", "up", "native", cwd=empty, before=more)
    assert done.returncode == 0, done.stderr
    assert nightjar("board", "down", "native", cwd=empty).returncode == 0


READERS = {
    "verify": ("verify", "PATH", "--board", "native"),
    "generate": ("generate", "PATH", "--out", "g"),
    "build": ("build", "PATH", "--out", "g"),
    "flash": ("flash", "PATH"),
    "inspect": ("inspect", "PATH"),
    "bench": ("bench", "PATH"),
    "classify": ("classify", "PATH", "PATH"),
    "listen": ("listen", "PATH", "PATH"),
    "evaluate": ("evaluate", "PATH", "--data-path", "PATH"),
    "profile": ("profile", "PATH"),
    "project": ("verify", "MODEL", "--project", "PATH"),
    "train": ("train", "--data-path-train", "PATH", "--checkpoint-path", "c.keras"),
    "quantize": ("quantize", "PATH", "--data-path", "PATH", "--out", "g"),
    "frontend": ("frontend", "check", "--vectors", "PATH"),
    "port": ("frontend", "check", "--port", "PATH"),
}


@pytest.mark.timeout(120)  # it hangs where somebody waits for the FIFO
@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "sparse", "absent", "below a file"])
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_to_read_is_bad_input_at_once(
    name: str,
    kind: str,
    model: Path,
    tmp_path: Path,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "input"
    if kind == "fifo":
        os.mkfifo(path)  # nobody ever writes to it
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/null")
    elif kind == "sparse":
        with path.open("wb") as stream:
            stream.truncate(1 << 40)
    elif kind == "below a file":
        path.write_text("")
        path /= "below"
    monkeypatch.chdir(empty)
    line = [{"PATH": str(path), "MODEL": str(model)}.get(word, word) for word in READERS[name]]
    with pytest.raises(SystemExit) as ended:
        main([*line, "--json", "-"])
    shown = capsys.readouterr()
    assert ended.value.code == 2, shown.err
    assert shown.out == ""
    error = json.loads(shown.err.splitlines()[-1])
    assert error["class"] == "INPUT"
    assert error["evidence"]
    assert list(empty.iterdir()) == []


def test_a_result_into_a_device_leaves_the_device(empty: Path) -> None:
    before = Path("/dev/null").stat()
    for place in ("/dev/null", "/dev/stdout", "/dev/fd/1"):
        done = nightjar("synth", "data", *SYNTH, "--json", place, cwd=empty)
        assert done.returncode == 0, done.stderr
        if place != "/dev/null":
            assert json.loads(done.stdout[done.stdout.index("{") :])["recordings"] == 9
    after = Path("/dev/null").stat()
    assert (before.st_mode, before.st_rdev, before.st_ino) == (
        after.st_mode, after.st_rdev, after.st_ino
    )  # fmt: skip
    done = nightjar("board", "status", "--json", "/dev/full", cwd=empty)
    assert done.returncode == 10
    assert "No space left" in done.stderr


def test_a_result_into_a_fifo_and_an_open_pipe(empty: Path) -> None:
    got: list[str] = []
    os.mkfifo(empty / "fifo")
    reader = threading.Thread(target=lambda: got.append((empty / "fifo").read_text()))
    reader.start()
    assert nightjar("board", "status", "--json", "fifo", cwd=empty).returncode == 0
    reader.join(20)
    assert json.loads(got[0])["schema"] == "nightjar/board/1"
    assert stat.S_ISFIFO((empty / "fifo").stat().st_mode)
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    substitution = ("bash", "-c", '"$@" >(cat >&2)', "-")  # --json is given /dev/fd/63
    done = nightjar("board", "status", "--json", cwd=empty, before=substitution)
    assert done.returncode == 0
    assert '"schema": "nightjar/board/1"' in done.stderr


def test_a_result_keeps_mode_and_link(empty: Path) -> None:
    (empty / "real.json").write_text("{}")
    (empty / "real.json").chmod(0o600)
    (empty / "link.json").symlink_to("real.json")
    assert nightjar("board", "status", "--json", "link.json", cwd=empty).returncode == 0
    assert (empty / "link.json").is_symlink()
    assert json.loads((empty / "real.json").read_text())["schema"] == "nightjar/board/1"
    assert stat.S_IMODE((empty / "real.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_result_over_an_input_is_refused(option: str, model: Path, empty: Path) -> None:
    own = empty / "m.tflite"
    shutil.copyfile(model, own)
    content = own.read_bytes()
    write_bundle(empty / "bundle", contract(), FILES)
    os.link(own, empty / "hard")
    lines = [
        ("verify", "m.tflite", option, "m.tflite"),
        ("verify", "m.tflite", option, "hard"),
        ("verify", "bundle", option, "bundle/model.json"),
        ("verify", "m.tflite", "--baseline", "hard", option, "hard"),
    ]
    if option == "--json":
        lines += [
            ("inspect", "m.tflite", option, "m.tflite"),
            ("verify", "m.tflite", "--html", "new", option, "new"),
            ("generate", "m.tflite", "--out", "new", option, "new"),
        ]
    for line in lines:
        done = nightjar(*line, cwd=empty)
        assert done.returncode == 2, done.stderr
        assert "must not be a file that the command reads" in done.stdout + done.stderr
    assert own.read_bytes() == content
    assert sorted(path.name for path in empty.iterdir()) == ["bundle", "hard", "m.tflite"]


WRITERS = {
    "generate": ("generate", "MODEL", "--board", "native", "--out", "out"),
    "build": ("build", "MODEL", "--board", "native", "--out", "out"),
    "flash": ("flash", "MODEL", "--board", "native", "--out", "out"),
    "verify": ("verify", "MODEL", "--board", "native", "--vectors", "1", "--out", "."),
    "hil": ("hil", "--bundle", "MODEL", "--board", "native", "--vectors", "1", "--out", "."),
    "synth": ("synth", "out", *SYNTH),
}


def writing(name: str, model: Path, empty: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    line = [str(model) if word == "MODEL" else word for word in WRITERS[name]]
    return nightjar(*line, *more, cwd=empty)


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_that_is_not_ours_is_replaced_only_by_force(
    name: str, model: Path, empty: Path
) -> None:
    place = empty / ("firmware" if name in ("verify", "hil") else "out")
    place.mkdir()
    (place / "thesis.txt").write_text("years of work")
    refused = writing(name, model, empty)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "thesis.txt" in refused.stdout + refused.stderr
    assert "--force" in refused.stdout + refused.stderr
    assert (place / "thesis.txt").read_text() == "years of work"
    # Of an earlier run, and one that somebody has written into.
    for stale in ("difference", "edited"):
        with new_directory(empty / stale) as new:
            (new / "README.md").write_text("what differed")
    forced = writing(name, model, empty, "--force")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert (empty / "difference").exists() == (name not in ("verify", "hil"))
    shutil.rmtree(empty / "difference", ignore_errors=True)
    (empty / "edited").rename(empty / "difference")
    (empty / "difference" / "notes.txt").write_text("mine")
    assert not (place / "thesis.txt").exists()
    # Now somebody works on what was made.
    (place / "build").mkdir(exist_ok=True)
    (place / "build" / "notes.txt").write_text("mine")
    noted = writing(name, model, empty)
    assert noted.returncode == 2, noted.stdout + noted.stderr
    assert "build/notes.txt, which was not written with it" in noted.stdout + noted.stderr
    (place / "build" / "notes.txt").unlink()
    mine = next(path for path in sorted(place.rglob("*.[ch]*")) if "build" not in path.parts)
    with mine.open("a") as stream:
        stream.write("\n")
    edited = writing(name, model, empty)
    assert edited.returncode == 2, edited.stdout + edited.stderr
    assert f"{mine.relative_to(place)}, which was changed" in edited.stdout + edited.stderr
    assert (empty / "difference" / "notes.txt").exists()


def small_disk(tmp_path: Path, size: str) -> Path:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can make a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    return disk


def test_what_is_there_stays_when_the_disk_is_full(model: Path, tmp_path: Path) -> None:
    disk = small_disk(tmp_path, "8m")
    try:
        line = ("generate", model, "--board", "native", "--out", disk / "p")
        assert nightjar(*line, cwd=tmp_path).returncode == 0
        before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
        left = shutil.disk_usage(disk).free
        (disk / "ballast").write_bytes(bytes(max(0, left - (64 << 10))))
        done = nightjar("generate", model, "--out", disk / "p", "--json", "-", cwd=tmp_path)
        assert "No space left" in error_of(done, 10, "HOST")["what"]
        (disk / "ballast").unlink()
        assert {p: p.read_bytes() for p in disk.rglob("*") if p.is_file()} == before
        done = nightjar("generate", model, "--out", disk / "p", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("name", ["generate", "build", "flash"])
def test_who_makes_firmware_waits_for_who_makes_it_there(
    name: str, model: Path, empty: Path
) -> None:
    """Else one would replace the sources that the other compiles."""
    line = [str(model) if word == "MODEL" else str(word) for word in WRITERS[name]]
    with alone_in(empty, Deadline.after(1)):
        process = subprocess.Popen([*PROGRAM, *line], cwd=empty, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        assert list(empty.iterdir()) == []
    try:
        ends = time.monotonic() + 60
        while not (empty / "out").exists() and time.monotonic() < ends:
            time.sleep(0.05)
        assert (empty / "out").exists()
    finally:
        process.terminate()
        process.wait(60)
