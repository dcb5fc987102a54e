"""One lesson: a teacher, a student of its own, and the same student with the teacher."""

from dataclasses import dataclass

TEACHER, STUDENT, DISTILLED = KINDS = ("teacher", "student", "distilled")


@dataclass(frozen=True)
class Job:
    """What a lesson is of: who tests, the seed, and how wide both networks are; `epochs` instead of the
    recipe's is for trials."""

    data_path: str
    test: str
    seed: int
    teacher_alpha: float
    student_alpha: float
    epochs: int | None = None


@dataclass(frozen=True)
class Lesson:
    """What came out, by kind, on the clips of the speaker who tests.

    data: digest of the clips. version: of the recipe. top1, ap: 0 to 1; ap is the macro average
    precision. processor: seconds of training; the distilled student's are with the teacher's pass.
    """

    data: str
    version: str
    test: str
    seed: int
    teacher_alpha: float
    student_alpha: float
    top1: dict[str, float]
    ap: dict[str, float]
    processor: dict[str, float]

    def answers(self, job: Job, data: str, version: str) -> bool:
        """Whether it is what a job would give."""
        own = (self.data, self.version, self.test, self.seed)
        alphas = (self.teacher_alpha, self.student_alpha)
        asked = (job.teacher_alpha, job.student_alpha)
        return own == (data, version, job.test, job.seed) and alphas == asked
