"""The steps of a model's int8 inference, as the converter and the engine take them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import numpy.typing as npt

from model_gen.codegen.cm55.plan import Block, aligned, peak
from model_gen.profile.work import Work

Shape = tuple[int, ...]  # without the batch
Kernels = npt.NDArray[np.float64]
INPUT = -1  # as the number of a step: the model's input


@dataclass(frozen=True, eq=False)
class Step:
    """One op and what is fused into it.

    Attributes:
        name: of the layer that it begins with; of a .tflite that of its output.
        op: as TensorFlow Lite calls it; a layer that no rule of conversion is known for goes by its class.
        layers: the names of the layers that it computes, in order.
        inputs: shapes of the tensors that it reads, constants left out.
        output: shape of the tensor that it writes.
        reads: the steps whose outputs it reads, by number, or INPUT.
        work: what the engine calls; None where nothing runs, and where that is not known.
        known: whether it is known what runs.
        idle: whether its output takes no memory: it is its input under another shape, or part of the next step.
        macs: multiply-accumulates, padded places among them.
        parameters: of its layers.
        kernels: the layer's own weights of a product, [kernels, rows, columns, channels]; None elsewhere.
        trains: whether they train.
        positive: whether nothing that it reads is below 0.
    """

    name: str
    op: str
    layers: tuple[str, ...]
    inputs: tuple[Shape, ...]
    output: Shape
    reads: tuple[int, ...]
    work: Work | None = None
    known: bool = True
    idle: bool = False
    macs: int = 0
    parameters: int = 0
    kernels: Kernels | None = field(default=None, repr=False)
    trains: bool = True
    positive: bool = False

    @property
    def bytes(self) -> int:
        """Of its int8 output."""
        return 0 if self.idle else prod(self.output)


def arena(inputs: Sequence[Shape], steps: Sequence[Step]) -> int:
    """Bytes of int8 activations that live at once: no plan of the engine's arena is smaller.

    What steps write in place counts twice in theirs, so it may be more than the arena.
    """
    roots: list[int] = []
    for step in steps:
        number = len(roots)
        source = step.reads[0] if step.reads else INPUT
        roots.append(_root(roots, source) if step.idle else number)
    last = {INPUT: 0, **{root: root for root in roots}}
    for number, step in enumerate(steps):
        for read in step.reads:
            last[_root(roots, read)] = number
    if roots:
        last[roots[-1]] = len(roots)
    blocks = [Block(INPUT, sum(aligned(prod(shape)) for shape in inputs), -1, last[INPUT])]
    blocks += [
        Block(number, aligned(step.bytes), number, last[number])
        for number, step in enumerate(steps)
        if not step.idle
    ]
    return peak(blocks)


def _root(roots: Sequence[int], number: int) -> int:
    return number if number == INPUT else roots[number]
