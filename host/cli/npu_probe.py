"""`nightjar npu --probe`: tiny networks that decide what is open of the NPU's arithmetic."""

from collections.abc import Sequence
from pathlib import Path

from host.cli.common import say, write_json
from host.errors import BadInput, FirmwareFailure, Incomplete

NEWEST = "4.0"  # the dialect whose probes are meant where none is named
_MOST_NAMED = 5


def probe(
    where: Path | None,
    dialect: str | None,
    out: Path | None,
    sessions: Sequence[Path],
    *,
    force: bool,
    json_path: str | None,
) -> int:
    """Print the probes, write them to a folder, or read answers to those of a folder.

    Raises:
        BadInput: these options do not go together, or a file is not what it must be.
        FirmwareFailure: an answer fits another hypothesis than the virtual NPU computes, or none.
        Incomplete: a probe of the folder was not answered.
    """
    from host.exit_codes import Exit
    from host.npu.probe.asked import ask
    from host.npu.probe.catalog import probes
    from host.npu.probe.folder import read_probes, write_probes
    from host.npu.probe.table import payload, question_lines

    if sessions:
        if where is None or dialect is not None or out is not None:
            given = "no folder" if where is None else "--dialect or --out"
            raise _apart("--session goes with the folder of the probes alone", given)
        return _judge(where, sessions, json_path)
    if where is not None:
        if dialect is not None or out is not None:
            raise _apart("a folder of probes says its dialect itself", "--dialect or --out with it")
        questions = read_probes(where)
    else:
        of = dialect or NEWEST
        made = probes(of)
        questions = ask(of, made) if out is None else write_probes(out, of, made, force=force)
    write_json(json_path, payload(questions, None, Exit.OK))
    for line in question_lines(questions):
        say(line, json_path)
    if out is not None:
        say(f"{out}: {len(questions.probes)} probes, each with its commands.txt", json_path)
    return Exit.OK


def _judge(where: Path, sessions: Sequence[Path], json_path: str | None) -> int:
    from host.exit_codes import Exit
    from host.npu.probe.answer import read_answer
    from host.npu.probe.folder import read_probes
    from host.npu.probe.judge import NONE, OPEN, OTHER, exit_code, judge
    from host.npu.probe.table import finding_lines, payload

    questions = read_probes(where)
    findings = judge(questions, [read_answer(path, questions) for path in sessions])
    code = exit_code(findings)
    write_json(json_path, payload(questions, findings, code))
    for line in finding_lines(findings):
        say(line, json_path)
    if code == Exit.FIRMWARE:
        told = [
            f"{one.probe.name}: {one.fits or NONE}, not {one.probe.known}"
            for one in findings
            if one.state in (OTHER, NONE)
        ]
        raise FirmwareFailure(
            f"the NPU's arithmetic is another than the virtual one's: {_few(told)}",
            evidence="every byte of the answer was held against each hypothesis",
            next_step="on silicon this is a finding: keep the session and tell the project",
        )
    if code == Exit.INCOMPLETE:
        left = [one.probe.name for one in findings if one.state == OPEN]
        raise Incomplete(
            f"as the virtual NPU computes, as far as it was asked; not answered: {_few(left)}",
            evidence=f"Received: {len(sessions)} answers to {len(questions.probes)} probes",
            next_step="give a session of each, or the folder of one probe",
        )
    return code


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return "; ".join(names[:_MOST_NAMED]) + (f", and {more} more" if more > 0 else "")


def _apart(what: str, received: str) -> BadInput:
    return BadInput(
        what,
        evidence=f"Received: {received}",
        next_step="`nightjar npu --probe` prints them, with --out DIR writes them; "
        "`nightjar npu --probe DIR --session FILE` reads an answer",
    )
