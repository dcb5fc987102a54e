"""What verify, hil and replay make of a verdict: its files, its lines, the reports of its tests."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from host.backends import NEURAL_ART
from host.boards.which import Which
from host.cli import as_nightjar
from host.cli.common import mute, say, write_json
from host.cli.gating import Gating, with_gates
from host.compare.conclude import Conclusion
from host.compare.proof import Proof
from host.compare.session import Session
from host.coverage.covered import Covered, below
from host.errors import NightjarError
from host.exit_codes import Exit, first, name_of
from host.history.written import Keeping
from host.loudness import Level
from host.report.code_quality import code_quality
from host.report.gates import failure_of
from host.report.html import write_html
from host.report.junit import CaseRecord, annotations, junit_xml
from host.report.regression import Baseline
from host.report.step_summary import append_summary, step_summary
from host.report.summary import summary_lines
from host.report.verdict import Verdict
from host.results import write_result

# The test that stands for a whole verdict.
_VERDICT = CaseRecord("nightjar", "verdict", "passed", 0.0, "hil_tests/conftest.py", 1)


def held_against(
    verdict: Verdict, before: Baseline | None, least: float | None, gating: Gating | None = None
) -> tuple[Verdict, NightjarError | None]:
    """The verdict with the code and the words of the first gate that it does not pass, and what that gate says.

    A layer of the NPU that is farther from TFLite than its budget is such a gate.

    `least` is the coverage that is asked for, in percent.
    """
    verdict = with_gates(verdict, gating)
    failures = [
        None if verdict.tflite is None else verdict.tflite.failure,
        None if before is None else before.compare(verdict),
        below(verdict.coverage, least),
        failure_of(verdict.gates),
    ]
    said = [one for one in failures if one is not None]
    code = first(one.exit_code for one in said)
    failure = next((one for one in said if one.exit_code == code), None)
    if failure is None or not verdict.passes:
        return verdict, None
    gate = f"{failure.what}: {failure.evidence}"
    return replace(verdict, exit_code=failure.exit_code, gate=gate), failure


def beside(session: Session, verdict: Verdict) -> Verdict:
    """The verdict with what its vectors moved, and its second comparison.

    That is of the NPU's with TFLite, of any other judge's with other kernels.
    """
    from host.compare.reach import with_reach

    verdict = with_reach(session, verdict)
    if verdict.backend != NEURAL_ART:
        from host.compare.second.beside import with_second_opinion

        return with_second_opinion(session, verdict)
    from host.compare.beside_tflite import beside_tflite

    return beside_tflite(session, verdict)


def gated(
    session: Session,
    conclusion: Conclusion,
    covered: Covered | None,
    before: Baseline | None,
    least: float | None,
    gating: Gating | None = None,
) -> Conclusion:
    """The conclusion of a verdict that passes, with what its vectors reach where that is known, and its gates."""
    verdict = conclusion.verdict
    assert verdict is not None
    verdict = beside(session, verdict)
    if covered is not None:
        verdict = verdict.covered(covered)
    verdict, failure = held_against(verdict, before, least, gating)
    return replace(conclusion, code=Exit(verdict.exit_code), verdict=verdict, error=failure)


def ways_to_show(
    verdict: Verdict, title: str, json_path: str | None, html_path: Path | None
) -> tuple[Callable[[], None], ...]:
    """What writes the verdict where it is wanted, and what says it: a full disk keeps none of the others back."""

    def page() -> None:
        if html_path is not None:
            write_html(html_path, verdict, title=title)

    def lines() -> None:
        for line in summary_lines(verdict):
            say(line, json_path)
        if verdict.recalled:
            say(f"recalled: {', '.join(verdict.recalled)}", json_path, at=Level.VERBOSE)

    return lambda: write_json(json_path, verdict.as_json()), page, lines


def kept(
    keeping: Keeping | None, verdict: Verdict, model: Path, board: str, json_path: str | None
) -> None:
    """Append the verdict to the history, where one is wanted."""
    if keeping is not None:
        say(keeping.keep(verdict, model, board), json_path)


def told(code: int, *tell: Callable[[], None]) -> int:
    """Tell a verdict in each of these ways, though one fails; its code.

    What keeps it from being told is an error only where its own code does not come first: a full disk
    hides no difference.
    """
    failures: list[Exception] = []
    for way in tell:
        try:
            way()
        except (NightjarError, OSError) as error:
            failures.append(error)
    decides = [one for one in failures if first((code, as_nightjar(one).exit_code)) != code]
    if decides:
        raise decides[0]
    for failure in failures:
        with suppress(OSError):
            click.echo(str(as_nightjar(failure)), err=True)
        with suppress(OSError, ValueError):  # there may be none
            mute()
    return code


def report(
    conclusion: Conclusion,
    proof: Proof | None,
    session: Session,
    *,
    json_path: str | None,
    html_path: Path | None,
    junit: Path | None,
    gitlab: Path | None,
    quality: Path | None = None,
    keeping: Keeping | None = None,
    at: Which | None = None,
) -> int:
    """Write the reports of a conclusion; its exit code. `at` is the board, None where none was asked.

    Raises:
        NightjarError: what decides, where no difference of the verdict says it.
    """
    error, verdict = conclusion.error, conclusion.verdict
    cases, properties = _cases(error, proof), _properties(session, conclusion, at)
    board = session.board if at is None else at.name
    title = f"{session.subject.path.name} on {board}"
    shown = () if verdict is None else ways_to_show(verdict, title, json_path, html_path)

    def tell() -> None:
        for path, form in ((junit, False), (gitlab, True)):
            if path is not None:
                write_result(path, junit_xml(cases, properties, gitlab=form))
        if quality is not None:
            write_result(quality, code_quality(cases))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for text in annotations(cases):
                say(text, json_path)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            lines = str(error).splitlines() if verdict is None else summary_lines(verdict)
            append_summary(Path(summary), step_summary(title, lines, cases, properties))

    def keep() -> None:
        if verdict is not None:
            kept(keeping, verdict, session.subject.path, board, json_path)

    told(conclusion.code, tell, *shown, keep)
    if error is not None and (verdict is None or verdict.first_difference is None):
        raise error
    return conclusion.code


def _cases(error: NightjarError | None, proof: Proof | None) -> list[CaseRecord]:
    """The tests that ran, and one that stands for what no test of them shows: a report must not look green then."""
    cases = [] if proof is None else list(proof.cases)
    if error is not None and error.failure_class not in {case.kind for case in cases}:
        outcome = "failed" if error.is_verdict else "error"
        kind, text = error.failure_class, str(error)
        cases.append(replace(_VERDICT, outcome=outcome, kind=kind, message=error.what, text=text))
    return cases or [_VERDICT]


def _properties(session: Session, conclusion: Conclusion, at: Which | None) -> dict[str, str]:
    """What a report says of the whole run."""
    found = {
        "tier": session.board,
        "board": session.project.description.board,
        "class": name_of(conclusion.code),
        "exit_code": str(int(conclusion.code)),
        "model_sha256": session.subject.model_sha256,
    }
    if at is not None and at.stands:
        found["stands"] = at.stands
    if conclusion.verdict is not None:
        found["attempts"] = str(conclusion.verdict.attempts)
        found["build_id"] = conclusion.verdict.build_id
        if conclusion.verdict.left_out:
            found["quarantined"] = ", ".join(one.name for one in conclusion.verdict.left_out)
        if conclusion.verdict.boot:
            found["boot"] = conclusion.verdict.boot
    return found
