"""`python -m model_gen.evaluation.students.run`: every lesson, one process at a time, and the table of them."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from host.errors import NightjarError
from host.results import write_result
from host.typed import typed
from model_gen.evaluation.child import ask
from model_gen.evaluation.learning.payload import made_by
from model_gen.evaluation.learning.recipes import version_of
from model_gen.evaluation.learning.speakers import digest_of, read_clips, speakers_of
from model_gen.evaluation.lines import add_line, read_lines
from model_gen.evaluation.students.lesson import Job, Lesson
from model_gen.evaluation.students.table import lines
from model_gen.progress import line

SCHEMA = "nightjar/students/1"
PROGRAM = "python -m model_gen.evaluation.students.run"


@dataclass(frozen=True)
class StudentsOptions:
    """What is measured. speakers: who test, in turn; () is all. out keeps each lesson, a line of JSON."""

    data_path: Path
    out: Path
    speakers: tuple[str, ...] = ()
    seeds: int = 3  # 1 to this
    teacher_alpha: float = 1.0
    student_alpha: float = 0.5
    epochs: int | None = None


def measure(options: StudentsOptions) -> list[Lesson]:
    """Every (seed, speaker), in this order; what `out` keeps is not made again.

    Raises:
        BadInput: data or `out` are unusable.
        HostFailure: a lesson fails.
    """
    clips = read_clips(options.data_path)
    data, version = digest_of(clips), version_of("release", options.epochs)
    known = read_lines(Lesson, options.out, PROGRAM)
    jobs = [
        Job(
            str(options.data_path),
            test,
            seed,
            options.teacher_alpha,
            options.student_alpha,
            options.epochs,
        )
        for seed in range(1, options.seeds + 1)
        for test in options.speakers or speakers_of(clips)
    ]
    found = []
    for number, job in enumerate(jobs, 1):
        there = [one for one in known if one.answers(job, data, version)]
        lesson = there[-1] if there else _ask(job)
        if not there:
            add_line(options.out, lesson)
        found.append(lesson)
        line(f"lesson {number} of {len(jobs)}: {job.test} tests, seed {job.seed}")
    return found


def payload(lessons: Sequence[Lesson]) -> dict[str, Any]:
    """The lessons, with when and on what they were made."""
    return {"schema": SCHEMA, **made_by(), "lessons": [asdict(one) for one in lessons]}


def _ask(job: Job) -> Lesson:
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        out = Path(name) / "lesson.json"
        ask(
            "model_gen.evaluation.students.child",
            job,
            out,
            failed="a lesson failed",
            of=f"{job.test} tests, seed {job.seed}",
        )
        return typed(Lesson, json.loads(out.read_text(encoding="utf-8")))


@click.command(help=__doc__)
@click.option("--data-path", type=click.Path(path_type=Path), default="../shared/data/fsdd")
@click.option("--out", type=click.Path(path_type=Path), default="build/bench/students.jsonl")
@click.option("--speakers", multiple=True, help="Who tests; may be given again.  [default: each]")
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option("--teacher-alpha", type=click.FloatRange(0.01, 8), default=1.0, show_default=True)
@click.option("--student-alpha", type=click.FloatRange(0.01, 8), default=0.5, show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the preset's; for trials.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Gets every lesson.")
def main(json_path: Path | None, **given: object) -> None:
    """The program."""
    try:
        lessons = measure(StudentsOptions(**given))  # type: ignore[arg-type]
        if json_path is not None:
            text = json.dumps(payload(lessons), indent=1) + "\n"
            write_result(json_path, text.encode())
        for told in lines(lessons):
            click.echo(told)
    except NightjarError as error:
        click.echo(error, err=True)
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main()
