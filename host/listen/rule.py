"""What is a detection: pool, thresholds and tables in integers, the same ones in the firmware and on the host.

A rule is made once, with floats, and kept in the project's description: from there on all is integers, and host and
boards cannot differ. What it says is explained in `nj_detector.h`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from host.contract import Contract
from host.errors import BadInput
from host.listen.stride import nearest_stride
from host.nearest import did_you_mean

POOLS = ("max", "average", "lme")  # in the order of `enum nj_pool`
MOST_POOLED = 16
MOST_LABELS = 65535
TOP = 65535  # the level of score 1
BETA = 10.0  # of the log-mean-exp, as in host.listen.pooling
_WEIGHT = 1 << 16
_POWER = 1 << 24


@dataclass(frozen=True)
class LabelRule:
    """A label's thresholds: `threshold` and `release` in the pool's unit, `own` a level."""

    threshold: int
    release: int
    own: int


@dataclass(frozen=True)
class Options:
    """What a user says of detections.

    `threshold`: of the pooled score, for labels that `thresholds` does not name; `sustain`: share of it down to which a
    detection goes on. `pooled`: chunks of the pool. `least`, `most`: chunks of a detection.

    Raises:
        BadInput: a number out of its range.
    """

    overlap: float = 0.5
    pool: str = "lme"
    pooled: int = 3
    threshold: float = 0.5
    thresholds: Mapping[str, float] | None = None
    sustain: float = 0.8
    least: int = 1
    most: int = 24

    def __post_init__(self) -> None:
        wrong = ""
        if not 0 <= self.overlap < 1:
            wrong = f"an overlap is from 0 to below 1, and not {self.overlap}"
        elif self.pool not in POOLS:
            wrong = f"a pool is one of {', '.join(POOLS)}, and not {self.pool!r}"
        elif not 1 <= self.pooled <= MOST_POOLED:
            wrong = f"a pool has 1 to {MOST_POOLED} chunks, and not {self.pooled}"
        elif not 0 < self.sustain <= 1:
            wrong = f"--sustain is a share of the threshold above 0, and not {self.sustain}"
        elif not 1 <= self.least <= self.most < 1 << 31:
            wrong = f"a detection has from 1 chunk on, and not {self.least} to {self.most}"
        for label, value in [("every label", self.threshold), *(self.thresholds or {}).items()]:
            if not 0 < value <= 1:
                wrong = f"a threshold is a score above 0, at most 1, and not {value} for {label}"
        if wrong:
            raise BadInput(wrong, evidence=f"Received: {self}")


@dataclass(frozen=True)
class Rule:
    """All that decides detections; every number a whole one. See `struct nj_detector`."""

    pool: str
    chunks: int
    chunk_samples: int
    stride: int
    rate: int
    least: int
    most: int
    softmax: bool
    table: tuple[int, ...]  # [256]
    power: tuple[int, ...]  # [256]; empty unless the pool is lme
    labels: tuple[LabelRule, ...]

    def __post_init__(self) -> None:
        """ValueError for what no rule has: a project's description may come from anywhere."""
        low, high = (0, _WEIGHT) if self.softmax else (0, TOP)
        numbers = [(self.chunks, 1, MOST_POOLED), (self.least, 1, self.most)]
        numbers += [(self.stride, 1, self.chunk_samples), (self.rate, 1, 1 << 20)]
        numbers += [(value, low, high) for value in self.table]
        numbers += [(value, 0, _POWER) for value in self.power]
        numbers += [(one.release, 0, one.threshold) for one in self.labels]
        numbers += [(one.own, 0, TOP) for one in self.labels]
        sizes = (len(self.table), len(self.power))
        if self.pool not in POOLS or sizes != (256, 256 if self.pool == "lme" else 0):
            raise ValueError(f"a rule of the pool {self.pool!r} with tables of {sizes}")
        for value, least, most in numbers:
            if not least <= value <= most:
                raise ValueError(f"{value} in a rule, where {least} to {most} are expected")
        if not 1 <= len(self.labels) <= MOST_LABELS:
            raise ValueError(f"a rule of {len(self.labels)} labels")
        if self.softmax and self.table[0] == 0:
            raise ValueError("a rule whose best label weighs nothing")

    def strange(self, contract: Contract) -> str:
        """What a model of this contract does not have; "" for a rule that can be its."""
        frontend, stride = contract.frontend, self.stride
        pairs = (
            ("labels", len(self.labels), len(contract.labels)),
            ("samples a chunk", self.chunk_samples, frontend.chunk_samples),
            ("samples a second", self.rate, frontend.sample_rate),
            ("samples from chunk to chunk", stride, stride - stride % frontend.hop),
        )
        wrong = (f"{got} {what} where {want} fit" for what, got, want in pairs if got != want)
        return ", ".join(wrong)

    def score(self, pooled: int) -> float:
        """The score 0 ... 1 of a pool, for people: a level's, or what the mean power says."""
        if self.pool != "lme":
            return pooled / TOP
        return max(0.0, 1.0 + math.log(max(pooled, 1) / _POWER) / BETA)


