"""All probes, and what no probe can decide."""

from dataclasses import dataclass
from functools import cache

from host.npu.compiler.dialect import dialect_named
from host.npu.probe import accumulators, constants, ties
from host.npu.probe.probe import Probe

_PROBES = (
    ties.conv_ties,
    ties.offset_ties,
    ties.scale_ties,
    ties.mean_ties,
    ties.pool_ties,
    accumulators.sixteen_bits,
    accumulators.zero_point,
    constants.sum_shift,
    constants.mean_shift,
    constants.raw_size,
    accumulators.power_of_two,
    accumulators.columns,
    accumulators.rows,
    constants.offset_rounding,
)


@dataclass(frozen=True)
class Undecided:
    """A question that stays open, and why no probe asks it."""

    question: str
    why: str


UNDECIDED = (
    Undecided(
        "What do ACTIV's lookup and function modes compute?",
        "nobody has published their arithmetic, so there is no second hypothesis to tell from a "
        "first: a board's bytes would be a table, and no decision",
    ),
    Undecided(
        "What does a softmax on the NPU compute?",
        "in every network seen it is a software epoch of ST's library on the processor, which runs "
        "in QEMU without a board (`nightjar npu DIR --runtime`)",
    ),
    Undecided(
        "How low does s2 go where biases are large (2.1, 2.2)?",
        "it is a number that the compiler writes: `nightjar npu DIR` shows it in a network.c",
    ),
    Undecided(
        "Into how many passes is a wide layer divided?",
        "the scheduler weighs what the model does not say: read it in the network.c of that layer",
    ),
    Undecided(
        "What do DECUN, RECBUF, T1 kernels, 16 x 16 bits and the variable shift compute?",
        "no .tflite is known for which the compiler uses them",
    ),
    Undecided(
        "Which value does a pool take for its pads?",
        "in every network seen the compiler pads before the pool, so that the unit has none",
    ),
    Undecided(
        "Why does a 7 x 7 convolution of 4.0 time out on a NUCLEO?",
        "it is a matter of time, and not of bytes",
    ),
)


@cache
def probes(dialect: str) -> tuple[Probe, ...]:
    """The probes that apply to a dialect's arithmetic.

    Raises:
        BadInput: there is no such dialect.
    """
    dialect_named(dialect)
    made = (make(dialect) for make in _PROBES)
    return tuple(probe for probe in made if probe is not None)
