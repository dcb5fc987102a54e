"""What can be seen of a generated network while it runs: each buffer, and the step behind which it is whole.

A step is an epoch block, which is what a runtime starts and waits for: an epoch, or a program of the epoch controller
with many. The order of the tensors is that of the executor's runs, so that both name one by the same number.

How long a buffer stays is not taken from its address: the lists of ST's compiler tell some sizes too small (YAMNet's of
2.2 gives 768 bytes for one of 12,288), so that only the step that finishes it is sure to have left it alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from host.errors import BadInput
from host.npu.network import Buffer
from model_gen.codegen.neural_art.network_source import NetworkSource, SourceEpoch

AGAIN = "generate the network again with `nightjar generate --backend neural_art`"
_SCRATCH = "SCRATCH_"  # what the compiler calls the room that an operator of the processor works in


@dataclass(frozen=True)
class Seen:
    """A buffer that an epoch finishes.

    Attributes:
        number: its place in the executor's order, inputs not counted.
        buffer: as the network's list has it.
        step: of the epoch block behind which it is whole.
        hidden: why it cannot be looked at; "" where it can.
    """

    number: int
    buffer: Buffer
    step: int
    hidden: str = ""


def seen_of(
    source: NetworkSource, internals: Sequence[Buffer], outputs: Sequence[Buffer]
) -> tuple[Seen, ...]:
    """Every buffer of the Internal and the Output list that is no constant, in the executor's order.

    Raises:
        BadInput: network.c does not number its epochs, or an output belongs to none of them.
    """
    blocks = [_numbers(block) for block in source.epochs]
    ordered: list[tuple[int, Buffer]] = []
    for step, (block, (first, last)) in enumerate(zip(source.epochs, blocks, strict=True)):
        inside = [one for one in _finished(internals) if first <= one.epoch <= last]
        if block.is_blob:  # told epoch by epoch
            inside.sort(key=lambda one: one.epoch)
        ordered += [(step, one) for one in inside]
    ordered += [(_step_of(one, blocks), one) for one in _finished(outputs)]
    return tuple(
        Seen(
            number,
            buffer,
            step,
            _hidden(step, buffer, ordered, source),
        )
        for number, (step, buffer) in enumerate(ordered)
    )


def _numbers(block: SourceEpoch) -> tuple[int, int]:
    if block.first is None or block.last is None:
        raise BadInput(
            "network.c must number the epochs of its blocks",
            evidence="Received: a block without epoch_num or last_epoch_num",
            next_step=AGAIN,
        )
    return block.first, block.last


def _finished(buffers: Iterable[Buffer]) -> list[Buffer]:
    return [one for one in buffers if not one.parameter and one.size]


def _step_of(output: Buffer, blocks: Sequence[tuple[int, int]]) -> int:
    for step, (first, last) in enumerate(blocks):
        if first <= output.epoch <= last:
            return step
    raise BadInput(
        f"an epoch must make output {output.name}",
        evidence=f"Received: epoch {output.epoch}, which no block of network.c has",
        next_step=AGAIN,
    )


def _overlap(one: Buffer, other: Buffer) -> bool:
    return one.address < other.address + other.size and other.address < one.address + one.size


def _hidden(
    step: int, buffer: Buffer, ordered: Sequence[tuple[int, Buffer]], source: NetworkSource
) -> str:
    """Why it is not looked at: a later epoch of the same block takes its place, or it is no result."""
    if buffer.name.startswith(_SCRATCH):
        return "room that an operator of the processor works in, which no two libraries use alike"
    for at, other in ordered:
        if at == step and other.epoch > buffer.epoch and _overlap(buffer, other):
            what = "program of the epoch controller" if source.epochs[step].is_blob else "block"
            return f"overwritten by epoch {other.epoch} in the same {what}"
    return ""
