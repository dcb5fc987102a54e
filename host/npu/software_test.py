"""Software epochs against their arithmetic written out, called as generated code calls them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.errors import BadInput
from host.npu.network import Network
from host.npu.testing.code import RAM, Code, Listed

TARGET = RAM + 2048
Array = npt.NDArray[Any]


def run(folder: Path, end: str, given: Array, made: str, count: int) -> Array:
    """What an end function leaves at TARGET, of what was given at RAM."""
    size = count * np.dtype(made).itemsize
    code = Code(
        blocks=[("", end)],
        inputs=[Listed("given", RAM, given.nbytes, type="DataType_UINT8")],
        outputs=[Listed("made", TARGET, size, 1, "DataType_UINT8")],
    )
    with Network.open(code.write(folder)) as network:
        result = network.run([given.view(np.uint8).ravel()])
    return np.frombuffer(result.outputs[0].array.tobytes(), made)


def tensor(
    name: str, place: str, shape: tuple[int, int, int, int], width: int = 1, sign: bool = True
) -> str:
    """A dense tensor [batch, height, width, channels] at an address or an array."""
    b, h, w, c = shape
    fields = {"dim.tensor_b": b, "dim.tensor_h": h, "dim.tensor_w": w, "dim.tensor_c": c}
    fields |= {"dim.num_elem": b * h * w * c, "stride.c": width, "format.is_signed": int(sign)}
    text = "".join(f".{name}.{field} = {value}, " for field, value in fields.items())
    return text + f".{name}.mem.start_offset = (unsigned char *)({place}), "


def constants(name: str, kind: str, values: Array) -> str:
    return f"static const {kind} {name}[] = {{{', '.join(map(str, values.ravel().tolist()))}}};\n"


def some(seed: int, shape: tuple[int, ...], least: int = -128, most: int = 128) -> Array:
    return np.random.default_rng(seed).integers(least, most, shape)


def nearest(values: Array) -> Array:
    return np.clip(np.rint(values), -128, 127)


@pytest.mark.parametrize(
    ("groups", "stride", "dilation"), [(1, 1, 1), (2, 2, 1), (4, 1, 2), (1, 2, 2)]
)
def test_conv_integer(tmp_path: Path, groups: int, stride: int, dilation: int) -> None:
    height, width, depth, count = 6, 5, 4, 8
    x, w = some(1, (height, width, depth)), some(2, (count, 3, 2, depth // groups))
    bias = some(3, (count,), -5000, 5000)
    scales = np.linspace(0.001, 0.02, count).astype(np.float32)
    zeros = (3, -7)
    pads = (2, 1, 1, 0)  # top, left, bottom, right
    padded = np.zeros((height + 3, width + 1, depth), np.int64)
    padded[2 : 2 + height, 1 : 1 + width] = x - zeros[0]
    rows = (padded.shape[0] - 2 * dilation - 1) // stride + 1
    columns = (padded.shape[1] - dilation - 1) // stride + 1
    want = np.zeros((rows, columns, count))
    part = depth // groups
    for k in range(count):
        first = k // (count // groups) * part
        scale = float(np.float32(0.05)) * float(scales[k]) / float(np.float32(0.1))
        for y in range(rows):
            for c in range(columns):
                area = padded[y * stride :: dilation, c * stride :: dilation][:3, :2]
                total = int((area[..., first : first + part] * w[k]).sum() + bias[k])
                want[y, c, k] = nearest(np.array(total * scale + zeros[1]))
    lists = {"is": "0.05f", "os": "0.1f", "izp": zeros[0], "ozp": zeros[1]}
    end = constants("w", "int8_t", w) + constants("bias", "int32_t", bias)
    end += constants("ws", "float", scales) + "static const int8_t wzp[1] = {0};\n"
    for name, value in lists.items():
        end += f"static const {'int8_t' if name.endswith('zp') else 'float'} {name}[1] = {{{value}}};\n"
    end += "Conv_integer_sw_info info = {"
    end += tensor("general.input", hex(RAM), (1, height, width, depth))
    end += tensor("general.output", hex(TARGET), (1, rows, columns, count))
    end += tensor("weights", "w", (count, 3, 2, part)) + tensor("bias", "bias", (1, 1, 1, count), 4)
    end += tensor("ws", "ws", (1, 1, 1, count), 4) + tensor("wzp", "wzp", (1, 1, 1, 1))
    end += "".join(tensor(name, name, (1, 1, 1, 1)) for name in lists)
    end += f".ngroup = {groups}, .pads = {{{', '.join(map(str, pads))}}},"
    end += f".strides = {{{stride}, {stride}}}, .dilations = {{{dilation}, {dilation}}}}};\n"
    end += "ll_sw_forward_conv_integer(&info);"
    assert want.std() > 10
    got = run(tmp_path, end, x.astype(np.int8), "i1", want.size)
    assert got.tolist() == want.ravel().astype(int).tolist()


def test_quantize_rounds_to_even(tmp_path: Path) -> None:
    x = np.array([-100.0, -0.75, -0.25, 0.25, 0.75, 1.25, 0.3, 100.0], np.float32)
    end = "static const float os[1] = {0.5f}; static const int8_t ozp[1] = {-3};\n"
    end += "Quantizelinear_sw_info info = {" + tensor("general.input", hex(RAM), (1, 1, 8, 1), 4)
    end += tensor("general.output", hex(TARGET), (1, 1, 8, 1))
    end += tensor("os", "os", (1, 1, 1, 1)) + tensor("ozp", "ozp", (1, 1, 1, 1)) + "};\n"
    end += "ll_sw_forward_quantizelinear(&info);"
    assert run(tmp_path, end, x, "i1", 8).tolist() == [-128, -5, -3, -3, -1, -1, -2, 127]


@pytest.mark.parametrize("sign", [True, False])
def test_dequantize(tmp_path: Path, sign: bool) -> None:
    x = np.arange(256).astype(np.uint8)
    end = "static const float is[1] = {0.3f}; static const int8_t izp[1] = {5};\n"
    end += "Dequantizelinear_sw_info info = {"
    end += tensor("general.input", hex(RAM), (1, 16, 16, 1), sign=sign)
    end += tensor("general.output", hex(TARGET), (1, 16, 16, 1), 4)
    end += tensor("is", "is", (1, 1, 1, 1)) + tensor("izp", "izp", (1, 1, 1, 1)) + "};\n"
    end += "ll_sw_forward_dequantizelinear(&info);"
    steps = x.view(np.int8) if sign else x
    want = np.float32(0.3) * (steps.astype(np.float32) - 5)
    assert np.array_equal(run(tmp_path, end, x, "<f4", 256), want)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_softmax(tmp_path: Path, axis: int) -> None:
    shape = (1, 3, 4, 5)  # batch, height, width, channels
    x = np.random.default_rng(4).normal(0, 4, shape).astype(np.float32)
    end = "Softmax_sw_info info = {" + tensor("general.input", hex(RAM), shape, 4)
    end += tensor("general.output", hex(TARGET), shape, 4) + f".axis = {axis}}};\n"
    end += "ll_sw_forward_softmax(&info);"
    place = {1: 3, 2: 1, 3: 2}[axis]
    exact = np.exp(x.astype(float) - x.max(place, keepdims=True))
    exact /= exact.sum(place, keepdims=True)
    got = run(tmp_path, end, x, "<f4", x.size).reshape(shape)
    assert np.allclose(got, exact, rtol=1e-6, atol=0)


def test_softmax_of_steps(tmp_path: Path) -> None:
    """Within a step of the real softmax; the exact bytes are the kernel's own tests."""
    scale = 0.1
    x = some(5, (1, 2, 12, 3), -60, 60)
    multiplier = round(scale * 2**26 / 2**23 * 2**31)  # of differences, 5 bits before the point
    end = "static const float os[1] = {0.00390625f}; static const int8_t ozp[1] = {-128};\n"
    end += "Softmax_integer_sw_info info = {" + tensor("general.input", hex(RAM), x.shape)
    end += tensor("general.output", hex(TARGET), x.shape)
    end += tensor("os", "os", (1, 1, 1, 1)) + tensor("ozp", "ozp", (1, 1, 1, 1))
    end += f".quantized_multiplier = {multiplier}, .left_shift = 23, .diff_min = -248,"
    end += ".axis = 3};\nll_sw_forward_softmax_integer(&info);"
    exact = np.exp(scale * (x - x.max(2, keepdims=True)))
    exact = exact / exact.sum(2, keepdims=True) * 256 - 128
    got = run(tmp_path, end, x.astype(np.int8), "i1", x.size).reshape(x.shape)
    assert np.abs(got - np.clip(exact, -128, 127)).max() < 1


