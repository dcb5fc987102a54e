"""Predicted bytes against the bytes that boards returned, of every net at hand."""

import re
from pathlib import Path

import numpy as np
import pytest

from host.installed import FIRMWARE
from host.npu.arithmetic import HALF_AWAY, TIE_RULES
from host.npu.compiler.model import compile_model, predict
from host.npu.compiler.tie_rules import bytes_wrong
from model_gen.codegen.tflite.graph import Array

BOARDS = FIRMWARE.parent / "../shared/data/stedgeai/magnus_silicon"
NETS = sorted(path.parent.parent for path in BOARDS.glob("*/2.2.0/board_outputs.npy"))
LOGS = sorted(BOARDS.glob("*/4.0.0_*.txt"))
_NEEDS = pytest.mark.skipif(not NETS, reason="needs ../shared")
# Bytes that each rule gets wrong, as they were counted apart from this code.
_COUNTED = {
    "dw3x3": (0, 0, 1, 1, 1, 1),
    "c16_3x3": (0, 0, 1, 1, 2, 3),
    "c16_3x3_pool": (0, 0, 0, 0, 0, 0),
    "c32_1x1": (0, 1, 3, 3, 5, 7),
}
_PRINTED = re.compile(
    r"(?P<who>[mc])_outputs_1: \((?P<samples>\d+),.*?min/max=\[(?P<low>-?\d+), (?P<high>-?\d+)\], "
    r"mean/std=\[(?P<mean>[-\d.]+), (?P<std>[-\d.]+)\]"
)
_DIFFERENCE = re.compile(r" mae=(?P<mae>[\d.]+) ")
_SCALE = re.compile(r"scale=(?P<scale>[\d.]+) ")


def _inputs(net: Path) -> Array:
    """Nets without inputs of their own were run with those of a sibling."""
    for folder in (net, BOARDS / "c32_1x1" if net.name.startswith("c32") else BOARDS / "dw3x3"):
        path = folder / "2.2.0/board_inputs.npy"
        if path.is_file():
            return np.asarray(np.load(path))
    raise AssertionError(f"no inputs for {net}")


def _samples(array: Array) -> list[Array]:
    return list(array[:, None])


@_NEEDS
@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_every_byte_of_the_board_follows_from_the_model(net: Path) -> None:
    outputs = np.load(net / "2.2.0/board_outputs.npy")
    model = (net / "model.tflite").read_bytes()
    wrong = bytes_wrong(model, "2.2", _samples(_inputs(net)), _samples(outputs))
    print(f"{net.name}: {outputs.size} bytes; wrong by rule: {wrong}")
    assert wrong[HALF_AWAY] == 0
    assert wrong["floor"] > 0.9 * outputs.size
    if net.name in _COUNTED:
        assert tuple(wrong[rule] for rule in TIE_RULES if rule != "floor") == _COUNTED[net.name]


@_NEEDS
@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_nothing_about_these_nets_is_in_doubt(net: Path) -> None:
    model = compile_model((net / "model.tflite").read_bytes(), "2.2")
    prediction = predict(model, "2.2", _samples(_inputs(net))[:1])
    assert not [doubt for layer in prediction.layers for doubt in layer.doubts]


@_NEEDS
@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.parent.name}-{log.stem}")
def test_what_a_board_with_4_0_printed_follows_from_the_model(log: Path) -> None:
    text = log.read_text(errors="replace")
    printed = {found["who"]: found for found in _PRINTED.finditer(text)}
    board = printed["c"]
    samples = _samples(_inputs(log.parent))[: int(board["samples"])]
    model = compile_model((log.parent / "model.tflite").read_bytes(), "4.0")
    made = np.array([predict(model, "4.0", [sample]).outputs[0] for sample in samples])
    assert (made.min(), made.max()) == (int(board["low"]), int(board["high"]))
    assert made.astype(np.int64).sum() == round(float(board["mean"]) * made.size)
    assert abs(made.std() - float(board["std"])) < 2e-6
    # ST's own reference is stored with the older run: as many bytes differ as the log's error says.
    reference = np.load(log.parent / "2.2.0/reference_outputs.npy")[: len(samples)]
    assert reference.astype(np.int64).sum() == round(float(printed["m"]["mean"]) * made.size)
    error, scale = _DIFFERENCE.search(text), _SCALE.search(text)
    assert error is not None
    assert scale is not None
    steps = float(error["mae"]) / float(scale["scale"]) * made.size
    difference = made.astype(np.int64).ravel() - reference.astype(np.int64).ravel()
    assert np.abs(difference).sum() == round(steps)
