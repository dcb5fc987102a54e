"""What a verdict on the NPU says of TFLite, and of silicon, in words, in JSON and on the page."""

import json
from dataclasses import replace

import jsonschema
import pytest

from host.report.finding import NEVER_WRITTEN, NOT_ALL_WRITTEN, OTHER_CONSTANTS
from host.report.html import render
from host.report.summary import summary_lines
from host.report.testing_verdicts import DIFFERENT, EXACT
from host.report.tflite import TfliteLayer, TfliteVerdict
from host.report.verdict import SCHEMA_FILE, Verdict, describe

LAYERS = (
    TfliteLayer(0, "CONV_2D", "Conv2D_2_out_0", 1, 0, 0, ""),
    TfliteLayer(1, "ADD", "Add_3_out_0", 2, 2, 2, "rounding: it rounds more often"),
    TfliteLayer(2, "MEAN", "Pool_4_out_0", 3, 3, 1, "16-bit multipliers: coarse"),
    TfliteLayer(3, "CONV_2D", "Conv2D_5_out_0", None, 9, 0, "fault: <b>channels</b>"),
)
BESIDE = TfliteVerdict("tensorflow 2.21.0 BUILTIN_REF", "c_info sign it", LAYERS, (4,))
ON_NPU = replace(EXACT, backend="neural_art", tflite=BESIDE)


def valid(verdict: Verdict) -> dict[str, object]:
    raw = json.loads(json.dumps(verdict.as_json()))
    jsonschema.validate(raw, json.loads(SCHEMA_FILE.read_text()))
    assert isinstance(raw, dict)
    return raw


def test_the_layers_beyond_are_told_the_farthest_first() -> None:
    assert [layer.op for layer in BESIDE.beyond] == [3, 2]
    told = list(BESIDE.lines())
    assert told == [
        "to TFLite, from the executor's tensors, which are the board's: 1 of 4 layers equal, 1 within the budget,"
        " 2 beyond the budget, 1 ops not seen",
        "  beyond the budget: op 3, CONV_2D by 9 steps of 0",
        "  beyond the budget: op 2, MEAN (epoch 3, Pool_4_out_0) by 3 steps of 1",
    ]
    assert set(told) <= set(summary_lines(ON_NPU))


def test_it_is_in_the_json_and_on_the_page() -> None:
    raw = valid(ON_NPU)
    assert isinstance(raw["tflite"], dict)
    assert [layer["steps"] for layer in raw["tflite"]["layers"]] == [0, 2, 3, 9]
    page = render(ON_NPU, title="t").replace("<wbr>", "")
    assert "beyond the budget: op 2, MEAN" in page
    assert "the executor of the same network" in page
    assert "tflite" not in valid(EXACT)


def test_why_it_was_not_compared_is_told() -> None:
    verdict = replace(EXACT, backend="neural_art", tflite_reason="no op can be found")
    assert "to TFLite: not compared: no op can be found" in summary_lines(verdict)
    assert "not compared: no op can be found" in render(verdict, title="t")
    assert valid(verdict)["tflite"] is None


def differing(tier: str, cause: str, part: str = "epoch") -> Verdict:
    assert DIFFERENT.first_difference is not None
    first = replace(DIFFERENT.first_difference, layer=7, op="EPOCH", cause=cause, part=part)
    return replace(DIFFERENT, backend="neural_art", tier=tier, first_difference=first)


def test_a_difference_on_silicon_is_a_finding_that_can_be_sent() -> None:
    verdict = differing("stm32n6570-dk", "elements differ by one step at most")
    assert "--record FILE.njs" in verdict.finding
    assert verdict.finding in summary_lines(verdict)
    assert valid(verdict)["finding"] == verdict.finding
    assert "a finding about the chip" in render(verdict, title="t")


@pytest.mark.parametrize(
    ("tier", "cause", "part"),
    [
        ("n6-virtual", "noise", "epoch"),
        ("stm32n6570-dk", f"{OTHER_CONSTANTS}: byte 3", "epoch"),
        ("stm32n6570-dk", f"{NEVER_WRITTEN}: every byte is 0x55", "epoch"),
        ("stm32n6570-dk", f"{NOT_ALL_WRITTEN}: 64 bytes", "epoch"),
        ("stm32n6570-dk", "noise", "layer"),
    ],
)
def test_what_the_firmware_explains_is_none(tier: str, cause: str, part: str) -> None:
    verdict = differing(tier, cause, part)
    assert verdict.finding == ""
    assert "finding" not in valid(verdict)


def test_an_epoch_is_called_one() -> None:
    first = differing("n6-virtual", "noise").first_difference
    assert first is not None
    assert describe(first).split(" at ")[0].split(" (")[0] == f"vector {first.vector}, epoch 7"
    assert ", epoch 7 CONV_2D (" in describe(replace(first, op="CONV_2D"))
