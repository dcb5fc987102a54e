"""What the lessons say: a row a kind, and what the teacher brought, by pairs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.bootstrap import draw, interval
from model_gen.evaluation.students.lesson import DISTILLED, KINDS, STUDENT, TEACHER, Lesson

LEAST = (
    0.03  # macro AP by which a teacher must be better than the student, to have something to teach
)


def lines(lessons: Sequence[Lesson]) -> list[str]:
    """The table in Markdown, of lessons of the same networks; at least one."""
    first = lessons[0]
    widths = {TEACHER: first.teacher_alpha, STUDENT: first.student_alpha}
    out = ["| | alpha | macro AP | top-1 | processor time to train, s |", "|---|---|---|---|---|"]
    for kind in KINDS:
        alpha = widths.get(kind, first.student_alpha)
        cells = [_mean([one.ap[kind] for one in lessons], 3)]
        cells.append(_mean([one.top1[kind] for one in lessons], 3))
        cells.append(_mean([one.processor[kind] for one in lessons], 0))
        out.append(f"| {kind} | {alpha:g} | {' | '.join(cells)} |")
    speakers = ", ".join(sorted({one.test for one in lessons}))
    seeds = ", ".join(str(seed) for seed in sorted({one.seed for one in lessons}))
    out += ["", f"Lessons: {len(lessons)}. Speakers who tested: {speakers}. Seeds: {seeds}."]
    out.append("")
    out.append(f"* The teacher less the student: {_difference(lessons, TEACHER)} macro AP.")
    out.append(f"* The distilled student less the plain one: {_difference(lessons, DISTILLED)}.")
    if _above(lessons, TEACHER).mean() < LEAST:
        out.append(
            f"* The teacher is not better than the student by {LEAST:g}: it taught nothing that these "
            "clips could show."
        )
    return out


def _above(lessons: Sequence[Lesson], kind: str) -> npt.NDArray[np.float64]:
    """Macro AP of a kind less that of the plain student, lesson by lesson."""
    return np.array([one.ap[kind] - one.ap[STUDENT] for one in lessons])


def _difference(lessons: Sequence[Lesson], kind: str) -> str:
    """The mean over pairs, with the 95 % interval over draws of speakers."""
    apart = _above(lessons, kind)
    weights = draw([one.test for one in lessons]).weights
    with np.errstate(invalid="ignore"):
        found = interval(weights @ apart / weights.sum(axis=1))
    said = "no interval" if found is None else f"{found.low:+.3f} to {found.high:+.3f}"
    return f"{apart.mean():+.3f} ({said})"


def _mean(values: Sequence[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}"
