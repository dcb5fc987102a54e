"""Rules about sizes: channels, sides and bytes of tensors."""

from collections.abc import Iterator
from math import prod

from model_gen.codegen.neural_art.regions import BOARDS, Memory, memories
from model_gen.profile.rules.rule import Hit, Scene, rule
from model_gen.profile.step import Step, arena

_PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_MEMORIES = memories(BOARDS[0])
_RAMS: tuple[Memory, ...] = tuple(one for one in _MEMORIES if not one.constants)
_FLASH = next(one for one in _MEMORIES if one.constants)


@rule(
    "channels",
    "warning",
    limit=8,
    says="The channels that a convolution or dense layer reads or writes are no multiple of the "
    "limit, and the units take as long as for the next one. A single channel and the classes are "
    "exempt.",
    mend="take a width that is a multiple of 8, or pad with zeros, as `april` pads 257 bins to 264",
    source="training-options.md, channels are multiples of 8; neural-art.md 3, groups of 8 kernels",
)
def channels(scene: Scene, limit: int) -> Iterator[Hit]:
    for step in scene.steps:
        if step.op not in _PRODUCTS:
            continue
        sides = {"reads": step.inputs[0][-1]}
        if not scene.is_last(step):
            sides["writes"] = step.output[-1]
        told = [f"{side} {n}" for side, n in sides.items() if n > 1 and n % limit]
        if told:
            yield Hit(step.name, f"{step.op} {' and '.join(told)} channels")


@rule(
    "side",
    "error",
    limit=65536,
    says="A side of a tensor has the limit or more: the NPU's size registers have 16 bits.",
    mend="shorten the window (--chunk-duration) or lower --sample-rate; of the waveform, fold "
    "samples into channels before the first convolution",
    source="training-options.md, the raw frontend's input",
)
def side(scene: Scene, limit: int) -> Iterator[Hit]:
    for shape in scene.inputs:
        if max(shape, default=0) >= limit:
            yield Hit("input", f"a side of {max(shape):,}")
    for step in scene.steps:
        longest = max(step.output, default=0)
        if longest >= limit:
            yield Hit(step.name, f"a side of {longest:,}", _fewer(scene, step))


def _fewer(scene: Scene, step: Step) -> str | None:
    """What to do about channels that are too many; None where another side is the longest."""
    *sides, channels = step.output
    if channels <= max(sides, default=0):
        return None
    if scene.is_last(step):
        return "give the model fewer classes (--max-classes)"
    return "give it fewer channels: a smaller --alpha, --stage-widths or --expansion-factor"


@rule(
    "tensor-memory",
    "warning",
    limit=max(one.bytes for one in _RAMS),
    says="An int8 tensor has more bytes than the limit, which each of the NPU's four memories has: "
    "it lies outside of them, or, with --enable-virtual-mem-pools, across two.",
    mend="shrink it: fewer channels, or a larger stride before it",
    source="stm32n6.md 1, the stock pools npuRAM3 to 6, and 4, the memory map",
)
def tensor_memory(scene: Scene, limit: int) -> Iterator[Hit]:
    for name, size in _tensors(scene):
        if size > limit:
            yield Hit(name, f"{size:,} bytes")


@rule(
    "activations",
    "error",
    limit=sum(one.bytes for one in _RAMS),
    says="The int8 tensors that live at once have more bytes than the limit, all of the NPU's "
    "memories together; other memory is the firmware's, and external RAM is closed.",
    mend="shrink the largest tensors: fewer channels, or a larger stride before them",
    source="stm32n6.md 1 and 4; the memory pools that `nightjar generate --backend neural_art` writes",
)
def activations(scene: Scene, limit: int) -> Iterator[Hit]:
    held = arena(scene.inputs, scene.steps)
    if held > limit:
        largest = max(_tensors(scene), key=lambda one: one[1])
        yield Hit(largest[0], f"{held:,} bytes live at once, {largest[1]:,} of them this tensor's")


@rule(
    "weights-memory",
    "error",
    limit=_FLASH.bytes,
    says="The weights in int8 have more bytes than the limit, the stretch of external flash that "
    "is kept for them.",
    mend="a smaller --alpha, --depth-multiplier or --embeddings-size",
    source="stm32n6.md 4, XSPI2 at 0x70000000; the layout of our firmware",
)
def weights_memory(scene: Scene, limit: int) -> Iterator[Hit]:
    total = sum(step.parameters for step in scene.steps)
    if total > limit:
        largest = max(scene.steps, key=lambda step: step.parameters)
        yield Hit(largest.name, f"{total:,} bytes in all, {largest.parameters:,} of them here")


def _tensors(scene: Scene) -> list[tuple[str, int]]:
    found = [("input", prod(shape)) for shape in scene.inputs]
    return found + [(step.name, step.bytes) for step in scene.steps]
