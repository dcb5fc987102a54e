"""One weight bit flipped in the linked ELF: found at its layer, at none before it, and exactly as large as it is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import load_subject
from host.compare.flip import copy_project
from host.compare.prove import prove
from host.compare.session import Session
from host.compare.tensors import distance
from host.compare.vectors import random_inputs
from host.errors import FirmwareFailure, IdentityFailure
from host.exit_codes import Exit
from host.reference.model import ReferenceModel
from host.report.verdict import FirstDifference, Verdict

REPOSITORY = Path(__file__).resolve().parents[2]
SEED = 11
VECTORS = 3


def naive(net: Any, flipped: Any) -> tuple[list[int], list[int], int]:
    """Differing elements and largest step of each op output, and the first vector, by the reference alone."""
    right, wrong = ReferenceModel(net.tflite()), ReferenceModel(flipped.tflite())
    tensors = [op.outputs[0] for op in right.ops]
    differing, steps, first = [0] * len(tensors), [0] * len(tensors), -1
    for number, inputs in enumerate(random_inputs(right.inputs, VECTORS, SEED)):
        want, got = right.run(list(inputs)), wrong.run(list(inputs))
        for i, tensor in enumerate(tensors):
            apart = distance(got[tensor], want[tensor])
            differing[i] += int(np.count_nonzero(apart))
            steps[i] = max(steps[i], int(apart.max()))
            if apart.any() and first < 0:
                first = number
    return differing, steps, first


def test_no_flip_is_exact(made: Any, model_path: Path, tier: str, boards: Path) -> None:
    subject, project = made(model_path, tier)
    verdict = prove(Session(project, subject, tier, VECTORS, SEED, root=boards))
    assert verdict.exact
    assert [layer.observed for layer in verdict.layers] == [True] * 5
    assert verdict.proved.digests == VECTORS * (5 + 2)


@pytest.mark.parametrize(
    ("op", "byte", "bit"),
    [(0, 0, 7), (0, 101, 5), (1, 13, 6), (1, 70, 4), (2, 55, 7), (2, 0, 5), (4, 71, 6), (4, 30, 3)],
)
def test_flip(
    made: Any,
    net: Any,
    model_path: Path,
    tier: str,
    boards: Path,
    tmp_path: Path,
    op: int,
    byte: int,
    bit: int,
) -> None:
    subject, project = made(model_path, tier)
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, op, byte, bit)
    differing, steps, vector = naive(net, net.flipped(op, byte, bit))
    verdict = prove(
        Session(
            spoiled, subject, tier, VECTORS, SEED, root=boards, evidence=tmp_path / "difference"
        )
    )
    assert differing[op] > 0
    assert not verdict.exact
    first = verdict.first_difference
    assert first is not None
    assert (first.layer, first.vector) == (op, vector)
    assert first.op == ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "MEAN", "FULLY_CONNECTED")[op]
    assert f"output {'' if op == 4 else 'channel '}{channel(net, op, byte)} differs" in first.cause
    assert [layer.differing for layer in verdict.layers] == differing
    assert [layer.max_steps for layer in verdict.layers] == steps
    check_folder(tmp_path / "difference", first, verdict)


def channel(net: Any, op: int, byte: int) -> int:
    """The output that a weight belongs to."""
    if op == 1:
        return byte % 8
    return int(byte // (net.weights[op].size // net.weights[op].shape[0]))


def check_folder(folder: Path, first: FirstDifference, verdict: Verdict) -> None:
    """What reproduces the difference is there, and says the same."""
    assert verdict.exhibits.folder == str(folder)
    readme = (folder / "README.md").read_text()
    assert "nightjar verify model.tflite --project project" in readme
    assert (folder / "project" / "build" / "nightjar.elf").stat().st_size > 10000
    got = np.load(next(folder.glob(f"00-layer{first.layer:02d}-got.npy")))
    want = np.load(next(folder.glob(f"00-layer{first.layer:02d}-want.npy")))
    assert int(got[first.index]) == first.got
    assert int(want[first.index]) == first.want
    assert int((got != want).sum()) == first.differing
    assert (folder / "difference.png").read_bytes().startswith(b"\x89PNG")


def test_flip_of_a_bundle(
    made: Any, net: Any, bundle_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    """The same where chunks go through the board's own frontend, which stays right."""
    subject, project = made(bundle_path, tier)
    right = prove(Session(project, subject, tier, 1, SEED, root=boards))
    assert right.exact
    assert right.vectors == 3
    assert len(right.exhibits.spectrograms) == 1
    assert np.array_equal(right.exhibits.spectrograms[0].host, right.exhibits.spectrograms[0].board)
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 1, 20, 6)
    evidence = tmp_path / "difference"
    session = Session(spoiled, subject, tier, 1, SEED, root=boards, evidence=evidence)
    wrong = prove(session)
    assert wrong.first_difference is not None
    assert wrong.first_difference.layer == 1
    assert wrong.layers[0].differing == 0
    assert load_subject(evidence / "bundle").files == subject.files
    # What somebody writes into it is not lost when it is written again.
    (evidence / "README.md").write_text("my notes")
    again = prove(session)
    assert again.exhibits.folder == str(tmp_path / "difference-2")
    assert (tmp_path / "difference-2" / "bundle" / "model.json").is_file()
    assert (evidence / "README.md").read_text() == "my notes"


@pytest.mark.parametrize("record", [False, True])
def test_flip_as_a_user_types_it(made: Any, model_path: Path, tmp_path: Path, record: bool) -> None:
    """Recorded, the tensors find it; unrecorded, identity does."""
    _, given = made(model_path, "native")
    project = copy_project(given, tmp_path / "spoiled")
    flip = ["-m", "host.compare.flip", str(project.elf), "nj_op2_weights", "0", "6"]
    verify = ["-c", "from host.cli import main; main()", "verify", str(model_path)]
    verify += ["--board", "native", "--project", str(project.path), "--vectors", "2"]
    codes = []
    for words in ([*flip, "--record"] if record else flip, verify):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        codes.append(done.returncode)
    assert codes == [0, FirmwareFailure.exit_code if record else IdentityFailure.exit_code]
    assert ("layer 2 CONV_2D" in done.stdout) is record


def test_what_given_inputs_find_is_shown_again_with_them(
    made: Any, net: Any, model_path: Path, boards: Path, tmp_path: Path
) -> None:
    """The command of the folder, as it stands there, judges the inputs that were given, too."""
    subject, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 3, 5)
    generator = np.random.default_rng(8)
    shape = ReferenceModel(subject.model).inputs[0].shape
    given = tuple((generator.integers(-128, 128, shape, dtype=np.int8),) for _ in range(2))
    evidence = tmp_path / "difference"
    session = Session(
        spoiled, subject, "native", 0, SEED, given=given, root=boards, evidence=evidence
    )
    verdict = prove(session)
    assert verdict.first_difference is not None
    readme = (evidence / "README.md").read_text()
    command = re.search(r"^ {4}nightjar (verify .*)$", readme, re.MULTILINE)
    assert command is not None
    done = subprocess.run(
        [sys.executable, "-c", "from host.cli import main; main()", *command[1].split()],
        cwd=evidence,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == Exit.FIRMWARE, done.stderr
    again = json.loads((evidence / "verify.json").read_text())
    assert again["vectors"] == 2
    assert again["first_difference"] == json.loads((evidence / "difference.json").read_text())
