"""What a model costs, as far as its file says: ops, kernels, multiply-accumulates, bytes, and the arena over time."""

from dataclasses import dataclass

from model_gen.codegen.cm55.compile import compile_model
from model_gen.codegen.cm55.memory import Live
from model_gen.codegen.cm55.ops.registry import Kernel
from model_gen.codegen.cm55.plan import peak

_ROWS = 16  # of the arena's picture


@dataclass(frozen=True)
class PackedReport:
    """Weights of an op that are packed: bytes before and after, and about how many instructions unpack them."""

    unpacked: int
    packed: int
    instructions: int


@dataclass(frozen=True)
class OpReport:
    """One op. `kernel` is "alias" or "folded" for an op that runs nothing; `macs` counts padded places too.

    constant_bytes: of its weights and tables; what two ops share is counted with the first.
    """

    index: int
    name: str
    tensor: str
    shape: tuple[int, ...]
    dtype: str
    kernel: str
    rule: str | None
    macs: int
    bytes: int  # of the output
    constant_bytes: int
    step: int | None
    packed: PackedReport | None = None


@dataclass(frozen=True)
class BlockReport:
    """A piece of the arena, held from step `first` (-1: before the first) to step `last`."""

    tensor: int
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class ModelReport:
    """Sums over the model. peak_bytes: the largest sum of tensors and scratch alive in one step, `peak_step`; `peak`:
    what that is, the largest first."""

    ops: tuple[OpReport, ...]
    blocks: tuple[BlockReport, ...]
    steps: int
    macs: int
    constant_bytes: int
    arena_bytes: int
    peak_bytes: int
    peak_step: int
    peak: tuple[Live, ...]
    rounding: dict[str, str]


def report(model: bytes, *, rounding: str = "tflite", optimize: str = "speed") -> ModelReport:
    """Read, plan and print the model in memory.

    Raises:
        BadInput: the file is not a model, or backend cm55 does not take it.
    """
    generated = compile_model(model, rounding=rounding, optimize=optimize)
    program, plan = generated.program, generated.plan
    steps = {step.view.output.index: step for step in program.steps}
    constants = {layer.op: layer.bytes for layer in generated.needs.layers}
    ops = []
    for view in program.resolved.views:
        step = steps.get(view.output.index)
        idle = "alias" if view.output.index in program.storage else "folded"
        ops.append(
            OpReport(
                index=view.op.index,
                name=view.op.name,
                tensor=view.output.name,
                shape=view.output.shape,
                dtype=view.output.dtype,
                kernel=idle if step is None else step.kernel.function,
                rule=None if step is None else step.kernel.rule,
                macs=0 if step is None else step.kernel.macs,
                bytes=view.output.bytes,
                constant_bytes=constants.get(view.op.index, 0),
                step=None if step is None else step.number,
                packed=None if step is None else _packed(step.kernel),
            )
        )
    blocks = tuple(
        BlockReport(b.key, plan.offsets[b.key], b.bytes, b.first, b.last)
        for b in sorted(plan.blocks.values(), key=lambda b: (b.first, b.key))
    )
    return ModelReport(
        ops=tuple(ops),
        blocks=blocks,
        steps=max(len(program.steps), 1),
        macs=sum(op.macs for op in ops),
        constant_bytes=generated.needs.constants,
        arena_bytes=plan.bytes,
        peak_bytes=peak(plan.blocks.values()),
        peak_step=generated.needs.peak_step,
        peak=generated.needs.peak,
        rounding=program.rounding(),
    )


def _packed(kernel: Kernel) -> PackedReport | None:
    one = kernel.unpacking
    return None if one is None else PackedReport(one.unpacked, one.packed, one.instructions)


def arena_picture(found: ModelReport) -> list[str]:
    """The arena as text: a column a step, a row a stretch of bytes; '#' is held, 'o' is being written, '.' is free."""
    if not found.arena_bytes:
        return ["the arena is empty"]
    stretch = -(-found.arena_bytes // _ROWS)
    lines = [f"arena: one column a step, one row {stretch:,} bytes; o written, # held, . free"]
    for start in range(0, found.arena_bytes, stretch):
        lines.append(
            f"{start:>10,} " + "".join(_cell(found, start, stretch, s) for s in range(found.steps))
        )
    return lines


def _cell(found: ModelReport, start: int, stretch: int, step: int) -> str:
    alive = [
        block
        for block in found.blocks
        if block.offset < start + stretch
        and start < block.offset + block.bytes
        and block.first <= step <= block.last
    ]
    if not alive:
        return "."
    return "o" if any(block.first == step for block in alive) else "#"
