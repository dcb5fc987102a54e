"""One vector on a board: every tensor compared with the reference, and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import Subject
from host.compare.cause import Recogniser
from host.compare.expect import Expected
from host.compare.layers import Structure
from host.compare.observation import (
    FRONTEND,
    INPUT,
    LAYERS,
    Findings,
    Observation,
    output_place,
    run_place,
)
from host.compare.standing import Standing
from host.compare.tensors import Array, compare, from_bytes
from host.compare.vectors import Vector
from host.deadline import Deadline
from host.errors import FirmwareFailure, HostFailure, LinkFailure
from host.link.client import Client, Cost, Digests
from host.link.messages import Mode, RunResult, Stages, What
from host.listen.feed import Feed, Way
from host.project import Tap
from host.reference.kept import digest, to_bytes

# Seconds that an inference and its few repeats may take. The slowest model of the project needs half a second on the
# virtual board of an idle machine; a machine that is busy is ten times slower.
PATIENCE = 30.0
# With less than this left of the time for everything, nothing is asked any more.
SHORTEST = 0.2


@dataclass(frozen=True, eq=False)
class Inferred:
    """The model's outputs for a chunk, and what they cost in HELLO's unit."""

    outputs: tuple[Array, ...]
    frontend_cost: int
    model_cost: int


@dataclass(frozen=True, eq=False)
class _Untapped:
    """What the runs without taps gave."""

    plain: RunResult
    outputs: tuple[Array, ...]
    cost: Cost
    counted: RunResult
    steps: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Answers:
    """Everything that a board says about a vector, unasked for what differs."""

    untapped: _Untapped
    result: RunResult  # of the tapped run
    digests: Digests
    outputs: tuple[Array, ...]


STEP_COST = 64  # instructions around a step that belong to the model and to no step, at most


class Observer:
    """Asks one board about vectors, over one client."""

    def __init__(
        self,
        client: Client,
        subject: Subject,
        structure: Structure,
        taps: tuple[Tap, ...],
        *,
        repeats: int = 3,
        patience: float = PATIENCE,
        limit: Deadline | None = None,
        unit: str = "none",
        recognisers: Sequence[Recogniser] | None = None,
        standing: Standing | None = None,
    ) -> None:
        self.client = client
        self.subject = subject
        self.structure = structure
        self.taps = taps
        self.repeats = repeats
        self._patience = patience
        self._looked: dict[tuple[What, int], Array] = {}  # what was read of the vector's tapped run
        self.limit = limit
        self.unit = unit
        self._recognisers = recognisers
        self._standing = standing

    def patience(self, inferences: int = 1) -> Deadline:
        """The deadline of one exchange.

        Raises:
            HostFailure: the time for everything is over. The board is not to blame for what cannot be waited for.
            LinkFailure: the same, where the link has cost time.
        """
        if self.limit is not None and self.limit.remaining < SHORTEST:
            stats = self.client.stats
            kind = HostFailure if stats.clean else LinkFailure
            raise kind(
                "the time that was given is over before everything was judged",
                evidence=f"{max(0.0, self.limit.remaining):.1f} s were left for the next question; link: {stats}",
                next_step="give a longer --deadline, or fewer vectors",
            )
        own = Deadline.after(self._patience * max(1, inferences))
        return own if self.limit is None else own.at_most(self.limit.remaining)

    def load(self, vector: Vector) -> None:
        """Put a vector on the board; of a model with state, behind what it was given before."""
        if self._standing is not None:
            self._standing.load(vector, self.patience)
            return
        if vector.chunk is not None:
            self.client.load_chunk(vector.chunk, self.patience())
            return
        for index, tensor in enumerate(vector.inputs):
            self.client.load_input(index, to_bytes(tensor), self.patience())

    def feed(self, feed: Feed) -> None:
        """Put a chunk of a recording on the board, or the samples of it that are not there yet."""
        for number, block in enumerate(feed.blocks):
            if feed.way is Way.WHOLE:
                self.client.load_chunk(block, self.patience())
            elif feed.way is Way.FIRST and number == 0:
                self.client.start_stream(feed.stride, block, self.patience())
            else:
                self.client.continue_stream(block, self.patience())

    def stages(self, vector: Vector) -> Stages:
        """Chunks go through the board's own frontend, inputs do not."""
        return Stages.MODEL if vector.chunk is None else Stages.BOTH

    def infer(
        self, feed: Feed, outputs: Sequence[tuple[tuple[int, ...], np.dtype[Any]]]
    ) -> Inferred:
        """Load, run untapped, and read the outputs, whose shapes and types are given."""
        self.feed(feed)
        self.client.run(Stages.BOTH, mode=Mode.PLAIN, deadline=self.patience())
        got = self._read_outputs([np.empty(shape, dtype) for shape, dtype in outputs])
        cost = self.client.cost(self.patience())
        self._check_counts(cost, Stages.BOTH)
        return Inferred(got, cost.frontend, cost.model)

    def outputs(
        self, vector: Vector, outputs: Sequence[tuple[tuple[int, ...], np.dtype[Any]]]
    ) -> tuple[Array, ...]:
        """Load, run untapped, and read the outputs, whose shapes and types are given; nothing is compared."""
        self.load(vector)
        self.client.run(self.stages(vector), mode=Mode.PLAIN, deadline=self.patience())
        return self._read_outputs([np.empty(shape, dtype) for shape, dtype in outputs])

    def observe(
        self,
        vector: Vector,
        expected: Expected,
        *,
        show: bool = False,
        feed: Feed | None = None,
    ) -> Observation:
        """Run `vector` untapped, then tapped; compare every digest and the outputs themselves; explain what differs.

        The untapped runs come first, on an input that nothing has been computed from yet: behind a tapped run the right
        outputs lie in memory already, and a run that does nothing would look right. `show` reads the board's
        spectrogram and inputs even when their digests are right. `feed`: how the vector's chunk gets there.
        """
        self._looked.clear()
        self._check_sizes(expected)
        if feed is None:
            self.load(vector)
        else:
            self.feed(feed)
        stages = self.stages(vector)
        untapped = self._run_untapped(stages, expected)
        result = self.client.run(stages, mode=Mode.TAPPED, deadline=self.patience())
        digests = self.client.digests(self.patience())
        # While they are what this run left: to read anything else may run the model again.
        outputs = self._read_outputs(expected.outputs)
        answers = _Answers(untapped, result, digests, outputs)
        recalled = expected.recalled
        found, board_features = self._compare(answers, expected, show)
        if recalled and (found.findings or not expected.recalled):
            # What differs, differs from what the reference computes now, not from a record.
            expected.confirm()
            found, board_features = self._compare(answers, expected, show)
        cost, steps = untapped.cost, untapped.steps
        return Observation(
            vector=vector.index,
            findings=tuple(found.findings),
            compared=frozenset(found.compared),
            digests=len(found.compared) + 2 + (expected.features is not None),
            tapped_runs=1,
            untapped_runs=untapped.plain.runs + 1,
            frontend_cost=cost.frontend,
            model_cost=cost.model,
            stack=cost.stack,
            step_costs=tuple(steps),
            board_features=board_features,
            pairs=self._pairs(digests, untapped, expected),
        )

    def _compare(
        self, answers: "_Answers", expected: Expected, show: bool
    ) -> "tuple[Findings, npt.NDArray[np.float32] | None]":
        """What differs, along the way of the data; the board's spectrogram where it was read."""
        found, digests = Findings(self._recognisers), answers.digests
        board_features = self._compare_features(digests, expected, found, show)
        self._compare_inputs(digests, expected, found, show)
        self._compare_layers(digests, expected, found)
        wrong = digests.output != expected.output_digest or answers.result.output != digests.output
        after, last = output_place(self.structure), run_place(self.structure)
        self._compare_outputs(wrong, answers.outputs, expected, found, after)
        self._compare_untapped(answers.untapped, expected, found, last)
        return found, board_features

    def _pairs(
        self, digests: Digests, untapped: "_Untapped", expected: Expected
    ) -> dict[int, tuple[int, int]]:
        """What was compared by digest, by place."""
        pairs = {INPUT: (expected.input_digest, digests.input)}
        if expected.features is not None:
            pairs[FRONTEND] = (digest((expected.features,)), digests.features)
        for position, tap in enumerate(self.taps):
            if tap.slot is not None and tap.observed:
                want = expected.layers[position].digest
                pairs[LAYERS + position] = (want, digests.taps[tap.slot])
        pairs[output_place(self.structure)] = (expected.output_digest, digests.output)
        pairs[run_place(self.structure)] = (expected.output_digest, untapped.plain.output)
        return pairs

    def _compare_features(
        self, digests: Digests, expected: Expected, found: "Findings", show: bool
    ) -> npt.NDArray[np.float32] | None:
        want = expected.features
        if want is None:
            return None
        wrong = digests.features != digest((want,))
        if not wrong and not show:
            return None
        got = self._look(What.FEATURES, 0, want)
        if wrong or compare(got, want) is not None:
            found.add(FRONTEND, None, "features", "FRONTEND", got, want)
        return got

    def _compare_inputs(
        self, digests: Digests, expected: Expected, found: "Findings", show: bool
    ) -> None:
        right = digests.input == expected.input_digest
        if right and not show:
            return
        got = [self._look(What.INPUT, i, tensor) for i, tensor in enumerate(expected.inputs)]
        pairs = list(zip(got, expected.inputs, strict=True))
        wrong = [i for i, (one, want) in enumerate(pairs) if compare(one, want) is not None]
        for index in wrong or ([] if right else [0]):
            found.add(INPUT, None, f"input {index}", "INPUT", *pairs[index])

    def _compare_layers(self, digests: Digests, expected: Expected, found: "Findings") -> None:
        for position, (layer, tap) in enumerate(zip(self.structure.layers, self.taps, strict=True)):
            if not tap.observed:
                continue
            assert tap.slot is not None
            found.compared.add(position)
            if digests.taps[tap.slot] != expected.layers[position].digest:
                want = expected.tensor(position)
                got = self._look(What.TAP, tap.slot, want)
                found.add(LAYERS + position, position, layer.name, layer.op, got, want)

    def _compare_outputs(
        self,
        wrong: bool,
        outputs: Sequence[Array],
        expected: Expected,
        found: "Findings",
        place: int,
    ) -> None:
        """The scores as the board sends them, besides their digests: they are what the user of a board gets."""
        for index, (got, want) in enumerate(zip(outputs, expected.outputs, strict=True)):
            if compare(got, want) is not None or (wrong and not found.findings):
                found.add(place, None, f"output {index}", "OUTPUT", got, want)

    def _run_untapped(self, stages: Stages, expected: Expected) -> "_Untapped":
        """Run untapped and repeatedly, then count step by step."""
        plain = self.client.run(
            stages, times=self.repeats, mode=Mode.PLAIN, deadline=self.patience()
        )
        if plain.runs != self.repeats:
            raise FirmwareFailure(
                "the board did another number of runs than it was asked for",
                evidence=f"asked for {self.repeats}, it says {plain.runs}",
            )
        outputs = self._read_outputs(expected.outputs)
        cost = self.client.cost(self.patience())
        self._check_counts(cost, stages)
        counted = self.client.run(stages, mode=Mode.STEPS, deadline=self.patience())
        return _Untapped(plain, outputs, cost, counted, self.client.cost(self.patience()).steps)

    def _check_counts(self, cost: Cost, stages: Stages) -> None:
        """A stage that ran cost something, or its counter stands still.

        Raises:
            FirmwareFailure: it cost nothing.
        """
        if self.unit == "none":
            return
        ran = {"model": cost.model, "frontend": cost.frontend}
        for stage, count in ran.items():
            if count == 0 and (stage == "model" or stages != Stages.MODEL):
                raise FirmwareFailure(
                    f"the {stage} ran and cost nothing: the board's counter stands still",
                    evidence=f"COST says {cost.frontend} for the frontend, {cost.model} for the model",
                    next_step="enable the cycle counter before it is read (nj_cost.c): trace, counter, control",
                )

    def _still(self, steps: Sequence[int]) -> str:
        """The first layer that ran, in a unit that counts, and cost nothing; "" where none did."""
        if self.unit == "none":
            return ""
        ran = (tap for tap in self.taps if tap.cost_steps)
        free = (tap for tap in ran if not any(steps[step] for step in tap.cost_steps))
        return next((f"{tap.op} {tap.name}" for tap in free), "")

    def _compare_untapped(
        self, runs: "_Untapped", expected: Expected, found: "Findings", place: int
    ) -> None:
        """The same outputs each time, and those of the tapped run; the steps cost what the whole costs."""
        plain, model, steps = runs.plain, runs.cost.model, sum(runs.steps)
        if plain.differing:
            found.add_run(
                place,
                "repeated runs",
                plain.differing,
                f"{plain.differing} of {plain.runs} runs on one input gave other outputs than the first:"
                " state left over from a run, or memory written by something else",
            )
        if found.findings:
            return
        for index, (got, want) in enumerate(zip(runs.outputs, expected.outputs, strict=True)):
            if compare(got, want) is not None:
                found.add(place, None, f"output {index} of an untapped run", "RUN", got, want)
                return
        cause = ""
        if plain.output != expected.output_digest:
            cause = "the untapped run gave other outputs than the tapped one, which was right"
        elif runs.counted.output != expected.output_digest:
            cause = "the run that counts each step gave other outputs than the tapped one, which was right"
        elif self.unit == "instructions" and abs(model - steps) > model // 50 + STEP_COST * len(
            runs.steps
        ):
            cause = f"the steps cost {steps:,} instructions, the model {model:,}: one of them did not run"
        elif still := self._still(runs.steps):
            cause = f"the layer {still} ran and cost nothing: the board's counter stands still"
        if cause:
            found.add_run(place, "untapped run", 1, cause)

    def _read_outputs(self, like: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(self._read(What.OUTPUT, index, one) for index, one in enumerate(like))

    def _look(self, what: What, index: int, like: Array) -> Array:
        """As `_read`, once a vector: whether a record was believed at first is not to be seen in what is asked."""
        if (what, index) not in self._looked:
            self._looked[what, index] = self._read(what, index, like)
        return self._looked[what, index]

    def _read(self, what: What, index: int, like: Array) -> Array:
        data = self.client.read(what, index, 0, like.nbytes, self.patience(), total=like.nbytes)
        return from_bytes(data, like.dtype, like.shape)

    def _check_sizes(self, expected: Expected) -> None:
        for position, (layer, tap) in enumerate(zip(self.structure.layers, self.taps, strict=True)):
            if tap.observed and tap.bytes != expected.layers[position].bytes:
                expected.confirm()
            want = expected.layers[position].bytes
            if tap.observed and tap.bytes != want:
                raise HostFailure(
                    "the generator holds a tensor to be of another size than the reference",
                    evidence=f"op {layer.index} {layer.op}: {tap.bytes} bytes, the reference has {want}",
                    next_step="this is a defect of the generator: report it with the model",
                )
