"""Lessons that were never made, kept and told; one that is made takes minutes, and is made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from host.errors import BadInput
from model_gen.evaluation.learning.recipes import version_of
from model_gen.evaluation.learning.speakers import digest_of, read_clips
from model_gen.evaluation.learning.testing import write_clips
from model_gen.evaluation.lines import read_lines
from model_gen.evaluation.students import page, run
from model_gen.evaluation.students.lesson import Job, Lesson
from model_gen.evaluation.students.table import lines


def made(test: str, seed: int, teacher: float, distilled: float) -> Lesson:
    ap = {"teacher": teacher, "student": 0.5, "distilled": distilled}
    return Lesson("d", "v", test, seed, 1.0, 0.5, ap, ap, dict.fromkeys(ap, 10.0))


def test_lessons_are_kept_and_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_clips(tmp_path / "clips")
    clips = read_clips(data)
    asked: list[tuple[str, int]] = []

    def ask(job: Job) -> Lesson:
        asked.append((job.test, job.seed))
        lesson = made(job.test, job.seed, 0.6, 0.55)
        return replace(lesson, data=digest_of(clips), version=version_of("release"))

    monkeypatch.setattr(run, "_ask", ask)
    options = run.StudentsOptions(data, tmp_path / "out" / "kept.jsonl", seeds=2)
    found = run.measure(options)
    assert asked == [(name, seed) for seed in (1, 2) for name in ("ada", "bo", "cy")]
    with options.out.open("a") as file:
        file.write('{"half')  # a run that was killed
    assert run.measure(options) == found
    assert len(asked) == 6
    told = ["--data-path", str(data), "--out", str(options.out), "--seeds", "2"]
    run.main([*told, "--json", str(tmp_path / "students.json")], standalone_mode=False)
    assert len(asked) == 6
    text = page.text(json.loads((tmp_path / "students.json").read_text()))
    assert "Lessons: 6. Speakers who tested: ada, bo, cy. Seeds: 1, 2." in text
    assert "| distilled | 0.5 | 0.550 ± 0.000 |" in text
    run.measure(replace(options, student_alpha=0.25, speakers=("bo",)))
    assert asked[6:] == [("bo", 1), ("bo", 2)]
    assert len(read_lines(Lesson, options.out, run.PROGRAM)) == 8
    options.out.write_text("{}\n")
    with pytest.raises(BadInput, match="expected a line"):
        run.measure(options)


def test_the_table_says_what_a_teacher_brought_or_that_it_taught_nothing() -> None:
    lessons = [made(test, seed, 0.6, 0.53 + 0.01 * seed) for test in "abc" for seed in (1, 2)]
    told = "\n".join(lines(lessons))
    assert "| distilled | 0.5 | 0.545 ± 0.005 |" in told
    assert "The teacher less the student: +0.100 (+0.100 to +0.100) macro AP." in told
    assert "taught nothing" not in told
    told = "\n".join(lines([made("a", 1, 0.52, 0.6)]))
    assert "(no interval)" in told
    assert "taught nothing" in told


def test_the_page_is_what_was_measured() -> None:
    """`python -m model_gen.evaluation.students.page > docs/students.md` mends it."""
    measured = json.loads(page.DATA.read_text(encoding="utf-8"))
    assert page.DATA.with_suffix(".md").read_text(encoding="utf-8") == page.text(measured)
