"""Rules about ops: which of them the NPU's units compute, and which it computes otherwise."""

from collections.abc import Iterator

from model_gen.profile.rules.rule import Hit, Scene, rule

# With what batch normalization, ReLU and Dense are called after the conversion; a difference is a
# sum with a factor below 0 (ARITH's A and B are signed).
UNITS = frozenset(
    [
        *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "ADD", "SUB", "MUL"),
        *("RELU", "RELU6", "LOGISTIC", "RESHAPE", "PAD", "AVERAGE_POOL_2D", "MAX_POOL_2D"),
    ]
)
MOVES = frozenset(["TRANSPOSE", "CONCATENATION", "SLICE", "STRIDED_SLICE", "SPLIT", "PACK"])


@rule(
    "outside-npu",
    "warning",
    says="No unit of the NPU computes this op: the processor does, in between, and the tensor "
    "travels there and back.",
    mend="build it of convolutions, additions, multiplications, ReLU and pools; a softmax head "
    "costs least, a sigmoid head nothing",
    source="training-options.md, ops that the NPU takes; neural-art.md 1, 3 and 4",
)
def outside_npu(scene: Scene, _: None) -> Iterator[Hit]:
    for step in scene.steps:
        if step.op not in UNITS | MOVES | {"ABS"}:
            yield Hit(step.name, f"{step.op} over {_shape(step.output)}")


@rule(
    "moved",
    "note",
    says="This op only moves bytes: the runtime's library does so by DMA, in an epoch of its own.",
    mend="nothing, where it stands once or twice; else keep one layout of the tensors",
    source="neural-art.md 4, LL_ATON_LIB_DMA_*",
)
def moved(scene: Scene, _: None) -> Iterator[Hit]:
    for step in scene.steps:
        if step.op in MOVES and not step.idle:
            yield Hit(step.name, f"{step.op} to {_shape(step.output)}, {step.bytes:,} bytes")


@rule(
    "absolute-value",
    "error",
    says="ABS on the NPU takes the size of the step itself, not of its distance from the zero "
    "point.",
    mend="write |x| as relu(x) + (relu(x) - x)",
    source="stm32n6.md 6, measured upstream (cosine 0.951); neural-art.md 6 and 9, R6",
)
def absolute_value(scene: Scene, _: None) -> Iterator[Hit]:
    for step in scene.steps:
        if step.op == "ABS":
            yield Hit(step.name, f"ABS over {_shape(step.output)}")


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a scalar"
