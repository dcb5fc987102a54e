"""A question put to a bench, and its answer: what it was answered by, and what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from host.compare.bench import Bench
from host.compare.observation import Observation, place_of, run_place
from host.compare.questions import OBSERVED, STRIDES, Kind, Question
from host.deadline import now
from host.errors import FirmwareFailure, IdentityFailure, NightjarError
from host.link.messages import Mode
from host.listen.feed import feeds

NEXT = "`nightjar verify` writes a folder that reproduces it"
TIMES = 5  # runs on one input
CHUNKS = 5  # of a stream


@dataclass(frozen=True)
class Answer:
    """What a question was answered with.

    want, got: CRC-32 of the reference's tensor and of the board's, where the question compares two. figures: what was
    counted. failure: what is wrong, None when all is right. cause: equal for the failures that one fault explains.
    """

    question: Question
    want: int | None = None
    got: int | None = None
    figures: Mapping[str, int | float] = field(default_factory=dict)
    failure: NightjarError | None = None
    cause: str = ""


def ask(bench: Bench, question: Question, *, soak: int = 20) -> Answer:
    """Put `question` to the board.

    Args:
        soak: inferences of the soak.
    """
    answering: dict[Kind, Callable[[], Answer]] = {
        Kind.IDENTITY: lambda: _identity(bench, question),
        **{kind: lambda: _tensor(bench, question) for kind in OBSERVED},
        Kind.STAGES: lambda: _stages(bench, question),
        Kind.COST: lambda: _cost(bench, question),
        Kind.REPEATED: lambda: _repeated(bench, question),
        Kind.STREAM: lambda: _stream(bench, question),
        Kind.SOAK: lambda: _soak(bench, question, soak),
    }
    with bench.asking(question.id):
        try:
            return answering[question.kind]()
        except NightjarError as error:
            return Answer(question, failure=error, cause=f"{error.failure_class} {error.what}")


class Causes:
    """Tells the first failure of a cause from those that follow from it."""

    def __init__(self) -> None:
        self._first: dict[str, Question] = {}

    def leader(self, answer: Answer) -> Question | None:
        """The earlier question that the failure of `answer` follows from; None when it is the first of its cause."""
        if answer.failure is None:
            return None
        leader = self._first.setdefault(answer.cause, answer.question)
        return None if leader == answer.question else leader


def _vector(question: Question) -> int:
    assert question.vector is not None
    return question.vector


def _layer(question: Question) -> int:
    assert question.layer is not None
    return question.layer


def _cause(observation: Observation) -> str:
    """Whatever differs in a vector follows from what differs first on the way of the data."""
    return f"place {min(finding.place for finding in observation.findings)}"


def _identity(bench: Bench, question: Question) -> Answer:
    hello, expected = bench.identity(), bench.session.project.description.board
    if hello.board != expected:
        raise IdentityFailure(
            "another kind of board answers",
            evidence=f"{hello.board}, not {expected}",
            next_step="use --board with the kind of the project",
        )
    return Answer(question)


def _tensor(bench: Bench, question: Question) -> Answer:
    observation = bench.observation(_vector(question))
    place = place_of(question, bench.session.structure)
    want, got = observation.pairs.get(place, (None, None))
    text = bench.describe(observation, place)
    if text is None:
        return Answer(question, want, got)
    failure = FirmwareFailure(text, next_step=NEXT)
    return Answer(question, want, got, failure=failure, cause=_cause(observation))


def _stages(bench: Bench, question: Question) -> Answer:
    """The cost of frontend and model, untapped; the same when it is counted again, but for what the link disturbed."""
    observation = bench.observation(_vector(question))
    observer, vector = bench.observer, bench.vector(_vector(question))
    unit = bench.identity().cost_unit

    def count() -> tuple[int, int]:
        observer.load(vector)
        stages = observer.stages(vector)
        bench.client.run(stages, mode=Mode.PLAIN, deadline=observer.patience())
        cost = bench.client.cost(observer.patience())
        return cost.frontend, cost.model

    first = (observation.frontend_cost, observation.model_cost)
    again = bench.guarded(count)
    if unit == "instructions" and again != first and not bench.client.stats.clean:
        # A request that this host sent again has come in the middle of a run, and a core that waits for the NPU takes
        # bytes in at its own cost: two more runs, and what they agree on.
        first, again = bench.guarded(count), bench.guarded(count)
    figures = {f"frontend_{unit}": first[0], f"model_{unit}": first[1]}
    failure = None
    if observation.model_cost <= 0:
        failure = FirmwareFailure(
            "the model cost nothing", evidence=f"Received: {observation.model_cost} {unit}"
        )
    elif unit == "instructions" and again != first:
        failure = FirmwareFailure(
            "the cost of a run is not the same when it is repeated",
            evidence=f"frontend and model: {first}, then {again} {unit}",
            next_step="the counter is disturbed: see the port's cost_begin and cost_end",
        )
    return Answer(question, figures=figures, failure=failure, cause="cost")


def _cost(bench: Bench, question: Question) -> Answer:
    """The cost of one layer, largest over the vectors."""
    tap, unit = bench.session.taps[_layer(question)], bench.identity().cost_unit
    costs = [
        sum(bench.observation(i).step_costs[step] for step in tap.cost_steps)
        for i in range(bench.total)
    ]
    failure = None
    if tap.cost_steps and max(costs) <= 0:
        failure = FirmwareFailure(
            f"a layer that runs cost nothing: {tap.op} {tap.name}", evidence=f"{unit}: {costs}"
        )
    return Answer(question, figures={unit: max(costs)}, failure=failure, cause="cost")


def _repeated(bench: Bench, question: Question) -> Answer:
    """The same input gives the same outputs, however often it is run."""
    observer, vector = bench.observer, bench.vector(_vector(question))

    def count() -> int:
        observer.load(vector)
        deadline = observer.patience(TIMES)
        stages = observer.stages(vector)
        return bench.client.run(stages, times=TIMES, mode=Mode.PLAIN, deadline=deadline).differing

    differing = bench.guarded(count)
    if not differing:
        return Answer(question)
    failure = FirmwareFailure(
        f"{differing} of {TIMES} runs on vector {vector.index} gave other outputs than the first",
        next_step="look for state that a run leaves behind, or memory written by something else",
    )
    return Answer(question, failure=failure, cause=f"place {run_place(bench.session.structure)}")


def _stream(bench: Bench, question: Question) -> Answer:
    """Every tensor of each chunk of a recording, made of the bundle's own, in every kind of run."""
    subject = bench.session.subject
    own = subject.vectors()
    assert subject.contract is not None
    assert own is not None
    size, hop = subject.contract.frontend.chunk_samples, subject.contract.frontend.hop
    step = hop * max(1, round(STRIDES[question.stride] * size / hop))
    starts = [number * step for number in range(CHUNKS)]
    recording = np.resize(own.chunks, starts[-1] + size)
    generator = np.random.default_rng(bench.session.seed)
    for number, whole in enumerate(feeds(recording, starts, size, step)):
        feed = whole.in_blocks(generator)
        observation = bench.observe_feed(number, feed)
        if observation.findings:
            first = min(finding.place for finding in observation.findings)
            failure = FirmwareFailure(
                f"chunk {number} of a stream is not what it is when it is loaded whole",
                evidence=f"{step} samples from chunk to chunk, {len(feed.blocks)} blocks;"
                f" {bench.describe(observation, first)}",
                next_step="if `nightjar verify` finds whole chunks right, look into core/frontend/nj_stream.c",
            )
            return Answer(question, failure=failure, cause=_cause(observation))
    return Answer(question)


def _soak(bench: Bench, question: Question, inferences: int) -> Answer:
    """Load an input and run it, so many times over one link: nothing lost, nothing wrong."""
    observer, client = bench.observer, bench.client
    digests = [bench.expected(i).output_digest for i in range(bench.total)]
    before, started = client.stats.retries, now()

    def infer() -> int:
        wrong = 0
        for number in range(inferences):
            vector = bench.vector(number % bench.total)
            observer.load(vector)
            stages = observer.stages(vector)
            result = client.run(stages, mode=Mode.PLAIN, deadline=observer.patience())
            wrong += result.output != digests[vector.index]
        return wrong

    wrong = bench.guarded(infer)
    figures = {
        "inferences": inferences,
        "retries": client.stats.retries - before,
        "seconds": round(now() - started, 3),
    }
    if not wrong:
        return Answer(question, figures=figures)
    failure = FirmwareFailure(
        f"{wrong} of {inferences} inferences gave other scores than the reference",
        next_step="`nightjar verify` with the same bundle finds the first tensor that differs",
    )
    # The first difference of any vector explains wrong scores.
    leading = bench.case.leading
    cause = "soak" if leading is None else f"place {leading[1].place}"
    return Answer(question, figures=figures, failure=failure, cause=cause)
