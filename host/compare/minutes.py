"""Writes down what a bench answers, question after question, into a proof."""

from host.compare.answers import Answer, Causes
from host.compare.bench import Bench
from host.compare.observation import Observation
from host.compare.proof import ProofWriter
from host.compare.questions import Question
from host.errors import NightjarError
from host.report.exhibits import save_exhibits


class Minutes:
    """Of one bench."""

    def __init__(self, writer: ProofWriter) -> None:
        self.writer = writer
        self._causes = Causes()
        self._written: dict[int, Observation] = {}  # by vector

    def take(self, bench: Bench, answer: Answer) -> Question | None:
        """Write an answer down; the earlier question whose failure explains this one's, if there is one."""
        for vector, observation in bench.case.observations.items():
            before = self._written.get(vector)
            if before is None or before.pairs != observation.pairs:  # it may have been asked again
                self.writer.observed(observation, bench.case.sizes)
                self._written[vector] = observation.without_tensors()
        leader = self._causes.leader(answer)
        self.writer.reply(answer, "" if leader is None else leader.id)
        return leader

    def ended(self, bench: Bench) -> None:
        """The board is put away: what it was, and what the report shows of it."""
        if bench.cause is not None:
            self.writer.error(bench.cause)
        elif bench.case.observations:
            self.writer.answered(bench.answered())
            path = self.writer.path.with_name(f"exhibits-{self.writer.path.name}.npz")
            save_exhibits(path, bench.case.exhibits())
            self.writer.exhibits(path, bench.reproduce())


def follows(leader: Question, failure: NightjarError) -> str:
    """Why a failure is no failure of its own."""
    return f"follows from the failure of `{leader.id}`: {failure.what}"
