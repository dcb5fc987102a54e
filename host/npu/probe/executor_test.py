"""What the probes foretell, against the executor: a network.c of each, with its rule for ties as a parameter."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.mean_layer import MeanLayer
from host.npu.compiler.model import compile_model
from host.npu.compiler.requantization import TwoSteps
from host.npu.network import TIES
from host.npu.network import Network as Executable
from host.npu.probe.catalog import probes
from host.npu.probe.formulas import steps_for
from host.npu.probe.probe import Probe
from host.npu.testing import layers as as_c
from host.npu.testing.layers import Epoch, Layer, Network, Tensor
from host.npu.testing.write import write_network

# The executor's names of the rules that it has, and ours.
_RULES = {tie: tie.replace("half-to-zero", "half-toward-zero") for tie in TIES}
_POOLED = 8  # channels at a time; the unit has room for 15


@dataclass(frozen=True)
class Case:
    """A hypothesis that a network.c can have: its layer, and what is foretold of it."""

    probe: str
    name: str
    layer: Layer
    output: NDArray[np.int8]


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    _, height, width, channels = shape
    return Tensor(name, height, width, channels)


def _convolutions(
    probe: Probe, layer: ConvolutionLayer, dialect: str, source: Tensor
) -> dict[str, Layer]:
    """By hypothesis; the known one stands for all of another rule for ties."""
    conv, steps = layer.convolution, layer.requantization
    made = {probe.known: (layer.shift, steps)}
    if probe.name == "power-of-two":
        made |= {f"cs is {cs}": (cs, steps_for(layer, cs, dialect)) for cs in (1, 3)}
    elif probe.name == "sixteen-bits":
        made |= {"they are shifted by the sizes of the weights": (1, steps_for(layer, 1, dialect))}
    elif probe.name in ("rows", "columns"):
        made = {"7": (layer.shift, steps)}
    elif probe.name == "offset-rounding":
        real = conv.bias * np.array(conv.bias_scales) / conv.output_scale * 2.0**steps.shift
        for name, way in (("nearest", np.rint), ("toward zero", np.trunc), ("up", np.ceil)):
            made[name] = layer.shift, replace(steps, offsets=way(real).astype(np.int64))
    target = _tensor("y", probe.hypotheses[0].output.shape)
    (top, bottom), (left, right) = conv.window.padding
    found: dict[str, Layer] = {}
    for number, (name, (shift, one)) in enumerate(made.items()):
        how: as_c.Requantization
        if isinstance(one, TwoSteps):
            how = as_c.TwoSteps(one.multipliers, one.first_shift, one.scale, one.offsets, one.shift)
        else:
            how = as_c.Fused(one.multipliers, one.offsets, one.shift)
        label = f"{source.name}_{number}"
        found[name] = as_c.Conv(
            label,
            source,
            target.renamed(f"{label}_y"),
            conv.weights,
            how,
            shift=shift,
            pads=(top, bottom, left, right),
            zero=conv.input_zero,
            wide=conv.input_zero != 0,
        )
    return found


def _cases(probe: Probe, dialect: str) -> tuple[list[Tensor], list[Case]]:
    layer = compile_model(probe.model, dialect).layers[0]
    name = probe.name.replace("-", "_")
    sources = [_tensor(f"{name}_x{i}", given.shape) for i, given in enumerate(probe.inputs)]
    target = _tensor(f"{name}_y", probe.hypotheses[0].output.shape)
    found: dict[str, Layer] = {}
    if isinstance(layer, ConvolutionLayer):
        found = _convolutions(probe, layer, dialect, sources[0])
    elif isinstance(layer, MeanLayer):
        scaling = None
        if layer.rescaling is not None:
            a, c, t = layer.rescaling
            scaling = as_c.Fused(np.array([a]), np.array([c]), t)
        found[probe.known] = as_c.Pool(
            name,
            sources[0],
            target,
            "GAVG",
            factor=layer.multiplier,
            shift=layer.shift,
            batch=_POOLED,
            scaling=scaling,
            x_shift=8 if scaling else 0,
        )
    elif isinstance(layer, AdditionLayer):
        (a, b), (x_shift, y_shift) = layer.multipliers, layer.downs
        pair = (sources[0], sources[1])
        found[probe.known] = as_c.Add(
            name, pair, target, a, b, layer.offset, x_shift, y_shift, 0, layer.shift
        )
    elif probe.name == "pool-ties":
        found[probe.known] = as_c.Pool(
            name, sources[0], target, "AVG", (2, 2), (2, 2), factor=1 << 14, shift=16
        )
    outputs = {one.name: one.output for one in probe.hypotheses}
    return sources, [Case(probe.name, key, one, outputs[key]) for key, one in found.items()]


@cache
def _network(dialect: str) -> tuple[Network, dict[str, NDArray[np.int8]], list[Case]]:
    inputs: dict[str, NDArray[np.int8]] = {}
    tensors: list[Tensor] = []
    cases: list[Case] = []
    for probe in probes(dialect):
        sources, made = _cases(probe, dialect)
        if made:
            tensors += sources
            inputs |= {one.name: given for one, given in zip(sources, probe.inputs, strict=True)}
            cases += made
    epochs = tuple(Epoch((case.layer,)) for case in cases)
    outputs = tuple(case.layer.target for case in cases)
    return Network("net", tuple(tensors), outputs, epochs), inputs, cases


@pytest.mark.parametrize("dialect", ["2.2", "4.0"])
def test_the_executor_gives_what_is_foretold(tmp_path: Path, dialect: str) -> None:
    network, inputs, cases = _network(dialect)
    write_network(tmp_path, network, dialect)
    foretold = {
        (probe.name, one.name): one.output for probe in probes(dialect) for one in probe.hypotheses
    }
    seen = set()
    with Executable.open(tmp_path) as executable:
        given = {one.name: inputs[one.name].ravel() for one in executable.inputs}
        for tie, rule in _RULES.items():
            run = executable.run(given, tie)
            made = {tensor.name: tensor.array for tensor in run.tensors}
            for case in cases:
                ties = case.probe.endswith("-ties")
                if rule != "half-away" and not ties:
                    continue
                wanted = foretold[case.probe, rule if ties else case.name]
                np.testing.assert_array_equal(
                    made[case.layer.target.name].ravel(),
                    wanted.ravel(),
                    err_msg=f"{case.probe} {rule}",
                )
                seen.add((case.probe, rule if ties else case.name))
    left = {key for key in foretold if key not in seen}
    # What no executor of ours has: other units, parts whose sums nothing of the generator adds.
    assert {name for name, _ in left} == {
        *(probe.name for probe in probes(dialect) if probe.name.endswith("-ties")),
        *("sixteen-bits", "zero-point", "sum-shift", "mean-shift", "raw-size", "rows", "columns"),
    }
    assert {rule for name, rule in left if name.endswith("-ties")} == {"half-odd", "floor"}
