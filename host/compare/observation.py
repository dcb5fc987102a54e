"""What one vector showed on a board: its tensors that differ, its counts and its costs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from host.compare.cause import Recogniser, likely_cause
from host.compare.layers import Structure
from host.compare.questions import Kind, Question
from host.compare.tensors import Array, TensorDifference, compare

FOLLOWS = "follows from the first difference of this vector"
UNSTABLE = (
    "the digest differed, yet the tensor read back is right: the run is not deterministic, or what the board digests"
    " is not this tensor"
)
# Places on the way of the data: two before the layers, two behind them.
FRONTEND, INPUT, LAYERS = 0, 1, 2


def output_place(structure: Structure) -> int:
    """The place of the model's outputs as they are sent."""
    return LAYERS + len(structure.layers)


def run_place(structure: Structure) -> int:
    """The place of runs without taps, and of repeated ones."""
    return output_place(structure) + 1


def place_of(question: Question, structure: Structure) -> int:
    """The place of what a question is about that an observation answers."""
    if question.kind is Kind.TENSOR:
        assert question.layer is not None
        return LAYERS + question.layer
    places = {Kind.FEATURES: FRONTEND, Kind.INPUT: INPUT, Kind.SCORES: output_place(structure)}
    places[Kind.UNTAPPED] = run_place(structure)
    return places[question.kind]


@dataclass(frozen=True, eq=False)
class Finding:
    """A tensor that differs. `place` orders findings along the way of the data.

    `index`, `got` and `want` are of the first differing element; empty and None where there is none to show.
    """

    place: int
    layer: int | None  # position in Structure.layers
    name: str
    op: str
    cause: str
    difference: (
        TensorDifference | None
    )  # None when the tensor read back was right, or for a repeated run
    index: tuple[int, ...] = ()
    got: int | float | str | None = None
    want: int | float | str | None = None
    differing: int = 0
    max_steps: int = 0


@dataclass(frozen=True, eq=False)
class Observation:
    """What one vector showed.

    compared: the positions of the layers whose digest was compared. pairs: by place on the way of the data, the CRC-32
    of the reference's tensor and the board's.
    """

    vector: int
    findings: tuple[Finding, ...]
    compared: frozenset[int]
    digests: int
    tapped_runs: int
    untapped_runs: int
    frontend_cost: int
    model_cost: int
    stack: int
    step_costs: tuple[int, ...]
    board_features: npt.NDArray[np.float32] | None
    pairs: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Everything but the arrays."""
        raw = asdict(self.without_tensors())
        del raw["board_features"]
        return {
            **raw,
            "compared": sorted(self.compared),
            "pairs": [[place, *pair] for place, pair in self.pairs.items()],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Observation":
        """What `as_json` gave."""
        return cls(
            **{
                **raw,
                "findings": tuple(
                    Finding(**{**finding, "index": tuple(finding["index"])})
                    for finding in raw["findings"]
                ),
                "compared": frozenset(raw["compared"]),
                "step_costs": tuple(raw["step_costs"]),
                "pairs": {place: (want, got) for place, want, got in raw["pairs"]},
                "board_features": None,
            }
        )

    def without_tensors(self) -> "Observation":
        """The same counts without the arrays, which are large."""
        findings = tuple(replace(finding, difference=None) for finding in self.findings)
        return replace(self, findings=findings, board_features=None)


class Findings:
    """Collects findings along the way of the data; only the first of a vector gets a cause of its own.

    `recognisers` of causes are those of the firmware's backend; None: of the core's kernels.
    """

    def __init__(self, recognisers: Sequence[Recogniser] | None = None) -> None:
        self._recognisers = recognisers
        self.findings: list[Finding] = []
        self.compared: set[int] = set()  # positions of layers

    def add(
        self, place: int, layer: int | None, name: str, op: str, got: Array, want: Array
    ) -> None:
        difference = compare(got, want)
        if difference is None:
            cause = FOLLOWS if self.findings else UNSTABLE
            self.findings.append(Finding(place, layer, name, op, cause, None))
            return
        self.findings.append(
            Finding(
                place,
                layer,
                name,
                op,
                FOLLOWS
                if self.findings
                else likely_cause(difference, op, self._recognisers if layer is not None else None),
                difference,
                difference.index,
                difference.got_first,
                difference.want_first,
                difference.differing,
                difference.max_steps,
            )
        )

    def add_run(self, place: int, name: str, differing: int, cause: str) -> None:
        self.findings.append(Finding(place, None, name, "RUN", cause, None, differing=differing))
