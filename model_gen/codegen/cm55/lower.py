"""From resolved ops to steps: which kernel each op calls, what is only an alias, what was folded."""

from dataclasses import dataclass, field, replace

from host.errors import BadInput
from model_gen.codegen.cm55.dilation import CONVOLUTIONS, Dilated, dilated
from model_gen.codegen.cm55.float_chains import FloatChain, float_chains
from model_gen.codegen.cm55.ops import RULES
from model_gen.codegen.cm55.ops.pad import as_window_padding
from model_gen.codegen.cm55.ops.registry import Alias, Kernel
from model_gen.codegen.tflite.findings import Findings
from model_gen.codegen.tflite.fold import Resolved
from model_gen.codegen.tflite.graph import Op, Tensor
from model_gen.codegen.tflite.view import View

PORT_TYPES = ("int8", "uint8", "float32")
# Of outputs besides: what ARG_MAX, ARG_MIN and comparisons give.
RESULT_TYPES = ("int32", "int64", "bool")


@dataclass(frozen=True)
class Step:
    """One step of the firmware: kernel `kernel` for the op that `view` shows."""

    number: int
    view: View
    kernel: Kernel


@dataclass(frozen=True)
class Program:
    """What the firmware runs.

    `storage[tensor]` is the tensor whose memory it lives in (itself unless it is an alias), for every tensor that is
    computed on the board, or kept there from one inference to the next. Constant tensors are not in it, and neither are
    those in `folded`, which never exist: for each, the reason.
    """

    resolved: Resolved
    steps: tuple[Step, ...]
    storage: dict[int, int]
    folded: dict[int, str]

    @property
    def tensors(self) -> dict[int, Tensor]:
        return self.resolved.tensors

    def rounding(self) -> dict[str, str]:
        """op name -> rounding rule, for the ops that round."""
        return {
            step.view.op.name: step.kernel.rule
            for step in sorted(self.steps, key=lambda s: s.view.op.name)
            if step.kernel.rule is not None
        }


def lower(resolved: Resolved, findings: Findings) -> Program:
    """Choose a kernel for every op that is not constant.

    findings: takes an op, type or quantization that the backend does not take; the program is then without it.
    """
    _check_ports(resolved, findings)
    graph = resolved.graph
    readers = _readers(resolved)
    chains: list[Dilated] = []
    tables: list[FloatChain] = []
    with findings.noting():
        counts = {index: len(ops) for index, ops in readers.items()}
        chains = dilated(resolved.views, counts, graph.outputs)
        tables = float_chains(resolved.views, counts, graph.outputs)
    lowering = _Lowering(
        resolved,
        pads=_foldable_pads(resolved, readers),
        storage={index: index for index in (*graph.inputs, *graph.kept, *sorted(resolved.guessed))},
        folded={
            index: f"folded into op {chain.view.op.index}, a dilated {chain.view.op.name}"
            for chain in chains
            for index in chain.inside
        }
        | {
            index: f"folded into op {chain.view.op.index}, a table of {chain.view.between}"
            for chain in tables
            for index in chain.inside
        },
    )
    merged = {chain.view.output.index: chain.view for chain in chains}
    merged |= {chain.view.output.index: chain.view for chain in tables}
    for original in resolved.views:
        with findings.noting():
            lowering.take(merged.get(original.output.index, original))
    return Program(resolved, tuple(lowering.steps), lowering.storage, lowering.folded)


def _check_ports(resolved: Resolved, findings: Findings) -> None:
    graph = resolved.graph
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            tensor = resolved.tensors[index]
            if what == "output" and tensor.dtype in RESULT_TYPES:
                continue
            if tensor.dtype not in PORT_TYPES:
                findings.note(
                    BadInput(
                        f"backend {findings.backend} takes models with int8, uint8 or float32 {what}s",
                        evidence=f"Received: {what} {index}: {tensor.describe()}",
                        next_step="convert the model to full int8 with int8, uint8 or float32 inputs and outputs",
                    )
                )


@dataclass
class _Lowering:
    """A program that grows view by view."""

    resolved: Resolved
    pads: dict[int, "_Pad"]
    storage: dict[int, int]
    folded: dict[int, str]
    steps: list[Step] = field(default_factory=list)

    def take(self, given: View) -> None:
        """The step of a view, or what stands for it.

        Raises:
            BadInput: the backend does not take it.
        """
        view = _without_pad(given, self.pads)
        output = view.output.index
        if self.resolved.is_folded(view) or output in self.folded:
            return
        self.storage.setdefault(output, output)  # also where it is refused: others read it
        if view.output.elements == 0:
            raise view.refuse("its output is empty")
        rule = RULES[view.op.name].lower
        assert rule is not None  # resolve() refuses what has neither value nor kernel
        result = rule(view)
        if output in self.pads:
            del self.storage[output]
            reader = self.pads[output].reader
            self.folded[output] = f"folded into op {reader.index}, {reader.name}"
            return
        if isinstance(result, Alias):
            source = view.input(result.position).index
            if source not in self.storage:
                raise view.refuse("its input is constant but its output is not")
            self.storage[output] = self.storage[source]
            return
        self.steps.append(Step(len(self.steps), view, result))


@dataclass(frozen=True)
class _Pad:
    """A PAD of zero points that its only reader, a convolution, can do by itself."""

    source: Tensor
    padding: tuple[int, int, int, int]
    reader: Op


def _readers(resolved: Resolved) -> dict[int, list[Op]]:
    """The ops that read each tensor."""
    readers: dict[int, list[Op]] = {}
    for op in resolved.graph.ops:
        for index in op.inputs:
            readers.setdefault(index, []).append(op)
    return readers


def _foldable_pads(resolved: Resolved, readers: dict[int, list[Op]]) -> dict[int, _Pad]:
    """By the tensor that the PAD would write."""
    found = {}
    for view in resolved.views:
        index = view.output.index
        if view.op.name not in ("PAD", "PADV2") or resolved.is_folded(view):
            continue
        reading = readers.get(index, [])
        if (
            len(reading) != 1
            or index in resolved.graph.outputs
            or reading[0].name not in CONVOLUTIONS
            or reading[0].inputs[0] != index
        ):
            continue
        try:
            padding = as_window_padding(view)
        except BadInput:  # told when the PAD itself is lowered
            continue
        # The kernels read a window of one place without asking whether it lies in the image.
        if padding is not None and resolved.tensors[reading[0].inputs[1]].shape[1:3] != (1, 1):
            found[index] = _Pad(view.input(0), padding, reading[0])
    return found


def _without_pad(view: View, pads: dict[int, _Pad]) -> View:
    """The op reading what the PAD before it reads."""
    first = view.inputs[0] if view.inputs else None
    pad = None if first is None else pads.get(first.index)
    if pad is None:
        return view
    return replace(view, inputs=(pad.source, *view.inputs[1:]), padding=pad.padding)
