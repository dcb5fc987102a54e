"""Probes and findings as lines for people, and as JSON (`nightjar/npu-probe/1`)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from host.npu.probe.asked import Asked, Questions
from host.npu.probe.judge import AS_KNOWN, NONE, OPEN, OTHER, Finding

SCHEMA = "nightjar/npu-probe/1"
_SHOWN = 8  # telling elements of a row


def question_lines(questions: Questions) -> Iterator[str]:
    """What silicon must answer under each hypothesis."""
    yield f"dialect {questions.dialect}; * is what the virtual NPU computes"
    for probe in questions.probes:
        yield ""
        yield from _probe_lines(probe)
    yield ""
    yield "No probe decides:"
    for one in questions.undecided:
        yield f"  {one.question} {one.why[0].upper()}{one.why[1:]}."


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """What the answers say."""
    for finding in findings:
        probe = finding.probe
        yield f"{probe.name}: {probe.question}"
        if finding.state == OPEN:
            yield f"  {OPEN}"
            continue
        assert finding.wrong is not None
        yield f"  answered by {finding.who}"
        size = len(probe.hypotheses[0].output)
        if finding.state == NONE:
            few = finding.wrong[finding.nearest]
            yield f"  NONE FITS; nearest is {finding.nearest}, wrong in {few} of {size} bytes"
        else:
            other = f", NOT {probe.known}" if finding.state == OTHER else ""
            yield f"  {finding.fits}{other}: every one of {size} bytes"
        rest = {name: wrong for name, wrong in finding.wrong.items() if name != finding.fits}
        yield "  excluded, with bytes wrong: " + ", ".join(f"{k} {v}" for k, v in rest.items())
        if probe.rests_on:
            yield f"  taken for known: {probe.rests_on}"


def payload(
    questions: Questions, findings: Sequence[Finding] | None, exit_code: int
) -> dict[str, Any]:
    """The JSON: the questions alone, or with findings."""
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "exit_code": int(exit_code),
        "dialect": questions.dialect,
        "undecided": [asdict(one) for one in questions.undecided],
    }
    if findings is None:
        return made | {"probes": [asdict(one) for one in questions.probes]}
    found = [
        {
            "probe": finding.probe.name,
            "question": finding.probe.question,
            "decides": finding.probe.decides,
            "rests_on": finding.probe.rests_on,
            "known": finding.probe.known,
            "state": finding.state,
            "as_known": finding.state == AS_KNOWN,
            "answered_by": finding.who,
            "fits": finding.fits,
            "bytes": len(finding.probe.hypotheses[0].output),
            "bytes_wrong": finding.wrong,
        }
        for finding in findings
    ]
    return made | {"findings": found}


def _probe_lines(probe: Asked) -> Iterator[str]:
    yield f"{probe.name}: {probe.question}"
    whose = f"unit {probe.unit}" if probe.unit else "the compiler's choice, also in network.c"
    yield f"  {whose}; output int8 {list(probe.shape)}" + (
        f"; taken for known: {probe.rests_on}" if probe.rests_on else ""
    )
    places = probe.telling[:_SHOWN]
    wide = max(len(one.name) for one in probe.hypotheses)
    yield f"  {'element':<{wide + 2}} " + "".join(f"{place:>6}" for place in places) + "     CRC-32"
    for one in probe.hypotheses:
        mark = "*" if one.name == probe.known else " "
        values = "".join(f"{one.output[place]:>6}" for place in places)
        yield f"  {mark} {one.name:<{wide}} {values}   {one.crc32:08x}"
