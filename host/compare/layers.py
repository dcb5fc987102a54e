"""The layers of a .tflite, read from the file itself; those of a generated network are in networks.py.

The verdict is judged against this list, not against the generator's table of taps: a generator that forgot an op must
not be able to hide it.
"""

from dataclasses import dataclass
from typing import Any

from host.errors import BadInput
from host.operator_code import builtin_code
from host.project import Tap
from host.reference.state import has_state, own_states


@dataclass(frozen=True)
class Layer:
    """One output tensor of one op, or what it keeps for itself; or one buffer that an epoch of the NPU finishes."""

    index: int  # of the op in the .tflite, or the number of the epoch
    position: (
        int  # of the output among those of the op or epoch; what the op keeps comes behind them
    )
    tensor: int  # of the tensor in the .tflite, or its place in the executor's order
    name: str
    op: str

    @property
    def node_id(self) -> str:
        """How tests name it; the same on every tier."""
        more = f"-out{self.position}" if self.position else ""
        return f"layer{self.index:02d}-{self.op}{more}"


@dataclass(frozen=True)
class Structure:
    """Every op output in order, and which tensors are the model's inputs and outputs.

    `part` is what a layer is called: "layer", or "epoch" of a network on the NPU. `stateful`: an inference depends on
    those before it.
    """

    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    part: str = "layer"
    stateful: bool = False


def read_structure(model: bytes) -> Structure:
    """List every op output of the main subgraph of a .tflite, in the order of the ops.

    Raises:
        BadInput: the bytes are not a readable .tflite.
    """
    import tflite
    from tflite.utils import BUILTIN_OPCODE2NAME

    if len(model) < 8 or model[4:8] != b"TFL3":
        raise BadInput(
            "the file is not a .tflite model",
            evidence=f"Received: {len(model)} bytes that start with {model[:8]!r}",
        )
    try:
        root = tflite.Model.GetRootAsModel(model, 0)
        graph = root.Subgraphs(0)
        own = own_states(model)
        layers = []
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            code = root.OperatorCodes(operator.OpcodeIndex())
            builtin = builtin_code(code)
            if builtin == tflite.BuiltinOperator.VAR_HANDLE:
                continue  # the name of a variable, and no tensor
            for position, tensor in enumerate(_written(operator, own)):
                if tensor < 0:
                    continue
                name = (graph.Tensors(tensor).Name() or b"").decode("utf-8", "replace")
                layers.append(
                    Layer(index, position, tensor, name, BUILTIN_OPCODE2NAME.get(builtin, "CUSTOM"))
                )
        inputs = tuple(int(i) for i in graph.InputsAsNumpy())
        outputs = tuple(int(i) for i in graph.OutputsAsNumpy())
    except Exception as error:  # a damaged flatbuffer fails in any way that indexing can
        raise BadInput(
            "the .tflite is truncated or damaged",
            evidence=f"Received: {len(model)} bytes; {type(error).__name__}: {error}",
        ) from error
    if not layers:
        raise BadInput("the .tflite holds no ops", evidence=f"Received: {len(model)} bytes")
    return Structure(tuple(layers), inputs, outputs, stateful=has_state(model))


def _written(operator: Any, own: set[int]) -> list[int]:
    """The outputs of an op, then those of its inputs that it keeps for itself."""
    outputs = [operator.Outputs(i) for i in range(operator.OutputsLength())]
    inputs = [operator.Inputs(i) for i in range(operator.InputsLength())]
    return outputs + [tensor for tensor in inputs if tensor in own]


def match_taps(structure: Structure, taps: tuple[Tap, ...]) -> tuple[Tap, ...]:
    """The tap of each layer, in the order of the layers.

    Raises:
        BadInput: the project leaves a layer out, hides a model output, or gives no reason for an unobserved tensor.
    """
    by_place = {(tap.index, tap.tensor): tap for tap in taps}
    problems = []
    if len(by_place) != len(structure.layers) or len(taps) != len(structure.layers):
        problems.append(f"{len(taps)} taps for {len(structure.layers)} op outputs")
    matched = []
    for layer in structure.layers:
        tap = by_place.get((layer.index, layer.tensor))
        if tap is None:
            problems.append(f"op {layer.index} {layer.op} (tensor {layer.tensor}) has no tap")
            continue
        if tap.op != layer.op:
            problems.append(f"op {layer.index} is {layer.op}, its tap says {tap.op}")
        if tap.observed and tap.slot is None:
            problems.append(f"op {layer.index} {layer.op} is observed without a slot")
        if not tap.observed and not tap.reason:
            problems.append(f"op {layer.index} {layer.op} is not observed, without a reason")
        if not tap.observed and layer.tensor in structure.outputs:
            problems.append(f"op {layer.index} {layer.op} gives a model output and is not observed")
        matched.append(tap)
    slots = sorted(tap.slot for tap in matched if tap.observed and tap.slot is not None)
    if slots and set(slots) != set(range(max(slots) + 1)):
        problems.append(f"the slots of the taps are not 0 .. {len(slots) - 1}: {slots}")
    if problems:
        raise BadInput(
            "the project's table of taps does not cover the model: a verdict from it would prove nothing",
            evidence="; ".join(problems[:5]),
            next_step="generate the project again with `nightjar generate`",
        )
    return tuple(matched)
