"""What goes into the field: stedgeai driven for the epoch controller, its firmware proved, and listening.

A stand-in for stedgeai writes the network that the compiler model predicts; everything behind it is the product's.
"""

import json
import shutil
from pathlib import Path

import pytest

from hil_tests.tester.recorded import Done, nightjar
from host.boards.virtual_n6.build import find
from host.bundle import load_subject
from host.exit_codes import Exit
from host.listen.tiers_test import BLOCK, DETECTING, record
from host.npu.comparison.testing_network import write
from host.npu.compiler.model import compile_model
from model_gen.codegen.neural_art.testing.output import stand_in
from model_gen.codegen.neural_art.testing.written import Small
from model_gen.codegen.testing.bundle import write_small_bundle

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]
DIALECT, SECONDS = "4.0", 6
BOARD = ("--board", "n6-virtual")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, and the firmware of its release build."""
    folder = tmp_path_factory.mktemp("release")
    model = load_subject(write_small_bundle(folder / "bundle")).model
    network = write(folder / "st", compile_model(model, DIALECT), model, release=True)
    small = Small(DIALECT, model, controller=True)
    recorded = stand_in(folder / "core", small, said="", output=network, needs="octoFlash")
    done = in_folder(
        *("build", "bundle", "--backend", "neural_art", "--release", *BOARD, "--out", "firmware"),
        *("--application", *DETECTING),
        cwd=folder,
    )
    assert done.code == 0, done.text
    profile = (recorded / "given-neural_art_profile.json").read_text()
    assert "--enable-epoch-controller" in profile
    assert "--all-buffers-info" not in profile
    return folder


def in_folder(command: str, *words: str, cwd: Path) -> Done:
    return nightjar(command, *words, cwd=cwd, STEDGEAI_CORE_DIR=str(cwd / "core"))


def test_one_program_is_judged_by_its_outputs_alone_and_says_so(folder: Path) -> None:
    done = in_folder("verify", "bundle", *BOARD, "--project", "firmware", cwd=folder)
    assert done.code in (Exit.OK, Exit.REGRESSION), done.text  # what TFLite says is another matter
    assert done.verdict["exact"]
    assert "by its outputs alone" in done.text
    assert "1 tensors of 1 epochs" in done.text


def test_it_hears_what_the_executor_hears(folder: Path) -> None:
    record(folder / "r.wav", SECONDS)
    words = ("bundle", "r.wav", *BOARD, "--project", "firmware", "--block", str(BLOCK))
    done = in_folder("listen", *words, cwd=folder)
    assert done.code == 0, done.text
    (heard,) = json.loads((folder / "verdict.json").read_text())["files"]
    assert len(heard["detections"]) >= 2
    assert heard["same"]
    assert heard["lost_samples"] == 0
    assert heard["blocks"] >= SECONDS * 50
    assert 0 < heard["margin"]["worst"] < heard["margin"]["budget"]
