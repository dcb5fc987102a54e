"""Which tensor is which: by names, by values, by order, and never by a guess."""

import numpy as np
import pytest

from host.npu.comparison.layouts import FIRST, FLAT, LAST, MIXED, as_memory, as_model
from host.npu.comparison.mapping import NAME, ORDER, VALUES, WEIGHTS, find, paired
from host.npu.comparison.stored import Named, Stored, named, stored
from host.npu.network import Tensor as Written
from model_gen.codegen.neural_art.compilation import Buffer
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.testing.single_ops import window
from model_gen.codegen.tflite.graph import Graph
from model_gen.codegen.tflite.reader import read_tflite


def _graph() -> Graph:
    return read_tflite(make_net(3).tflite())


def _stored(place: int, name: str, tensor: int, graph: Graph, **given: object) -> Stored:
    """What lies in memory of a tensor of the model."""
    one = graph.tensors[tensor]
    q = one.quantization
    assert q is not None
    fields = {
        "role": "internal",
        "epoch": place,
        "dtype": "int8",
        "memory": (1, *(1, 1, *one.shape[1:])[-3:]),
        "layout": LAST,
        "scale": q.scales[0],
        "zero": q.zero_points[0],
        "told": True,
    }
    return Stored(place, name, **(fields | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Conv2D_12_off_bias_out_3", Named("Conv2D_12", "Conv2D", 12, False, False)),
        ("Gemm_75_conv_4_off_bias_out_157", Named("Gemm_75", "Gemm", 75, False, False)),
        ("Conv2D_12_zero_off_out_3_cp_in_38", Named("Conv2D_12", "Conv2D", 12, True, False)),
        ("Conv2D_8_mul_scale_out_16", Named("Conv2D_8", "Conv2D", 8, False, True)),
        ("Add_34_out_0_inserted_out7_inserted_out8", Named("Add_34", "Add", 34, False, False)),
        ("node_of_somebody", None),
    ],
)
def test_names(name: str, wanted: Named | None) -> None:
    assert named(name) == wanted


@pytest.mark.parametrize(
    ("layout", "memory"),
    [(LAST, (1, 4, 6, 8)), (FIRST, (1, 8, 4, 6)), (MIXED, (1, 2, 4, 6, 4)), (FIRST, (1, 4, 6, 8))],
)
def test_a_layout_and_back(layout: str, memory: tuple[int, ...]) -> None:
    value = np.arange(4 * 6 * 8).reshape(1, 4, 6, 8)
    placed = as_memory(value, layout, memory)
    assert placed is not None
    assert placed.shape == memory
    back = as_model(placed, layout, value.shape)
    assert back is not None
    assert np.array_equal(back, value)
    if layout == MIXED:
        assert placed[0, 1, 2, 3, 1] == value[0, 2, 3, 5]
    if memory == (1, 8, 4, 6):
        assert placed[0, 5, 2, 3] == value[0, 2, 3, 5]


def test_a_cube_that_could_be_read_in_two_ways_is_not_read() -> None:
    assert as_model(np.zeros((1, 4, 4, 4)), FIRST, (1, 4, 4, 4)) is None
    assert as_model(np.zeros((1, 4, 4, 4)), LAST, (1, 4, 4, 4)) is not None
    assert as_model(np.zeros((1, 4, 1, 1)), FIRST, (1, 1, 1, 4)) is not None


def test_a_node_of_the_file_goes_before_values() -> None:
    graph = _graph()
    tensors = [
        _stored(1, "Conv2D_4_off_bias_out_1", 9, graph),
        _stored(2, "Conv2D_9_zero_off_out_2", 9, graph, dtype="uint8", zero=0),
        _stored(3, "Odd_off_bias_out_1", 11, graph),
    ]
    found = find(graph, tensors, {0: ("Conv2D_4", NAME), 1: ("Conv2D_9", NAME)})
    assert (found[9].stored.place, found[9].how) == (1, NAME)
    assert [copy.place for copy in found[9].copies] == [2]
    assert (found[11].stored.place, found[11].how) == (3, VALUES)
    assert 10 not in found


def test_a_name_never_overrules_values() -> None:
    graph = _graph()
    wrong = _stored(1, "Conv2D_4_off_bias_out_1", 9, graph, scale=0.5)
    assert find(graph, [wrong], {0: ("Conv2D_4", NAME)}) == {}
    shifted = _stored(1, "Conv2D_4_zero_off_out_1", 9, graph, dtype="uint8", zero=3)
    assert find(graph, [shifted], {0: ("Conv2D_4", NAME)}) == {}


