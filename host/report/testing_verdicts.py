"""For tests: verdicts of every kind, as large, as long and as hostile as they come."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from host.coverage.coverage import Coverage, Layer, Share, Unreached
from host.report.reach import InputReach, Reach
from host.report.verdict import (
    NOT_COUNTED,
    CostVerdict,
    Exhibits,
    FirstDifference,
    FootprintVerdict,
    LayerVerdict,
    NotApplicable,
    Proved,
    Spectrogram,
    Verdict,
)

HOSTILE = (
    "\"'><script>parent.hacked = view.hacked = hacked = 1</script><img src=x onerror=hacked=1>"
    "<b style='position:fixed;inset:0'>&amp;&#0;<!--]]>{{ 7 * 7 }}${7}\x00\x1b[31m\u202e\u2028\udcff</style>"
)
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "RESIZE_NEAREST_NEIGHBOR", "ADD", "FULLY_CONNECTED")
REASON = "folded into op 17, a dilated DEPTHWISE_CONV_2D"
_RANDOM = np.random.default_rng(1)
_PICTURE = _RANDOM.random((64, 48)).astype(np.float32)


def ordinary(index: int) -> str:
    """As a converter names what it fused."""
    relu = f"nightjar_1/frontend_relu_{index}/Relu"
    return f"{relu};nightjar_1/batch_normalization_{index}/FusedBatchNormV3"


def long(index: int) -> str:
    """Without a place to break a line at."""
    return f"{'a_block_of_blocks_that_never_ends' * 6}_{index}"


def layers(name: Callable[[int], str], count: int, factor: int) -> tuple[LayerVerdict, ...]:
    """Every ninth of `count` is not observed; bytes and costs are multiplied by `factor`."""
    return tuple(
        LayerVerdict(
            index,
            name(index),
            KINDS[index % len(KINDS)],
            (65_792 - 7 * index) * factor,
            index % 9 != 8,
            "" if index % 9 != 8 else REASON,
            0,
            0,
            0 if index % 9 == 8 else (index * 7919 % 705_154 + 1) * factor,
        )
        for index in range(count)
    )


def coverage(count: int, factor: int, name: Callable[[int], str]) -> Coverage:
    """Of as many layers, with objects named so that no vector reaches."""
    left = tuple(
        Unreached(name(i), ".engine_text", "code", 90 * factor, 1_798 * factor, f"{name(i)}.c:{i}")
        for i in range(14)
    )
    lacking = sum(item.bytes for item in left)
    return Coverage(
        code=Share(21_340 * factor, 21_340 * factor - lacking),
        constants=Share(32_856 * factor, 32_856 * factor),
        layers=tuple(
            Layer(i, Share(5_000 * factor, 2_020 * factor), Share(400 * factor, 398 * factor))
            for i in range(count)
        ),
        unreached=left,
    )


EXACT = Verdict(
    exact=True,
    board="virtual",
    backend="cm55",
    build_id="ab12" * 10,
    model_sha256="c0ffee" * 10 + "1234",
    reference="tensorflow 2.21.0 BUILTIN_REF",
    vectors=8,
    first_difference=None,
    layers=layers(ordinary, 46, 1),
    cost=CostVerdict(1_785_230, 4_572_110),
    footprint=FootprintVerdict(157_715, 120_024, 583_928, 131_088, 8_192),
    proved=Proved(
        elf_sha256="d" * 64,
        contract_sha256="e" * 64,
        protocol=1,
        compiler="GCC: (15:12.2.rel1-1) 12.2.1 20221205",
        rounding="ADD=double CONV_2D=single DEPTHWISE_CONV_2D=single FULLY_CONNECTED=real",
        cost_unit="instructions",
        tapped_runs=8,
        untapped_runs=16,
        digests=3_680,
        link={"retries": 0, "bytes_to_board": 1_234_567, "bytes_from_board": 45_678_901},
    ),
    tier="virtual",
    image_crc="12ab34cd",
    coverage=coverage(46, 1, ordinary),
    coverage_reason="",
    recalled=("expectations", "coverage"),
    reach=Reach((InputReach(ordinary(0), 250, 256), InputReach("x", None, None)), 40, 39),
    exhibits=Exhibits(
        (Spectrogram(4, _PICTURE, _PICTURE), Spectrogram(5, _PICTURE, _PICTURE)),
        command="nightjar verify build/demo/bundle --board virtual --vectors 4 --seed 1 --json verify.json",
    ),
)
DIFFERENT = replace(
    EXACT,
    reach=None,
    coverage=None,
    coverage_reason=NOT_COUNTED,
    exact=False,
    exit_code=19,
    first_difference=FirstDifference(
        *(0, 1, ordinary(1), "DEPTHWISE_CONV_2D", (0, 127, 255, 1023), -128, 127, 229_000, 255),
        cause="only output channel 2 differs: a weight, bias or multiplier of that output channel",
    ),
    layers=tuple(
        replace(layer, differing=229_000 + layer.index, max_steps=255)
        if layer.observed and layer.index
        else layer
        for layer in EXACT.layers
    ),
    exhibits=replace(
        EXACT.exhibits,
        steps=_RANDOM.integers(-2, 3, (1, 12, 20, 16)),
        folder="build/subjects/c0ffeec0ffee-e3b0c442-virtual/difference",
    ),
)
BARE: dict[str, Any] = {"cost": CostVerdict(None, 98_765_432_100), "exhibits": Exhibits()}
MUCH: dict[str, Any] = {
    "layers": layers(long, 60, 12_345),
    "cost": CostVerdict(12_345_678_901, 98_765_432_100),
    "footprint": FootprintVerdict(
        *(1_577_150_000, 1_200_240_000, 5_839_280_000, 1_310_880_000, 81_920_000)
    ),
    "reference": long(0),
    "board": "a-board-with-a-name-that-is-long",
}
VERDICTS = {
    "exact": EXACT,
    "different": DIFFERENT,
    "incomplete": replace(
        EXACT, exact=False, complete=False, exit_code=18, coverage=None, coverage_reason=NOT_COUNTED
    ),
    "exact-bare": replace(EXACT, **BARE, not_applicable=(NotApplicable("frontend", "a .tflite"),)),
    "different-bare": replace(DIFFERENT, **{**BARE, "exhibits": Exhibits()}),
    "exact-much": replace(EXACT, **MUCH, coverage=coverage(60, 12_345, long)),
    "different-much": replace(
        DIFFERENT,
        **{**MUCH, "layers": tuple(
            replace(layer, differing=2_147_000_000 + layer.index, max_steps=255) if layer.observed else layer
            for layer in layers(long, 60, 12_345)
        )},
        first_difference=FirstDifference(
            *(123, 59, long(59), "RESIZE_NEAREST_NEIGHBOR", (0, 1, 2, 1023, 1023, 1023), -128, 127),
            *(2_147_000_000, 255, long(1)),
        ),
    ),
    "uncounted": replace(
        EXACT,
        cost=CostVerdict(None, None),
        layers=tuple(replace(layer, instructions=None) for layer in EXACT.layers),
    ),
}  # fmt: skip


def spoiled(value: Any, text: str = HOSTILE) -> Any:
    """The same verdict with `text` behind every text in it that is not empty, at any depth."""
    if isinstance(value, str):
        return value and value + text
    if isinstance(value, tuple):
        return tuple(spoiled(item, text) for item in value)
    if isinstance(value, dict):
        return {spoiled(key, text): spoiled(item, text) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: spoiled(getattr(value, field.name), text) for field in fields(value)}
        return replace(value, **found)
    return value
