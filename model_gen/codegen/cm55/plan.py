"""The memory plan: where each tensor lies in the arena, from when until when."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model_gen.codegen.cm55.lower import Program

ALIGNMENT = 16  # bytes: one Helium vector
_DISTURBED = 100  # orders that are tried when the plain ones miss the peak


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


def place(
    blocks: Iterable[Block], *, behind: int = 0, in_place: Iterable[tuple[int, int]] = ()
) -> Plan:
    """Offsets for all blocks, in the smallest arena that some orders of placing them give.

    Each order is greedy: block after block into the smallest gap that holds it among those that live with it. Blocks
    whose lives overlap by a step never overlap in memory, but for the pairs `in_place` of (input, output): of those,
    the second may take the place of the first when it is written in the first's last step. `behind` bytes follow the
    last block: kernels may read there. The same blocks always give the same plan.
    """
    known = sorted(blocks, key=lambda b: (-b.bytes, b.first, b.key))
    chains = _chains(known, in_place)
    least = peak(Block(c.key, aligned(c.bytes), c.first, c.last) for c in chains)
    chosen: dict[int, int] = {}
    total = -1
    for order in _orders(chains):
        offsets = _greedy(order)
        size = max((offsets[c.key] + aligned(c.bytes) for c in chains), default=0)
        if total < 0 or size < total:
            chosen, total = offsets, size
        if total == least:
            break
    placed = {key: chosen[chain.key] for chain in chains for key in chain.keys}
    return Plan(total + aligned(behind), placed, {b.key: b for b in known})


@dataclass(frozen=True)
class _Chain:
    """Blocks that follow each other in one place; `key` is that of the first."""

    keys: tuple[int, ...]
    bytes: int
    first: int
    last: int

    @property
    def key(self) -> int:
        return self.keys[0]


def _chains(blocks: list[Block], in_place: Iterable[tuple[int, int]]) -> list[_Chain]:
    chains = {b.key: _Chain((b.key,), b.bytes, b.first, b.last) for b in blocks}
    owner = {b.key: b.key for b in blocks}
    for source, target in in_place:
        before, after = chains[owner[source]], chains[owner[target]]
        if (
            before.keys[-1] == source
            and after.keys[0] == target
            and before.last == after.first > before.first
            and before.bytes == after.bytes
        ):
            merged = _Chain(before.keys + after.keys, before.bytes, before.first, after.last)
            del chains[after.key]
            chains[before.key] = merged
            owner |= dict.fromkeys(after.keys, before.key)
    return list(chains.values())


def _orders(chains: list[_Chain]) -> Iterator[list[_Chain]]:
    """Orders to try: by size, by time, by size times duration, then disturbed ones of the first."""
    yield chains
    yield sorted(chains, key=lambda c: (c.first, -c.bytes, c.key))
    yield sorted(chains, key=lambda c: (-c.last, -c.bytes, c.key))
    yield sorted(chains, key=lambda c: (-c.bytes * (c.last - c.first + 1), c.key))
    generator = random.Random(0)
    for _ in range(_DISTURBED):
        weights = {c.key: c.bytes * generator.uniform(0.5, 2.0) for c in chains}
        yield sorted(chains, key=lambda c: (-weights[c.key], c.key))


def _greedy(order: list[_Chain]) -> dict[int, int]:
    chosen: dict[int, int] = {}
    placed: list[_Chain] = []
    for chain in order:
        neighbours = sorted(
            (chosen[other.key], chosen[other.key] + aligned(other.bytes))
            for other in placed
            if other.first <= chain.last and chain.first <= other.last
        )
        chosen[chain.key] = _best_gap(neighbours, aligned(chain.bytes))
        placed.append(chain)
    return chosen


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
    """One block for each storage of the program but its states, which lie beside the arena; model outputs live to the
    last step."""
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
        for key in sorted(set(program.storage.values()) - graph.kept)
    ]
    scratch = [
        Block(scratch_key(step.number), step.kernel.scratch, step.number, step.number)
        for step in program.steps
        if step.kernel.scratch
    ]
    return tensors + scratch


def in_place(program: Program) -> list[tuple[int, int]]:
    """(storage of an input, storage of the output) for each kernel that may write over that input.

    What the model returns stays as it is, and so do states, and an input under another shape until step 0 has ended:
    its tap is read then.
    """
    graph = program.resolved.graph
    outputs = {program.storage.get(index) for index in graph.outputs} | graph.kept
    aliased = {key for index, key in program.storage.items() if index != key} & set(graph.inputs)
    return [
        (program.storage[source.index], program.storage[step.view.output.index])
        for step in program.steps
        for source in (step.view.input(position) for position in step.kernel.in_place)
        if source.index in program.storage
        and program.storage[source.index] not in outputs
        and not (step.number == 0 and program.storage[source.index] in aliased)
    ]


def scratch_key(step: int) -> int:
    """The key of the block that is scratch memory of a step; those of tensors are not negative."""
    return -1 - step


def reads_behind(program: Program) -> int:
    """How far behind a tensor any kernel reads."""
    return max((step.kernel.reads_behind for step in program.steps), default=0)


def peak_step(plan: Plan) -> int:
    """The first step in which the blocks alive sum up to the peak."""
    blocks = plan.blocks.values()

    def alive(moment: int) -> int:
        return sum(b.bytes for b in blocks if b.first <= moment <= b.last)

    return max(sorted({max(b.first, 0) for b in blocks}), key=alive, default=0)


def peak(blocks: Iterable[Block]) -> int:
    """The largest sum of bytes alive in one step: no plan can be smaller."""
    known = list(blocks)
    moments = {b.first for b in known}
    return max((sum(b.bytes for b in known if b.first <= m <= b.last) for m in moments), default=0)