def test_alike_tensors_are_taken_in_their_order_or_not_at_all() -> None:
    assert paired({"a": frozenset({1, 2}), "b": frozenset({1, 2})}) == {
        "a": (1, ORDER),
        "b": (2, ORDER),
    }
    assert paired({"a": frozenset({1, 2, 3}), "b": frozenset({1, 2, 3})}) == {}
    assert paired({"a": frozenset({1}), "b": frozenset({1})}) == {}


def test_a_copy_is_no_ones_first_choice() -> None:
    graph = _graph()
    tensors = [
        _stored(1, "Conv2D_4_off_bias_out_1_cp_in_3", 9, graph),
        _stored(2, "Conv2D_4_off_bias_out_1", 9, graph),
    ]
    assert find(graph, tensors, {0: ("Conv2D_4", NAME)})[9].stored.place == 2


def _told(**given: object) -> Buffer:
    """A buffer of c_info: 8 channels of 4 x 6, in groups of 4."""
    fields = {
        "id": 1,
        "name": "Conv2D_4_off_bias_out_1",
        "pool": "npuRAM5",
        "address": 0,
        "offset": 0,
        "bytes": 192,
        "shape": (1, 8, 4, 6),
        "format": "U8",
        "bits": 8,
        "scales": (0.5,),
        "zero_points": (3,),
        "constant": False,
        "first": 1,
        "last": 2,
        "together": 4,
    }
    return Buffer(**(fields | given))  # type: ignore[arg-type]


def _stream(size: int = 192) -> Written:
    array = np.zeros((1, size), np.int8)
    return Written("Conv2D_4_off_bias_out_1", "stream", 1, (), "flat", "int8", None, None, array)


def test_c_info_tells_what_the_network_does_not_list() -> None:
    one = stored(3, _stream(), {"Conv2D_4_off_bias_out_1": _told()})
    assert (one.memory, one.layout, one.dtype) == ((1, 2, 4, 6, 4), MIXED, "uint8")
    assert (one.scale, one.zero, one.told) == (0.5, 3, True)
    assert stored(3, _stream(), {}).told is False


@pytest.mark.parametrize(
    "change",
    [
        {"shape": (-1, -8, 4, 6)},
        {"shape": (1, 0, 4, 6)},
        {"bytes": 191},
        {"bits": 16},
        {"shape": ()},
    ],
)
def test_a_c_info_that_contradicts_the_bytes_tells_nothing(change: dict[str, object]) -> None:
    one = stored(3, _stream(), {"Conv2D_4_off_bias_out_1": _told(**change)})
    assert (one.memory, one.layout, one.dtype) == ((1, 192), FLAT, "int8")
    assert one.scale is None


def test_what_a_convolution_reads_lies_before_the_pad_that_it_takes_in() -> None:
    tensor = builder().Tensor
    pads = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    kernel = np.ones((2, 3, 3, 2), np.int8)
    content = builder().model(
        [
            ("PAD", [0, 1], [2], {"PadOptions": {}}, 1),
            (
                "CONV_2D",
                [2, 3, 4],
                [5],
                {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)},
                3,
            ),
            ("CONV_2D", [5, 3, 4], [6], {"Conv2DOptions": window(padding=0)}, 3),
        ],
        [
            tensor((1, 4, 4, 2), 0.5, -128),
            tensor((4, 2), None, 0, pads, "int32"),
            tensor((1, 6, 6, 2), 0.5, -128),
            tensor((2, 3, 3, 2), [0.1] * 2, 0, kernel, axis=0),
            tensor((2,), [0.05] * 2, 0, np.zeros(2, np.int32), "int32"),
            tensor((1, 4, 4, 2), 0.5, -128),
            tensor((1, 4, 4, 2), 0.5, -128),
        ],
    )
    graph = read_tflite(bytes(content))
    nodes = {1: ("Conv2D_4", WEIGHTS), 2: ("Conv2D_9", WEIGHTS)}
    read = _stored(1, "Conv2D_4_zero_off_out_2", 0, graph, dtype="uint8", zero=0)
    made = _stored(2, "Conv2D_9_zero_off_out_2", 5, graph, dtype="uint8", zero=0)
    found = find(graph, [read, made], nodes)
    assert {index: one.stored.place for index, one in found.items()} == {0: 1, 5: 2}
    assert {one.how for one in found.values()} == {WEIGHTS}
