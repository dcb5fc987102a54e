"""For tests: a model as a network.c that computes what the compiler model predicts of it."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from host.npu.comparison.testing_folder import complete
from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.mean_layer import MeanLayer
from host.npu.compiler.model import CompiledModel
from host.npu.compiler.requantization import Fused
from host.npu.testing import layers as npu
from host.npu.testing.place import NPU_ONLY
from host.npu.testing.write import write_network
from model_gen.codegen.tflite.graph import Tensor

Change = Callable[[int, npu.Layer], npu.Layer]
_INTERNALS = re.compile(
    r"(\w+ LL_\w+ \*LL_ATON_Internal_Buffers_Info_\w+\(void\)\n)\{.*?^\}", re.S | re.M
)


def network_of(model: CompiledModel, change: Change = lambda _, layer: layer) -> npu.Network:
    """The network of uncut convolutions, sums, means and fully connected layers.

    Args:
        model: of one input.
        change: given each op's index and layer, gives the layer that is written.
    """
    graph = model.graph
    made = {graph.inputs[0]: _tensor("Input_0_out_0", graph.tensors[graph.inputs[0]])}
    epochs = []
    for layer in model.layers:
        op = layer.op
        node = 2 + 3 * op.index
        read = [made[i] for i in op.inputs if i in made]
        target = graph.tensors[op.outputs[0]]
        written: npu.Layer
        if isinstance(layer, ConvolutionLayer):
            kind = "Conv2D" if layer.convolution.spatial else "Gemm"
            named = _tensor(f"{kind}_{node}_off_bias_out_{node + 1}", target)
            written = _convolution(f"{kind}_{node}", layer, read[0], named)
        elif isinstance(layer, AdditionLayer):
            constants = {constant.kind: constant.value for constant in layer.constants}
            written = npu.Add(
                f"Add_{node}",
                (read[0], read[1]),
                _tensor(f"Add_{node}_out_0", target),
                *layer.multipliers,
                constants["add C"],
                *layer.downs,
                constants["C_shift"],
                layer.shift,
            )
        elif op.name == "DEQUANTIZE":
            made_of = _tensor(f"Dequantize_{node}_out_0", graph.tensors[op.inputs[0]])
            written = npu.Dequantize(f"Dequantize_{node}", read[0], replace(made_of, kind="f32"))
        else:
            assert isinstance(layer, MeanLayer)
            scaling = None
            if layer.rescaling is not None:
                scale, offset, shift = layer.rescaling
                scaling = npu.Fused(np.array([scale]), np.array([offset]), shift)
            written = npu.Pool(
                f"AveragePool_{node}",
                read[0],
                _tensor(f"AveragePool_{node}_out_0", target),
                "GAVG",
                factor=layer.multiplier,
                shift=layer.shift,
                scaling=scaling,
                x_shift=0 if scaling is None else 8,
            )
        written = change(op.index, written)
        made[op.outputs[0]] = written.target
        epochs.append(npu.Epoch((written,)))
    outputs = tuple(made[i] for i in graph.outputs)
    return npu.Network("net", (made[graph.inputs[0]],), outputs, tuple(epochs), pools=NPU_ONLY)


def write(
    folder: Path,
    model: CompiledModel,
    content: bytes,
    change: Change = lambda _, layer: layer,
    *,
    release: bool = False,
) -> Path:
    """The folder that a compiler leaves: network.c, its weights, a c_info that signs the model.

    release: the epoch controller runs it, and no internal buffer is listed.
    """
    write_network(folder, network_of(model, change), model.dialect.name, blobs=release)
    for name in ("inputs.npz", "expected.npz", "tensors.json"):
        (folder / name).unlink()
    if release:
        source = folder / "network.c"
        text, count = _INTERNALS.subn(r"\1{\n  return NULL;\n}", source.read_text())
        assert count == 1
        source.write_text(text)
    complete(folder, model, content)
    return folder


def _tensor(name: str, tensor: Tensor) -> npu.Tensor:
    q = tensor.quantization
    assert q is not None
    rows, columns, channels = (1, 1, *tensor.shape[1:])[-3:]
    return npu.Tensor(name, rows, columns, channels, scale=q.scales[0], zero=q.zero_points[0])


def _convolution(
    name: str, layer: ConvolutionLayer, source: npu.Tensor, target: npu.Tensor
) -> npu.Conv | npu.Depthwise:
    convolution, steps = layer.convolution, layer.requantization
    how: npu.Requantization
    if isinstance(steps, Fused):
        how = npu.Fused(steps.multipliers, steps.offsets, steps.shift)
    else:
        how = npu.TwoSteps(
            steps.multipliers, steps.first_shift, steps.scale, steps.offsets, steps.shift
        )
    window = convolution.window
    (top, bottom), (left, right) = window.padding
    if convolution.depthwise:
        return npu.Depthwise(
            name,
            source,
            target,
            convolution.weights[..., 0],
            how,
            batch=1,
            shift=layer.shift,
            stride=window.stride,
            pads=(top, bottom, left, right),
            zero=convolution.input_zero,
            wide=True,
        )
    return npu.Conv(
        name,
        source,
        target,
        convolution.weights,
        how,
        shift=layer.shift,
        stride=window.stride,
        pads=(top, bottom, left, right),
        zero=convolution.input_zero,
        wide=True,
    )


def exchanged(layer: npu.Layer) -> npu.Layer:
    """A convolution whose first two kernels have changed places."""
    assert isinstance(layer, npu.Conv | npu.Depthwise)
    order = np.arange(len(layer.kernel))
    order[[0, 1]] = 1, 0
    how = layer.requantization
    if isinstance(how, npu.Fused):
        how = replace(how, factors=how.factors[order], offsets=how.offsets[order])
    elif isinstance(how, npu.TwoSteps):
        how = replace(how, first=how.first[order], offsets=how.offsets[order])
    return replace(layer, kernel=layer.kernel[order], requantization=how)