@pytest.mark.parametrize("kind", ["SIGMOID", "TANH", "RELU"])
def test_activations(tmp_path: Path, kind: str) -> None:
    x = np.linspace(-6, 6, 49).astype(np.float32)
    end = "Activ_sw_info info = {" + tensor("general.input", hex(RAM), (1, 7, 7, 1), 4)
    end += tensor("general.output", hex(TARGET), (1, 7, 7, 1), 4)
    end += f".general.type = LL_SW_{kind}}};\nll_sw_forward_activ(&info);"
    exact = {"SIGMOID": 1 / (1 + np.exp(-x.astype(float))), "TANH": np.tanh(x.astype(float))}
    want = exact.get(kind, np.maximum(x, 0))
    assert np.allclose(run(tmp_path, end, x, "<f4", 49), want, rtol=1e-6, atol=0)


def listed(name: str, address: int, shape: tuple[int, ...], position: str = "Last") -> str:
    numbers = ", ".join(map(str, shape))
    return (
        f"static const uint32_t {name}_shape[] = {{{numbers}}};\n"
        f"static const LL_Buffer_InfoTypeDef {name}[] = {{{{"
        f'.name = "{name}", .addr_base = {{(unsigned char *){address:#x}UL}},'
        f" .offset_end = {int(np.prod(shape))}, .mem_shape = {name}_shape, .mem_ndims = 4,"
        f" .chpos = CHPos_{position}, .nbits = 8, .ndims = 4, .shape = {name}_shape}}}};\n"
    )


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (0, 2, 3, 1), (0, 1, 3, 2), (0, 3, 2, 1)])
def test_transpose(tmp_path: Path, order: tuple[int, ...]) -> None:
    x = some(6, (1, 3, 4, 5)).astype(np.int8)
    want = x.transpose(order)
    offsets = [int(np.prod(want.shape[d + 1 :])) for d in range(4)]
    position = [order.index(d) for d in range(4)]  # where a dimension of the input goes
    end = listed("from", RAM, x.shape) + listed("to", TARGET, want.shape)
    end += constants("offsets", "uint32_t", np.array(offsets))
    end += constants("position", "uint8_t", np.array(position))
    end += "LL_ATON_LIB_DMA_Transpose(from, NULL, to, offsets, position, position, 0, 1);"
    assert run(tmp_path, end, x, "i1", x.size).tolist() == want.ravel().tolist()


