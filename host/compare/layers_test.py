"""The list of layers against TFLite's own accessors, and tables of taps that must be refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.compare.layers import Layer, Structure, match_taps, read_structure
from host.errors import BadInput
from host.project import Tap

KWS = Path(__file__).parents[2] / "../shared/data/models/mlperf_tiny_kws_int8.tflite"
LAYERS = (
    Layer(0, 0, 5, "a", "CONV_2D"),
    Layer(1, 0, 6, "b", "SHAPE"),
    Layer(2, 0, 7, "c", "SOFTMAX"),
)
STRUCTURE = Structure(LAYERS, (0,), (7,))


def tap(layer: Layer, slot: int | None, reason: str = "") -> Tap:
    seen = slot is not None
    return Tap(
        layer.index,
        layer.tensor,
        layer.name,
        layer.op,
        (1, 4),
        "int8",
        4,
        seen,
        reason,
        slot,
        0,
        (),
    )


TAPS = (tap(LAYERS[0], 0), tap(LAYERS[1], None, "a constant"), tap(LAYERS[2], 1))


def test_a_full_table_is_matched_in_the_order_of_the_ops() -> None:
    assert match_taps(STRUCTURE, TAPS[::-1]) == TAPS


@pytest.mark.parametrize(
    ("taps", "words"),
    [
        (TAPS[:2], "2 taps for 3 op outputs"),
        ((*TAPS, TAPS[0]), "4 taps for 3 op outputs"),
        ((TAPS[0], tap(LAYERS[1], None), TAPS[2]), "without a reason"),
        ((TAPS[0], TAPS[1], tap(LAYERS[2], None, "left out")), "gives a model output"),
        ((replace(TAPS[0], slot=None), *TAPS[1:]), "without a slot"),
        ((replace(TAPS[0], slot=2), *TAPS[1:]), "slots"),
        ((replace(TAPS[0], op="ADD"), *TAPS[1:]), "its tap says ADD"),
        ((replace(TAPS[0], tensor=9), *TAPS[1:]), "has no tap"),
    ],
)
def test_a_table_that_hides_something_is_refused(taps: tuple[Tap, ...], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        match_taps(STRUCTURE, taps)
    assert words in caught.value.evidence


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x00\x01\x02\x03TFL3" + bytes(40)])
def test_a_damaged_file_is_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_structure(data)


@pytest.mark.skipif(not KWS.is_file(), reason="needs ../shared")
def test_a_real_model() -> None:
    structure = read_structure(KWS.read_bytes())
    assert [layer.index for layer in structure.layers] == list(range(13))
    assert structure.layers[1].node_id == "layer01-DEPTHWISE_CONV_2D"
