"""What a verdict says of its judge: TFLite's other kernels beside it, and float64 where they part."""

from collections.abc import Iterator
from dataclasses import dataclass

_SHOWN = 5  # ops that a line names


@dataclass(frozen=True)
class Dispute:
    """An op in which the judge and TFLite's default kernels part by more than 2 steps, over all vectors.

    wrong: "judge", "default kernels", "both", or "" where float64 was not asked, for the reason `unasked`. judge_off,
    other_off: how far each is from float64 on its own inputs, in steps, at most.
    """

    op: int
    name: str
    steps: int
    wrong: str
    judge_off: float | None
    other_off: float | None
    unasked: str = ""

    @property
    def told(self) -> str:
        """In one line, for people."""
        place = f"op {self.op}, {self.name}"
        if not self.wrong:
            return f"{place}: {self.steps} steps apart, and nobody in float64 was asked: {self.unasked}"
        return (
            f"{place}: {self.steps} steps apart; from float64 on its own inputs the judge is {self.judge_off:g} steps,"
            f" the default kernels are {self.other_off:g}: wrong {'are' if self.wrong != 'judge' else 'is the'}"
            f" {self.wrong}"
        )


@dataclass(frozen=True)
class SecondOpinion:
    """TFLite's default kernels beside the judge, on the first `vectors` of the verdict's.

    Attributes:
        kernels: they, by version and resolver.
        steps: the largest difference of a tensor.
        top_differ: share of the rows of the model's outputs whose top class is another; None without classes.
        disputes: the ops that part, for which somebody is to blame or nobody in float64 was asked.
        xnnpack_steps, xnnpack_top_differ: the same of the outputs under the delegate XNNPACK, which is listed apart:
            nothing is concluded from it, as it computes int8 BATCH_MATMUL wrongly.
    """

    kernels: str
    vectors: int
    steps: int
    top_differ: float | None
    disputes: tuple[Dispute, ...] = ()
    xnnpack_steps: int | None = None
    xnnpack_top_differ: float | None = None

    @property
    def judge_wrong(self) -> tuple[Dispute, ...]:
        """The ops that the judge computes wrongly."""
        return tuple(one for one in self.disputes if one.wrong in ("judge", "both"))

    def lines(self) -> Iterator[str]:
        """What is said to people."""
        if self.judge_wrong:
            ops = ", ".join(f"op {one.op} {one.name}" for one in self.judge_wrong[:_SHOWN])
            yield f"THE JUDGE IS WRONG in {ops}: equal to it is not right; see the other rules of --rounding"
        vectors = f"{self.vectors} vector{'s' if self.vectors != 1 else ''}"
        yield (
            f"beside the judge, {self.kernels}: at most {self.steps} steps apart on {vectors}{_share(self.top_differ)}"
        )
        named = [one for one in self.disputes if one.wrong]
        yield from (f"  {one.told}" for one in named[:_SHOWN])
        yield from (f"  {one.told}" for one in self.disputes if not one.wrong)
        if self.xnnpack_steps is not None:
            apart = f"outputs at most {self.xnnpack_steps} steps apart"
            yield f"  with the delegate XNNPACK, listed apart: {apart}{_share(self.xnnpack_top_differ)}"


def _share(share: float | None) -> str:
    return "" if share is None else f", the top class differs in {100 * share:.3g} %"
