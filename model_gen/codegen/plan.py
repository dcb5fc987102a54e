"""The memory plan: where each tensor lies in the arena, from when until when."""

from collections.abc import Iterable
from dataclasses import dataclass

from model_gen.codegen.lower import Program

ALIGNMENT = 16  # bytes: one Helium vector


@dataclass(frozen=True)
class Block:
    """Memory that must hold its content over the steps `first` to `last`, both included.

    `first` is the step that writes it (-1: before the first step), `last` the last step that reads it.
    """

    key: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Offsets of the blocks in an arena of `bytes`, by key."""

    bytes: int
    offsets: dict[int, int]
    blocks: dict[int, Block]

    def last_step(self, key: int, steps: int) -> int:
        """The last step after which the block's content is still whole; the step after that writes over it."""
        block = self.blocks[key]
        start, end = self.offsets[key], self.offsets[key] + block.bytes
        writers = [
            other.first
            for other in self.blocks.values()
            if other.first > max(block.first, 0)
            and self.offsets[other.key] < end
            and start < self.offsets[other.key] + other.bytes
        ]
        return min(writers, default=steps) - 1


def aligned(size: int) -> int:
    """`size` rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def place(blocks: Iterable[Block], *, behind: int = 0) -> Plan:
    """Greedy by size: the largest block first, each into the smallest gap that holds it among those that live with it.

    Blocks whose lives overlap by a step never overlap in memory. The same blocks always give the same plan.
    `behind` bytes follow the last block: kernels may read there.
    """
    chosen: dict[int, int] = {}
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda b: (-b.bytes, b.first, b.key)):
        neighbours = sorted(
            (chosen[other.key], chosen[other.key] + aligned(other.bytes))
            for other in placed
            if other.first <= block.last and block.first <= other.last
        )
        chosen[block.key] = _best_gap(neighbours, aligned(block.bytes))
        placed.append(block)
    total = max((chosen[b.key] + aligned(b.bytes) for b in placed), default=0)
    return Plan(total + aligned(behind), chosen, {b.key: b for b in placed})


def _best_gap(occupied: list[tuple[int, int]], size: int) -> int:
    """Where the smallest gap of at least `size` between occupied ranges begins; behind the last when there is none."""
    best: tuple[int, int] | None = None
    end = 0
    for start, stop in occupied:
        gap = start - end
        if gap >= size and (best is None or gap < best[0]):
            best = (gap, end)
        end = max(end, stop)
    return end if best is None else best[1]


def lifetimes(program: Program) -> list[Block]:
    """One block for each storage of the program; model outputs live to the last step."""
    graph = program.resolved.graph
    final = max(len(program.steps) - 1, 0)
    first = dict.fromkeys(graph.inputs, -1)
    last = dict.fromkeys(graph.inputs, 0)
    for step in program.steps:
        output = program.storage[step.view.output.index]
        first[output] = last[output] = step.number
        for tensor in step.view.inputs:
            if tensor is not None and tensor.index in program.storage:
                last[program.storage[tensor.index]] = step.number
    for index in graph.outputs:
        if index in program.storage:
            last[program.storage[index]] = final
    tensors = [
        Block(key, program.tensors[key].bytes, first[key], last[key])
        for key in sorted(set(program.storage.values()))
    ]
    scratch = [
        Block(scratch_key(step.number), step.kernel.scratch, step.number, step.number)
        for step in program.steps
        if step.kernel.scratch
    ]
    return tensors + scratch


def scratch_key(step: int) -> int:
    """The key of the block that is scratch memory of a step; those of tensors are not negative."""
    return -1 - step


def reads_behind(program: Program) -> int:
    """How far behind a tensor any kernel reads."""
    return max((step.kernel.reads_behind for step in program.steps), default=0)


def peak(blocks: Iterable[Block]) -> int:
    """The largest sum of bytes alive in one step: no plan can be smaller."""
    known = list(blocks)
    moments = {b.first for b in known}
    return max((sum(b.bytes for b in known if b.first <= m <= b.last) for m in moments), default=0)
