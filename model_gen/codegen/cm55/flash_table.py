"""What packed weights save in models, beside other ways of storing them: `python -m model_gen.codegen.cm55.flash_table
MODEL.tflite ...` prints a table in Markdown.

Shares are of the weights of packed convolutions and packed fully connected layers, zeros that fill their blocks
included. Each way is taken for the layers where it is shorter than the weights themselves; ours saves an eighth there.
"""

import heapq
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.flash import weights_of
from model_gen.codegen.cm55.ops.packing import GROUP
from model_gen.codegen.tflite.graph import Array

_CODE = 16  # bytes of a Huffman code's lengths at least; a byte a value besides


@dataclass(frozen=True)
class Row:
    """One model. Bytes of all its layers: as they are, and stored in each way; what ours costs besides.

    Attributes:
        entropy: of a layer's bytes, order 0: no code of single bytes is shorter.
        huffman: one code a layer.
        tables: 4 bits a weight, and the 16 values of each channel.
        widths: as many bits a weight as a channel's range needs, and where it begins.
        nonzeros: a bit a weight, and those that are not 0.
        packed: as `--optimize flash` does.
        arena, arena_packed: bytes.
        instructions: to unpack.
    """

    name: str
    weights: int
    entropy: int
    huffman: int
    tables: int
    widths: int
    nonzeros: int
    packed: int
    arena: int
    arena_packed: int
    instructions: int
    macs: int


def row(path: Path) -> Row:
    """Raises BadInput where backend cm55 does not take the model."""
    model = path.read_bytes()
    program, plan = plan_model(model)
    small, small_plan = plan_model(model, optimize="flash")
    layers = [found for step in program.steps if (found := weights_of(step.kernel)) is not None]
    unpacking = [step.kernel.unpacking for step in small.steps if step.kernel.unpacking is not None]
    size = sum(layer.size for layer in layers)

    def shorter(lengths: Iterator[int]) -> int:
        return sum(min(n, layer.size) for n, layer in zip(lengths, layers, strict=True))

    return Row(
        name=path.name,
        weights=size,
        entropy=shorter(_entropy(layer) for layer in layers),
        huffman=shorter(_huffman(layer) for layer in layers),
        tables=shorter(_tables(layer) for layer in layers),
        widths=shorter(_widths(layer) for layer in layers),
        nonzeros=shorter(layer.size // 8 + int(np.count_nonzero(layer)) for layer in layers),
        packed=size - sum(one.unpacked - one.packed for one in unpacking),
        arena=plan.bytes,
        arena_packed=small_plan.bytes,
        instructions=sum(one.instructions for one in unpacking),
        macs=sum(step.kernel.macs for step in program.steps),
    )


def _counts(layer: Array) -> Array:
    counts = np.bincount(layer.ravel().view(np.uint8), minlength=256)
    return counts[counts > 0]


def _entropy(layer: Array) -> int:
    counts = _counts(layer)
    return int(-(counts * np.log2(counts / counts.sum())).sum() / 8)


def _huffman(layer: Array) -> int:
    """Bytes of a layer in its own code, and of that."""
    counts = [int(count) for count in _counts(layer)]
    heap, bits = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        bits += both
        heapq.heappush(heap, both)
    return bits // 8 + _CODE + len(counts)


def _channels(layer: Array) -> Array:
    return np.ascontiguousarray(layer.transpose(0, 2, 1, 3)).reshape(len(layer) * GROUP, -1)


def _tables(layer: Array) -> int:
    lines = np.sort(_channels(layer), axis=1)
    most = int((np.diff(lines, axis=1) != 0).sum(axis=1).max()) + 1
    return layer.size if most > 16 else layer.size // 2 + 16 * len(lines)


def _widths(layer: Array) -> int:
    lines = _channels(layer).astype(np.int32)
    reach = lines.max(axis=1) - lines.min(axis=1)
    bits = np.ceil(np.log2(reach + 1)).astype(int)
    return int((bits * lines.shape[1] / 8).sum()) + 2 * len(lines)


_HEAD = (
    "| model | weights | entropy | Huffman | tables | widths | nonzeros | **packed** | arena | packed | "
    "to unpack | MACs |"
)


def table(rows: list[Row]) -> list[str]:
    lines = [_HEAD, "|---" + "|---:" * (_HEAD.count("|") - 2) + "|"]
    for one in rows:
        ways = (one.entropy, one.huffman, one.tables, one.widths, one.nonzeros)
        shares = " | ".join(f"{bytes_ / max(one.weights, 1):.0%}" for bytes_ in ways)
        lines.append(
            f"| {one.name} | {one.weights:,} | {shares} | **{one.packed / max(one.weights, 1):.0%}** | {one.arena:,} | "
            f"{one.arena_packed:,} | {one.instructions:,} | {one.macs:,} |"
        )
    return lines


if __name__ == "__main__":
    for line in table([row(Path(name)) for name in sys.argv[1:]]):
        print(line)
