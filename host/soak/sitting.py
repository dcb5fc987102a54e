"""One session of a soak: every question of the suite, with many inferences on its one link."""

import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from host.compare.answers import ask
from host.compare.bench import Bench
from host.compare.conclude import Conclusion, conclude
from host.compare.minutes import Minutes
from host.compare.proof import ProofWriter, header, read_proof
from host.compare.questions import Plan
from host.compare.session import Session
from host.soak.log import Stint


def sit(session: Session, number: int, inferences: int) -> tuple[Stint, Conclusion]:
    """Judge `session` as the suite does, in this process; what is counted of it, and its conclusion.

    Args:
        number: of the stint, from 1.
        inferences: that follow each other on one link, besides those of the other questions.
    """
    questions = session.plan
    began, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
        file, nonce = Path(temporary) / "proof", secrets.token_hex(16)
        writer = ProofWriter(file, header(session, questions, nonce))
        figures = _ask_all(session, questions, inferences, writer)
        writer.complete()
        conclusion = conclude(session, questions, read_proof(file, nonce), orderly=True)
    error = conclusion.error
    stint = Stint(
        number=number,
        began=began,
        seconds=round(time.monotonic() - clock, 3),
        seed=session.seed,
        **figures,
        code=int(conclusion.code),
        failure="" if error is None else error.what,
    )
    return stint, conclusion


def _ask_all(
    session: Session, questions: Plan, inferences: int, writer: ProofWriter
) -> dict[str, int]:
    """What was counted; of a question that was not answered, nothing."""
    minutes, soaked = Minutes(writer), 0
    with Bench(session) as bench:
        for question in questions.questions:
            if question.id in session.held:
                continue
            answer = ask(bench, question, soak=inferences)
            minutes.take(bench, answer)
            soaked += int(answer.figures.get("inferences", 0))
        minutes.ended(bench)
        seen = bench.case.observations.values()
        counted = {
            "inferences": soaked + sum(one.tapped_runs + one.untapped_runs for one in seen),
            "tensors": sum(one.digests for one in seen),
        }
        if bench.hello is None:
            return counted
        stats = bench.client.stats
        return {
            **counted,
            "retries": stats.retries,
            "crc_errors": stats.crc_errors,
            "gaps": stats.gaps,
            "frames": stats.frames_in + stats.frames_out,
        }
