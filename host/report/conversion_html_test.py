"""The page of a conversion: all of it is there, and it fits a desk and a phone."""

from typing import Any

import pytest

from host.report.conversion_html import render
from host.report.testing_browser import chromium, measured

GATES: dict[str, Any] = {
    "chunks": 90, "recordings": 30, "mean_cosine": 0.9987, "p5_cosine": 0.9921, "float_ap": 0.91,
    "int8_ap": 0.905, "float_top1": 0.8, "int8_top1": None,
}  # fmt: skip
REPORT: dict[str, Any] = {
    "out": "<model>.tflite",
    "form": {
        "format": "tflite", "scheme": "int8", "per_tensor": True, "ends": "int8", "output": "logits"
    },
    "bytes": 123456,
    "sha256": "0123456789abcdef" * 4,
    "judge": "tensorflow BUILTIN_REF",
    "gates": GATES,
    "seeds": [{"seed": seed, "gates": GATES, "bytes": 1} for seed in (42, 43, 44)],
    "ops": {"ADD": 3, "CONV_2D": 20},
    "onnx_largest_difference": None,
    "layers": {
        "error": 0.25,
        "layers": [
            {"layer": f"nightjar_1/{'stage' * 20}{i}/Relu6;more", "op": "CONV_2D",
             "error": 0.2 + i / 100, "gain": 0.2 - i / 25}
            for i in range(8)
        ],
    },
}  # fmt: skip


def test_the_page_says_all_and_escapes_names() -> None:
    page = render(REPORT, "best_model.keras")
    assert "&lt;model&gt;.tflite: every gate holds" in page
    for text in ("0.9921", "123\u202f456", "20.0 %", "one scale a tensor", REPORT["sha256"]):
        assert text in page, text
    assert "<model>" not in page
    without = render({**REPORT, "layers": None, "onnx_largest_difference": 2e-7}, "x.keras")
    assert "2e-07" in without
    assert "costs" not in without


@pytest.mark.skipif(chromium() is None, reason="needs chromium")
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_desk_and_a_phone(dark: bool) -> None:
    script = "return [page.documentElement.scrollWidth, view.innerWidth]"
    for scrolled, width in measured(render(REPORT, "x.keras"), script, (1280, 390), dark=dark):
        assert scrolled <= width