def make_rule(contract: Contract, options: Options) -> Rule:
    """The rule of a bundle.

    Raises:
        BadInput: the model's output is not int8, its activation gives no scores, a label that it does not have, a
            threshold that no score of it reaches, or a chunk shorter than a hop.
    """
    output, frontend = contract.output, contract.frontend
    if output.dtype != "int8":
        raise BadInput(
            "detections are made from the steps of an int8 output",
            evidence=f"Received: a model whose output is {output.dtype}",
            next_step="quantize the model's output as well",
        )
    strange = next((one for one in options.thresholds or {} if one not in contract.labels), None)
    if strange is not None:
        raise BadInput(
            f"the model has no label {strange!r}{did_you_mean(strange, contract.labels)}",
            evidence=f"Received: a threshold for it; the bundle has {len(contract.labels)} labels",
        )
    softmax = contract.output_activation == "softmax"
    rule = Rule(
        pool=options.pool,
        chunks=options.pooled,
        chunk_samples=frontend.chunk_samples,
        stride=nearest_stride(frontend.chunk_samples, frontend.hop, options.overlap),
        rate=frontend.sample_rate,
        least=options.least,
        most=options.most,
        softmax=softmax,
        table=_weights(output.scale) if softmax else _levels(contract),
        power=_powers() if options.pool == "lme" else (),
        labels=tuple(_label(options, label) for label in contract.labels),
    )
    _check_reached(rule, contract, options)
    return rule


def _check_reached(rule: Rule, contract: Contract, options: Options) -> None:
    """Refuse thresholds that no output of the model reaches: such a label would be silent for ever.

    Raises:
        BadInput: naming the first, and the highest threshold that is reached.
    """
    best = max(rule.table)
    if rule.softmax:
        best = best * TOP // (best + (len(rule.labels) - 1) * min(rule.table))
    most = rule.power[best // 256] if rule.pool == "lme" else best
    for name, label in zip(contract.labels, rule.labels, strict=True):
        if label.threshold > most:
            raise BadInput(
                f"no score of this model reaches the threshold of {name!r}: it would never be detected",
                evidence=f"Received: {(options.thresholds or {}).get(name, options.threshold):g}; int8 outputs of scale"
                f" {contract.output.scale:g} under {contract.output_activation} reach {best / TOP:.5f}",
                next_step=f"give a threshold of at most {math.floor(best / TOP * 1e4) / 1e4:g}",
            )


def _label(options: Options, label: str) -> LabelRule:
    threshold = (options.thresholds or {}).get(label, options.threshold)
    release = threshold * options.sustain
    return LabelRule(
        threshold=_in_pool(options.pool, threshold),
        release=_in_pool(options.pool, release),
        own=max(1, round(release * TOP)),
    )


def _in_pool(pool: str, score: float) -> int:
    """A score in the pool's unit: for the log-mean-exp, the power of the level's step of 256.

    One step at least: silence, which is none, reaches no threshold and ends every detection.
    """
    level = round(score * TOP)
    return _powers()[max(1, level // 256)] if pool == "lme" else max(1, level)


def _powers() -> tuple[int, ...]:
    """Of 256 levels each: exp(BETA * (score - 1)) at their lower end, 1 at the last one's upper end."""
    return tuple(round(_POWER * math.exp(BETA * (i / 255 - 1))) for i in range(256))


def _levels(contract: Contract) -> tuple[int, ...]:
    scale, zero = contract.output.scale, contract.output.zero_point
    reals = [scale * (step - zero) for step in range(-128, 128)]
    if contract.output_activation == "sigmoid":
        reals = [0.5 * (1.0 + math.tanh(0.5 * real)) for real in reals]
    return tuple(round(TOP * min(1.0, max(0.0, real))) for real in reals)


def _weights(scale: float) -> tuple[int, ...]:
    return tuple(round(_WEIGHT * math.exp(-scale * steps)) for steps in range(256))
