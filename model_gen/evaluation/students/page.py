"""`python -m model_gen.evaluation.students.page`: docs/students.md, from docs/students.json."""

import json
import sys
from typing import Any

from host.installed import DOCS
from host.typed import typed
from model_gen.evaluation.markdown import made_on
from model_gen.evaluation.students.lesson import Lesson
from model_gen.evaluation.students.table import lines

DATA = DOCS / "students.json"
_HEAD = """# What a teacher brings

Made by `python -m model_gen.evaluation.students.page > docs/students.md` from docs/students.json, which
`python -m model_gen.evaluation.students.run --json docs/students.json` writes; a test holds this page to it.

The Free Spoken Digit Dataset, as [learning.md](learning.md) hears it; one speaker tests, the alphabetically next one
validates, the others train. A teacher, a student of half its width, and the same student with the teacher
([distillation.md](distillation.md)), all by the preset `release` with a softmax head, of the same seed and recordings.
What is measured is of the speaker who tests, whom none of the three heard, each clip in the middle of its window.

Means over the lessons, ± their standard deviation; the intervals of differences hold 95 % of 1,000 draws of speakers,
and nothing of how other seeds would turn out. Processor time is of all threads; the distilled student's has the
teacher's pass over the recordings in it.
"""


def text(data: dict[str, Any]) -> str:
    """The page of what `run` wrote."""
    lessons = [typed(Lesson, raw) for raw in data["lessons"]]
    return "\n".join([_HEAD, made_on(data), "", *lines(lessons)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(json.loads(DATA.read_text(encoding="utf-8"))))
