"""Which hypothesis an answer fits, and which it excludes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from host.exit_codes import Exit
from host.npu.probe.answer import Answer
from host.npu.probe.asked import Asked, Questions

AS_KNOWN, OTHER, NONE, OPEN = "as computed", "another one", "none fits", "not answered"


@dataclass(frozen=True)
class Finding:
    """What is known of one probe.

    Attributes:
        probe: what was asked.
        state: AS_KNOWN, what the virtual NPU computes; OTHER, a hypothesis that it does not have;
            NONE of them; or OPEN, nobody answered.
        who: answered; "" where nobody did.
        fits: the hypothesis; "" where there is none.
        wrong: by hypothesis, how many bytes of the answer are not its.
    """

    probe: Asked
    state: str
    who: str = ""
    fits: str = ""
    wrong: dict[str, int] | None = None

    @property
    def nearest(self) -> str:
        """The hypothesis with the fewest wrong bytes."""
        assert self.wrong is not None
        return min(self.wrong, key=self.wrong.__getitem__)


def judge(questions: Questions, answers: Sequence[Answer]) -> tuple[Finding, ...]:
    """A finding for each probe and answer, or one for a probe that has none; in the probes' order."""
    found = []
    for probe in questions.probes:
        own = [answer for answer in answers if answer.probe == probe.name]
        found += [_judged(probe, answer) for answer in own] or [Finding(probe, OPEN)]
    return tuple(found)


def _judged(probe: Asked, answer: Answer) -> Finding:
    got = np.frombuffer(answer.output, np.int8)
    wrong = {
        one.name: int(np.count_nonzero(got != np.array(one.output, np.int8)))
        for one in probe.hypotheses
    }
    fits = next((name for name, count in wrong.items() if count == 0), "")
    state = NONE if not fits else AS_KNOWN if fits == probe.known else OTHER
    return Finding(probe, state, answer.who, fits, wrong)


def exit_code(findings: Sequence[Finding]) -> Exit:
    """0 where every probe is answered as the virtual NPU computes; 19 where one is not; else 18."""
    states = {finding.state for finding in findings}
    if states & {OTHER, NONE}:
        return Exit.FIRMWARE
    return Exit.INCOMPLETE if OPEN in states else Exit.OK
