"""What a new user gets wrong, as commands: a clear error, its exit code, nothing half written, no traceback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from host.bundle import write_bundle
from host.bundle_test import FILES, contract
from host.cli import COMMANDS
from host.testing_children import with_default_signals
from model_gen.codegen.testing.models import builder

PROGRAM = [sys.executable, "-c", "from host.cli import main; main()"]
Done = subprocess.CompletedProcess[str]


def nightjar(*arguments: object, cwd: Path, before: Sequence[str] = (), **environment: str) -> Done:
    """Run a command, behind another one that runs it (`before`)."""
    done = subprocess.run(
        [*before, *PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def error_of(done: Done, code: int, kind: str) -> dict[str, Any]:
    """The error of a command that was given --json: the last line of standard error, and nothing on the output."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    error: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    assert error["schema"] == "nightjar/error/1"
    assert (error["class"], error["exit_code"]) == (kind, code)
    assert error["what"]
    assert error["evidence"]
    return error


def sing(path: Path, seconds: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = np.sin(np.arange(int(8000 * seconds)) * 0.7)
    soundfile.write(path, tone, 8000)


def train(data: Path, cwd: Path, *more: object) -> Done:
    return nightjar("train", "--data-path-train", data, "--checkpoint-path", "out/m.keras", "--cache-dir", "out/c",
                    "--json", "out/t.json", *more, cwd=cwd)  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A working folder in which nothing may be left."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_data_that_cannot_be_trained_on(tmp_path: Path, empty: Path) -> None:
    nothing, alone, mute = tmp_path / "nothing", tmp_path / "alone", tmp_path / "mute"
    nothing.mkdir()
    sing(alone / "robin" / "1.wav")
    (mute / "robin").mkdir(parents=True)
    (mute / "robin" / "notes.txt").write_text("seen on Monday")
    for data in (nothing, mute):
        error = error_of(train(data, empty), 2, "INPUT")
        assert str(data) in error["evidence"]
        assert "nightjar synth" in error["next_step"]
    assert "robin" in error_of(train(alone, empty), 2, "INPUT")["evidence"]
    error = error_of(train(alone, empty, "--chunk_duration", "0.01"), 2, "INPUT")
    assert "FFT" in error["what"]
    assert "--chunk-duration" in error["next_step"]
    assert list(empty.iterdir()) == []


def test_models_that_cannot_be_generated(tmp_path: Path, empty: Path) -> None:
    Tensor, single_op = builder().Tensor, builder().single_op
    quantized, real = Tensor((1, 4), 0.1), Tensor((1, 4), dtype="float32")
    add = single_op("ADD", [quantized] * 3, [0, 1], [2], {"AddOptions": {}})
    models = {
        "truncated": add[: len(add) // 2],
        "empty": b"",
        "float32": single_op("ADD", [real] * 3, [0, 1], [2], {"AddOptions": {}}),
        "ELU": single_op("ELU", [quantized] * 2, [0], [1]),
    }
    for name, content in models.items():
        file = tmp_path / f"{name}.tflite"
        file.write_bytes(content)
        error = error_of(
            nightjar("generate", file, "--out", "g", "--json", "g.json", cwd=empty), 2, "INPUT"
        )
        if name in ("float32", "ELU"):
            assert "op 0" in error["what"]
            assert name in error["what"]
            assert "'t0'" in error["evidence"]
        assert list(empty.iterdir()) == []


@pytest.mark.parametrize("name", [*FILES, "model.json"])
def test_a_bundle_with_one_changed_byte(name: str, tmp_path: Path, empty: Path) -> None:
    bundle = tmp_path / "bundle"
    write_bundle(bundle, contract(), FILES)
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    done = nightjar("verify", bundle, "--board", "native", "--json", "v.json", cwd=empty)
    assert name in error_of(done, 15, "IDENTITY")["what"]
    assert list(empty.iterdir()) == []


def test_a_missing_tool_is_named_with_the_command_that_brings_it(
    tmp_path: Path, empty: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    done = nightjar("board", "up", "--json", "-", cwd=empty, PATH=str(tools))
    assert done.returncode == 10
    error = json.loads(done.stderr.splitlines()[-1])
    assert "not installed" in error["what"]
    assert error["next_step"].startswith("apt-get install ")


def test_a_command_without_its_arguments(empty: Path) -> None:
    for arguments in (["inspect"], ["train", "--nonsense"], ["nosuch"]):
        plain = nightjar(*arguments, cwd=empty)
        assert (plain.returncode, plain.stdout) == (2, "")
        assert plain.stderr.startswith("INPUT: ")
        assert plain.stderr.endswith("--help\n")
        error = error_of(nightjar(*arguments, "--json", "-", cwd=empty), 2, "INPUT")
        assert error["next_step"].endswith("--help")


def test_a_path_without_a_character_is_not_the_working_folder(empty: Path) -> None:
    for arguments in (["data", ""], ["evaluate", "m", "--data="], ["synth", ""]):
        error = error_of(nightjar(*arguments, "--json", "-", cwd=empty), 2, "INPUT")
        assert error["what"].endswith(" must not be empty")
        assert error["next_step"]
    assert list(empty.iterdir()) == []


def test_no_word_at_all_shows_the_help(empty: Path) -> None:
    for arguments in ([], ["board"]):
        assert nightjar(*arguments, cwd=empty).stderr.startswith("Usage: nightjar ")


def test_words_that_no_option_takes_may_have_lacked_quotes(empty: Path) -> None:
    done = nightjar("doctor", "8", "x y", "--json", "-", cwd=empty)
    error = error_of(done, 2, "INPUT")
    assert error["evidence"] == "Received: 8 'x y'"
    assert "quotes" in error["next_step"]


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_that_is_none_is_refused(number: str, empty: Path) -> None:
    done = nightjar("verify", "any.tflite", "--deadline", number, "--json", "-", cwd=empty)
    error = error_of(done, 2, "INPUT")
    assert error["what"] == "--deadline must be a number, at least 1"
    assert error["evidence"] == f"Received: {number}"
    assert error["next_step"]


def test_a_place_for_json_that_cannot_be_one(tmp_path: Path, empty: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for place in (tmp_path, file / "below.json", ""):
        done = nightjar("synth", "data", "--json", place, cwd=empty)
        assert "--json" in error_of(done, 2, "INPUT")["what"]
    assert list(empty.iterdir()) == []


def test_what_a_full_disk_refuses_is_named_and_not_left(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can make a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    try:
        done = nightjar("synth", disk / "data", "--per-species", 3, "--json", "-", cwd=tmp_path)
        assert str(disk / "data") in error_of(done, 10, "HOST")["what"]
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_half_written(number: signal.Signals, empty: Path) -> None:
    process = subprocess.Popen(
        with_default_signals(
            [*PROGRAM, "synth", "data", "--per-species", "1000", "--workers", "1"]
        ),
        cwd=empty,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        ends = time.monotonic() + 300
        while not list(empty.glob(".data.*/*/*")) and time.monotonic() < ends:
            time.sleep(0.02)
        process.send_signal(number)
        process.send_signal(number)  # once more, as people do: what cleans up goes on
        output, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    said = f"interrupted by {number.name}"
    assert (process.returncode, output, errors.strip()) == (128 + number, "", said)
    assert list(empty.iterdir()) == []


def test_a_defect_of_the_host_is_no_verdict_about_the_firmware(empty: Path) -> None:
    broken = "import host.cli, host.bundle\nhost.bundle.load_subject = lambda path: {}['no']\nhost.cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", broken, "inspect", "x", "--json", "-"],
        cwd=empty,
        capture_output=True,
        text=True,
    )
    error = error_of(done, 1, "DEFECT")
    assert "KeyError: 'no'" in error["evidence"]


def test_help_imports_nothing_that_computes(empty: Path) -> None:
    heavy = ("tensorflow", "keras", "numpy", "scipy", "soundfile", "jinja2", "matplotlib")
    look = (
        "import sys, click\nfrom host.cli import cli\n"
        "for name in sys.argv[1:]:\n"
        "    try: cli.main([name, '--help'], standalone_mode=False)\n"
        "    except click.exceptions.Exit: pass\n"
        f"print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, *COMMANDS], cwd=empty, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    assert done.stdout.count("Usage:") == len(COMMANDS)


def test_a_taken_board_is_said_to_be_so_with_its_holder(empty: Path) -> None:
    hold = (
        "import time\nfrom host.boards.folder import private_folder\n"
        "from host.boards.lock import board_lock\n"
        "with board_lock(private_folder(None, make=True), 'native', 0):\n"
        "    print('held', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            done = nightjar("board", "up", "native", "--json", "-", cwd=empty)
            assert f"pid {holder.pid}," in error_of(done, 12, "BOARD")["evidence"]
        finally:
            holder.kill()
    assert nightjar("board", "status", "native", cwd=empty).returncode == 0  # free again