@pytest.mark.parametrize("name", ["SpaceToDepth", "DepthToSpace"])
def test_blocks(tmp_path: Path, name: str) -> None:
    space, depth = (1, 6, 4, 3), (1, 2, 2, 18)  # blocks of 3 lines and 2 columns
    x = some(7, space).astype(np.int8)
    blocks = x.reshape(2, 3, 2, 2, 3).transpose(0, 2, 1, 3, 4).reshape(depth)
    shapes, arrays = ((space, depth), (x, blocks))
    if name == "DepthToSpace":
        shapes, arrays = (depth, space), (blocks, x)
    end = listed("from", RAM, shapes[0]) + listed("to", TARGET, shapes[1])
    end += f"LL_ATON_LIB_DMA_{name}(from, 1, to, 3, 2, 0, 1);"
    got = run(tmp_path, end, np.ascontiguousarray(arrays[0]), "i1", x.size)
    assert got.tolist() == arrays[1].ravel().tolist()


@pytest.mark.parametrize(("axis", "place"), [(1, 3), (2, 1), (3, 2)])
def test_concat(tmp_path: Path, axis: int, place: int) -> None:
    parts = []
    for i, size in enumerate((2, 3)):
        shape = [1, 4, 5, 6]
        shape[place] = size
        parts.append(some(8 + i, tuple(shape)).astype(np.int8))
    want = np.concatenate(parts, place)
    first = parts[0].size
    end = listed("one", RAM, parts[0].shape) + listed("two", RAM + first, parts[1].shape)
    end += "const LL_Buffer_InfoTypeDef from[] = {one[0], two[0]};\n"
    end += listed("to", TARGET, want.shape)
    end += f"LL_ATON_LIB_Concat(from, 2, to, {axis}, 0, 1);"
    given = np.concatenate([part.ravel() for part in parts])
    assert run(tmp_path, end, given, "i1", want.size).tolist() == want.ravel().tolist()


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("Activ_sw_info i = {.general.type = LL_SW_SOFTMAX,"
         " .general.input.dim.num_elem = 1, .general.output.dim.num_elem = 1,"
         f" .general.input.mem.start_offset = (void *){RAM:#x},"
         f" .general.output.mem.start_offset = (void *){RAM:#x}}}; ll_sw_forward_activ(&i);",
         "type = "),
        ("Softmax_sw_info i = {.axis = 9}; ll_sw_forward_softmax(&i);", "axis = 9"),
        ("Conv_integer_sw_info i = {.ngroup = 0}; ll_sw_forward_conv_integer(&i);", "ngroup = 0"),
        (f"Quantizelinear_sw_info i = {{.os.dim.num_elem = 1, .general.input.dim.num_elem = {1 << 30},"
         f" .general.output.dim.num_elem = {1 << 30}}}; ll_sw_forward_quantizelinear(&i);",
         "address = "),
        ("LL_Buffer_InfoTypeDef b = {.ndims = 9}; LL_ATON_LIB_DMA_Transpose(&b, 0, &b, 0, 0, 0, 0, 0);",
         "ndims = 9"),
        ("LL_Buffer_InfoTypeDef b = {0}; LL_ATON_LIB_DMA_SpaceToDepth(&b, 2, &b, 2, 2, 0, 1);",
         "ninputs = 2"),
        ("LL_Buffer_InfoTypeDef b = {.chpos = CHPos_Mixed}; LL_ATON_LIB_Concat(&b, 1, &b, 1, 0, 1);",
         "axis = 1"),
    ],
)  # fmt: skip
def test_what_it_cannot_do_is_named(tmp_path: Path, end: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        run(tmp_path, end, np.zeros(4, np.int8), "i1", 4)
    assert said in caught.value.evidence
    assert "epoch 1" in caught.value.what
