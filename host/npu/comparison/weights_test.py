"""Nodes told by weights: whole, turned round, filled up, cut; never where two are alike."""

import numpy as np

from host.npu.comparison.weights import nodes_by_weights
from model_gen.codegen.neural_art.network_source import NetworkSource, SourceBuffer
from model_gen.codegen.neural_art.output_folder import Output
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.tflite.reader import read_tflite

START = 0x71000000
NET = make_net(3)


def _output(constants: list[tuple[str, bytes]]) -> Output:
    """What a folder tells of constants that lie one behind the other."""
    image, buffers = b"", []
    for name, data in constants:
        place = START + len(image)
        buffers.append(SourceBuffer(name, place, len(data), True, 0, 8, True, (), ()))
        image += data
    network = NetworkSource("1.1.1-14", {}, "net", (), (), tuple(buffers), (), ())
    return Output({"w.raw": image}, "network.c", network, None, "", None, None, {"w.raw": START})


def test_weights_tell_the_node_whatever_the_compiler_did_to_them() -> None:
    graph = read_tflite(NET.tflite())
    first, depthwise, point, dense = (NET.weights[op] for op in (0, 1, 2, 4))
    inflated = np.zeros((8, 8, 9), np.int8)
    inflated[np.arange(8), np.arange(8)] = depthwise[0].reshape(9, 8).T
    output = _output(
        [
            ("Conv2D_30_weights", point.transpose(3, 1, 2, 0).tobytes()),
            ("Conv2D_4_weights_submask_0_0_0_0_8_3_2_3_5", first[:, :2].tobytes()),
            ("Conv2D_4_weights_submask_0_0_2_0_8_3_1_3_6", first[:, 2:].tobytes()),
            ("Conv2D_9_weights", inflated.tobytes()),
            ("Gemm_40_conv_3_weights", dense.tobytes()),
            ("Conv2D_9_off_bias_8", dense.tobytes()),
        ]
    )
    assert nodes_by_weights(output, graph) == {
        0: "Conv2D_4",
        1: "Conv2D_9",
        2: "Conv2D_30",
        4: "Gemm_40",
    }


def test_two_nodes_of_the_same_weights_are_told_by_none() -> None:
    graph = read_tflite(NET.tflite())
    data = NET.weights[0].tobytes()
    output = _output([("Conv2D_4_weights", data), ("Conv2D_9_weights", data)])
    assert nodes_by_weights(output, graph) == {}


def test_a_constant_outside_of_every_image_tells_nothing() -> None:
    graph = read_tflite(NET.tflite())
    output = _output([("Conv2D_4_weights", NET.weights[0].tobytes())])
    moved = {name: first + 16 for name, first in output.images.items()}
    assert nodes_by_weights(Output(**{**vars(output), "images": moved}), graph) == {}
