"""For tests: which ops are drawn by which family of cases, and what of them is refused by name."""

import re
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing import drawn_arithmetic as arithmetic
from model_gen.codegen.testing import drawn_movement as movement
from model_gen.codegen.testing.drawn import Case, Drawn, model_of

DRAWS = 40  # cases an op
Family = Callable[[str, Drawn], Case]


def mixed(name: str, *families: tuple[str, Family]) -> Family:
    """The family, called `name`, of which each case is of one of `families`, drawn for its op."""

    def drawn_of_one(_: str, d: Drawn) -> Case:
        op, family = d.one(*families)
        return family(op, d)

    drawn_of_one.__name__ = name
    return drawn_of_one


FAMILIES: dict[Family, tuple[str, ...]] = {
    arithmetic.convolution: ("CONV_2D", "DEPTHWISE_CONV_2D"),
    arithmetic.fully_connected: ("FULLY_CONNECTED",),
    arithmetic.elementwise: ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"),
    arithmetic.twice: ("ADD", "SUB", "MUL"),
    arithmetic.reduction: ("MEAN", "SUM"),
    arithmetic.prelu: ("PRELU",),
    arithmetic.pool: ("AVERAGE_POOL_2D", "MAX_POOL_2D"),
    arithmetic.lookup: (
        *("RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "HARD_SWISH"),
        *("LOGISTIC", "TANH", "SOFTMAX", "ABS", "QUANTIZE"),
    ),
    arithmetic.dequantize: ("DEQUANTIZE",),
    movement.concatenation: ("CONCATENATION",),
    movement.pack: ("PACK",),
    movement.pad: ("PAD", "PADV2"),
    movement.mirror_pad: ("MIRROR_PAD",),
    movement.transpose: ("TRANSPOSE",),
    movement.reshape: ("RESHAPE",),
    movement.squeeze: ("SQUEEZE",),
    movement.expand_dims: ("EXPAND_DIMS",),
    movement.slice_: ("SLICE",),
    movement.strided_slice: ("STRIDED_SLICE",),
    movement.gather: ("GATHER",),
    movement.resize: ("RESIZE_NEAREST_NEIGHBOR",),
    movement.split: ("SPLIT",),
    movement.split_v: ("SPLIT_V",),
    movement.unpack: ("UNPACK",),
    movement.broadcast_to: ("BROADCAST_TO",),
}
# The place of a case seeds what is drawn of it: new ones go last, and the others stay as they are.
# Several ops share a family where each is cheap: one model holds the cases of all.
LATER: list[tuple[str, Family]] = [
    ("LOG", arithmetic.lookup),
    (
        "extremes and rows",
        mixed(
            "over_axes",
            ("", arithmetic.extreme),
            ("", arithmetic.row),
            ("", arithmetic.arg_extreme),
        ),
    ),
    ("tables", mixed("of_one", ("", arithmetic.table), ("", arithmetic.of_floats))),
    (
        "moves",
        mixed(
            "places",
            ("", movement.blocks),
            ("RESIZE_BILINEAR", movement.bilinear),
            ("", arithmetic.select),
        ),
    ),
    (
        "products",
        mixed(
            "of_two",
            ("TRANSPOSE_CONV", arithmetic.transpose_conv),
            ("BATCH_MATMUL", arithmetic.batch_matmul),
            ("SQUARED_DIFFERENCE", arithmetic.squared_difference),
            ("", arithmetic.comparison),
        ),
    ),
    (
        "batches and shifted weights",
        mixed("later", ("", arithmetic.batch), ("FULLY_CONNECTED", arithmetic.shifted_weights)),
    ),
    ("QUANTIZE", arithmetic.requantize),
    ("DIV", arithmetic.div),
    ("uint8 and floats", mixed("unsigned", ("", arithmetic.unsigned_floats))),
]
CASES = [(op, family) for family, ops in FAMILIES.items() for op in ops] + LATER
IDS = [f"{op}-{family.__name__}" for op, family in CASES]

# What is drawn and not taken. Of these the reference takes only 5 padded dimensions, every other of 5 dimensions
# reduced, and GATHER with dimensions between the batch and the axis.
REFUSED = {
    "QUANTIZE": "floats to int8, not to uint8",
    "CONV_2D": "asks for a bias",
    "DEPTHWISE_CONV_2D": "asks for a bias",
    "FULLY_CONNECTED": "the bias has the scale",
    "MAXIMUM": "over 5 dimensions at most",
    "MINIMUM": "over 5 dimensions at most",
    "SQUARED_DIFFERENCE": "over 4 dimensions at most|ratio .* is too large",
    "PRELU": "over 4 dimensions at most",
    "DIV": "over 5 dimensions at most|the ratio of its scales",
    "MEAN": "apart in more than 4 dimensions",
    "SUM": "apart in more than 4 dimensions|reads int8 steps as uint8",
    "ELU": "reference kernels do not have this op",
    "EXP": "scale .* is too small",
    "NEG": "negates steps whatever their scales are",
    "TILE": "more than 6 dimensions move",
    "RESIZE_BILINEAR": "corners are aligned and pixels have centers",
    "REDUCE_MAX": "apart in more than 4 dimensions",
    "REDUCE_MIN": "apart in more than 4 dimensions",
    "HARD_SWISH": "scale is too small",  # the reference shifts by a negative number there
    "SOFTMAX": "a scalar has no last axis",
    "CONCATENATION": "a fused activation has no kernel",
    "PAD": "more than 4 dimensions are padded",
    "PADV2": "more than 4 dimensions are padded",
    "STRIDED_SLICE": "more than 5 dimensions, new ones included",
    "GATHER": "the indices must be from 0|lie between the batch and the axis",
}


def taken(case: Case, rounding: str = "tflite") -> bool:
    """Whether the generator takes the case; what it refuses it refuses by name, for a reason that is known."""
    why = None
    try:
        plan_model(model_of([case]), rounding=rounding)
    except BadInput as error:
        why = error.what
    known = rf"op 0, {case.op}: .*({REFUSED.get(case.op, 'nothing')})"
    assert why is None or re.match(known, why), why
    return why is None


def examples(number: int, *phases: Phase) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same draws for the same number, and no memory of earlier runs."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        kept = settings(
            max_examples=DRAWS,
            phases=phases,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        return seed(number)(kept(function))

    return decorated


def cases_of(op: str, family: Family) -> st.SearchStrategy[Case]:
    return st.composite(lambda draw: family(op, Drawn(draw)))()


def drawn(op: str, family: Family, number: int) -> list[Case]:
    """DRAWS cases."""
    found: list[Case] = []

    @examples(number, Phase.generate)
    @given(cases_of(op, family))
    def keep(case: Case) -> None:
        found.append(case)

    keep()
    return found
